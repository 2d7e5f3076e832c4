"""What a page asks a site while somebody waits: in threads of their own, never in a transaction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

import anyio
import anyio.lowlevel
import anyio.to_thread

from digest.net.http import Fetcher, user_agent
from digest.web.desk.visit import Visit

T = TypeVar("T")

_AT_ONCE: Final = 4
_TURNS: dict[int, anyio.CapacityLimiter] = {}


async def outward(visit: Visit, ask: Callable[[Fetcher], T]) -> T:
    """What `ask` finds out by the guarded client. A slow site takes no thread from others."""

    def asked() -> T:
        settings = visit.settings
        with Fetcher(settings.private_hosts, user_agent(settings.contact)) as fetcher:
            return ask(fetcher)

    return await away(asked)


async def away(ask: Callable[[], T]) -> T:
    """What something finds out that waits for others in its own way: a mail service, the DNS."""
    return await anyio.to_thread.run_sync(ask, limiter=_limiter())


def _limiter() -> anyio.CapacityLimiter:
    """One for each event loop: a process has one, tests have several."""
    return _TURNS.setdefault(id(anyio.lowlevel.current_token()), anyio.CapacityLimiter(_AT_ONCE))

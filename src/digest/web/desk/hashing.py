"""Slow work on passwords, in threads of its own: whoever waits for a turn takes none from the readers."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import anyio
import anyio.to_thread

from digest.accounts.passwords import AT_ONCE

P = ParamSpec("P")
T = TypeVar("T")

_TURNS: dict[int, anyio.CapacityLimiter] = {}


async def slowly(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a function that hashes passwords, when it is its turn."""
    call = functools.partial(function, *args, **kwargs)
    return await anyio.to_thread.run_sync(call, limiter=_limiter())


def _limiter() -> anyio.CapacityLimiter:
    """One for each event loop: a process has one, tests have several."""
    return _TURNS.setdefault(id(anyio.lowlevel.current_token()), anyio.CapacityLimiter(AT_ONCE))

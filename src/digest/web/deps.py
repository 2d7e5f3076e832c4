"""What the endpoints share: settings, the one database of the process, the keys, and turns at writing."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, ParamSpec, TypeVar

import anyio
import anyio.to_thread
from fastapi import Depends, Request

from digest import i18n, keys
from digest.config import Settings
from digest.db import Database
from digest.db.schema import require_head
from digest.keys import Keys
from digest.web.link_counts import LinkCounts
from digest.web.link_memory import LinkMemory
from digest.web.memory import ShortMemory, StoredPage
from digest.web.sign_up_shape import Form

P = ParamSpec("P")
T = TypeVar("T")

_WRITERS = 4
_PROBES = 4


def _limiter(tokens: int) -> Callable[[], anyio.CapacityLimiter]:
    return lambda: anyio.CapacityLimiter(tokens)


@dataclass(frozen=True, slots=True)
class Services:
    """Made once per process, after any fork, and closed at its end."""

    settings: Settings
    database: Database
    keys: Keys
    # Writes may have to wait for another process's transaction. Their threads are counted apart, so that
    # those who wait take neither the threads nor the connections of those who only read.
    writers: anyio.CapacityLimiter = field(default_factory=_limiter(_WRITERS))
    probes: anyio.CapacityLimiter = field(default_factory=_limiter(_PROBES))
    memory: ShortMemory[StoredPage] = field(default_factory=ShortMemory)
    pages: ShortMemory[bytes] = field(default_factory=ShortMemory)  # others that are the same for everybody
    forms: ShortMemory[Form] = field(default_factory=ShortMemory)
    links: LinkMemory = field(init=False)
    counts: LinkCounts = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "links", LinkMemory(self.database))
        object.__setattr__(self, "counts", LinkCounts(self.database))

    @classmethod
    def open(cls, settings: Settings) -> Services:
        """Connect and check.

        Raises ConfigError (keys missing, the newsroom's words wrong), SchemaError (another version's
        tables) or UnreachableError.
        """
        i18n.use_words(settings.templates)
        i18n.check_words()
        loaded = keys.load(settings.secrets_folder)
        database = Database(settings.database)
        try:
            require_head(database)
        except BaseException:
            database.close()
            raise
        return cls(settings, database, loaded)

    def close(self) -> None:
        self.counts.close()
        self.database.close()

    async def in_turn(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function that writes in one of the few threads for writers."""
        call = functools.partial(function, *args, **kwargs)
        return await anyio.to_thread.run_sync(call, limiter=self.writers)


async def services_of(request: Request) -> Services:
    """The services of the running application."""
    found: Services = request.app.state.services
    return found


def network_of(request: Request) -> str:
    """The network address that a request came from, as far as trusted proxies say; "" if there is none."""
    return request.client.host if request.client else ""


Shared = Annotated[Services, Depends(services_of)]

"""Where counted links lead, kept in memory: after a send thousands follow the same few within minutes.

What was read less than five seconds ago is not asked for again, so that a link that is led elsewhere leads
there five seconds later at the latest. What is older is read anew, once for all who wait for it. If the
database does not answer, the last that was known goes on to be served: who follows a link reads the story.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from starlette.concurrency import run_in_threadpool

from digest import clock
from digest.db import Database
from digest.editions.links import target_of
from digest.logs import get_logger

log = get_logger(__name__)

FRESH_SECONDS: Final = 5.0
MOST: Final = 4_000  # each some 200 bytes
_PATIENCE_SECONDS: Final = 1.0  # that is waited for the database where there is something to serve
_REST_SECONDS: Final = 5.0  # for which a database that did not answer is not asked again


@dataclass(slots=True)
class _Known:
    target: str
    since: float  # monotonic seconds


class LinkMemory:
    """To be used from the event loop alone; `moment` gives monotonic seconds."""

    def __init__(self, database: Database, *, moment: Callable[[], float] = clock.monotonic) -> None:
        self._database = database
        self._moment = moment
        self._known: dict[str, _Known] = {}
        self._under_way: dict[str, asyncio.Task[str | None]] = {}
        self._rests_until = float("-inf")

    async def target(self, code: str) -> str | None:
        """Where a link leads; None if there is no such link.

        Raises what the database raises, for a link that was not asked for lately.
        """
        known = self._known.get(code)
        if known is None:
            return await asyncio.shield(self._read(code))
        now = self._moment()
        if now - known.since < FRESH_SECONDS or now < self._rests_until:
            return known.target
        try:
            return await asyncio.wait_for(asyncio.shield(self._read(code)), _PATIENCE_SECONDS)
        except (sa.exc.SQLAlchemyError, TimeoutError) as error:
            self._rests_until = self._moment() + _REST_SECONDS
            log.warning("links: served from memory, the database fails", error=type(error).__name__)
            return known.target

    def _read(self, code: str) -> asyncio.Task[str | None]:
        """The read of this code that is under way, or a new one."""
        task = self._under_way.get(code)
        if task is None:
            task = asyncio.ensure_future(self._renew(code))
            self._under_way[code] = task
            task.add_done_callback(lambda done: self._end(code, done))
        return task

    async def _renew(self, code: str) -> str | None:
        since = self._moment()  # what is changed during the read may not be in it
        target = await run_in_threadpool(_read, self._database, code)
        self._known.pop(code, None)
        if target is not None:
            self._known[code] = _Known(target, since)
            if len(self._known) > MOST:
                del self._known[next(iter(self._known))]
        return target

    def _end(self, code: str, task: asyncio.Task[str | None]) -> None:
        del self._under_way[code]
        if not task.cancelled():
            task.exception()  # whoever still waits for it has it; nobody need be told that it was not taken


def _read(database: Database, code: str) -> str | None:
    with database.read() as session:
        return target_of(session, code)

"""Where counted links lead, kept in memory: after a send thousands follow the same few within minutes.

What was read less than five seconds ago is not asked for again, so that a link that is led elsewhere leads
there five seconds later at the latest. What is older is read anew by one read at a time, for all who wait: a
thread for each of twenty links at once would hold up everybody else. If the database does not answer, the
last that was known goes on to be served: who follows a link wants the story.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from starlette.concurrency import run_in_threadpool

from digest import clock
from digest.db import Database
from digest.editions.links import targets_of
from digest.logs import get_logger

log = get_logger(__name__)

FRESH_SECONDS: Final = 5.0
MOST: Final = 4_000  # each some 200 bytes
_PATIENCE_SECONDS: Final = 0.5  # that is waited for the database where there is something to serve
_REST_SECONDS: Final = 5.0  # for which a database that did not answer is not asked again

_Waiting = dict[str, "asyncio.Future[str | None]"]


@dataclass(frozen=True, slots=True)
class _Known:
    target: str
    since: float  # monotonic seconds


class LinkMemory:
    """To be used from the event loop alone; `moment` gives monotonic seconds."""

    def __init__(self, database: Database, *, moment: Callable[[], float] = clock.monotonic) -> None:
        self._database = database
        self._moment = moment
        self._known: dict[str, _Known] = {}
        self._waiting: _Waiting = {}  # for the next read
        self._under_way: _Waiting = {}
        self._reader: asyncio.Task[None] | None = None
        self._rests_until = float("-inf")

    async def target(self, code: str) -> str | None:
        """Where a link leads; None if there is no such link.

        Raises what the database raises, for a link that was not asked for lately.
        """
        known = self._known.get(code)
        if known is None:
            return await asyncio.shield(self._ask(code))
        now = self._moment()
        if now - known.since < FRESH_SECONDS or now < self._rests_until:
            return known.target
        try:
            return await asyncio.wait_for(asyncio.shield(self._ask(code)), _PATIENCE_SECONDS)
        except (sa.exc.SQLAlchemyError, TimeoutError) as error:
            self._rest(error)
            return known.target

    def _rest(self, error: Exception) -> None:
        """Leave the database alone for a while; it is told once, however many have waited."""
        now = self._moment()
        if now >= self._rests_until:
            log.warning("links: served from memory, the database fails", error=type(error).__name__)
            self._rests_until = now + _REST_SECONDS

    def _ask(self, code: str) -> asyncio.Future[str | None]:
        """What a read will bring that is under way, or else the next one."""
        found = self._under_way.get(code) or self._waiting.get(code)
        if found is None:
            found = self._waiting[code] = asyncio.get_running_loop().create_future()
            if self._reader is None or self._reader.done():
                self._reader = asyncio.ensure_future(self._read_all())
        return found

    async def _read_all(self) -> None:
        try:
            while self._waiting:
                self._under_way, self._waiting = self._waiting, {}
                await self._read(self._under_way)
        finally:  # also where the loop ends
            for future in (*self._under_way.values(), *self._waiting.values()):
                future.cancel()
            self._under_way, self._waiting = {}, {}

    async def _read(self, waiting: _Waiting) -> None:
        since = self._moment()  # what is changed during the read may not be in it
        try:
            found = await run_in_threadpool(_targets, self._database, list(waiting))
        except Exception as error:  # noqa: BLE001  (it is of those who wait)
            for future in waiting.values():
                if not future.done():
                    future.set_exception(error)
                    future.exception()  # it may be that nobody waits any more
            return
        for code, future in waiting.items():
            target = found.get(code)
            self._keep(code, target, since)
            if not future.done():
                future.set_result(target)

    def _keep(self, code: str, target: str | None, since: float) -> None:
        self._known.pop(code, None)
        if target is not None:
            self._known[code] = _Known(target, since)
            if len(self._known) > MOST:
                del self._known[next(iter(self._known))]


def _targets(database: Database, codes: Sequence[str]) -> dict[str, str]:
    with database.read() as session:
        return targets_of(session, codes)

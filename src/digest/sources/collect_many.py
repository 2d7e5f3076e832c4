"""Collect many sources at once: a bounded number of threads, and of each host one source at a time.

    claim or be given ids -> [ a thread: collect one ]* -> say what was left

Whoever calls hands out the work; the threads only collect. A slow site holds one thread, not the others, and
not its caller: a turn ends on time, and what is still under way then goes on beside it and notes itself.
"""

from __future__ import annotations

import datetime as dt
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import clock
from digest.db import Database
from digest.db.dialect import among
from digest.feeds.links import host_of
from digest.logs import get_logger
from digest.memory import give_back
from digest.models import Source
from digest.models.source import RESTS_UNTIL
from digest.net.http import Answer, Fetcher
from digest.queueing.enqueue import enqueue, hint
from digest.queueing.names import TaskName
from digest.sources.collect import collect

log = get_logger(__name__)

# As many sites are waited for at once, by each process; and as many of their answers are read and stored at
# once, for that is work for one core: with more, each would hold a connection to the database and a feed's
# posts meanwhile (measured: 1.5 MB a thread).
THREADS = 8
_AT_WORK = 2
# A turn takes no more work after the first, and ends after the second: its worker has other work too.
TURN_SECONDS = 5.0
_STRAGGLER_SECONDS = 1.0
# After so many sources the memory that they were read in is given back (measured: 1 MB a process).
_TIDY_AFTER = 20
# A due source that a turn has taken is nobody else's for this long; collecting it sets the real next time.
_CLAIM = dt.timedelta(minutes=2)
_LOOKED_AT = 2000  # due sources, to find those of the same host
_HINT_FOR_EACH = 25
_MOST_HINTS = 4


def enqueue_due(session: Session, *, now: dt.datetime) -> int:
    """Hint at due sources, once for every portion of them, a few times at most; returns how many are due."""
    due = session.scalar(sa.select(sa.func.count()).select_from(Source).where(Source.next_fetch_at <= now))
    for _ in range(min(_MOST_HINTS, -(-(due or 0) // _HINT_FOR_EACH))):
        enqueue(session, TaskName.COLLECT_DUE)
    return due or 0


class _YieldingFetcher(Fetcher):
    """Fetches as another does, and meanwhile lets somebody else work."""

    def __init__(self, fetcher: Fetcher, at_work: threading.Semaphore) -> None:
        super().__init__()
        self._fetcher, self._at_work = fetcher, at_work
        self.rules = fetcher.rules

    def get(self, url: str, **given: Any) -> Answer:
        self._at_work.release()
        try:
            return self._fetcher.get(url, **given)
        finally:
            self._at_work.acquire()


@dataclass(slots=True)
class Collector:
    """Threads that collect, and what they are at. One of it in a process, used by one thread.

    The threads begin with the first work, and end with the process or with `close`.
    """

    database: Database
    fetcher: Fetcher
    interval: dt.timedelta
    threads: int = THREADS
    _jobs: queue.SimpleQueue[int | None] = field(default_factory=queue.SimpleQueue)
    _done: queue.SimpleQueue[int] = field(default_factory=queue.SimpleQueue)
    _running: dict[int, str] = field(default_factory=dict)  # sources and their hosts
    _waiting: dict[str, deque[int]] = field(default_factory=dict)
    _started: int = 0
    _at_work: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(_AT_WORK))

    def collect_due(self, *, seconds: float = TURN_SECONDS) -> int:
        """Collect due sources for some seconds; returns how many were begun.

        What was taken and could not be begun is due again for others.
        """
        end = clock.monotonic() + seconds
        begun = self._turn(self._claim, end=end, until=end + _STRAGGLER_SECONDS)
        self._give_back()
        if begun:
            give_back()
        if clock.monotonic() >= end:
            # Others have had their turn meanwhile; what is still due goes on at once.
            hint(TaskName.COLLECT_DUE)
        return begun

    def collect_these(self, source_ids: Sequence[int], *, seconds: float) -> set[int]:
        """Collect these sources; the ids of those that were not done after so many seconds."""
        end = clock.monotonic() + seconds
        with self.database.read() as session:
            rows = session.execute(sa.select(Source.id, Source.url).where(Source.id.in_(source_ids))).all()
        self._put((row.id, row.url) for row in rows)
        self._turn(lambda _free: False, end=end, until=end)
        waiting = {source_id for ids in self._waiting.values() for source_id in ids}
        self._waiting.clear()
        return (waiting | set(self._running)) & set(source_ids)

    def close(self) -> None:
        """Let the threads end, each with what it is at."""
        for _ in range(self._started):
            self._jobs.put(None)
        self._started = 0

    def _turn(self, more: Callable[[int], bool], *, end: float, until: float) -> int:
        """Hand out work until `end` while there is some, and wait for it until `until`."""
        mine: set[int] = set()
        has_more = True
        tidied = 0
        while True:
            self._note_done(wait=0)
            free = self.threads - len(self._running)
            if clock.monotonic() < end:
                # What waits for a host that somebody is at keeps no thread busy.
                while has_more and free > len(self._free_hosts()):
                    has_more = more(free)
                mine |= self._hand_out(free)
            if len(mine) - tidied >= _TIDY_AFTER:
                tidied = len(mine)
                give_back()
            if not mine & self._running.keys() and not self._may_begin(end):
                return len(mine)
            left = until - clock.monotonic()
            if left <= 0:
                return len(mine)
            self._note_done(wait=left)

    def _may_begin(self, end: float) -> bool:
        """Whether something waits for a thread or for its host, and there is time."""
        return bool(self._waiting) and clock.monotonic() < end

    def _hand_out(self, free: int) -> set[int]:
        """Give work to the free threads: of each host that nobody is at, its first source."""
        given: set[int] = set()
        for host in self._free_hosts()[: max(free, 0)]:
            ids = self._waiting[host]
            source_id = ids.popleft()
            if not ids:
                del self._waiting[host]
            self._running[source_id] = host
            given.add(source_id)
            self._start_thread()
            self._jobs.put(source_id)
        return given

    def _free_hosts(self) -> list[str]:
        """The hosts of waiting sources that nobody is at."""
        busy = set(self._running.values())
        return [host for host in self._waiting if host not in busy]

    def _note_done(self, *, wait: float) -> None:
        try:
            self._running.pop(self._done.get(timeout=wait) if wait > 0 else self._done.get_nowait(), None)
            while True:
                self._running.pop(self._done.get_nowait(), None)
        except queue.Empty:
            return

    def _start_thread(self) -> None:
        if self._started < min(self.threads, len(self._running)):
            threading.Thread(target=self._work, name=f"digest-collect-{self._started}", daemon=True).start()
            self._started += 1

    def _work(self) -> None:
        fetcher = _YieldingFetcher(self.fetcher, self._at_work)
        while (source_id := self._jobs.get()) is not None:
            try:
                with self._at_work:
                    collect(self.database, source_id, fetcher, interval=self.interval, now=clock.utc_now())
            except Exception:
                # Whatever it is, the others go on; its claim ends, and it is due again.
                log.exception("source could not be collected", source=source_id)
            finally:
                self._done.put(source_id)

    def _put(self, rows: Iterable[tuple[int, str]]) -> None:
        for source_id, url in rows:
            if source_id not in self._running:
                self._waiting.setdefault(host_of(url), deque()).append(source_id)

    def _claim(self, free: int) -> bool:
        """Take due sources for the free threads; false if there are no more."""
        with self.database.write() as session:
            rows = claim_due(session, most=free, now=clock.utc_now())
        self._put(rows)
        return bool(rows)

    def _give_back(self) -> None:
        left = [source_id for ids in self._waiting.values() for source_id in ids]
        self._waiting.clear()
        if left:
            now = clock.utc_now()
            with self.database.write() as session:
                session.execute(
                    sa.update(Source)
                    .where(among(session, Source.id, left), Source.next_fetch_at < RESTS_UNTIL)
                    .values(next_fetch_at=now),
                    execution_options={"synchronize_session": False},
                )


def claim_due(session: Session, *, most: int, now: dt.datetime) -> list[tuple[int, str]]:
    """Take due sources, the longest waiting first, so that nobody else does; their ids and addresses.

    Those of one host are taken together, so that no other process is at that host meanwhile: they may be
    more than `most`.
    """
    # Another worker may take the same ones between our look and our taking them: then we look again, for
    # there may be others.
    taken: list[tuple[int, str]] = []
    while not taken and (wanted := _longest_waiting(session, most=most, now=now)):
        rows = session.execute(
            sa.update(Source)
            .where(among(session, Source.id, wanted), Source.next_fetch_at <= now)
            .values(next_fetch_at=now + _CLAIM)
            .returning(Source.id, Source.url),
            execution_options={"synchronize_session": False},
        )
        taken = [(row.id, row.url) for row in rows]
    return taken


def _longest_waiting(session: Session, *, most: int, now: dt.datetime) -> list[int]:
    """Due sources by how long they have waited, those of one host together."""
    due = session.execute(
        sa.select(Source.id, Source.url)
        .where(Source.next_fetch_at <= now)
        .order_by(Source.next_fetch_at)
        .limit(_LOOKED_AT)
    ).all()
    hosts: dict[str, list[int]] = {}
    for source_id, url in due:
        hosts.setdefault(host_of(url), []).append(source_id)
    wanted: list[int] = []
    for ids in hosts.values():
        if len(wanted) >= most:
            break
        wanted += ids
    return wanted

"""Counts of followed links, gathered in memory and written seconds later: a visit waits for no database.

They are added to what is there, so any number of web processes may count. What has not been written when a
process dies is lost, at most a few seconds of it; and if a connection ends in the very moment of a commit, a
round may be counted twice. They are numbers to compare stories by, not an account.
"""

from __future__ import annotations

import datetime as dt
import secrets
import threading
from collections import Counter
from collections.abc import Mapping
from typing import Final

import sqlalchemy as sa

from digest.db import Database
from digest.editions.links import Followed, add_counts
from digest.logs import get_logger
from digest.web.link_visits import Visit, tally, visit_of

log = get_logger(__name__)

ROUND_SECONDS: Final = 5.0
_MOST_VISITS: Final = 20_000  # of one round; more make rounds of their own
_MOST_ROWS: Final = 50_000  # that wait for a database which does not answer
_CLOSING_SECONDS: Final = 6.0

_Key = tuple[str, dt.datetime]


class LinkCounts:
    """The counts of one process, made after a fork. A thread writes them; it ends when there is no more.

    While the database does not answer they wait, and are written once it does.
    """

    def __init__(self, database: Database, *, every: float = ROUND_SECONDS) -> None:
        self._database = database
        self._every = every
        self._salt = secrets.token_bytes(16)
        self._lock = threading.Lock()  # for what is below
        self._visits: list[Visit] = []
        self._people: Counter[_Key] = Counter()
        self._bots: Counter[_Key] = Counter()
        self._thread: threading.Thread | None = None
        self._flushing = threading.Lock()
        self._is_closing = threading.Event()
        self._has_failed = False

    def note(
        self, code: str, *, method: str, headers: Mapping[str, str], network: str, now: dt.datetime
    ) -> None:
        """Count a visit soon. Until then a salted hash tells visitors apart; it is never written."""
        salt = self._salt
        visit = visit_of(code, method=method, headers=headers, network=network, salt=salt, now=now)
        with self._lock:
            self._visits.append(visit)
            if len(self._visits) >= _MOST_VISITS:
                self._end_round()
            if self._thread is None and not self._is_closing.is_set():
                self._thread = threading.Thread(target=self._run, name="link counts", daemon=True)
                self._thread.start()

    def flush(self) -> bool:
        """Write what there is now; False if the database did not take it: then it is kept."""
        with self._flushing:
            with self._lock:
                self._end_round()
                people, self._people = self._people, Counter()
                bots, self._bots = self._bots, Counter()
            rows = [Followed(*key, people[key], bots[key]) for key in people.keys() | bots.keys()]
            if not rows:
                return True
            try:
                with self._database.write() as session:
                    add_counts(session, rows)
            except sa.exc.SQLAlchemyError as error:
                self._take_back(people, bots, error)
                return False
            self._has_failed = False
            return True

    def close(self) -> None:
        """Write what there is and end; a database that hangs is not waited for long."""
        self._is_closing.set()
        with self._lock:
            thread = self._thread
        if thread is not None:
            thread.join(_CLOSING_SECONDS)

    def _end_round(self) -> None:
        for code, hour, people, bots in tally(self._visits):
            key = (code, hour)
            if key in self._people or len(self._people) < _MOST_ROWS:
                self._people[key] += people
                self._bots[key] += bots
        self._visits = []

    def _take_back(self, people: Counter[_Key], bots: Counter[_Key], error: Exception) -> None:
        with self._lock:
            self._people.update(people)
            self._bots.update(bots)
        if not self._has_failed:
            log.warning("links: the counts wait for the database", error=type(error).__name__)
        self._has_failed = True

    def _run(self) -> None:
        while True:
            is_last = self._is_closing.wait(self._every)
            self.flush()
            with self._lock:
                if is_last or not (self._visits or self._people):
                    self._thread = None
                    return

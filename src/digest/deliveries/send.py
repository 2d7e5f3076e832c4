"""Send what is due: claim batches, hand them over by groups, record each group.

    claim -> [ who may still be mailed -> fill -> intent, final dot, reply, outcome -> ledger ]*
          -> close, or hand back what is left

Two groups are under way at a time: while one is with the mail service, the next is read and written and the
last one recorded. No transaction is open while a server is waited for. The worker that holds a lease checks
it by the monotonic clock before each final dot; a lease that was taken over shows in the batch's number.
"""

from __future__ import annotations

import contextlib
import functools
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from digest import clock
from digest.db import Database
from digest.deliveries.group import GROUP_PEOPLE, Group, Late, Sender
from digest.deliveries.handover import go_on
from digest.deliveries.leases import Lease, claim, claim_next, hand_back
from digest.deliveries.ledger import Result, close_if_done, defer, record
from digest.deliveries.people import Person, is_still_wanted, pending_of, people_of
from digest.logs import get_logger

log = get_logger(__name__)

# A task begins nothing after the first, and waits for no answer after the second; a task that drains is one
# that may be stopped.
WORK_SECONDS = 24.0
TASK_SECONDS = 30.0
_GROUPS_UNDER_WAY = 2
_LEAST_PEOPLE = 8


def send_batch(
    database: Database,
    batch_id: int,
    sender: Sender,
    *,
    lease_seconds: int,
    stop: Callable[[], bool],
    between: Callable[[], None] = lambda: None,
    others: bool = False,
) -> bool:
    """Send what a batch holds, for at most 30 s; true if it is done, false if something is left.

    With `others`, go on with whatever else is due as long as there is time. Does nothing for a batch that is
    not due, is held by another worker, or is closed. Raises nothing for a mail service that cannot be
    reached: what is left goes back and is tried later, and nobody's attempt is burnt. `between` is called
    after each group, every two seconds or so: for single mails, which must not wait. If this was its last
    batch, the edition is `sent` at the end. After any other error the caller must give up its journal
    (`Journal.close`), so that it is folded in.
    """
    record_late(database, sender.late)
    turn = _Turn(database, sender, lease_seconds=lease_seconds, stop=stop, between=between, others=others)
    done = turn.run(batch_id)
    if turn.has_worked:
        with database.write() as session:
            # One hint for one task: more would multiply, for each that is taken for nothing hints as well.
            go_on(session, now=clock.utc_now(), hints=1)
    return batch_id in done


def record_late(database: Database, late: Late) -> None:
    """Bring answers into the ledger that came when nobody waited for them any more."""
    results: dict[int, list[Result]] = {}
    while late:
        edition_id, result = late.popleft()
        results.setdefault(edition_id, []).append(result)
    for edition_id, some in results.items():
        with database.write() as session:
            record(session, edition_id, some)
        log.info("late answers recorded", edition=edition_id, answers=len(some))


@dataclass(slots=True)
class _Held:
    """A claimed batch: who is still to be begun, and how many of its groups are under way."""

    lease: Lease
    waiting: deque[int]
    under_way: int = 0
    has_served: bool = False


@dataclass(slots=True)
class _Turn:
    """One task's work."""

    database: Database
    sender: Sender
    lease_seconds: int
    stop: Callable[[], bool]
    between: Callable[[], None]
    others: bool
    problem: str = ""
    has_worked: bool = False
    _started: float = field(default_factory=clock.monotonic)
    _held: list[_Held] = field(default_factory=list)
    _done: set[int] = field(default_factory=set)
    # In the next group: twice what the last one came to.
    _people: int = field(default_factory=lambda: GROUP_PEOPLE)
    _wants_more: bool = True

    def run(self, batch_id: int) -> set[int]:
        """Work until there is nothing left, or no time; the ids of the batches that are done."""
        under_way: deque[tuple[Group, _Held]] = deque()
        self._take(claim(self.database, batch_id, self.sender.journal_id, lease_seconds=self.lease_seconds))
        try:
            while True:
                while len(under_way) < _GROUPS_UNDER_WAY and (following := self._next_group()) is not None:
                    under_way.append(following)
                if not under_way:
                    break
                group, held = under_way.popleft()
                self._finish(group, held)
                self.between()
        finally:
            # Whatever ended the work, what is known of it goes into the ledger first.
            for group, held in under_way:
                with contextlib.suppress(Exception):
                    self._finish(group, held)
        for held in list(self._held):
            self._give_back(held)
        return self._done

    def _next_group(self) -> tuple[Group, _Held] | None:
        """Read and start the next group: of a batch that is held, else of the next one that is due."""
        while self._may_begin():
            held = next((each for each in self._held if each.waiting), None) or self._take_next()
            if held is None:
                return None
            if not held.lease.holds():
                held.waiting.clear()
                continue
            ids = [held.waiting.popleft() for _ in range(min(self._people, len(held.waiting)))]
            with self.database.read() as session:
                people = people_of(session, held.lease.edition_id, held.lease.batch_id, ids)
            if people:
                return self._start(held, people)
            if not held.waiting and not held.under_way:
                self._give_back(held)
        return None

    def _start(self, held: _Held, people: list[Person]) -> tuple[Group, _Held]:
        look_again = functools.partial(_look_again, self.database)
        group = Group(self.sender, held.lease, people, look_again=look_again, stop=self.stop)
        group.start()
        held.under_way += 1
        return group, held

    def _finish(self, group: Group, held: _Held) -> None:
        """Wait for a group and record it; the batch closes in the transaction of its last group."""
        try:
            group.finish(until=self._started + TASK_SECONDS)
        finally:
            held.under_way -= 1
            held.has_served = held.has_served or bool(group.results)
            self._people = min(GROUP_PEOPLE, max(_LEAST_PEOPLE, 2 * group.taken))
            left = group.left()
            held.waiting.extendleft(reversed(left))
            now = clock.utc_now()
            with self.database.write() as session:
                record(session, held.lease.edition_id, group.results)
                defer(session, held.lease.edition_id, group.deferred, now=now)
                if (
                    not held.waiting
                    and not held.under_way
                    and close_if_done(session, held.lease.batch_id, now=now)
                ):
                    self._done.add(held.lease.batch_id)
        if held.lease.batch_id in self._done:
            self._held.remove(held)
        if group.trouble is not None:
            self.problem = group.trouble.text or "The connection to the mail service ended."

    def _may_begin(self) -> bool:
        return not self.problem and clock.monotonic() - self._started < WORK_SECONDS and not self.stop()

    def _take_next(self) -> _Held | None:
        """The next due batch, if this task goes on with others."""
        if not self.others or not self._wants_more:
            return None
        found = claim_next(
            self.database,
            self.sender.journal_id,
            transport_id=self.sender.transport_id,
            lease_seconds=self.lease_seconds,
        )
        self._wants_more = found is not None
        return self._take(found)

    def _take(self, lease: Lease | None) -> _Held | None:
        if lease is None:
            return None
        self.has_worked = True
        with self.database.read() as session:
            waiting = pending_of(
                session, lease.edition_id, lease.batch_id, shuffled=lease.faults_in_a_row > 0
            )
        held = _Held(lease, deque(waiting))
        self._held.append(held)
        return held

    def _give_back(self, held: _Held) -> None:
        self._held.remove(held)
        faults = 0 if held.has_served else held.lease.faults_in_a_row
        if hand_back(self.database, held.lease, problem=self.problem, faults_before=faults):
            self._done.add(held.lease.batch_id)


def _look_again(database: Database, person: Person) -> bool:
    with database.read() as session:
        return is_still_wanted(session, person)

"""One task's turn at sending.

    claim -> [ who may still be mailed -> fill -> intent, final dot, reply, outcome -> ledger ]*
          -> close, or hand back what is left

Two groups are under way at a time: while one is with the mail service, the next is read and written and the
last one recorded; one where a pace is set, and where a second gains nothing (`overlap`). No transaction is
open while a server is waited for. The worker that holds a lease checks it before each final dot, by a clock
that nobody sets; a lease that was taken over shows in the batch's number.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from digest import clock
from digest.db import Database
from digest.deliveries.breaker import Breaker
from digest.deliveries.control import pause_for_transport
from digest.deliveries.group import GROUP_PEOPLE, Group, Sender
from digest.deliveries.leases import Lease, claim, claim_next, hand_back
from digest.deliveries.ledger import close_if_done, defer, record
from digest.deliveries.overlap import Overlap
from digest.deliveries.people import Person, is_still_wanted, pending_of, people_of, with_attributes
from digest.deliveries.rests import are_there_rests, end_rests, holds_only, put_aside, resting_people
from digest.errors import ConfigError
from digest.mail.dkim import Signer
from digest.models import DeliveryStatus
from digest.pacing.permits import Permits, give_back, take
from digest.pacing.transports import note_fault, note_working, ways

# A task begins nothing after the first, and waits for no answer after the second.
WORK_SECONDS = 24.0
TASK_SECONDS = 30.0
_LEAST_PEOPLE = 8
_NAP_SECONDS = 0.25
_LOOK_SECONDS = 1.0
_KEY_WAIT = dt.timedelta(minutes=1)  # until it is looked whether there is a key to sign with


@dataclass(slots=True)
class _Held:
    """A claimed batch: who is still to be begun, and how many of its groups are under way."""

    lease: Lease
    waiting: deque[int]
    signer: Signer | None
    under_way: int = 0
    has_served: bool = False


@dataclass(frozen=True, slots=True)
class _UnderWay:
    group: Group
    held: _Held
    permits: Permits | None
    began: float  # of the monotonic clock
    is_alone: bool  # no other was under way then


@dataclass(slots=True)
class Turn:
    """What a task does; see `send.send_batch` for its arguments. Made for one `run`."""

    database: Database
    sender: Sender
    lease_seconds: int
    stop: Callable[[], bool]
    waits_until: Callable[[], float]
    between: Callable[[], None]
    others: bool
    has_worked: bool = False
    _problem: str = ""  # of the mail service as a whole: the turn is over
    _wait_until: dt.datetime | None = None  # for the pace, without a fault: the turn is over
    _breaker: Breaker = field(default_factory=Breaker)
    _overlap: Overlap = field(init=False)
    _started: float = field(default_factory=clock.monotonic)
    _looked: float = 0.0
    _held: list[_Held] = field(default_factory=list)
    _done: set[int] = field(default_factory=set)
    # In the next group: twice what the last one came to.
    _people: int = field(default_factory=lambda: GROUP_PEOPLE)
    _wants_more: bool = True
    _has_rests: bool = False  # whether a receiving domain rests at this mail service, or has lately

    def __post_init__(self) -> None:
        self._overlap = Overlap(is_paced=self.sender.is_paced)

    def run(self, batch_id: int) -> set[int]:
        """Work until there is nothing left, or no time; the ids of the batches that are done."""
        under_way: deque[_UnderWay] = deque()
        self._take(claim(self.database, batch_id, self.sender.journal_id, lease_seconds=self.lease_seconds))
        try:
            while True:
                while len(under_way) < self._overlap.groups and (following := self._next_group()) is not None:
                    under_way.append(following)
                if not under_way:
                    break
                self._finish(under_way.popleft())
                self._look_between()
        finally:
            # Whatever ended the work, what is known of it goes into the ledger first.
            for each in under_way:
                with contextlib.suppress(Exception):
                    self._finish(each)
        self._end()
        return self._done

    # Begin.

    def _next_group(self) -> _UnderWay | None:
        """Read and start the next group: of a batch that is held, else of the next one that is due."""
        while self._may_begin():
            held = next((each for each in self._held if each.waiting), None) or self._take_next()
            if held is None:
                return None
            if not held.lease.holds():
                held.waiting.clear()
                continue
            permits = self._permits(min(self._people, len(held.waiting)))
            if permits is None:
                return None
            ids = [held.waiting.popleft() for _ in range(min(permits.count, len(held.waiting)))]
            read_at = clock.monotonic()  # not when they are there: a database may be slow to answer
            people = self._read(held, ids)
            if self.sender.writer.wants_attributes(people):
                with self.database.look() as session:
                    people = with_attributes(session, people)
            if people:
                return self._start(held, people, permits, read_at=read_at)
            self._return(permits, permits.count)
            if held in self._held and not held.waiting and not held.under_way:
                self._give_back(held)
        return None

    def _read(self, held: _Held, ids: list[int]) -> list[Person]:
        """The people of a group; those whose receiving domain rests are put aside until it is over."""
        lease = held.lease
        with self.database.look() as session:
            people = people_of(session, lease.edition_id, lease.batch_id, ids)
            if not people:
                # Paused or cancelled, most likely: no permits are taken for the rest, who come next time.
                held.waiting.clear()
            if not self._has_rests:
                return people
            resting = resting_people(session, self.sender.transport_id, people, now=clock.utc_now())
            is_all = len(resting) == len(people) > 0 and not held.under_way
            rests = {person.domain for person in people} if is_all else set()
            is_whole_batch = is_all and holds_only(session, lease, rests)
        if is_whole_batch:
            held.waiting.clear()
            self._give_back(held, not_before=max(resting.values()))
        elif resting:
            with self.database.write() as session:
                put_aside(session, lease, resting, now=clock.utc_now())
        return [person for person in people if person.subscriber_id not in resting]

    def _start(self, held: _Held, people: list[Person], permits: Permits, *, read_at: float) -> _UnderWay:
        is_alone = not any(each.under_way for each in self._held)
        began, used = clock.monotonic(), clock.at_work()
        group = Group(
            self.sender,
            held.lease,
            people,
            read_at=read_at,
            look_again=functools.partial(_look_again, self.database),
            stop=self.stop,
            signer=held.signer,
        )
        if held.signer is not None:
            wall, cpu = clock.monotonic() - began, clock.at_work() - used
            self._overlap.signed(wall=wall, cpu=cpu, is_beside=not is_alone)
        delay = (permits.starts_at - clock.utc_now()).total_seconds() if permits.interval else 0.0
        group.start(delay=max(0.0, delay), interval=permits.interval)
        held.under_way += 1
        return _UnderWay(group, held, permits, clock.monotonic(), is_alone)

    def _permits(self, most: int) -> Permits | None:
        """Leave to begin so many, waited for where a pace is set; None if the turn ends before that."""
        if not self.sender.is_paced:
            return Permits(most, clock.utc_now(), 0.0)
        with self.database.write() as session:
            permits = take(session, self.sender.transport_id, most=most, now=clock.utc_now())
        # Who may be mailed is read once it is our turn: what is leased may be seconds ahead.
        while (wait := (permits.starts_at - clock.utc_now()).total_seconds()) > 0.0:
            if not self._may_begin() or wait > self._left():
                self._return(permits, permits.count)
                self._wait_until = permits.starts_at if wait > self._left() else None
                return None
            time.sleep(min(wait, _NAP_SECONDS))
            self._look_between()
        return permits if permits.count else self._permits(most)

    def _return(self, permits: Permits | None, count: int) -> None:
        if permits is not None and count > 0 and self.sender.is_paced:
            with self.database.write() as session:
                give_back(session, self.sender.transport_id, count, of=permits)

    def _look_between(self) -> None:
        """Let single mails go; groups may end many times a second, and looking costs as much as ten mails.

        Not once the turn is to stop: they are in the database, and what they took would be added to its end.
        """
        if not self.stop() and clock.monotonic() - self._looked >= _LOOK_SECONDS:
            self.between()
            self._looked = clock.monotonic()

    def _may_begin(self) -> bool:
        return not self._problem and self._wait_until is None and self._left() > 0 and not self.stop()

    def _left(self) -> float:
        return self._started + WORK_SECONDS - clock.monotonic()

    # Finish.

    def _finish(self, one: _UnderWay) -> None:
        """Wait for a group and record it; the batch closes in the transaction of its last group."""
        group, held = one.group, one.held
        try:
            group.finish(until=lambda: min(self._started + TASK_SECONDS, self.waits_until()))
            if one.is_alone:
                self._overlap.sent(wall=clock.monotonic() - one.began)
        finally:
            held.under_way -= 1
            held.has_served = held.has_served or bool(group.results)
            self._people = min(GROUP_PEOPLE, max(_LEAST_PEOPLE, 2 * group.taken))
            held.waiting.extendleft(reversed(group.left()))
            self._record(group, held)
        if held.lease.batch_id in self._done:
            self._held.remove(held)
        if one.permits is not None:
            self._return(one.permits, one.permits.count - group.taken)
        if group.trouble is not None:
            self._problem = group.trouble.text or "The connection to the mail service ended."

    def _record(self, group: Group, held: _Held) -> None:
        lease, now = held.lease, clock.utc_now()
        refusal = self._breaker.judge(group.people, group.results)
        is_last = not held.waiting and not held.under_way
        if (
            not is_last
            and not refusal
            and group.is_plain
            and not self._has_rests
            and not self.sender.was_failing
        ):
            # Most groups: one statement says all there is to say.
            with self.database.write_singly() as session:
                record(session, lease.edition_id, group.results)
            return
        with self.database.write() as session:
            record(session, lease.edition_id, group.results)
            if group.deferred:
                defer(session, lease.edition_id, group.deferred, now=now, transport_id=lease.transport_id)
            if self._has_rests or group.rests:
                end_rests(session, self.sender.transport_id, group, now=now)
                self._has_rests = True
            if self.sender.was_failing and any(one.status is DeliveryStatus.SENT for one in group.results):
                note_working(session, self.sender.transport_id)
            if refusal is not None:
                pause_for_transport(session, lease.edition_id, refusal, now=now)
            if is_last and close_if_done(session, lease.batch_id, now=now):
                self._done.add(lease.batch_id)

    # Batches.

    def _take_next(self) -> _Held | None:
        """The next due batch that can be sent, if this task goes on with others."""
        while self.others and self._wants_more and self._may_begin():
            found = claim_next(
                self.database,
                self.sender.journal_id,
                transport_id=self.sender.transport_id,
                lease_seconds=self.lease_seconds,
            )
            self._wants_more = found is not None
            held = self._take(found)
            if held is not None:
                return held
        return None

    def _take(self, lease: Lease | None) -> _Held | None:
        """Hold a claimed batch. One that we have no key for goes back: unsigned it would spoil our name."""
        if lease is None:
            return None
        self.has_worked = True
        shuffled = lease.faults_in_a_row > 0
        held = _Held(lease, deque(), None)
        self._held.append(held)
        try:
            with self.database.look() as session:
                self._has_rests = self._has_rests or are_there_rests(session, self.sender.transport_id)
                domain = self.sender.writer.sender_domain(lease.edition_id)
                held.signer = self.sender.signer_for(session, domain)
                held.waiting.extend(pending_of(session, lease.edition_id, lease.batch_id, shuffled=shuffled))
        except ConfigError as error:
            # The fault of this sender alone: others go out by the same mail service.
            self._held.remove(held)
            lacks, again_at = str(error), clock.utc_now() + _KEY_WAIT
            if hand_back(self.database, lease, lacks=lacks, not_before=again_at):
                self._done.add(lease.batch_id)
            return None
        return held

    def _give_back(self, held: _Held, *, not_before: dt.datetime | None = None) -> None:
        self._held.remove(held)
        faults, problem = 0 if held.has_served else held.lease.faults_in_a_row, self._problem
        if hand_back(self.database, held.lease, problem=problem, faults_before=faults, not_before=not_before):
            self._done.add(held.lease.batch_id)

    def _end(self) -> None:
        """Hand back what is left: at once, when the pace allows it, or when the service is tried again."""
        not_before = self._wait_until
        if self._problem and self._held:
            not_before = self._note_fault()
        for held in list(self._held):
            self._give_back(held, not_before=not_before)

    def _note_fault(self) -> dt.datetime:
        """Let the mail service rest; when its batches are to be tried again: at once if another one works."""
        now, ours = clock.utc_now(), self.sender.transport_id
        with self.database.write() as session:
            until = note_fault(session, ours, self._problem, now=now)
            try:
                first = ways(session, now=now)[0]
            except ConfigError:
                return until
        return now if first.id != ours else until


def _look_again(database: Database, person: Person) -> bool:
    with database.look() as session:
        return is_still_wanted(session, person)

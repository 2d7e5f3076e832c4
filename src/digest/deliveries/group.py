"""One group of a batch on its way out: at most 100 people or two seconds, each with a result or pending."""

from __future__ import annotations

import datetime as dt
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from digest import clock
from digest.deliveries.leases import Lease
from digest.deliveries.ledger import STATUS_OF, Result
from digest.deliveries.people import Person
from digest.deliveries.write import Writer
from digest.errors import UnreachableError
from digest.mail.dkim import Signer
from digest.mail.journal import Journal
from digest.mail.smtp_client import Job, SmtpTransport
from digest.mail.transport import Envelope, Outcome, Reply
from digest.models import DeliveryReason, DeliveryStatus, UncertainCause

GROUP_PEOPLE = 100
GROUP_SECONDS = 2.0
_NAP_SECONDS = 0.25  # until it is looked again how long to wait


Late = deque[tuple[int, Result]]
"""Answers that came when nobody waited for them any more, each with its edition."""


@dataclass(frozen=True, slots=True)
class Sender:
    """What a worker child keeps between tasks: its journal, its way out and how it writes a mail.

    Whoever sends next, or ends the journal, brings `late` into the ledger. `is_paced` and `was_failing` speak
    of the mail service; `signer_for` gives what signs a domain's mail through it, and raises ConfigError.
    """

    journal: Journal
    journal_id: int
    transport: SmtpTransport
    transport_id: int
    writer: Writer
    late: Late = field(default_factory=deque)
    is_paced: bool = False
    was_failing: bool = False
    signer_for: Callable[[Session, str], Signer | None] = lambda _session, _domain: None


class Group:
    """Hands one group over and gathers what became of it; the `Handover` of its people.

    `results` are final, `deferred` are to be tried later, `trouble` is what the mail service as a whole did
    wrong. Whoever is in none of them is pending still.

    `rests` are the receiving domains that asked for a rest, each with the reply: nobody else of such a domain
    is begun.

    The people were read at `read_at` of the monotonic clock, or later. Nobody is begun later than two
    seconds after that; whoever was, and is still waiting for the server by then, is looked at again before
    the message leaves. A look that takes so long itself is no answer.
    """

    def __init__(
        self,
        sender: Sender,
        lease: Lease,
        people: Sequence[Person],
        *,
        read_at: float,
        look_again: Callable[[Person], bool],
        stop: Callable[[], bool],
        signer: Signer | None = None,
    ) -> None:
        self.lease = lease
        self.results: list[Result] = []
        self.deferred: list[Result] = []
        self.trouble: Reply | None = None
        self.rests: dict[str, Reply | None] = {}
        self.people = people
        self.taken = 0
        self._sender = sender
        self._look_again = look_again
        self._stop = stop
        self._read_at = read_at
        self._unsent: list[int] = []
        self._declined: set[int] = set()  # not sent by our own will
        self._is_settled = self._is_late = False
        self._settling = threading.Lock()  # an answer that comes at that moment is one thing or the other
        self._given_up: set[int] = set()  # uncertain: whatever is answered for them after all comes late
        self._ready = self._written(people, signer)
        self._job: Job | None = None

    def start(self, *, delay: float = 0.0, interval: float = 0.0) -> None:
        """Begin to hand it over, behind the groups that were started before."""
        if self._ready:
            transport = self._sender.transport
            self._job = transport.start(self, size=len(self._ready), delay=delay, interval=interval)

    def finish(self, *, until: Callable[[], float]) -> None:
        """Wait for its answers, at most until a moment of the monotonic clock; then nothing changes any more.

        The moment may come nearer meanwhile: the process may be told to stop. Whoever has no answer by then
        is uncertain, until it comes after all. Raises what went wrong on our own side; what the mail service
        did is in `trouble`.
        """
        if self._job is not None:
            if not _is_served(self._job, until):
                self._is_late = True
                self._sender.transport.abandon(self._job)
            error = self._job.error
            with self._settling:
                self._is_settled = True
            if isinstance(error, UnreachableError):
                self.trouble = Reply(0, "", str(error))
            elif error is not None:
                raise error

    @property
    def is_plain(self) -> bool:
        """Whether all there is to record is who was sent it."""
        sent = DeliveryStatus.SENT
        return not (self.deferred or self.rests) and all(one.status is sent for one in self.results)

    def left(self) -> list[int]:
        """The ids of those who were not begun, or whose message did not leave."""
        return [*self._unsent, *(_person(envelope).subscriber_id for envelope in self._ready)]

    # What the engine asks, in its thread.

    def next(self) -> Envelope | None:
        while self._ready and not self._is_over():
            envelope = self._ready.popleft()
            person = _person(envelope)
            if person.domain not in self.rests:
                self.taken += 1
                return envelope
            self._unsent.append(person.subscriber_id)
        return None

    def is_stale(self) -> bool:
        return clock.monotonic() - self._read_at >= GROUP_SECONDS

    def is_still_wanted(self, envelope: Envelope) -> bool:
        person, began = _person(envelope), clock.monotonic()
        wanted = self._look_again(person) and clock.monotonic() - began < GROUP_SECONDS
        if not wanted:
            self._declined.add(person.subscriber_id)
        return wanted

    def before_dot(self, envelope: Envelope) -> bool:
        person = _person(envelope)
        if not self.lease.holds():
            self._declined.add(person.subscriber_id)
            return False
        self._sender.journal.intent(
            batch_id=self.lease.batch_id,
            edition_id=person.edition_id,
            subscriber_id=person.subscriber_id,
            attempt=person.attempt,
            at=clock.utc_now(),
        )
        if not self.lease.holds():
            # The process stood still between the two looks. Whoever took the batch meanwhile has read the
            # journal either without this intent, and may have mailed them, or with it, and will not.
            self._declined.add(person.subscriber_id)
            return False
        return True

    def after_reply(
        self, envelope: Envelope, outcome: Outcome, reply: Reply | None, *, rests: bool = False
    ) -> None:
        person, now = _person(envelope), clock.utc_now()
        if rests:
            self.rests.setdefault(person.domain, reply)
        # First for the ledger: what was answered is known there even if the journal cannot take it.
        if outcome is not Outcome.UNSENT:
            self._add(person, STATUS_OF.get(outcome, DeliveryStatus.PENDING), reply, at=now)
        else:
            self._unsent.append(person.subscriber_id)
            # What waited behind an unanswered dot when we were told to stop says nothing of the service.
            is_ours = person.subscriber_id in self._declined or (self._is_late and self._stop())
            if not is_ours and self.trouble is None:
                self.trouble = reply or Reply(0, "", "")
        self._sender.journal.outcome(
            batch_id=self.lease.batch_id,
            edition_id=person.edition_id,
            subscriber_id=person.subscriber_id,
            attempt=person.attempt,
            outcome=outcome,
            transport_id=self._sender.transport_id,
            reply=reply,
            at=now,
        )

    # Its people.

    def _written(self, people: Sequence[Person], signer: Signer | None) -> deque[Envelope]:
        """The mails of those who may still be mailed; the others have their results."""
        ready: deque[Envelope] = deque()
        now = clock.utc_now()
        wanted = [person for person in people if person.may_be_mailed]
        for person in people:
            if not person.may_be_mailed:
                reason = DeliveryReason.NOT_WANTED
                self._add(person, DeliveryStatus.SKIPPED, None, at=now, reason=reason)
        written = self._sender.writer.envelopes(wanted, now=now, signer=signer)
        for person, envelope in zip(wanted, written, strict=True):
            if isinstance(envelope, Envelope):
                ready.append(envelope)
            else:
                # One person's data cannot be mailed: that is theirs alone, the others go on.
                reply, reason = Reply(0, "", str(envelope)), DeliveryReason.UNMAILABLE
                self._add(person, DeliveryStatus.FAILED, reply, at=now, reason=reason)
        return ready

    def _is_over(self) -> bool:
        return self.trouble is not None or self.is_stale() or not self.lease.holds() or self._stop()

    def _add(
        self,
        person: Person,
        status: DeliveryStatus,
        reply: Reply | None,
        *,
        at: dt.datetime,
        reason: DeliveryReason | None = None,
    ) -> None:
        was_spoken_to = reason is None
        result = Result(
            person.subscriber_id,
            person.attempt,
            status,
            at,
            reply,
            self._sender.transport_id if was_spoken_to else None,
            reason,
            UncertainCause.NO_ANSWER if self._is_late else UncertainCause.CONNECTION_ENDED,
            self._sender.journal_id,
        )
        with self._settling:
            if self._is_settled or person.subscriber_id in self._given_up:
                self._sender.late.append((person.edition_id, result))
            else:
                (self.deferred if status is DeliveryStatus.PENDING else self.results).append(result)
                if status is DeliveryStatus.UNCERTAIN:
                    self._given_up.add(person.subscriber_id)


def _is_served(job: Job, until: Callable[[], float]) -> bool:
    """Wait for a job; false if it is not done by then."""
    while (left := until() - clock.monotonic()) > 0:
        if job.wait(min(left, _NAP_SECONDS)):
            return True
    return job.is_done


def _person(envelope: Envelope) -> Person:
    assert isinstance(envelope.ref, Person)
    return envelope.ref

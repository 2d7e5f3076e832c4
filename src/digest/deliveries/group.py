"""One group of a batch on its way out: at most 100 people or two seconds, each with a result or pending."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from digest import clock
from digest.deliveries.ledger import STATUS_OF, Result
from digest.deliveries.people import Person
from digest.deliveries.write import Writer
from digest.errors import DigestError
from digest.mail.journal import Journal
from digest.mail.transport import Envelope, Outcome, Reply, Transport
from digest.models import DeliveryStatus

GROUP_PEOPLE = 100
GROUP_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Sender:
    """What a worker child keeps between tasks: its journal, its way out and how it writes a mail."""

    journal: Journal
    journal_id: int
    transport: Transport
    transport_id: int
    writer: Writer


@dataclass(frozen=True, slots=True)
class Lease:
    """A claimed batch, held until a moment of the monotonic clock; to be worked on until an earlier one.

    `faults_in_a_row` is how often the mail service as a whole failed at it before.
    """

    batch_id: int
    edition_id: int
    number: int
    until: float
    work_until: float
    faults_in_a_row: int = 0

    def holds(self) -> bool:
        return clock.monotonic() < self.until


class Group:
    """Hands one group over and gathers what became of it.

    `results` are final, `deferred` are to be tried later, `trouble` is what the mail service as a whole did
    wrong. Whoever is in none of them is pending still.

    `is_still_wanted` looks at a person again whose message was held up, by a slow connection for example:
    who has left in the meantime gets none.
    """

    def __init__(self, sender: Sender, lease: Lease, is_still_wanted: Callable[[Person], bool]) -> None:
        self.results: list[Result] = []
        self.deferred: list[Result] = []
        self.trouble: Reply | None = None
        self._sender = sender
        self._lease = lease
        self._is_still_wanted = is_still_wanted
        self._has_declined = False
        self._started = clock.monotonic()

    def hand_over(self, people: list[Person]) -> None:
        """Send to those who may still be mailed, skip the others. Raises what the transport raises."""
        rest: list[Person] = []
        for person in people:
            if person.may_be_mailed:
                rest.append(person)
            else:
                self._add(person, DeliveryStatus.SKIPPED, None, at=clock.utc_now())
        if rest:
            self._sender.transport.send(
                self._envelopes(rest), before_dot=self._before_dot, after_reply=self._after_reply
            )

    def _envelopes(self, people: list[Person]) -> Iterator[Envelope]:
        for person in people:
            if self._is_over():
                return
            try:
                envelope = self._sender.writer.envelope(person)
            except DigestError as error:
                # One person's data cannot be mailed: that is theirs alone, the others go on.
                self._add(person, DeliveryStatus.FAILED, Reply(0, "", str(error)), at=clock.utc_now())
                continue
            yield envelope

    def _is_over(self) -> bool:
        return self._is_long() or self.trouble is not None or not self._lease.holds()

    def _is_long(self) -> bool:
        return clock.monotonic() - self._started >= GROUP_SECONDS

    def _before_dot(self, envelope: Envelope) -> bool:
        if not self._lease.holds():
            return False
        person = _person(envelope)
        if self._is_long() and not self._is_still_wanted(person):
            self._has_declined = True
            return False
        self._sender.journal.intent(
            batch_id=self._lease.batch_id,
            edition_id=person.edition_id,
            subscriber_id=person.subscriber_id,
            attempt=person.attempt,
            at=clock.utc_now(),
        )
        return True

    def _after_reply(self, envelope: Envelope, outcome: Outcome, reply: Reply | None) -> None:
        person, now = _person(envelope), clock.utc_now()
        # First for the ledger: what was answered is known there even if the journal cannot take it.
        if outcome is not Outcome.UNSENT:
            self._add(person, STATUS_OF.get(outcome, DeliveryStatus.PENDING), reply, at=now)
        elif not self._has_declined:
            self.trouble = reply or Reply(0, "", "")
        self._sender.journal.outcome(
            batch_id=self._lease.batch_id,
            edition_id=person.edition_id,
            subscriber_id=person.subscriber_id,
            attempt=person.attempt,
            outcome=outcome,
            transport_id=self._sender.transport_id,
            reply=reply,
            at=now,
        )

    def _add(self, person: Person, status: DeliveryStatus, reply: Reply | None, *, at: dt.datetime) -> None:
        was_spoken_to = status is not DeliveryStatus.SKIPPED
        result = Result(
            subscriber_id=person.subscriber_id,
            attempt=person.attempt,
            status=status,
            at=at,
            reply=reply,
            transport_id=self._sender.transport_id if was_spoken_to else None,
        )
        (self.deferred if status is DeliveryStatus.PENDING else self.results).append(result)


def _person(envelope: Envelope) -> Person:
    assert isinstance(envelope.ref, Person)
    return envelope.ref

"""Write a batch that was sorted: people, subscriptions, their proof, what ends, what is barred."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.db.bulk import load_rows, take_ids
from digest.db.dialect import insert_new_rows
from digest.lists import consent, evidence
from digest.lists.import_events import Fields, FirstEvents
from digest.lists.import_rows import Row
from digest.lists.import_sort import Plan
from digest.lists.mappings import Meaning
from digest.lists.status import Action, Origin
from digest.models import (
    ConsentEvent,
    Subscriber,
    Subscription,
    SubscriptionStatus,
    Suppression,
    SuppressionCause,
    SuppressionKind,
    TextSize,
)

_PEOPLE, _SUBSCRIPTIONS, _EVENTS = (
    cast("sa.Table", model.__table__) for model in (Subscriber, Subscription, ConsentEvent)
)
_PEOPLE_COLUMNS = (
    "id",
    "address",
    "address_key",
    "address_hash",
    "domain",
    "name",
    "zone",
    "language",
    "text_size",
    "attributes",
    "last_sign_of_life_at",
)
_SUBSCRIPTION_COLUMNS = ("id", "subscriber_id", "status", "cadence_id", "topics", "paused_until")
_EVENT_COLUMNS = ("subscription_id", "status", "details", "salt", "commitment", "link")
_STATUS = {
    Meaning.SUBSCRIBED: SubscriptionStatus.ACTIVE,
    Meaning.PAUSED: SubscriptionStatus.PAUSED,
    Meaning.LEFT: SubscriptionStatus.ENDED,
}
# Reading `value` of a member takes longer than looking it up.
_STATUSES = {meaning: status.value for meaning, status in _STATUS.items()}
_SIZES = {size: size.value for size in TextSize}


_EVENTS_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Proof:
    """What all people of an import share."""

    import_id: int
    list_id: int
    cadence_id: int | None
    basis: str
    actor: str
    now: dt.datetime

    @property
    def source(self) -> str:
        """What stands as the source of the do-not-mail entries that the import makes."""
        return f"{Origin.IMPORT.value}:{self.import_id}"


def write_plan(session: Session, plan: Plan, proof: Proof) -> None:
    """Write everything, in a number of statements that does not grow but with those who end or return.

    Raises IntegrityError if somebody else added one of these people since they were sorted.
    """
    if plan.new or plan.joining:
        evidence.keep_text(session, proof.basis, now=proof.now)
        people = _insert_people(session, plan.new, proof) if plan.new else []
        _insert(session, [*plan.joining, *people], proof)
    _bar(session, plan.barring, proof)
    for subscription_id, subscriber_id, row in plan.returning:
        _bring_back(session, subscription_id, subscriber_id, row, proof)
    for subscription_id, row in plan.ending:
        _end(session, subscription_id, row, proof)
    for subscriber_id, moment in plan.alive:
        session.execute(
            sa.update(Subscriber).where(Subscriber.id == subscriber_id).values(last_sign_of_life_at=moment)
        )


def _insert_people(
    session: Session, people: Sequence[tuple[str, Row]], proof: Proof
) -> list[tuple[int, Row]]:
    ids = take_ids(session, _PEOPLE, len(people))
    load_rows(
        session,
        _PEOPLE,
        _PEOPLE_COLUMNS,
        (
            (
                number,
                row.address.text,
                row.address.key,
                address_hash,
                row.address.domain,
                row.name,
                row.zone,
                row.language,
                _SIZES[row.text_size],
                row.attributes,
                row.alive_at,
            )
            for number, (address_hash, row) in zip(ids, people, strict=True)
        ),
        same={"created_at": proof.now},
    )
    return [(number, row) for number, (_, row) in zip(ids, people, strict=True)]


def _insert(session: Session, people: Sequence[tuple[int, Row]], proof: Proof) -> None:
    """The subscriptions of people, and the first event of each."""
    ids = take_ids(session, _SUBSCRIPTIONS, len(people))
    load_rows(
        session,
        _SUBSCRIPTIONS,
        _SUBSCRIPTION_COLUMNS,
        (
            (
                number,
                subscriber_id,
                _STATUSES[row.meaning],
                row.cadence_id or proof.cadence_id,
                row.topics,
                row.paused_until if row.meaning is Meaning.PAUSED else None,
            )
            for number, (subscriber_id, row) in zip(ids, people, strict=True)
        ),
        same={
            "list_id": proof.list_id,
            "import_id": proof.import_id,
            "created_at": proof.now,
            "changed_at": proof.now,
        },
    )
    load_rows(
        session,
        _EVENTS,
        _EVENT_COLUMNS,
        _first_events(zip(ids, (row for _, row in people), strict=True), proof),
        same={
            "number": 1,
            "at": proof.now,
            "action": Action.IMPORT.value,
            "source": Origin.IMPORT.value,
        },
    )


def _first_events(people: Iterable[tuple[int, Row]], proof: Proof) -> Iterator[Fields]:
    """The first event of each subscription: all alike but for the address, save those of leavers."""
    alike: dict[Meaning, FirstEvents] = {}
    for meaning, group in itertools.groupby(people, key=lambda one: one[1].meaning):
        if meaning is Meaning.LEFT:
            for number, row in group:
                events = FirstEvents(SubscriptionStatus.ENDED.value, _details(row, proof), at=proof.now)
                yield from events.make([(number, row.address.text)])
            continue
        if meaning not in alike:
            details = {evidence.TEXT: evidence.fingerprint_of(proof.basis), "actor": proof.actor}
            alike[meaning] = FirstEvents(_STATUS[meaning].value, details, at=proof.now)
        while some := [
            (number, row.address.text) for number, row in itertools.islice(group, _EVENTS_AT_ONCE)
        ]:
            yield from alike[meaning].make(some)


def _details(row: Row, proof: Proof) -> dict[str, str]:
    if row.meaning is Meaning.LEFT:
        left_at = row.left_at.isoformat() if row.left_at else ""
        return {"address": row.address.text, "reason": "left", "left_at": left_at, "actor": proof.actor}
    words = evidence.fingerprint_of(proof.basis)
    return {"address": row.address.text, evidence.TEXT: words, "actor": proof.actor}


def _bring_back(session: Session, subscription_id: int, subscriber_id: int, row: Row, proof: Proof) -> None:
    """Somebody whom the undoing of an import had ended."""
    subscription = session.get_one(Subscription, subscription_id)
    consent.lock(session, subscription)
    subscription.import_id = proof.import_id
    subscription.cadence_id = row.cadence_id or proof.cadence_id
    subscription.paused_until = row.paused_until if row.meaning is Meaning.PAUSED else None
    consent.append(
        session,
        subscription,
        action=Action.IMPORT,
        status=_STATUS[row.meaning],
        source=Origin.IMPORT,
        details=_details(row, proof),
        now=proof.now,
    )
    del subscriber_id


def _end(session: Session, subscription_id: int, row: Row, proof: Proof) -> None:
    """Somebody who left there and is on the list here."""
    subscription = session.get_one(Subscription, subscription_id)
    consent.lock(session, subscription)
    subscription.paused_until = None
    consent.append(
        session,
        subscription,
        action=Action.END,
        status=SubscriptionStatus.ENDED,
        source=Origin.IMPORT,
        details=_details(row, proof),
        now=proof.now,
    )


def _bar(session: Session, rows: Sequence[tuple[str, Row]], proof: Proof) -> None:
    insert_new_rows(
        session,
        Suppression,
        [
            {
                "kind": SuppressionKind.ADDRESS,
                "value": address_hash,
                "cause": SuppressionCause.BOUNCE
                if row.meaning is Meaning.BOUNCED
                else SuppressionCause.NEVER,
                "reason": "bounced" if row.meaning is Meaning.BOUNCED else "never",
                "source": proof.source,
                "created_at": proof.now,
            }
            for address_hash, row in rows
        ],
    )

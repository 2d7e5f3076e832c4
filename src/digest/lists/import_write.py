"""Write a batch that was sorted: people, subscriptions, their proof, what ends, what is barred."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.db.bulk import load_rows, take_ids
from digest.db.dialect import among_texts, insert_new_rows, insert_or_refine
from digest.lists import consent, evidence
from digest.lists.import_events import Fields, FirstEvents
from digest.lists.import_rows import Row
from digest.lists.import_sort import CAUSES, Plan
from digest.lists.mappings import Meaning
from digest.lists.status import Action, Origin
from digest.lists.suppress import is_stronger
from digest.models import (
    ConsentEvent,
    ConsentNetwork,
    MailingList,
    Subscriber,
    Subscription,
    SubscriptionStatus,
    Suppression,
    SuppressionCause,
    SuppressionKind,
    TextSize,
)

_PEOPLE, _SUBSCRIPTIONS, _EVENTS, _NETWORKS = (
    cast("sa.Table", model.__table__) for model in (Subscriber, Subscription, ConsentEvent, ConsentNetwork)
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
_NETWORK_COLUMNS = ("event_id", "salt", "network")
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
    _keep_barred(session, plan.barred_before, proof)
    _bar(session, plan.barring, proof)
    for subscription_id, row in plan.returning:
        _bring_back(session, subscription_id, row, proof)
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
    rows = [row for _, row in people]
    columns: tuple[str, ...] = _SUBSCRIPTION_COLUMNS
    same = {"created_at": proof.now}
    values: Iterator[tuple[Any, ...]] = (
        (
            number,
            subscriber_id,
            _STATUSES[row.meaning],
            row.cadence_id or proof.cadence_id,
            row.topics,
            row.paused_until if row.meaning is Meaning.PAUSED else None,
        )
        for number, (subscriber_id, row) in zip(ids, people, strict=True)
    )
    if any(row.joined_at for row in rows):  # files of other products do not say it
        columns, same = (*columns, "created_at"), {}
        values = ((*each, row.joined_at or proof.now) for each, row in zip(values, rows, strict=True))
    shared = {"list_id": proof.list_id, "import_id": proof.import_id, "changed_at": proof.now}
    load_rows(session, _SUBSCRIPTIONS, columns, values, same={**shared, **same})
    networks = _networks(session, rows, proof) if any(row.network for row in rows) else {}
    columns = _EVENT_COLUMNS
    values = _first_events(zip(ids, rows, strict=True), proof, networks)
    event_ids: Sequence[int] = ()
    if networks:
        event_ids = take_ids(session, _EVENTS, len(rows))
        columns = ("id", *columns)
        values = ((number, *each) for number, each in zip(event_ids, values, strict=True))
    load_rows(
        session,
        _EVENTS,
        columns,
        values,
        same={
            "number": 1,
            "at": proof.now,
            "action": Action.IMPORT.value,
            "source": Origin.IMPORT.value,
        },
    )
    if networks:
        kept = [(event_ids[place], *each) for place, each in networks.items()]
        load_rows(session, _NETWORKS, _NETWORK_COLUMNS, kept, same={"erase_at": _erase_at(session, proof)})


def _networks(session: Session, rows: Sequence[Row], proof: Proof) -> dict[int, tuple[str, str]]:
    """Of the network addresses what the list's settings say, each with a salt, by the rows' places."""
    record = session.get_one(MailingList, proof.list_id).network_record
    kept = (
        (place, evidence.recorded_network(row.network, record))
        for place, row in enumerate(rows)
        if row.network and row.meaning is not Meaning.LEFT
    )
    return {place: (evidence.new_salt(), network) for place, network in kept if network}


def _erase_at(session: Session, proof: Proof) -> dt.datetime:
    return proof.now + dt.timedelta(days=session.get_one(MailingList, proof.list_id).network_days)


def _first_events(
    people: Iterable[tuple[int, Row]], proof: Proof, networks: Mapping[int, tuple[str, str]]
) -> Iterator[Fields]:
    """The first event of each subscription: all alike but for the address, save where a row says more."""
    alike: dict[Meaning, FirstEvents] = {}
    place = 0
    for (meaning, is_own), group in itertools.groupby(people, key=_kind_of_event):
        if is_own:
            for number, row in group:
                details = _details(row, proof)
                if place in networks:
                    details[evidence.NETWORK] = evidence.commit_to_network(*networks[place])
                events = FirstEvents(_STATUSES[meaning], details, at=proof.now)
                yield from events.make([(number, row.address.text)])
                place += 1
            continue
        if meaning not in alike:
            details = {evidence.TEXT: evidence.fingerprint_of(proof.basis), "actor": proof.actor}
            alike[meaning] = FirstEvents(_STATUS[meaning].value, details, at=proof.now)
        while some := [
            (number, row.address.text) for number, row in itertools.islice(group, _EVENTS_AT_ONCE)
        ]:
            yield from alike[meaning].make(some)
            place += len(some)


def _kind_of_event(one: tuple[int, Row]) -> tuple[Meaning, bool]:
    """What an event depends on; and whether its details are those of this row alone."""
    row = one[1]
    return row.meaning, bool(row.stated or row.network) or row.meaning is Meaning.LEFT


def _details(row: Row, proof: Proof) -> dict[str, str]:
    if row.meaning is Meaning.LEFT:
        left_at = row.left_at.isoformat() if row.left_at else ""
        return {"address": row.address.text, "reason": "left", "left_at": left_at, "actor": proof.actor}
    words = evidence.fingerprint_of(proof.basis)
    return {"address": row.address.text, evidence.TEXT: words, "actor": proof.actor, **dict(row.stated)}


def _bring_back(session: Session, subscription_id: int, row: Row, proof: Proof) -> None:
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
        network=row.network if row.meaning is not Meaning.LEFT else "",
    )


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


def _keep_barred(session: Session, hashes: Collection[str], proof: Proof) -> None:
    """What another import has put on the do-not-mail list and this one says too, neither takes off alone."""
    if not hashes:
        return
    session.execute(
        sa.update(Suppression)
        .where(
            Suppression.kind == SuppressionKind.ADDRESS,
            among_texts(session, Suppression.value, hashes),
            Suppression.source.startswith(f"{Origin.IMPORT.value}:"),
            Suppression.source != proof.source,
        )
        .values(source=Origin.IMPORT.value)
        .execution_options(synchronize_session=False)
    )


def _bar(session: Session, rows: Sequence[tuple[str, Row]], proof: Proof) -> None:
    """Put them on the do-not-mail list.

    Who is there for less is there for this cause now, but not by this import: undoing it leaves them there.
    """
    entries = [
        {
            "kind": SuppressionKind.ADDRESS,
            "value": address_hash,
            "cause": CAUSES[row.meaning],
            "reason": "bounced" if row.meaning is Meaning.BOUNCED else "never",
            "source": proof.source,
            "created_at": proof.now,
        }
        for address_hash, row in rows
    ]
    for cause in CAUSES.values():
        weaker = [each for each in SuppressionCause if is_stronger(cause, each)]
        some = [entry for entry in entries if entry["cause"] is cause]
        if some and weaker:
            insert_or_refine(
                session,
                Suppression,
                some,
                key=("kind", "value"),
                names=("cause", "reason", "created_at"),
                where=Suppression.cause.in_(weaker),
            )
        else:
            insert_new_rows(session, Suppression, some)

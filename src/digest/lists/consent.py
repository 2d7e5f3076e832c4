"""The proof of consent: one hash chain of events per subscription.

An event's *commitment* is SHA-256 over a random salt and the canonical JSON of its details (the address,
the words that were agreed to, who did it). Its *link* is SHA-256 over the link before it, the open fields
and the commitment. So a changed, missing or reordered event breaks the chain, while details and salt can
be erased for good and the chain still verifies. They go together, and only with the person: the chain then
has an `erase` event after them. What stands beside a chain, the words that were agreed to and the network
address, is in `digest.lists.evidence`.

A chain says nothing of its own cut-off tail; that a status is the last event's is checked beside it.
"""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import itertools
import json
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.lists import evidence
from digest.lists.status import Action, Origin
from digest.models import (
    ConsentEvent,
    ConsentNetwork,
    MailingList,
    Subscriber,
    Subscription,
    SubscriptionStatus,
)

NO_LINK = "0" * 64  # what the first event links to
_SALT_BYTES = 16
_ROWS = 1000
_ENCODER = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Event:
    """The fields of one event, as they are hashed and stored."""

    subscription_id: int
    number: int
    at: dt.datetime
    action: str
    status: SubscriptionStatus
    source: str
    details: dict[str, str]
    salt: str
    commitment: str
    link: str


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong in a chain, as a sentence; `number` is the event's, None if it is of no event."""

    subscription_id: int
    number: int | None
    problem: str


def commit_to(salt: str, details: Mapping[str, Any]) -> str:
    """The commitment to an event's details: it gives nothing away without the salt."""
    return _hash(salt + _canonical(dict(details)))


def link_to(
    previous: str,
    *,
    subscription_id: int,
    number: int,
    at: dt.datetime,
    action: str,
    status: str,
    source: str,
    commitment: str,
) -> str:
    """An event's link to the one before; the fields are a JSON list, so that none runs into the next."""
    moment = at.astimezone(dt.UTC).isoformat(timespec="microseconds")
    return _hash(_canonical([previous, subscription_id, number, moment, action, status, source, commitment]))


def make_event(
    previous: str,
    *,
    subscription_id: int,
    number: int,
    at: dt.datetime,
    action: Action,
    status: SubscriptionStatus,
    source: Origin,
    details: Mapping[str, str],
) -> Event:
    """The next event of a chain, with a new salt."""
    salt = secrets.token_hex(_SALT_BYTES)
    commitment = commit_to(salt, details)
    link = link_to(
        previous,
        subscription_id=subscription_id,
        number=number,
        at=at,
        action=action.value,
        status=status.value,
        source=source.value,
        commitment=commitment,
    )
    return Event(
        subscription_id, number, at, action.value, status, source.value, dict(details), salt, commitment, link
    )


def lock(session: Session, subscription: Subscription) -> None:
    """Read the subscription again and hold its row, so that two changes of it come one after the other.

    The person's row is held before it. Whoever changes several subscriptions of a person, as an erasure does,
    begins there too, so that nobody waits in a circle.
    """
    session.flush()
    session.execute(_holding_person(), {"person": subscription.subscriber_id})
    session.refresh(subscription, with_for_update=True)


@functools.cache
def _holding_person() -> sa.Select[int]:
    """Built once, for every change runs it."""
    rows = Subscriber.__table__.c
    person = sa.bindparam("person", type_=rows.id.type)
    return sa.select(rows.id).where(rows.id == person).with_for_update(key_share=True)


def append(
    session: Session,
    subscription: Subscription,
    *,
    action: Action,
    status: SubscriptionStatus,
    source: Origin,
    details: Mapping[str, str],
    now: dt.datetime,
    network: str = "",
) -> Event:
    """Write the next event and set the subscription's status, in the caller's transaction.

    `details["consent"]` are the words that were agreed to: what was shown to many is kept once, by its
    fingerprint; what one of the staff wrote about one person stays in the details, to be erased with them.
    Of `network`, an IP address, is kept what the list's settings say.

    The caller has locked the subscription (or just made it). If two writers come through all the same, the
    unique key (subscription, number) lets one of them fail.
    """
    last = session.execute(_last_link(), {"subscription_id": subscription.id}).first()
    number, previous = (last.number + 1, last.link) if last else (1, NO_LINK)
    owner = session.get_one(MailingList, subscription.list_id) if network else None
    where_from = evidence.recorded_network(network, owner.network_record) if owner else ""
    details, salt = dict(details), evidence.new_salt() if where_from else ""
    if (words := details.get("consent")) and (source.is_own or source is Origin.IMPORT):
        del details["consent"]
        details[evidence.TEXT] = evidence.keep_text(session, words, now=now)
    if where_from:
        details[evidence.NETWORK] = evidence.commit_to_network(salt, where_from)
    event = make_event(
        previous,
        subscription_id=subscription.id,
        number=number,
        at=now,
        action=action,
        status=status,
        source=source,
        details=details,
    )
    if (subscription.status, subscription.changed_at) != (status, now):
        subscription.status, subscription.changed_at = status, now
    session.flush()
    event_id = session.execute(_adding(), as_row(event)).scalar_one()
    if owner is not None and where_from:
        erase_at = now + dt.timedelta(days=owner.network_days)
        evidence.keep_network(session, event_id, salt=salt, network=where_from, erase_at=erase_at)
    return event


@functools.cache
def _last_link() -> sa.Select[int, str]:
    """The end of a chain; built once, for every change asks for it."""
    events = ConsentEvent.__table__.c
    return (
        sa.select(events.number, events.link)
        .where(events.subscription_id == sa.bindparam("subscription_id", type_=events.subscription_id.type))
        .order_by(events.number.desc())
        .limit(1)
    )


def last_action(session: Session, subscription: Subscription) -> str | None:
    """What the last event of a chain did."""
    of_chain = sa.select(ConsentEvent.action).where(ConsentEvent.subscription_id == subscription.id)
    return session.scalars(of_chain.order_by(ConsentEvent.number.desc()).limit(1)).first()


@functools.cache
def _adding() -> sa.Executable:
    rows: Any = ConsentEvent.__table__  # the table, not the class: there is no object to keep
    return sa.insert(rows).returning(rows.c.id)


def as_row(event: Event) -> dict[str, Any]:
    """The event as the columns of its table."""
    return {name: getattr(event, name) for name in Event.__slots__}


def verify(session: Session, subscription_id: int) -> list[Finding]:
    """What is wrong with one subscription's chain; an empty list if it is whole."""
    return [finding for _, found in _chains(session, subscription_id=subscription_id) for finding in found]


def verify_all(session: Session, *, list_id: int | None = None) -> Iterator[tuple[int, list[Finding]]]:
    """Check every chain (of one list), one subscription after another, in constant memory."""
    yield from _chains(session, list_id=list_id)


def _chains(
    session: Session, *, subscription_id: int | None = None, list_id: int | None = None
) -> Iterator[tuple[int, list[Finding]]]:
    events = ConsentEvent.__table__.c
    query = (
        sa.select(
            Subscription.id.label("owner_id"),
            Subscription.status.label("present_status"),
            *(column for column in events if column.name != "id"),
            ConsentNetwork.network,
            ConsentNetwork.salt.label("network_salt"),
        )
        .select_from(Subscription)
        .outerjoin(ConsentEvent, ConsentEvent.subscription_id == Subscription.id)
        .outerjoin(ConsentNetwork, ConsentNetwork.event_id == ConsentEvent.id)
        .order_by(Subscription.id, ConsentEvent.number)
        .execution_options(yield_per=_ROWS)
    )
    if subscription_id is not None:
        query = query.where(Subscription.id == subscription_id)
    if list_id is not None:
        query = query.where(Subscription.list_id == list_id)
    texts = evidence.check_texts(session)
    for owner_id, rows in itertools.groupby(session.execute(query), key=lambda row: row.owner_id):
        yield owner_id, list(_check_chain(owner_id, rows, texts))


def _check_chain(owner_id: int, rows: Iterable[Any], texts: Mapping[str, bool]) -> Iterator[Finding]:
    previous, expected, last_status, present = NO_LINK, 1, None, None
    forgotten: list[int] = []  # events without details that no erasure explains yet
    for row in rows:
        present = row.present_status
        if row.number is None:
            yield Finding(owner_id, None, "there is no event that explains this subscription")
            return
        if row.number != expected:
            yield Finding(owner_id, row.number, f"event {expected} is missing before this one")
        elif row.link != _link_of(previous, row):
            yield Finding(owner_id, row.number, "the event or the one before it was changed")
        for problem in itertools.chain(_check_details(row, forgotten), _check_beside(row, texts)):
            yield Finding(owner_id, row.number, problem)
        previous, expected, last_status = row.link, row.number + 1, row.status
    for number in forgotten:
        yield Finding(owner_id, number, "the details are missing, and nobody erased them")
    if last_status is not None and last_status != present:
        problem = f"the subscription is {present}, its last event says {last_status}"
        yield Finding(owner_id, expected - 1, problem)


def _check_details(row: Any, forgotten: list[int]) -> Iterator[str]:
    """Details and salt are there, or both are gone and wait for an erasure that explains it."""
    if row.salt is None and row.details is None:
        forgotten.append(row.number)
    elif not is_committed(row):
        yield "the details were changed"
    if row.action == Action.ERASE.value:
        forgotten.clear()


def is_committed(event: Any) -> bool:
    """Whether an event's details are those that it was written with; nobody can say without the salt."""
    if event.salt is None or event.details is None:
        return False
    return commit_to(event.salt, event.details) == str(event.commitment)


def _check_beside(row: Any, texts: Mapping[str, bool]) -> Iterator[str]:
    details = row.details or {}
    text = details.get(evidence.TEXT)
    if text is not None and not texts.get(text, False):
        yield "the words that were agreed to were changed" if text in texts else "the words are missing"
    if row.network is None:
        return  # there was none, or its time is over
    if details.get(evidence.NETWORK) != evidence.commit_to_network(row.network_salt, row.network):
        yield "the network address was changed"


def _link_of(previous: str, row: Any) -> str:
    return link_to(
        previous,
        subscription_id=row.subscription_id,
        number=row.number,
        at=row.at,
        action=row.action,
        status=row.status.value,
        source=row.source,
        commitment=row.commitment,
    )


def _canonical(value: object) -> str:
    return _ENCODER.encode(value)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()

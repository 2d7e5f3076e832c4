"""Where a person stands outside of their own row: single mails, the do-not-mail list, the proof."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.addresses import parse_address
from digest.errors import InputError
from digest.lists.status import Action
from digest.models import (
    ConsentEvent,
    FreshLink,
    Notice,
    Subscriber,
    Subscription,
    Suppression,
    SuppressionKind,
)
from digest.notices.staff import STAFF_KINDS
from digest.rendering.notices import NoticeKind

Asked = tuple[str, dt.datetime]  # an address that was asked for, and when

_OF_OTHERS = frozenset({"consent", "actor", "clerk", "reason"})


@dataclass(frozen=True, slots=True)
class Held:
    """An address as it was written, and from when until when it was the person's. None: until now.

    Before and after, an address may be somebody else's.
    """

    address: str
    since: dt.datetime
    until: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class _Move:
    """A change of address; both addresses by their keys."""

    at: dt.datetime
    before: str
    after: str


def chain_of(session: Session, subscription_id: int) -> list[ConsentEvent]:
    """The consent events of a subscription in their order."""
    of_subscription = sa.select(ConsentEvent).where(ConsentEvent.subscription_id == subscription_id)
    return list(session.scalars(of_subscription.order_by(ConsentEvent.number)))


def addresses_of(session: Session, subscriber: Subscriber) -> set[Held]:
    """The person's address and those that they had, as the proof says, in every way they were written."""
    events = _details_of(session, subscriber.id)
    moves = _moves(events)
    written: dict[str, set[str]] = {}
    last_named: dict[str, dt.datetime] = {}
    for at, _, details in events:
        for address in _addresses_in(details):
            key = _key(address)
            written.setdefault(key, set()).add(address)
            last_named[key] = max(at, last_named.get(key, at))
    if subscriber.address and subscriber.address_key:
        written.setdefault(subscriber.address_key, set()).add(subscriber.address)
    spans = _spans(subscriber, moves)
    # What stands in the proof and was never moved from: theirs when it was written there, and not since.
    known = {span[0] for span in spans}
    first = subscriber.created_at
    spans += [(key, first, at) for key, at in last_named.items() if key not in known]
    return {Held(address, since, until) for key, since, until in spans for address in written.get(key, ())}


def asked_of(session: Session, subscriber: Subscriber) -> set[Asked]:
    """The addresses that the person asked to have, each with the moment.

    Such an address may be a stranger's, or was one's when it was asked for: of what it was sent only the one
    mail that was asked for is theirs.
    """
    links = session.execute(
        sa.select(FreshLink.details, FreshLink.created_at).where(FreshLink.subscriber_id == subscriber.id)
    )
    asked = {(address, at) for details, at in links for address in _addresses_in(details or {})}
    for _, action, details in _details_of(session, subscriber.id):
        if action == Action.ADDRESS and (at := details.get("asked_at")):
            asked.add((details["address"], dt.datetime.fromisoformat(at)))
    return asked


def notices_of(held: Collection[Held], asked: Collection[Asked]) -> sa.ColumnElement[bool]:
    """Single mails to a person's addresses while they were theirs, and those they had sent to another one.

    What went to an address as one of the staff is the staff's. Addresses are compared as they are written, by
    the index: our mails go to the address on file, and each way it was written stands in the proof.
    """
    return sa.and_(
        sa.or_(
            sa.false(),
            *(
                sa.and_(
                    Notice.address == each.address,
                    Notice.created_at >= each.since,
                    *(() if each.until is None else (Notice.created_at <= each.until,)),
                )
                for each in held
            ),
            *(
                sa.and_(
                    Notice.address == address,
                    Notice.kind == NoticeKind.FRESH_LINK.value,
                    Notice.created_at == at,
                )
                for address, at in asked
            ),
        ),
        Notice.kind.not_in(STAFF_KINDS),
    )


def suppressions_of(session: Session, subscriber: Subscriber) -> list[Suppression]:
    """Why this person is not to be mailed: by their address, or by its domain."""
    query = sa.select(Suppression).where(
        sa.or_(
            sa.and_(
                Suppression.kind == SuppressionKind.ADDRESS, Suppression.value == subscriber.address_hash
            ),
            sa.and_(Suppression.kind == SuppressionKind.DOMAIN, Suppression.value == subscriber.domain),
        )
    )
    return list(session.scalars(query.order_by(Suppression.id)))


_Span = tuple[str, dt.datetime, dt.datetime | None]  # an address's key, since when, until when


def _spans(subscriber: Subscriber, moves: list[_Move]) -> list[_Span]:
    """Which address was theirs from when to when; the first one since they are on record."""
    spans: list[_Span] = []
    since = subscriber.created_at
    for move in moves:
        spans.append((move.before, since, move.at))
        since = move.at
    if subscriber.address_key:
        spans.append((subscriber.address_key, since, None))
    return spans


def _details_of(session: Session, subscriber_id: int) -> list[tuple[dt.datetime, str, dict[str, Any]]]:
    """Moment, action and details of every event of a person's chains."""
    of_person = sa.select(Subscription.id).where(Subscription.subscriber_id == subscriber_id)
    rows = session.execute(
        sa.select(ConsentEvent.at, ConsentEvent.action, ConsentEvent.details).where(
            ConsentEvent.subscription_id.in_(of_person)
        )
    )
    return [(row.at, row.action, row.details or {}) for row in rows]


def _moves(events: list[tuple[dt.datetime, str, dict[str, Any]]]) -> list[_Move]:
    """The changes of address in their order; each stands once in every chain that ran then."""
    found = {
        _Move(at, _key(details["address_before"]), _key(details["address"]))
        for at, action, details in events
        if action == Action.ADDRESS and details.get("address_before") and details.get("address")
    }
    return sorted(found, key=lambda move: move.at)


def _key(address: str) -> str:
    try:
        return parse_address(address).key
    except InputError:
        return address  # it only looks like one


def _addresses_in(details: dict[str, Any]) -> Iterator[str]:
    for name, value in details.items():
        # Not the words of a consent, nor who took it: somebody else's address may stand there.
        if name not in _OF_OTHERS and isinstance(value, str) and value.count("@") == 1:
            yield value

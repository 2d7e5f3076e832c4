"""What is known of a person, and the people of a list page by page."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.lists.evidence import readable, texts_of
from digest.models import (
    Cadence,
    ConsentEvent,
    MailingList,
    Subscriber,
    Subscription,
    SubscriptionStatus,
    Suppression,
    SuppressionKind,
    TextSize,
)


@dataclass(frozen=True, slots=True)
class EventView:
    number: int
    at: dt.datetime
    action: str
    status: SubscriptionStatus
    source: str
    details: dict[str, str] | None


@dataclass(frozen=True, slots=True)
class SubscriptionView:
    list_name: str
    status: SubscriptionStatus
    cadence: str | None
    paused_until: dt.datetime | None
    events: tuple[EventView, ...]


@dataclass(frozen=True, slots=True)
class PersonView:
    """A person with all subscriptions. `suppressed` is why not to mail them, or ""."""

    id: int
    address: str | None
    name: str
    zone: str | None
    language: str | None
    text_size: TextSize
    last_sign_of_life_at: dt.datetime | None
    suppressed: str
    attributes: dict[str, Any]
    subscriptions: tuple[SubscriptionView, ...]


@dataclass(frozen=True, slots=True)
class PersonLine:
    """A person in the table of a list."""

    subscriber_id: int
    address: str | None
    name: str
    status: SubscriptionStatus
    zone: str | None


def describe(session: Session, subscriber: Subscriber) -> PersonView:
    """Everything about a person, in four statements."""
    events: dict[int, list[EventView]] = {}
    found = session.scalars(
        sa.select(ConsentEvent)
        .join(Subscription, Subscription.id == ConsentEvent.subscription_id)
        .where(Subscription.subscriber_id == subscriber.id)
        .order_by(ConsentEvent.subscription_id, ConsentEvent.number)
    ).all()
    texts = texts_of(session, found)
    for event in found:
        details = None if event.details is None else readable(event.details, texts)
        view = EventView(event.number, event.at, event.action, event.status, event.source, details)
        events.setdefault(event.subscription_id, []).append(view)
    subscriptions = session.execute(
        sa.select(Subscription, MailingList.name, Cadence.name.label("cadence"))
        .join(MailingList, MailingList.id == Subscription.list_id)
        .outerjoin(Cadence, Cadence.id == Subscription.cadence_id)
        .where(Subscription.subscriber_id == subscriber.id)
        .order_by(MailingList.name)
    )
    return PersonView(
        id=subscriber.id,
        address=subscriber.address,
        name=subscriber.name,
        zone=subscriber.zone,
        language=subscriber.language,
        text_size=subscriber.text_size,
        last_sign_of_life_at=subscriber.last_sign_of_life_at,
        suppressed=_suppressed(session, subscriber),
        attributes=dict(subscriber.attributes),
        subscriptions=tuple(
            SubscriptionView(name, one.status, cadence, one.paused_until, tuple(events.get(one.id, ())))
            for one, name, cadence in subscriptions
        ),
    )


def page(
    session: Session,
    list_id: int,
    *,
    limit: int,
    after: int = 0,
    status: SubscriptionStatus | None = None,
) -> list[PersonLine]:
    """The people of a list after a subscriber's id, by id: a page costs the same wherever it is."""
    query = (
        sa.select(Subscriber.id, Subscriber.address, Subscriber.name, Subscription.status, Subscriber.zone)
        .join(Subscription, Subscription.subscriber_id == Subscriber.id)
        .where(Subscription.list_id == list_id, Subscriber.id > after)
        .order_by(Subscriber.id)
        .limit(limit)
    )
    if status is not None:
        query = query.where(Subscription.status == status)
    return [PersonLine(*row) for row in session.execute(query)]


def _suppressed(session: Session, subscriber: Subscriber) -> str:
    address = sa.and_(
        Suppression.kind == SuppressionKind.ADDRESS, Suppression.value == subscriber.address_hash
    )
    domain = sa.and_(Suppression.kind == SuppressionKind.DOMAIN, Suppression.value == subscriber.domain)
    query = sa.select(Suppression.kind, Suppression.reason).where(sa.or_(address, domain))
    found = session.execute(query.order_by(Suppression.id).limit(1)).first()
    return f"{found.kind.value}: {found.reason}" if found else ""

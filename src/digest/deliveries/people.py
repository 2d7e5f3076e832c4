"""The next people of a batch, whether each may still be mailed, and the mail each gets."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.lists.queries import may_be_mailed
from digest.models import (
    Delivery,
    DeliveryStatus,
    Edition,
    EditionState,
    Subscriber,
    Subscription,
)

# `sent` stands here for the batches that a person or a policy opens to mail `uncertain` people once more.
SENDABLE = (EditionState.SENDING, EditionState.SENT)


@dataclass(frozen=True, slots=True)
class Person:
    """One pending delivery with what its mail needs."""

    edition_id: int
    subscriber_id: int
    subscription_id: int
    list_id: int
    variant_id: int
    attempt: int
    address: str
    name: str
    may_be_mailed: bool


def people_of(
    session: Session, edition_id: int, batch_id: int, *, limit: int, shuffled: bool = False
) -> list[Person]:
    """The next pending people of a batch, read anew for each group.

    So a sign-off, a pause, an end or a do-not-mail entry that was answered before a group began is obeyed
    by it. If the edition is no longer being sent (paused, cancelled), there is nobody. `shuffled`, in no
    order: one at whom the mail service fails every time must not stand before the others every time.
    """
    rows = session.execute(
        sa.select(
            Delivery.edition_id,
            Delivery.subscriber_id,
            Delivery.subscription_id,
            Subscription.list_id,
            Delivery.variant_id,
            Delivery.attempt,
            sa.func.coalesce(Subscriber.address, "").label("address"),
            Subscriber.name,
            may_be_mailed().label("may_be_mailed"),
        )
        .join(Edition, Edition.id == Delivery.edition_id)
        .join(Subscriber, Subscriber.id == Delivery.subscriber_id)
        .join(Subscription, Subscription.id == Delivery.subscription_id)
        .where(
            Delivery.edition_id == edition_id,
            Delivery.batch_id == batch_id,
            Delivery.status == DeliveryStatus.PENDING,
            Edition.state.in_(SENDABLE),
        )
        .order_by(sa.func.random() if shuffled else Delivery.subscriber_id)
        .limit(limit)
    ).all()
    return [Person(*row[:-1], may_be_mailed=bool(row.may_be_mailed)) for row in rows]


def is_still_wanted(session: Session, person: Person) -> bool:
    """Whether a person may be mailed now and the edition is still being sent."""
    found = session.scalar(
        sa.select(Subscription.id)
        .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
        .join(Edition, Edition.id == person.edition_id)
        .where(Subscription.id == person.subscription_id, may_be_mailed(), Edition.state.in_(SENDABLE))
    )
    return found is not None

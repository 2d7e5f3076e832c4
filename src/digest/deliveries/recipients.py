"""Who was handed an edition, and who was not: by key, a page at a time; and why mails failed. Reads only."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.deliveries.answers import Given, Group, grouped
from digest.models import (
    Delivery,
    DeliveryReason,
    DeliveryStatus,
    Reply,
    Revision,
    Subscriber,
    Transport,
    Variant,
)


@dataclass(frozen=True, slots=True)
class Recipient:
    """One person of an edition's audience. `address` is None once they were erased."""

    subscriber_id: int
    address: str | None
    status: DeliveryStatus
    reason: DeliveryReason | None
    at: dt.datetime | None
    version: int | None
    transport: str | None
    code: int | None
    enhanced: str
    text: str


def recipients(
    session: Session,
    edition_id: int,
    *,
    status: DeliveryStatus | None = None,
    after: int = 0,
    limit: int = 50,
) -> list[Recipient]:
    """Those whose key follows `after`, in the order of their keys: one statement."""
    query: sa.Select[*tuple[Any, ...]] = (
        sa.select(
            Delivery.subscriber_id,
            Subscriber.address,
            Delivery.status,
            Delivery.reason,
            Delivery.sent_at,
            Revision.number,
            Transport.name,
            Reply.code,
            sa.func.coalesce(Reply.enhanced, ""),
            sa.func.coalesce(Reply.text, ""),
        )
        .select_from(Delivery)
        .outerjoin(Subscriber, Subscriber.id == Delivery.subscriber_id)
        .outerjoin(Variant, Variant.id == Delivery.variant_id)
        .outerjoin(Revision, Revision.id == Variant.revision_id)
        .outerjoin(Transport, Transport.id == Delivery.transport_id)
        .outerjoin(Reply, Reply.id == Delivery.reply_id)
        .where(Delivery.edition_id == edition_id, Delivery.subscriber_id > after)
        .order_by(Delivery.subscriber_id)
        .limit(limit)
    )
    if status is not None:
        query = query.where(Delivery.status == status)
    return [Recipient(*row) for row in session.execute(query)]


def failed_groups(session: Session, edition_id: int) -> tuple[Group, ...]:
    """Why mails of an edition failed, by what the answers mean: one statement."""
    counted = (
        sa.select(Delivery.reply_id, sa.func.count().label("people"))
        .where(Delivery.edition_id == edition_id, Delivery.status == DeliveryStatus.FAILED)
        .group_by(Delivery.reply_id)
        .subquery()
    )
    rows = session.execute(
        sa.select(
            counted.c.reply_id,
            Reply.code,
            sa.func.coalesce(Reply.enhanced, ""),
            sa.func.coalesce(Reply.text, ""),
            counted.c.people,
        ).outerjoin(Reply, Reply.id == counted.c.reply_id)
    )
    return grouped(Given(*row) for row in rows)

"""Whom a ramp-up lets an edition mail by a new sender, and who is left over for the day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.lists.queries import may_be_mailed
from digest.models import (
    Batch,
    Delivery,
    DeliveryReason,
    DeliveryStatus,
    Edition,
    RampOrder,
    RampUp,
    Subscriber,
    Subscription,
    TextSize,
)
from digest.pacing.ramp_up import number_on
from digest.pacing.transports import first_way

_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class Allowance:
    """How many people of an edition may be mailed by a new sender, in which order, and how the rest go."""

    people: int
    transport_id: int
    rest_transport_id: int | None
    order: RampOrder


@dataclass(frozen=True, slots=True)
class LeftOver:
    """One who was skipped because of a ramp-up, for an export."""

    address: str
    name: str
    zone: str | None
    language: str | None
    text_size: TextSize


def of(session: Session, edition: Edition, count: int) -> Allowance | None:
    """What a ramp-up allows an edition for `count` people; None if the first mail service has none.

    The ramp-up's row is locked, so that two editions of one day do not both take the whole number.
    """
    # Resting or not: a fault of a few minutes does not change who is to be mailed by what.
    transport = first_way(session)
    if transport is None:
        return None
    row = session.scalars(
        sa.select(RampUp).where(RampUp.transport_id == transport.id).with_for_update()
    ).one_or_none()
    if row is None:
        return None
    day = edition.send_at.astimezone(dt.UTC).date()
    number = number_on(
        day, starts_on=row.starts_on, first_day=row.first_day, growth_percent=row.growth_percent
    )
    left = max(0, number - planned_on(session, transport.id, day, besides=edition.id))
    return Allowance(min(left, count), transport.id, row.rest_transport_id, row.order)


def planned_on(session: Session, transport_id: int, day: dt.date, *, besides: int | None = None) -> int:
    """How many people the editions of a day (in UTC) mail by a mail service, those to come included.

    `besides` leaves one edition out.
    """
    begin = dt.datetime.combine(day, dt.time(), dt.UTC)
    editions = sa.select(Edition.id).where(
        Edition.send_at >= begin, Edition.send_at < begin + dt.timedelta(days=1), Edition.id != (besides or 0)
    )
    counted = (
        sa.select(sa.func.count())
        .select_from(Delivery)
        .outerjoin(Batch, Batch.id == Delivery.batch_id)
        .where(
            Delivery.edition_id.in_(editions),
            Delivery.status != DeliveryStatus.SKIPPED,
            # What was sent says by which it was; what is not sent yet is in a batch for one.
            sa.func.coalesce(Delivery.transport_id, Batch.transport_id) == transport_id,
        )
    )
    return session.scalar(counted) or 0


def ranked(
    people: sa.Subquery, order: RampOrder, *, last: sa.ColumnElement[bool] | None = None
) -> sa.Subquery:
    """The audience with each one's `turn`, from 1: who is mailed first while not all may be.

    Those for whom `last` holds come behind all others: they get no mail, and take nobody's turn.
    """
    latest = Subscription.created_at if order is RampOrder.JOINED else Subscriber.last_sign_of_life_at
    turn = sa.func.row_number().over(
        # A sign of life that nobody knows of is the oldest; by themselves the databases disagree on NULL.
        order_by=(
            *(() if last is None else (sa.case((last, 1), else_=0),)),
            *(latest.is_(None), latest.desc(), people.c.subscriber_id.desc()),
        )
    )
    return (
        sa.select(people, turn.label("turn"))
        .join(Subscriber, Subscriber.id == people.c.subscriber_id)
        .join(Subscription, Subscription.id == people.c.subscription_id)
        .subquery("ranked")
    )


def left_over(session: Session, edition_id: int) -> Iterator[LeftOver]:
    """Those whom a ramp-up left over, who may still be mailed now; read in pages."""
    last = 0
    while True:
        rows = session.execute(
            sa.select(
                Subscriber.id,
                Subscriber.address,
                Subscriber.name,
                Subscriber.zone,
                Subscriber.language,
                Subscriber.text_size,
            )
            .join(Delivery, Delivery.subscriber_id == Subscriber.id)
            .join(Subscription, Subscription.id == Delivery.subscription_id)
            .where(
                Delivery.edition_id == edition_id,
                Delivery.status == DeliveryStatus.SKIPPED,
                Delivery.reason == DeliveryReason.RAMP_UP,
                Subscriber.id > last,
                may_be_mailed(),
            )
            .order_by(Subscriber.id)
            .limit(_PAGE)
        ).all()
        for row in rows:
            yield LeftOver(str(row.address), row.name, row.zone, row.language, row.text_size)
        if len(rows) < _PAGE:
            return
        last = rows[-1].id

"""Sign-ups that nobody confirmed: 90 days after the last mail that asked for it, they go.

Whoever typed an address into a form may not have been its owner, so what is kept of it must end. Such a
sign-up was never a consent: its events go with it, and the address may come again by any way. Where there was
a consent before, its chain stays whole, and the subscription ends again.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.db.dialect import among, skip_locked
from digest.lists.confirmations import PERIOD
from digest.lists.status import Origin
from digest.lists.subscribe import end
from digest.models import (
    Confirmation,
    ConsentEvent,
    ConsentNetwork,
    FormerAddress,
    FreshLink,
    MailingList,
    Subscriber,
    Subscription,
    SubscriptionStatus,
)

NOT_CONFIRMED: Final = "not confirmed"
_UNSYNCHRONIZED: Final = {"synchronize_session": False}


def is_past(now: dt.datetime) -> sa.ColumnElement[bool]:
    """Whether a subscription waits to be confirmed, and its address was last asked 90 days ago or before.

    The newest row of each table stays until there is a newer one: SQLite gives the number of a last row that
    was deleted to the next, and an old link would be somebody else's.
    """
    of_person = Subscriber.id == Subscription.subscriber_id
    address_hash = sa.select(Subscriber.address_hash).where(of_person).scalar_subquery()
    was_asked = sa.exists().where(
        Confirmation.list_id == Subscription.list_id,
        Confirmation.address_hash == address_hash.correlate(Subscription),
        Confirmation.at > now - PERIOD,
    )
    other, person = sa.orm.aliased(Subscription), sa.orm.aliased(Subscriber)
    is_not_newest = sa.and_(
        # "+ 0": as a plain range it would have SQLite walk the whole list in the order of people instead.
        Subscription.id + 0 < sa.select(sa.func.max(other.id)).scalar_subquery(),
        Subscription.subscriber_id + 0 < sa.select(sa.func.max(person.id)).scalar_subquery(),
    )
    return sa.and_(
        # List by list, so that the index of the audience finds those who wait among all there are.
        Subscription.list_id.in_(sa.select(MailingList.id)),
        Subscription.status == SubscriptionStatus.PENDING,
        Subscription.changed_at <= now - PERIOD,
        ~was_asked.correlate(Subscription),
        is_not_newest,
    )


def purge(session: Session, *, now: dt.datetime, most: int) -> int:
    """Delete or end some of them; how many, 0 if there are none. People who are just being changed wait."""
    # Both rows are held: a sign-up that finds the person waits, and then makes them anew.
    found = list(
        session.scalars(
            skip_locked(
                sa.select(Subscription)
                .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
                .where(is_past(now))
                .order_by(Subscription.id)
                .limit(most)
            )
        )
    )
    consented = set(
        session.scalars(
            sa.select(ConsentEvent.subscription_id).where(
                among(session, ConsentEvent.subscription_id, [each.id for each in found]),
                ConsentEvent.status != SubscriptionStatus.PENDING,
            )
        )
    )
    for each in found:
        if each.id in consented:
            end(session, each, source=Origin.SWEEP, now=now, reason=NOT_CONFIRMED)
    gone = [each for each in found if each.id not in consented]
    _delete(session, [each.id for each in gone], [each.subscriber_id for each in gone])
    for each in gone:
        session.expunge(each)
    return len(found)


def _delete(session: Session, subscriptions: list[int], people: list[int]) -> None:
    """Delete subscriptions with their chains, and those of the people who have no other one."""
    if not subscriptions:
        return
    events = sa.select(ConsentEvent.id).where(among(session, ConsentEvent.subscription_id, subscriptions))
    has_other = sa.exists().where(Subscription.subscriber_id == Subscriber.id).correlate(Subscriber)
    without = sa.select(Subscriber.id).where(among(session, Subscriber.id, people), ~has_other)
    statements: tuple[Any, ...] = (
        sa.delete(ConsentNetwork).where(ConsentNetwork.event_id.in_(events)),
        sa.delete(ConsentEvent).where(among(session, ConsentEvent.subscription_id, subscriptions)),
        sa.delete(Subscription).where(among(session, Subscription.id, subscriptions)),
        sa.delete(FreshLink).where(FreshLink.subscriber_id.in_(without)),
        sa.delete(FormerAddress).where(FormerAddress.subscriber_id.in_(without)),
        sa.delete(Subscriber).where(Subscriber.id.in_(without)),
    )
    for statement in statements:
        session.execute(statement, execution_options=_UNSYNCHRONIZED)

"""Pauses that are over: who asked to be left alone until a day is mailed again from that day on."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.db.dialect import skip_locked
from digest.lists.status import Origin
from digest.lists.subscribe import resume
from digest.models import MailingList, Subscriber, Subscription, SubscriptionStatus

_SWEEP_MOST = 500


def resume_due_pauses(session: Session, *, now: dt.datetime) -> int:
    """Resume those whose pause is over, at most 500; returns how many, so that a sweep can come again."""
    due = skip_locked(
        sa.select(Subscription)
        .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
        .where(
            # List by list, so that the index of the audience finds the paused ones among all there are.
            Subscription.list_id.in_(sa.select(MailingList.id)),
            Subscription.status == SubscriptionStatus.PAUSED,
            Subscription.paused_until <= now,
        )
        .order_by(Subscription.id)
        .limit(_SWEEP_MOST),
        of=(Subscriber, Subscription),  # the persons too, for each is held before their subscriptions
    )
    found = list(session.scalars(due))
    for subscription in found:
        resume(session, subscription, source=Origin.SWEEP, actor="", now=now)
    return len(found)

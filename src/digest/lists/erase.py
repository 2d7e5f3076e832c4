"""Forget a person: what stays is a tombstone id, the keyed hash, and chains without details."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.lists import consent
from digest.lists.status import Action, Origin
from digest.models import Subscriber, Subscription, SubscriptionStatus, TextSize


def erase_subscriber(session: Session, subscriber: Subscriber, *, source: Origin, now: dt.datetime) -> bool:
    """End all subscriptions and take out everything about the person. False if that was done before.

    The address may sign up anew: that is a new subscriber. An import does not bring it back.
    """
    session.flush()
    session.refresh(subscriber, with_for_update=True)
    if subscriber.erased_at is not None:
        return False
    of_person = sa.select(Subscription).where(Subscription.subscriber_id == subscriber.id)
    subscriptions = list(session.scalars(of_person.order_by(Subscription.id).with_for_update()))
    for subscription in subscriptions:
        consent.append(
            session,
            subscription,
            action=Action.ERASE,
            status=SubscriptionStatus.ENDED,
            source=source,
            details={},
            now=now,
        )
        subscription.paused_until = None
        subscription.topics = []
    consent.erase_details(session, [subscription.id for subscription in subscriptions])
    subscriber.address = subscriber.address_key = subscriber.domain = None
    subscriber.name = ""
    subscriber.zone = subscriber.language = subscriber.last_sign_of_life_at = None
    subscriber.text_size = TextSize.NORMAL
    subscriber.attributes = {}
    subscriber.erased_at = now
    session.flush()
    return True

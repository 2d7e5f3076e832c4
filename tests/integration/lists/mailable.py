"""Which subscriptions may get a mail now, by the condition that the send path uses."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.lists.queries import may_be_mailed
from digest.models import Subscriber, Subscription


def mailable(session: Session, subscription_ids: Collection[int]) -> set[int]:
    """Those of the subscriptions that may be mailed, in one statement."""
    return set(
        session.scalars(
            sa.select(Subscription.id)
            .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
            .where(Subscription.id.in_(subscription_ids), may_be_mailed())
        )
    )

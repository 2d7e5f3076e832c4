"""The order in which a person's rows are held: always the person first, then their subscriptions by id.

Two changes of one person then wait for each other; in two orders they would each hold what the other wants.
Whoever holds a row goes by what it says then: it is read anew, whatever was read of it before. What holds
many people's subscriptions in one transaction holds no person after them.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.models import Subscriber, Subscription


def lock_person(session: Session, subscriber_id: int) -> Subscriber:
    """Hold the person's row and read it anew, before any of their subscriptions; raises NoResultFound."""
    # What was changed in memory goes first: reading anew would undo it.
    session.flush()
    return session.get_one(Subscriber, subscriber_id, with_for_update=True, populate_existing=True)


def lock_subscriptions(session: Session, subscriber_id: int) -> list[Subscription]:
    """Hold all of a person's subscriptions by their ids and read them anew; the person is held already."""
    session.flush()
    of_person = sa.select(Subscription).where(Subscription.subscriber_id == subscriber_id)
    held = of_person.order_by(Subscription.id).with_for_update().execution_options(populate_existing=True)
    return list(session.scalars(held))

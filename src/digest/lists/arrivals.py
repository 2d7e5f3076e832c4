"""Whose address a sign-up names: the person is found or made, and held until it is over.

All take a Session and never commit.
"""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.addresses import Address
from digest.db.dialect import insert_if_new
from digest.lists import former
from digest.models import ConsentEvent, Subscriber, Subscription, SubscriptionStatus


def find_or_make(
    session: Session, address: Address, address_hash: str, values: Mapping[str, object], *, may_revive: bool
) -> int | None:
    """The person with this address, whose row is held: nobody erases them or moves them before this is over.

    None for an address that was erased, unless it may come back.
    """
    if not may_revive and former.was_erased(session, address_hash):
        return None
    keyed = {
        "address": address.text,
        "address_key": address.key,
        "address_hash": address_hash,
        "domain": address.domain,
    }
    of_address = sa.select(Subscriber.id).where(Subscriber.address_key == address.key)
    while True:
        made = insert_if_new(session, Subscriber, {**keyed, **values})
        # Once more, for the insert may have waited for whoever erased the address at this moment.
        if made is not None and not may_revive and former.was_erased(session, address_hash, but=made):
            return None
        # Nobody: they were erased, or have moved to another address, since the insert found them.
        found = made or session.scalars(of_address.with_for_update(key_share=True)).one_or_none()
        if found is not None:
            return found


def take_over(session: Session, subscriber_id: int, values: Mapping[str, object]) -> None:
    """The last form's words about a person count, as long as no other step than a form's is on record."""
    is_known = (
        sa.exists()
        .where(
            ConsentEvent.subscription_id == Subscription.id,
            Subscription.subscriber_id == subscriber_id,
            ConsentEvent.status != SubscriptionStatus.PENDING,
        )
        .correlate(None)
    )
    said = {name: values[name] for name in ("name", "zone", "language", "text_size")}
    session.execute(
        sa.update(Subscriber).where(Subscriber.id == subscriber_id, ~is_known).values(**said),
        execution_options={"synchronize_session": "fetch"},
    )

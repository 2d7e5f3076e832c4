"""Whose address a sign-up names: the person is found or made, and held until it is over.

All take a Session and never commit.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlalchemy.orm.util import identity_key

from digest.addresses import Address
from digest.db.dialect import insert_if_new
from digest.lists import former
from digest.models import ConsentEvent, Subscriber, Subscription, SubscriptionStatus


class Arrived(NamedTuple):
    """A person by their id, and the address as it is on file."""

    id: int
    address: str


def find_or_make(
    session: Session, address: Address, address_hash: str, values: Mapping[str, object], *, may_revive: bool
) -> Arrived | None:
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
    while True:
        made = insert_if_new(session, Subscriber, {**keyed, **values})
        # Once more, for the insert may have waited for whoever erased the address at this moment.
        if made is not None and not may_revive and former.was_erased(session, address_hash, but=made):
            return None
        if made is not None:
            return Arrived(made, address.text)
        # Nobody: they were erased, or have moved to another address, since the insert found them.
        found = session.execute(_held_by_key(), {"key": address.key}).one_or_none()
        if found is not None:
            return Arrived(found.id, found.address)


def take_over(session: Session, subscriber_id: int, values: Mapping[str, object]) -> None:
    """The last form's words about a person count, as long as no other step than a form's is on record."""
    said = {f"its_{name}": values[name] for name in ("name", "zone", "language", "text_size")}
    session.execute(_taking_over(), {"person": subscriber_id, **said})
    read = session.identity_map.get(identity_key(Subscriber, subscriber_id))
    if read is not None:
        session.expire(read)


# Both are run at each sign-up. They are built once, for to build a statement takes longer than to run it, and
# over the tables, not the classes: there are no objects to keep.
@functools.cache
def _held_by_key() -> sa.Select[Any]:
    rows = Subscriber.__table__.c
    return (
        sa.select(rows.id, rows.address)
        .where(rows.address_key == sa.bindparam("key"))
        .with_for_update(key_share=True)
    )


@functools.cache
def _taking_over() -> sa.Update:
    table: Any = Subscriber.__table__
    events, subscriptions = ConsentEvent.__table__.c, Subscription.__table__.c
    is_known = (
        sa.exists()
        .where(
            events.subscription_id == subscriptions.id,
            subscriptions.subscriber_id == sa.bindparam("person"),
            events.status != SubscriptionStatus.PENDING,
        )
        .correlate(None)
    )
    said: dict[str, Any] = {
        name: sa.bindparam(f"its_{name}") for name in ("name", "zone", "language", "text_size")
    }
    return sa.update(table).where(table.c.id == sa.bindparam("person"), ~is_known).values(**said)

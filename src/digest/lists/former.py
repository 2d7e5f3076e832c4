"""Addresses that people had until they changed them, by keyed hash: who comes by one of them is known.

Kept also when the person is erased: an old file brings nobody back by an address of before. The address may
be another person's by now; whoever has it as their own comes before whoever had it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.db.dialect import among_texts
from digest.models import FormerAddress, Subscriber


def note_change(session: Session, subscriber_id: int, *, before: str, after: str, now: dt.datetime) -> None:
    """The person has moved from one address to another, both given by their hashes.

    A former address that they have again is none any more.
    """
    if before == after:
        return
    session.execute(
        sa.delete(FormerAddress).where(
            FormerAddress.subscriber_id == subscriber_id, FormerAddress.address_hash.in_((before, after))
        ),
        execution_options={"synchronize_session": False},
    )
    session.add(FormerAddress(subscriber_id=subscriber_id, address_hash=before, until=now))
    session.flush()


def people_by_former(session: Session, hashes: Collection[str]) -> dict[str, int]:
    """The subscribers who had these addresses, by hash: of several the one who had it last.

    Whether somebody has the address now is the caller's question: that one comes first.
    """
    if not hashes:
        return {}
    query = sa.select(FormerAddress.address_hash, FormerAddress.subscriber_id).where(
        among_texts(session, FormerAddress.address_hash, hashes)
    )
    oldest_first = query.order_by(FormerAddress.until, FormerAddress.subscriber_id)
    return {row.address_hash: row.subscriber_id for row in session.execute(oldest_first)}


def moved_away(session: Session, address_hash: str) -> int | None:
    """The subscriber, not erased, who had this address until they changed it, if nobody has it now."""
    has_it = sa.exists().where(Subscriber.address_hash == address_hash, Subscriber.erased_at.is_(None))
    if session.scalar(sa.select(has_it)):
        return None
    found = people_by_former(session, [address_hash]).get(address_hash)
    if found is None or session.get_one(Subscriber, found).erased_at is not None:
        return None
    return found


def was_erased(session: Session, address_hash: str, *, but: int | None = None) -> bool:
    """Whether everybody who had this address, now or before, is erased; False if nobody had it.

    `but` is a subscriber who does not count: one who was made this moment.
    """
    own = sa.select(Subscriber.erased_at).where(Subscriber.address_hash == address_hash)
    if but is not None:
        own = own.where(Subscriber.id != but)
    before = (
        sa.select(Subscriber.erased_at)
        .join(FormerAddress, FormerAddress.subscriber_id == Subscriber.id)
        .where(FormerAddress.address_hash == address_hash)
    )
    people = session.scalars(own).all() or session.scalars(before).all()
    return bool(people) and None not in people

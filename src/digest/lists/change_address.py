"""A person moves to another address: proven at the old one and at the new one, with the history kept.

Nobody is merged: where the new address has a subscriber of its own, nothing changes, and only who reads
mail there is told.
"""

from __future__ import annotations

import datetime as dt
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from digest.addresses import Address, keyed_hash, parse_address
from digest.lists import consent
from digest.lists.fresh_links import Fresh, FreshKind, mail_fresh_link, make_fresh_link, use_up
from digest.lists.stationery import Stationery
from digest.lists.status import Action, Origin
from digest.lists.subscribe import note_life
from digest.lists.suppress import is_suppressed
from digest.models import Subscriber, Subscription, SubscriptionStatus


class Moved(StrEnum):
    """What became of a change of address."""

    DONE = "done"
    TAKEN = "taken"  # the new address has a subscriber of its own
    REFUSED = "refused"  # it is on the do-not-mail list


def ask_new_address(
    session: Session, fresh: Fresh, text: str, stationery: Stationery, *, now: dt.datetime
) -> None:
    """Use up the link that went to the old address, and mail one to the new address.

    What is known of the new address is not told here: an address of a stranger, one on the do-not-mail list
    and a new one are answered alike. A new address gets at most one such mail a day, whoever asks. Raises
    InputError for what is no address; then the link still works.
    """
    new = parse_address(text)
    subscriber = session.get_one(Subscriber, fresh.link.subscriber_id)
    use_up(session, fresh.link, now=now)
    note_life(session, subscriber.id, now=now)
    if is_suppressed(session, stationery.address_key, new):
        return
    link = make_fresh_link(
        session, subscriber.id, FreshKind.NEW_ADDRESS, now=now, details={"address": new.text}
    )
    mail_fresh_link(
        session,
        link,
        stationery,
        list_id=fresh.list_id,
        address=new.text,
        name="",
        key=f"new-address:{keyed_hash(stationery.address_key, new.key)[:40]}:{now:%Y%m%d}",
        now=now,
    )


def is_taken(session: Session, fresh: Fresh) -> bool:
    """Whether the new address has a subscriber of its own."""
    return _owner(session, _new_address(fresh)) not in (None, fresh.link.subscriber_id)


def change_address(
    session: Session,
    fresh: Fresh,
    *,
    address_key: bytes,
    source: Origin = Origin.PREFERENCES,
    now: dt.datetime,
) -> Moved:
    """Make the change that a link to the new address stands for, and use the link up.

    Each subscription that has not ended gets an event with both addresses. Deliveries, suppressions and what
    has ended stay as they were.
    """
    new = _new_address(fresh)
    subscriber = session.get_one(Subscriber, fresh.link.subscriber_id, with_for_update=True)
    if _owner(session, new) not in (None, subscriber.id):
        return Moved.TAKEN
    if is_suppressed(session, address_key, new):
        return Moved.REFUSED
    before = subscriber.address or ""
    try:
        with session.begin_nested():
            subscriber.address, subscriber.address_key = new.text, new.key
            subscriber.address_hash, subscriber.domain = keyed_hash(address_key, new.key), new.domain
            session.flush()
    except IntegrityError:
        # Somebody signed up with it this very moment.
        session.refresh(subscriber)
        return Moved.TAKEN
    use_up(session, fresh.link, now=now)
    note_life(session, subscriber.id, now=now)
    for subscription in _running(session, subscriber.id):
        consent.lock(session, subscription)
        asked_at = subscription.changed_at
        consent.append(
            session,
            subscription,
            action=Action.ADDRESS,
            status=subscription.status,
            source=source,
            details={"address": new.text, "address_before": before},
            now=now,
        )
        if subscription.status is SubscriptionStatus.PENDING:
            # By this moment the lists of one post are known: others must not be confirmed with them.
            subscription.changed_at = asked_at
    session.flush()
    return Moved.DONE


def _running(session: Session, subscriber_id: int) -> list[Subscription]:
    """The person's subscriptions that have not ended; all of them if all have."""
    of_person = sa.select(Subscription).where(Subscription.subscriber_id == subscriber_id)
    found = list(session.scalars(of_person.order_by(Subscription.id)))
    return [each for each in found if each.status is not SubscriptionStatus.ENDED] or found


def _new_address(fresh: Fresh) -> Address:
    return parse_address(str(fresh.link.details["address"]))


def _owner(session: Session, address: Address) -> int | None:
    return session.scalars(
        sa.select(Subscriber.id).where(Subscriber.address_key == address.key)
    ).one_or_none()

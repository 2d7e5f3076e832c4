"""A person moves to another address: proven at the old one and at the new one, with the history kept.

Nobody is merged: where the new address has a subscriber with a history, nothing changes, and only who reads
mail there is told. One who never confirmed anything has none and makes way: who reads mail there has just
said what they want.
"""

from __future__ import annotations

import datetime as dt
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from digest.addresses import Address, keyed_hash, parse_address
from digest.lists import consent, former
from digest.lists.erase import erase_subscriber
from digest.lists.fresh_links import (
    Fresh,
    FreshKind,
    mail_fresh_link,
    make_fresh_link,
    use_up,
    void_links,
)
from digest.lists.life import note_life
from digest.lists.locks import lock_person, lock_subscriptions
from digest.lists.notice_keys import new_address_key
from digest.lists.person_mail import ask_person_mail, list_and_digest
from digest.lists.stationery import Stationery
from digest.lists.status import Action, Origin
from digest.lists.suppress import is_suppressed
from digest.models import ConsentEvent, Subscriber, Subscription, SubscriptionStatus
from digest.rendering.notices import MovedNotice, NoticeKind

_TRIES = 3
_TO_CHANGE = (FreshKind.ADDRESS, FreshKind.NEW_ADDRESS)
_RUNNING = (SubscriptionStatus.ACTIVE, SubscriptionStatus.PAUSED)


class Moved(StrEnum):
    """What became of a change of address, or would become of it."""

    DONE = "done"
    TAKEN = "taken"  # the new address has a subscriber of its own, who gets mail or pauses
    LEFT = "left"  # it has one who has stopped all mail; that history is not this person's
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
        key=new_address_key(keyed_hash(stationery.address_key, new.key), now),
        now=now,
    )


def foresee(session: Session, fresh: Fresh, *, address_key: bytes) -> Moved:
    """What a press of the button would come to now; looking changes nothing."""
    outcome, _ = _outcome(session, fresh.link.subscriber_id, _new_address(fresh), address_key)
    return outcome


def change_address(
    session: Session,
    fresh: Fresh,
    stationery: Stationery,
    *,
    source: Origin = Origin.PREFERENCES,
    now: dt.datetime,
) -> Moved:
    """Make the change that a link to the new address stands for, and tell the old address.

    Each subscription that has not ended gets an event with both addresses; imports go on knowing the person
    by the old one. This link is used up, and no fresh link of before works any more. Deliveries, suppressions
    and what has ended stay as they were.
    """
    new = _new_address(fresh)
    subscriber = lock_person(session, fresh.link.subscriber_id)
    before, hash_before = subscriber.address or "", subscriber.address_hash
    outcome = _move(session, subscriber, new, stationery.address_key, now=now)
    if outcome is not Moved.DONE:
        return outcome
    asked_at = fresh.link.created_at
    former.note_change(session, subscriber.id, before=hash_before, after=subscriber.address_hash, now=now)
    use_up(session, fresh.link, now=now)
    has_moved = hash_before != subscriber.address_hash
    # What lies in the old mailbox must not give out the person's data, nor erase them: by now it may be
    # anybody's. Written in other letters it is the same mailbox.
    void_links(session, subscriber.id, tuple(FreshKind) if has_moved else _TO_CHANGE, now=now)
    note_life(session, subscriber.id, now=now)
    for subscription in _running(lock_subscriptions(session, subscriber.id)):
        waits_since = subscription.changed_at
        consent.append(
            session,
            subscription,
            action=Action.ADDRESS,
            status=subscription.status,
            source=source,
            details={"address": new.text, "address_before": before, "asked_at": asked_at.isoformat()},
            now=now,
        )
        if subscription.status is SubscriptionStatus.PENDING:
            # By this moment the lists of one post are known: others must not be confirmed with them.
            subscription.changed_at = waits_since
    session.flush()
    if has_moved:
        _tell(session, fresh, before, stationery, now=now)
    return Moved.DONE


def _move(
    session: Session, subscriber: Subscriber, new: Address, address_key: bytes, *, now: dt.datetime
) -> Moved:
    """Give the person the address, if nobody with a history has it."""
    for _ in range(_TRIES):
        outcome, owner_id = _outcome(session, subscriber.id, new, address_key)
        if outcome is not Moved.DONE:
            return outcome
        if owner_id is not None and not _make_way(session, owner_id, now=now):
            continue
        try:
            with session.begin_nested():
                subscriber.address, subscriber.address_key = new.text, new.key
                subscriber.address_hash, subscriber.domain = keyed_hash(address_key, new.key), new.domain
                session.flush()
        except IntegrityError:
            # Somebody signed up with it this very moment.
            session.refresh(subscriber)
            continue
        return Moved.DONE
    return Moved.TAKEN


def _outcome(
    session: Session, subscriber_id: int, new: Address, address_key: bytes
) -> tuple[Moved, int | None]:
    """What a change to this address comes to, and who has to make way for it, if anybody."""
    if is_suppressed(session, address_key, new):
        return Moved.REFUSED, None
    owner_id = session.scalars(
        sa.select(Subscriber.id).where(Subscriber.address_key == new.key)
    ).one_or_none()
    if owner_id is None or owner_id == subscriber_id:
        return Moved.DONE, None
    if not _has_history(session, owner_id):
        return Moved.DONE, owner_id
    runs = sa.select(Subscription.id).where(
        Subscription.subscriber_id == owner_id, Subscription.status.in_(_RUNNING)
    )
    is_running = session.scalars(runs.limit(1)).first() is not None
    return (Moved.TAKEN if is_running else Moved.LEFT), None


def _has_history(session: Session, subscriber_id: int) -> bool:
    """Whether there was ever more than a sign-up that nobody has confirmed.

    Who has left has a history: it keeps imports from bringing them back.
    """
    pending = SubscriptionStatus.PENDING
    query = (
        sa.select(Subscription.id)
        .outerjoin(ConsentEvent, ConsentEvent.subscription_id == Subscription.id)
        .where(
            Subscription.subscriber_id == subscriber_id,
            sa.or_(Subscription.status != pending, ConsentEvent.status != pending),
        )
    )
    return session.scalars(query.limit(1)).first() is not None


def _make_way(session: Session, owner_id: int, *, now: dt.datetime) -> bool:
    """Erase somebody who has no history; False if they have got one, or have gone, in between."""
    owner = lock_person(session, owner_id)
    lock_subscriptions(session, owner_id)
    if _has_history(session, owner_id):
        return False
    return erase_subscriber(session, owner, source=Origin.PREFERENCES, now=now)


def _running(subscriptions: list[Subscription]) -> list[Subscription]:
    """The person's subscriptions that have not ended; all of them if all have."""
    return [each for each in subscriptions if each.status is not SubscriptionStatus.ENDED] or subscriptions


def _tell(session: Session, fresh: Fresh, before: str, stationery: Stationery, *, now: dt.datetime) -> None:
    """Tell the old address, which may be the only one that its owner reads; not what the new one is."""
    if not before or is_suppressed(session, stationery.address_key, parse_address(before)):
        return
    mailing_list, digest = list_and_digest(session, fresh.list_id)
    ask_person_mail(
        session,
        stationery,
        NoticeKind.MOVED,
        MovedNotice(
            list_title=mailing_list.title,
            sender_name=digest.sender_name,
            postal_address=digest.postal_address,
            digest_title=digest.title,
        ),
        digest=digest,
        address=before,
        key=f"moved:{fresh.link.id}",
        now=now,
    )


def _new_address(fresh: Fresh) -> Address:
    return parse_address(str(fresh.link.details["address"]))

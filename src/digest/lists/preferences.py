"""What a reader sets by the link in a mail: rhythm, topics, text size, lists, language.

The link may be forwarded or opened by a stranger, so each change here can be undone by the same page.
All take a Session and never commit. A repeated change does nothing and says so by returning False.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.errors import NotFoundError, StateError
from digest.lists import consent
from digest.lists.queries import first_cadence_id, subscription_of
from digest.lists.status import Action, Origin
from digest.lists.subscribe import AddOutcome, add_subscriber, confirm, end, note_life, resume
from digest.models import (
    Cadence,
    Digest,
    MailingList,
    Subscriber,
    Subscription,
    SubscriptionStatus,
    TextSize,
    Topic,
)

_OWN = Origin.PREFERENCES
_CHOSEN = frozenset({SubscriptionStatus.ACTIVE, SubscriptionStatus.PAUSED})


def cadence_of(session: Session, subscription: Subscription) -> Cadence | None:
    """The cadence that a subscription is on: its own, else its digest's first; None if there is none."""
    if subscription.cadence_id is not None:
        return session.get(Cadence, subscription.cadence_id)
    digest_id = session.get_one(MailingList, subscription.list_id).digest_id
    return session.scalars(sa.select(Cadence).where(Cadence.id == first_cadence_id(digest_id))).first()


def choose_cadence(
    session: Session, subscription: Subscription, cadence_id: int, *, now: dt.datetime
) -> bool:
    """Put the subscription on another cadence of its digest, and end a pause: who chooses wants mail.

    Raises NotFoundError for another digest's cadence, StateError for a subscription that is not running.
    """
    consent.lock(session, subscription)
    _require_chosen(subscription)
    wanted = session.scalars(
        sa.select(Cadence)
        .join(MailingList, MailingList.digest_id == Cadence.digest_id)
        .where(MailingList.id == subscription.list_id, Cadence.id == cadence_id)
    ).one_or_none()
    if wanted is None:
        raise NotFoundError("This digest has no such rhythm.")
    was = cadence_of(session, subscription)
    note_life(session, subscription.subscriber_id, now=now)
    is_resumed = False
    if subscription.status is SubscriptionStatus.PAUSED:
        is_resumed = resume(session, subscription, source=_OWN, actor="", now=now)
    if was is not None and was.id == wanted.id:
        return is_resumed
    subscription.cadence_id = wanted.id
    _note(session, subscription, {"cadence": wanted.name, "cadence_before": was.name if was else ""}, now=now)
    return True


def choose_topics(
    session: Session, subscription: Subscription, names: Collection[str], *, now: dt.datetime
) -> bool:
    """Keep the chosen topics, in the digest's order; none and all are the same: everything comes.

    Names that the digest has not are left out. Raises StateError for a subscription that is not running.
    """
    consent.lock(session, subscription)
    _require_chosen(subscription)
    known = topics_of(session, subscription.list_id)
    chosen = [topic.name for topic in known if topic.name in names]
    if len(chosen) == len(known):
        chosen = []
    note_life(session, subscription.subscriber_id, now=now)
    if chosen == subscription.topics:
        return False
    details = {"topics": ", ".join(chosen), "topics_before": ", ".join(subscription.topics)}
    subscription.topics = chosen
    _note(session, subscription, details, now=now)
    return True


def topics_of(session: Session, list_id: int) -> list[Topic]:
    """The topics of a list's digest, in their order."""
    return list(
        session.scalars(
            sa.select(Topic)
            .join(MailingList, MailingList.digest_id == Topic.digest_id)
            .where(MailingList.id == list_id)
            .order_by(Topic.position, Topic.id)
        )
    )


def choose_text_size(
    session: Session, subscription: Subscription, size: TextSize, *, now: dt.datetime
) -> bool:
    """Set the size of the letters in everything that this person gets. It is no matter of consent."""
    subscriber = session.get_one(Subscriber, subscription.subscriber_id)
    if subscriber.erased_at is not None:
        return False
    note_life(session, subscriber.id, now=now)
    if subscriber.text_size is size:
        return False
    subscriber.text_size = size
    session.flush()
    return True


def join_list(
    session: Session,
    subscription: Subscription,
    list_id: int,
    *,
    address_key: bytes,
    words: str,
    now: dt.datetime,
    network: str = "",
) -> bool:
    """Put the person on one more list that is open, or that they were on; False if they are on it.

    The address is proven by the mail whose link this is, so it needs no second confirmation; but only
    somebody who has confirmed (is active or paused here) can do it. `words` are what the button said.
    Raises NotFoundError for a list that is not offered, StateError, SuppressedError.
    """
    consent.lock(session, subscription)
    _require_chosen(subscription)
    joined = _join(
        session, subscription, list_id, address_key=address_key, words=words, now=now, network=network
    )
    return joined is not None


def switch_language(
    session: Session,
    subscription: Subscription,
    list_id: int,
    *,
    address_key: bytes,
    words: str,
    now: dt.datetime,
    network: str = "",
) -> Subscription:
    """Move the person to a sister digest's list and end this subscription; the new one is returned.

    Raises NotFoundError if the list is no sister's, StateError, SuppressedError.
    """
    consent.lock(session, subscription)
    _require_chosen(subscription)
    if list_id not in {found.id for found, _ in sister_lists(session, subscription)}:
        raise NotFoundError("There is no such list in another language.")
    before = cadence_of(session, subscription)
    _join(session, subscription, list_id, address_key=address_key, words=words, now=now, network=network)
    moved = subscription_of(session, list_id=list_id, subscriber_id=subscription.subscriber_id)
    assert moved is not None  # it was there or has just been made
    _take_over_cadence(session, moved, before)
    subscriber = session.get_one(Subscriber, subscription.subscriber_id)
    target = session.get_one(MailingList, list_id)
    subscriber.language = session.get_one(Digest, target.digest_id).language
    end(session, subscription, source=_OWN, now=now, reason="changed the language", network=network)
    return moved


def open_lists(session: Session) -> list[tuple[MailingList, Digest]]:
    """Lists that the person may join from the page: open ones, in the order of their titles."""
    return _lists(session, MailingList.is_open.is_(True))


def sister_lists(session: Session, subscription: Subscription) -> list[tuple[MailingList, Digest]]:
    """The lists of the same paper in other languages that are open, or that the person has been on."""
    own = session.execute(
        sa.select(Digest.id, Digest.sister_group, Digest.language)
        .join(MailingList, MailingList.digest_id == Digest.id)
        .where(MailingList.id == subscription.list_id)
    ).one()
    if own.sister_group is None:
        return []
    was_on = sa.exists().where(
        Subscription.list_id == MailingList.id, Subscription.subscriber_id == subscription.subscriber_id
    )
    return _lists(
        session,
        sa.and_(
            Digest.sister_group == own.sister_group,
            Digest.language != own.language,
            sa.or_(MailingList.is_open, was_on),
        ),
    )


def own_subscriptions(session: Session, subscriber_id: int) -> list[tuple[Subscription, MailingList]]:
    """A person's subscriptions that have not ended, with their lists, by title."""
    rows = session.execute(
        sa.select(Subscription, MailingList)
        .join(MailingList, MailingList.id == Subscription.list_id)
        .where(Subscription.subscriber_id == subscriber_id, Subscription.status != SubscriptionStatus.ENDED)
        .order_by(MailingList.title, MailingList.id)
    )
    return [(row[0], row[1]) for row in rows]


def _join(
    session: Session,
    subscription: Subscription,
    list_id: int,
    *,
    address_key: bytes,
    words: str,
    now: dt.datetime,
    network: str,
) -> Subscription | None:
    """The subscription if it was made or revived; None if the person is on the list."""
    target = session.get(MailingList, list_id)
    subscriber = session.get_one(Subscriber, subscription.subscriber_id)
    was_on = subscription_of(session, list_id=list_id, subscriber_id=subscriber.id)
    if target is None or not (target.is_open or was_on is not None) or subscriber.address is None:
        raise NotFoundError("There is no such list to join.")
    added = add_subscriber(
        session,
        target,
        subscriber.address,
        address_key=address_key,
        consent_text=words,
        source=_OWN,
        actor="",
        now=now,
        cadence_id=was_on.cadence_id if was_on else None,
        network=network,
    )
    joined = session.get_one(Subscription, added.subscription_id)
    if added.status is SubscriptionStatus.PENDING:
        # Asked for by a form before, and proven now.
        details = {"address": subscriber.address, "consent": words, "actor": ""}
        confirm(session, joined, source=_OWN, now=now, details=details)
        return joined
    return None if added.outcome is AddOutcome.KNOWN else joined


def _take_over_cadence(session: Session, moved: Subscription, before: Cadence | None) -> None:
    """A sister's cadence of the same name is the one that was meant."""
    if before is None:
        return
    same = session.scalars(
        sa.select(Cadence.id)
        .join(MailingList, MailingList.digest_id == Cadence.digest_id)
        .where(MailingList.id == moved.list_id, Cadence.name == before.name)
    ).one_or_none()
    if same is not None:
        moved.cadence_id = same
        session.flush()


def _lists(session: Session, which: sa.ColumnElement[bool]) -> list[tuple[MailingList, Digest]]:
    rows = session.execute(
        sa.select(MailingList, Digest)
        .join(Digest, Digest.id == MailingList.digest_id)
        .where(which)
        .order_by(MailingList.title, MailingList.id)
        .limit(_LISTS_MOST)
    )
    return [(row[0], row[1]) for row in rows]


_LISTS_MOST = 30


def _require_chosen(subscription: Subscription) -> None:
    if subscription.status not in _CHOSEN:
        raise StateError("Only a subscription that is running can be changed.")


def _note(session: Session, subscription: Subscription, details: dict[str, str], *, now: dt.datetime) -> None:
    consent.append(
        session,
        subscription,
        action=Action.CHANGE,
        status=subscription.status,
        source=_OWN,
        details=details,
        now=now,
    )

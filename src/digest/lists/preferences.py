"""What a reader sets by the link in a mail: rhythm, topics, text size, lists. `languages` has the language.

The link may be forwarded or opened by a stranger, so each change here can be undone by the same page. A clerk
sets some of it for a reader by the same steps: that is no sign of life, and the proof names the clerk.
All take a Session and never commit. A repeated change does nothing and says so by returning False.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.errors import NotFoundError
from digest.lists import consent
from digest.lists.leaving import last_leaving
from digest.lists.life import note_life
from digest.lists.locks import lock_person
from digest.lists.queries import first_cadence_id, subscription_of
from digest.lists.status import RUNNING, Action, Origin, next_status
from digest.lists.subscribe import AddOutcome, add_subscriber, confirm, resume
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
_LISTS_MOST = 30


@dataclass(frozen=True, slots=True)
class By:
    """Who makes a change: the person themselves by their page, or somebody of the staff, who is named."""

    source: Origin = _OWN
    actor: str = ""


_THEMSELVES = By()


def cadence_of(session: Session, subscription: Subscription) -> Cadence | None:
    """The cadence that a subscription is on: its own, else its digest's first; None if there is none."""
    if subscription.cadence_id is not None:
        return session.get(Cadence, subscription.cadence_id)
    digest_id = session.get_one(MailingList, subscription.list_id).digest_id
    return session.scalars(_first_of(), {"digest": digest_id}).first()


@functools.cache
def _first_of() -> sa.Select[Cadence]:
    """Built once: to build it takes longer than to run it."""
    return sa.select(Cadence).where(Cadence.id == first_cadence_id(sa.bindparam("digest")))


def choose_cadence(
    session: Session, subscription: Subscription, cadence_id: int, *, now: dt.datetime, by: By = _THEMSELVES
) -> bool:
    """Put the subscription on another cadence of its digest, and end a pause: who chooses wants mail.

    A pause that a person has made is not ended by a clerk's change. Raises NotFoundError for another digest's
    cadence, StateError for a subscription that is not running.
    """
    _hold(session, subscription)
    require_running(subscription)
    wanted = session.scalars(
        sa.select(Cadence)
        .join(MailingList, MailingList.digest_id == Cadence.digest_id)
        .where(MailingList.id == subscription.list_id, Cadence.id == cadence_id)
    ).one_or_none()
    if wanted is None:
        raise NotFoundError("This digest has no such rhythm.")
    was = cadence_of(session, subscription)
    _note_life(session, subscription.subscriber_id, by, now=now)
    is_resumed = False
    if subscription.status is SubscriptionStatus.PAUSED and by.source.is_own:
        is_resumed = resume(session, subscription, source=_OWN, actor="", now=now)
    if was is not None and was.id == wanted.id:
        return is_resumed
    subscription.cadence_id = wanted.id
    details = {"cadence": wanted.name, "cadence_before": was.name if was else ""}
    _note(session, subscription, details, by, now=now)
    return True


def choose_topics(
    session: Session,
    subscription: Subscription,
    names: Collection[str],
    *,
    now: dt.datetime,
    by: By = _THEMSELVES,
) -> bool:
    """Keep the chosen topics, in the digest's order; none and all are the same: everything comes.

    Names that the digest has not are left out. Raises StateError for a subscription that is not running.
    """
    _hold(session, subscription)
    require_running(subscription)
    known = topics_of(session, subscription.list_id)
    chosen = [topic.name for topic in known if topic.name in names]
    if len(chosen) == len(known):
        chosen = []
    _note_life(session, subscription.subscriber_id, by, now=now)
    if chosen == subscription.topics:
        return False
    details = {"topics": ", ".join(chosen), "topics_before": ", ".join(subscription.topics)}
    subscription.topics = chosen
    _note(session, subscription, details, by, now=now)
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
    session: Session, subscriber_id: int, size: TextSize, *, now: dt.datetime, by: By = _THEMSELVES
) -> bool:
    """Set the size of the letters in everything that this person gets. It is no matter of consent."""
    subscriber = lock_person(session, subscriber_id)
    if subscriber.erased_at is not None:
        return False
    _note_life(session, subscriber.id, by, now=now)
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
    """Put the person on one more list that is open, or that they left themselves; False if they are on it.

    The address is proven by the mail whose link this is, so it needs no second confirmation; but only
    somebody who has confirmed (is active or paused here) can do it. `words` are what the button said.
    Raises NotFoundError for a list that is not offered, StateError, SuppressedError.
    """
    _hold(session, subscription)
    require_running(subscription)
    _, is_new = join(
        session, subscription, list_id, address_key=address_key, words=words, now=now, network=network
    )
    return is_new


def open_lists(session: Session) -> list[tuple[MailingList, Digest]]:
    """Lists that the person may join from the page: open ones, in the order of their titles."""
    return listed(session, _open_ones())


@functools.cache
def _open_ones() -> sa.Select[MailingList, Digest]:
    return lists_where(MailingList.is_open.is_(True))


def own_subscriptions(session: Session, subscriber_id: int) -> list[tuple[Subscription, MailingList]]:
    """A person's subscriptions that have not ended, with their lists, by title."""
    rows = session.execute(
        sa.select(Subscription, MailingList)
        .join(MailingList, MailingList.id == Subscription.list_id)
        .where(Subscription.subscriber_id == subscriber_id, Subscription.status != SubscriptionStatus.ENDED)
        .order_by(MailingList.title, MailingList.id)
    )
    return [(row[0], row[1]) for row in rows]


def join(
    session: Session,
    subscription: Subscription,
    list_id: int,
    *,
    address_key: bytes,
    words: str,
    now: dt.datetime,
    network: str,
) -> tuple[Subscription, bool]:
    """The subscription there, which runs, and whether that is new; False if the person is on the list."""
    target = session.get(MailingList, list_id)
    subscriber = session.get_one(Subscriber, subscription.subscriber_id)
    was_on = subscription_of(session, list_id=list_id, subscriber_id=subscriber.id)
    if target is None or subscriber.address is None or not _may_join(session, target, was_on):
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
        return joined, confirm(session, joined, source=_OWN, now=now, details=details, network=network)
    return joined, added.outcome is not AddOutcome.KNOWN


def _may_join(session: Session, target: MailingList, was_on: Subscription | None) -> bool:
    """Whether a list is open, the person is on it, or has left it themselves.

    A clerk who ended it, or a list that was closed before anybody confirmed, is not overruled by a link.
    """
    if target.is_open:
        return True
    if was_on is None:
        return False
    return was_on.status in RUNNING or last_leaving(session, was_on) is not None


def lists_where(which: sa.ColumnElement[bool]) -> sa.Select[MailingList, Digest]:
    """Lists with their digests, in the order of their titles; as many as a page can show. To be kept."""
    return (
        sa.select(MailingList, Digest)
        .join(Digest, Digest.id == MailingList.digest_id)
        .where(which)
        .order_by(MailingList.title, MailingList.id)
        .limit(_LISTS_MOST)
    )


def listed(
    session: Session, found: sa.Select[MailingList, Digest], **values: object
) -> list[tuple[MailingList, Digest]]:
    """What such a statement finds with these values."""
    return [(row[0], row[1]) for row in session.execute(found, values)]


def _hold(session: Session, subscription: Subscription) -> None:
    """The person first, as everybody does who changes them and their subscriptions (`locks`)."""
    lock_person(session, subscription.subscriber_id)
    consent.lock(session, subscription)


def require_running(subscription: Subscription) -> None:
    """Raises StateError for one that waits to be confirmed, or has ended."""
    next_status(subscription.status, Action.CHANGE)


def _note_life(session: Session, subscriber_id: int, by: By, *, now: dt.datetime) -> None:
    if by.source.is_own:
        note_life(session, subscriber_id, now=now)


def _note(
    session: Session, subscription: Subscription, details: dict[str, str], by: By, *, now: dt.datetime
) -> None:
    if by.actor:
        details["actor"] = by.actor
    consent.append(
        session,
        subscription,
        action=Action.CHANGE,
        status=subscription.status,
        source=by.source,
        details=details,
        now=now,
    )

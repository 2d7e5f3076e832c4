"""The language of a reader's mail: the lists of the same paper in others, and the move to one of them.

What goes along is said in `switch_language`; `leaving.undo_leaving` takes it back as a whole.
"""

from __future__ import annotations

import datetime as dt
import functools
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.errors import NotFoundError
from digest.lists.endings import Before, Switch
from digest.lists.leaving import last_leaving
from digest.lists.locks import lock_person, lock_subscriptions
from digest.lists.preferences import cadence_of, join, listed, lists_where, require_running, topics_of
from digest.lists.queries import subscription_of
from digest.lists.status import RUNNING, Origin
from digest.lists.subscribe import end, pause, resume
from digest.models import Cadence, Digest, MailingList, Subscription, SubscriptionStatus
from digest.rendering.rhythms import Schedule, rhythm_of

_OWN: Final = Origin.PREFERENCES


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

    One that begins there takes over what this one was: the pause, an equal rhythm, the topics of the same
    names. One that runs there keeps its own choices, and it only wakes if this one is awake: nobody is left
    without mail who gets it now. The end says what was there before, for `leaving.undo_leaving`.
    Raises NotFoundError if the list is no sister's, StateError, SuppressedError.
    """
    person = lock_person(session, subscription.subscriber_id)
    held = lock_subscriptions(session, person.id)
    require_running(subscription)
    if list_id not in {found.id for found, _ in sister_lists(session, subscription)}:
        raise NotFoundError("There is no such list in another language.")
    here = Before.of(subscription)
    there = next((Before.of(each) for each in held if each.list_id == list_id), None)
    switch = Switch(list_id, there, person.language or "")
    moved, _ = join(
        session, subscription, list_id, address_key=address_key, words=words, now=now, network=network
    )
    if there is None or there.status not in RUNNING:
        _take_over_choices(session, moved, subscription, is_strangers=_may_be_strangers(there), now=now)
        if here.is_resting(now):
            until = here.paused_until
            pause(session, moved, source=_OWN, actor="", now=now, until=until, network=network)
    elif not here.is_resting(now):
        resume(session, moved, source=_OWN, actor="", now=now, network=network)
    target = session.get_one(MailingList, list_id)
    person.language = session.get_one(Digest, target.digest_id).language
    end(
        session,
        subscription,
        source=_OWN,
        now=now,
        reason="changed the language",
        details=switch.details(),
        network=network,
    )
    return moved


def sister_lists(session: Session, subscription: Subscription) -> list[tuple[MailingList, Digest]]:
    """The lists of the same paper in other languages that are open, or that the person left themselves."""
    own = session.execute(_paper_of_list(), {"list": subscription.list_id}).one()
    if own.sister_group is None:
        return []
    person = subscription.subscriber_id
    found = listed(session, _sisters(), group=own.sister_group, language=own.language, person=person)
    return [
        (each, digest)
        for each, digest in found
        if each.is_open or _has_left(session, each.id, subscription.subscriber_id)
    ]


@functools.cache
def _paper_of_list() -> sa.Select[str | None, str]:
    return (
        sa.select(Digest.sister_group, Digest.language)
        .join(MailingList, MailingList.digest_id == Digest.id)
        .where(MailingList.id == sa.bindparam("list"))
    )


@functools.cache
def _sisters() -> sa.Select[MailingList, Digest]:
    """Built once: to build it takes longer than to run it."""
    has_ended = sa.exists().where(
        Subscription.list_id == MailingList.id,
        Subscription.subscriber_id == sa.bindparam("person"),
        Subscription.status == SubscriptionStatus.ENDED,
    )
    return lists_where(
        sa.and_(
            Digest.sister_group == sa.bindparam("group"),
            Digest.language != sa.bindparam("language"),
            sa.or_(MailingList.is_open, has_ended),
        )
    )


def _has_left(session: Session, list_id: int, subscriber_id: int) -> bool:
    """Whether the person was on a list and ended that themselves; not if somebody else has."""
    was_on = subscription_of(session, list_id=list_id, subscriber_id=subscriber_id)
    return was_on is not None and last_leaving(session, was_on) is not None


def _may_be_strangers(there: Before | None) -> bool:
    """Whether what is chosen in a subscription may be a stranger's: nobody has proven the address for it."""
    return there is not None and there.status is SubscriptionStatus.PENDING


def _take_over_choices(
    session: Session, moved: Subscription, here: Subscription, *, is_strangers: bool, now: dt.datetime
) -> None:
    """The rhythm and the topics of `here`, as far as the sister digest has the like."""
    if is_strangers:
        moved.cadence_id = None
    equal = _equal_cadence(session, moved.list_id, cadence_of(session, here), now=now)
    if equal is not None:
        moved.cadence_id = equal
    known = [topic.name for topic in topics_of(session, moved.list_id)]
    chosen = [name for name in known if name in here.topics]
    moved.topics = [] if len(chosen) == len(known) else chosen
    session.flush()


def _equal_cadence(session: Session, list_id: int, wanted: Cadence | None, *, now: dt.datetime) -> int | None:
    """The running cadence of a list's digest that comes as often: of the same name, else the first.

    Where none comes as often, that of the same name; None if there is no such either.
    """
    if wanted is None:
        return None
    there = session.scalars(
        sa.select(Cadence)
        .join(MailingList, MailingList.digest_id == Cadence.digest_id)
        .where(MailingList.id == list_id, Cadence.is_running)
        .order_by(Cadence.name != wanted.name, Cadence.id)
    ).all()

    def rhythm(cadence: Cadence) -> str:
        return rhythm_of(Schedule(cadence.id, cadence.name, cadence.cron, cadence.zone), now)[0]

    as_often = [each.id for each in there if rhythm(each) == rhythm(wanted)]
    same_name = [each.id for each in there if each.name == wanted.name]
    return next(iter(as_often + same_name), None)

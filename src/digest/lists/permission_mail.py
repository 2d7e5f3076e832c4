"""The mail that asks whether somebody still wants a list, and the page behind its one link."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.db.dialect import skip_locked
from digest.lists import consent
from digest.lists.life import note_life
from digest.lists.links import subscription_of_token
from digest.lists.notice_keys import permission_key
from digest.lists.permission import asks_until, to_ask
from digest.lists.person_mail import ask_person_mail
from digest.lists.stationery import Stationery
from digest.lists.status import Action, Origin
from digest.models import (
    Digest,
    MailingList,
    Notice,
    NoticeState,
    PermissionAsk,
    PermissionRun,
    Subscriber,
    Subscription,
    SubscriptionStatus,
)
from digest.rendering.contexts import UNSUBSCRIBE_URL
from digest.rendering.notices import NoticeKind, PermissionNotice
from digest.tokens import Claim, Purpose, Signer

# People a tick. As many questions may wait at most: a confirmation must not stand behind thousands of them.
ASK_MOST = 40
_WAITING_MOST = 80


@dataclass(frozen=True, slots=True)
class KeepLink:
    """What the page behind a link may say: nothing about the person."""

    list_id: int
    subscriber_id: int
    list_name: str
    list_title: str
    language: str
    is_list_open: bool
    is_ended: bool
    is_answered: bool


def has_questions(session: Session, *, now: dt.datetime) -> bool:
    """Whether there is a run that still asks: a short table, so a look costs nothing."""
    runs = session.scalars(sa.select(PermissionRun).where(PermissionRun.closed_at.is_(None)))
    return any(now <= asks_until(run) for run in runs)


def ask_some(
    session: Session, signer: Signer, public_url: str, *, templates: Path | None, now: dt.datetime
) -> int:
    """Ask the next people of one open run; how many. Each is asked once a run, by its key."""
    run = _due_run(session, now)
    if run is None:
        return 0
    rows = session.execute(to_ask(run).order_by(Subscription.id).limit(ASK_MOST)).all()
    if not rows:
        return 0
    mailing_list = session.get_one(MailingList, run.list_id)
    digest = session.get_one(Digest, mailing_list.digest_id)
    stationery = Stationery(signer, b"", public_url, templates)
    values = PermissionNotice(
        list_title=mailing_list.title,
        keep_url=UNSUBSCRIBE_URL,
        answer_until=run.answer_until,
        sender_name=digest.sender_name,
        postal_address=digest.postal_address,
        digest_title=digest.title,
    )
    for subscription_id, subscriber_id in rows:
        # The run's row is locked: nobody else asks meanwhile.
        session.add(PermissionAsk(run_id=run.id, subscription_id=subscription_id, asked_at=now))
        subscriber = session.get_one(Subscriber, subscriber_id)
        assert subscriber.address is not None  # it may be mailed
        token = signer.sign(Claim(Purpose.KEEP, run.list_id, subscriber_id))
        ask_person_mail(
            session,
            stationery,
            NoticeKind.PERMISSION,
            values,
            digest=digest,
            address=subscriber.address,
            name=subscriber.name,
            link=f"{public_url}/k/{token}",
            key=permission_key(run.id, subscription_id),
            now=now,
        )
    return len(rows)


def _due_run(session: Session, now: dt.datetime) -> PermissionRun | None:
    """An open run that still asks, if not too many questions wait to be handed over."""
    runs = skip_locked(sa.select(PermissionRun).where(PermissionRun.closed_at.is_(None)))
    found = [run for run in session.scalars(runs.order_by(PermissionRun.id)) if now <= asks_until(run)]
    if not found:
        return None
    waiting = sa.select(sa.func.count()).where(
        Notice.state == NoticeState.PENDING, Notice.kind == NoticeKind.PERMISSION.value
    )
    if (session.scalar(waiting) or 0) > _WAITING_MOST:
        return None
    return next((run for run in found if session.execute(to_ask(run).limit(1)).first()), None)


def find_keep(session: Session, signer: Signer, token: str) -> KeepLink | None:
    """What to show for a link; None if the subscription is gone, TokenError if the link is not ours."""
    subscription = subscription_of_token(session, signer, token, purpose=Purpose.KEEP)
    if subscription is None:
        return None
    mailing_list = session.get_one(MailingList, subscription.list_id)
    open_asks = sa.select(sa.func.count()).where(*_unanswered(subscription.id))
    return KeepLink(
        list_id=mailing_list.id,
        subscriber_id=subscription.subscriber_id,
        list_name=mailing_list.name,
        list_title=mailing_list.title,
        language=session.get_one(Digest, mailing_list.digest_id).language,
        is_list_open=mailing_list.is_open,
        is_ended=subscription.status is SubscriptionStatus.ENDED,
        is_answered=not session.scalar(open_asks),
    )


def keep(session: Session, signer: Signer, token: str, *, now: dt.datetime) -> KeepLink | None:
    """The person wants it still: a sign of life, and an event of the chain if there was a question.

    Again, or for a subscription that has ended, it changes nothing. As `find_keep`, after that.
    """
    subscription = subscription_of_token(session, signer, token, purpose=Purpose.KEEP)
    if subscription is None:
        return None
    consent.lock(session, subscription)
    if subscription.status is not SubscriptionStatus.ENDED:
        answered = sa.update(PermissionAsk).where(*_unanswered(subscription.id)).values(answered_at=now)
        done = session.execute(answered, execution_options={"synchronize_session": False})
        if getattr(done, "rowcount", 0):
            note_life(session, subscription.subscriber_id, now=now)
            consent.append(
                session,
                subscription,
                action=Action.KEEP,
                status=subscription.status,
                source=Origin.PREFERENCES,
                details={"answer": "still wants it"},
                now=now,
            )
    return find_keep(session, signer, token)


def _unanswered(subscription_id: int) -> tuple[sa.ColumnElement[bool], ...]:
    is_open = sa.exists().where(PermissionRun.id == PermissionAsk.run_id, PermissionRun.closed_at.is_(None))
    return (
        PermissionAsk.subscription_id == subscription_id,
        PermissionAsk.answered_at.is_(None),
        is_open.correlate(PermissionAsk),
    )

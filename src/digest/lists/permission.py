"""Whether they still want it: ask those of a list who have long been silent, and end who does not answer.

    start (a run) -> each tick asks some by a mail with one link -> the page's button keeps -> close

Nobody is asked who may not be mailed or is paused, and nobody twice in a run. Whoever gives any sign of life
after being asked has answered. Closing ends only those to whom the question was handed over.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import audit
from digest.db import Database
from digest.errors import InputError, StateError
from digest.lists.queries import may_be_mailed
from digest.lists.status import Origin
from digest.lists.subscribe import end
from digest.models import (
    AuditEntry,
    MailingList,
    Notice,
    NoticeState,
    PermissionAsk,
    PermissionRun,
    Subscriber,
    Subscription,
    SubscriptionStatus,
)
from digest.rendering.notices import NoticeKind

NO_ANSWER = "no answer to the re-permission question"
_SHORTEST = dt.timedelta(days=2)
_LONGEST = dt.timedelta(days=365)
_CLOSE = "permission.close"
_CLOSE_MOST = 200  # people whose subscriptions end in one transaction


@dataclass(frozen=True, slots=True)
class RunCounts:
    """How a run stands. `waiting` are still to be asked; `to_end` would end if it were closed now."""

    id: int
    list_name: str
    created_at: dt.datetime
    silent_since: dt.datetime
    answer_until: dt.datetime
    closed_at: dt.datetime | None
    waiting: int
    asked: int
    handed_over: int
    answered: int
    to_end: int


def start_run(
    session: Session,
    mailing_list: MailingList,
    *,
    silent_for: dt.timedelta,
    answer_within: dt.timedelta,
    actor: str,
    now: dt.datetime,
) -> PermissionRun:
    """Begin to ask; raises StateError while an earlier run of the list is open."""
    if not _SHORTEST <= answer_within <= _LONGEST:
        raise InputError("The time to answer is from 2 to 365 days: people read their mail when they can.")
    session.refresh(mailing_list, with_for_update=True)
    if open_run(session, mailing_list.id) is not None:
        raise StateError(
            f"The list {mailing_list.name} has an open run.", hint="Close it with `digest permission close`."
        )
    run = PermissionRun(
        list_id=mailing_list.id,
        silent_since=now - silent_for,
        answer_until=now + answer_within,
        actor=actor,
        created_at=now,
    )
    session.add(run)
    session.flush()
    details = {"silent_days": silent_for.days, "answer_days": answer_within.days}
    audit.record(session, "permission.start", run, actor=actor, now=now, details=details)
    return run


def open_run(session: Session, list_id: int) -> PermissionRun | None:
    """The run of a list that is not closed."""
    query = sa.select(PermissionRun).where(
        PermissionRun.list_id == list_id, PermissionRun.closed_at.is_(None)
    )
    return session.scalars(query.order_by(PermissionRun.id.desc()).limit(1)).first()


def count_silent(session: Session, list_id: int, silent_since: dt.datetime) -> int:
    """How many people of a list a run would ask."""
    return (
        session.scalar(sa.select(sa.func.count()).select_from(silent(list_id, silent_since).subquery())) or 0
    )


def silent(list_id: int, silent_since: dt.datetime) -> sa.Select[int, int]:
    """(subscription_id, subscriber_id) of the people of a list who may be mailed and have long been silent.

    Who never gave a sign of life counts from the day of joining; whoever came by an import, from always.
    """
    alive = Subscriber.last_sign_of_life_at
    return (
        sa.select(Subscription.id, Subscriber.id.label("subscriber_id"))
        .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
        .where(
            Subscription.list_id == list_id,
            may_be_mailed(),
            sa.or_(
                alive < silent_since,
                sa.and_(
                    alive.is_(None),
                    sa.or_(Subscription.created_at < silent_since, Subscription.import_id.is_not(None)),
                ),
            ),
        )
    )


def to_ask(run: PermissionRun) -> sa.Select[int, int]:
    """Those of `silent` who were not asked in this run."""
    asked = sa.exists().where(
        PermissionAsk.run_id == run.id, PermissionAsk.subscription_id == Subscription.id
    )
    return silent(run.list_id, run.silent_since).where(~asked.correlate(Subscription))


def asks_until(run: PermissionRun) -> dt.datetime:
    """When the last are asked: everybody has at least half of the time to answer."""
    return run.created_at + (run.answer_until - run.created_at) / 2


def _key_of_ask(run_id: int) -> sa.ColumnElement[str]:
    """`permission_key` of a row of `permission_asks`."""
    return sa.literal(f"permission:{run_id}:", sa.Text) + sa.cast(PermissionAsk.subscription_id, sa.Text)


def of_open_run() -> sa.ColumnElement[bool]:
    """Whether a notice is the question of a run that is open: what closing it will rest on."""
    prefix = sa.literal("permission:", sa.Text) + sa.cast(PermissionRun.id, sa.Text) + ":"
    is_open = sa.exists().where(
        PermissionRun.closed_at.is_(None), sa.func.substr(Notice.key, 1, sa.func.length(prefix)) == prefix
    )
    return sa.and_(Notice.kind == NoticeKind.PERMISSION.value, is_open.correlate(Notice))


def without_answer(run_id: int) -> sa.Select[int]:
    """The ids of the active subscriptions that got the question of a run and no sign of life since.

    Only a mail on record shows that somebody got it; of an open run all are kept (`of_open_run`).
    """
    return (
        sa.select(PermissionAsk.subscription_id)
        .join(Subscription, Subscription.id == PermissionAsk.subscription_id)
        .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
        .join(Notice, Notice.key == _key_of_ask(run_id))
        .where(
            PermissionAsk.run_id == run_id,
            PermissionAsk.answered_at.is_(None),
            Subscription.status == SubscriptionStatus.ACTIVE,
            sa.or_(
                Subscriber.last_sign_of_life_at.is_(None),
                Subscriber.last_sign_of_life_at < PermissionAsk.asked_at,
            ),
            Notice.state == NoticeState.SENT,
        )
    )


def counts(session: Session, run: PermissionRun) -> RunCounts:
    """How a run stands. Of a closed one the mails are those that closing it has noted: they go in time."""
    name = session.scalars(sa.select(MailingList.name).where(MailingList.id == run.list_id)).one()
    of_run = PermissionAsk.run_id == run.id
    asked, answered = session.execute(
        sa.select(sa.func.count(), sa.func.count(PermissionAsk.answered_at)).where(of_run)
    ).one()
    noted = _noted_at_the_end(session, run)
    sent = (
        sa.select(sa.func.count())
        .select_from(PermissionAsk)
        .join(Notice, Notice.key == _key_of_ask(run.id))
        .where(of_run, Notice.state == NoticeState.SENT)
    )

    def many(query: sa.Select[*tuple[int, ...]]) -> int:
        return session.scalar(sa.select(sa.func.count()).select_from(query.subquery())) or 0

    is_open = run.closed_at is None
    return RunCounts(
        id=run.id,
        list_name=name,
        created_at=run.created_at,
        silent_since=run.silent_since,
        answer_until=run.answer_until,
        closed_at=run.closed_at,
        waiting=many(to_ask(run)) if is_open else 0,
        asked=asked,
        handed_over=(session.scalar(sent) or 0) if noted is None else noted,
        answered=answered,
        to_end=many(without_answer(run.id)) if is_open else 0,
    )


def _noted_at_the_end(session: Session, run: PermissionRun) -> int | None:
    """How many mails of a run were handed over when it was closed; None for an open one."""
    entry = sa.select(AuditEntry.details).where(
        AuditEntry.action == _CLOSE,
        AuditEntry.target_kind == PermissionRun.__name__,
        AuditEntry.target_id == run.id,
    )
    details = session.scalars(entry.limit(1)).first() if run.closed_at is not None else None
    return None if details is None else int(details["handed_over"])


def all_runs(session: Session, list_id: int | None = None) -> list[PermissionRun]:
    """The runs, the latest first."""
    query = sa.select(PermissionRun).order_by(PermissionRun.id.desc())
    return list(session.scalars(query if list_id is None else query.where(PermissionRun.list_id == list_id)))


def check_closable(run: PermissionRun, *, now: dt.datetime) -> None:
    """Raise StateError while people were promised time to answer."""
    if now < run.answer_until:
        raise StateError(
            f"People were told that they may answer until {run.answer_until:%Y-%m-%d %H:%M} UTC; it can be "
            "closed then, or now so that nobody is ended.",
            hint="That is --end-nobody.",
        )


def close_run(
    database: Database,
    run_id: int,
    *,
    actor: str,
    now: dt.datetime,
    end_nobody: bool = False,
    progress: Callable[[int], None] | None = None,
) -> int:
    """End the subscriptions of those who did not answer, some at a time, and close the run; how many ended.

    A flow: broken off, it goes on from where it was when it is called again. `progress` is told how many have
    ended so far.
    """
    ended = 0
    while True:
        with database.write() as session:
            run = session.get_one(PermissionRun, run_id, with_for_update=True)
            if run.closed_at is not None:
                return ended
            if not end_nobody:
                check_closable(run, now=now)
            some = [] if end_nobody else list(session.scalars(without_answer(run_id).limit(_CLOSE_MOST)))
            if not some:
                handed_over = counts(session, run).handed_over
                run.closed_at = now
                details = {"ended": ended, "end_nobody": end_nobody, "handed_over": handed_over}
                audit.record(session, _CLOSE, run, actor=actor, now=now, details=details)
                return ended
            for subscription_id in some:
                subscription = session.get_one(Subscription, subscription_id)
                ended += end(
                    session, subscription, source=Origin.SWEEP, actor=actor, now=now, reason=NO_ANSWER
                )
        if progress is not None:
            progress(ended)

"""What the clock does to editions: due to freeze, due to go out, past their grace, all served."""

from __future__ import annotations

import datetime as dt
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.db.dialect import lock_alone, skip_locked
from digest.editions.approvals import void
from digest.editions.explanation import reruns
from digest.editions.gate import approved
from digest.editions.own_items import note_uses
from digest.editions.states import move
from digest.logs import get_logger
from digest.models import Cadence, Edition, EditionKind, EditionState, Item, Reason, SentItem, VoidCause
from digest.queueing.enqueue import enqueue
from digest.queueing.names import TaskName

log = get_logger(__name__)

# Who unlocks an edition that no person has unlocked.
MACHINE: Final = "machine"
# A worker that was told to freeze or plan an edition may be at it: it is told again after this long.
_TOLD_AGAIN = dt.timedelta(seconds=60)


def enqueue_freezes(session: Session, *, now: dt.datetime) -> list[int]:
    """Hint at the freeze of each upcoming edition whose lead has begun; not of a rhythm that was stopped."""
    longest = session.scalar(sa.select(sa.func.max(Cadence.lead_seconds))) or 0
    rows = session.execute(
        sa.select(Edition.id, Edition.send_at, Cadence.lead_seconds)
        .join(Cadence, Cadence.id == Edition.cadence_id)
        .where(
            Edition.state == EditionState.UPCOMING,
            # Most come much later: they are not read one by one every few seconds.
            Edition.send_at <= now + dt.timedelta(seconds=longest),
            sa.or_(
                Cadence.is_running, Edition.kind != EditionKind.SCHEDULED, Edition.send_at < Edition.due_at
            ),
            _may_be_told(now),
        )
    )
    due = [row.id for row in rows if row.send_at - dt.timedelta(seconds=row.lead_seconds) <= now]
    return _tell(session, TaskName.FREEZE, due, now=now)


def enqueue_plans(session: Session, *, plan_lead: dt.timedelta, now: dt.datetime) -> list[int]:
    """Hint at the plan of each frozen edition whose audience is to be fixed now."""
    due = session.scalars(
        sa.select(Edition.id)
        .where(
            Edition.state == EditionState.FROZEN,
            Edition.planned_at.is_(None),
            Edition.send_at <= now + plan_lead,
            _may_be_told(now),
        )
        .order_by(Edition.send_at, Edition.id)
    ).all()
    return _tell(session, TaskName.PLAN, list(due), now=now)


def _may_be_told(now: dt.datetime) -> sa.ColumnElement[bool]:
    return sa.or_(Edition.hinted_at.is_(None), Edition.hinted_at < now - _TOLD_AGAIN)


def _tell(session: Session, task: TaskName, editions: list[int], *, now: dt.datetime) -> list[int]:
    if editions:
        session.execute(
            sa.update(Edition).where(Edition.id.in_(editions)).values(hinted_at=now),
            execution_options={"synchronize_session": False},
        )
    for edition_id in editions:
        enqueue(session, task, edition_id)
    return editions


def skip_past_grace(session: Session, *, now: dt.datetime) -> int:
    """Skip what is past its grace and was not begun.

    What waited for a person has its grace from its deadline on: that decides about it before
    (`editions.deadlines`).
    """
    rows = session.execute(
        sa.select(Edition, Cadence.grace_seconds)
        .join(Cadence, Cadence.id == Edition.cadence_id)
        .where(Edition.state.in_((EditionState.UPCOMING, EditionState.FROZEN)), Edition.send_at < now)
    ).all()
    late = [
        edition
        for edition, grace in rows
        if max(edition.send_at, edition.deadline_at or edition.send_at) + dt.timedelta(seconds=grace) < now
    ]
    for edition in late:
        move(session, edition, EditionState.SKIPPED, now=now, reason=Reason.PAST_GRACE)
    return len(late)


def due_to_start(session: Session, *, now: dt.datetime) -> list[Edition]:
    """The approved, planned editions whose slot has come, locked; not those another transaction begins."""
    due = sa.select(Edition).where(
        Edition.state == EditionState.FROZEN,
        Edition.planned_at.is_not(None),
        Edition.send_at <= now,
        approved(),
    )
    return list(session.scalars(skip_locked(due), execution_options={"populate_existing": True}))


def claim_stories(session: Session, edition: Edition) -> bool:
    """Write that this cadence sends these posts; false if another edition of it already has one of them.

    What it sends again on purpose does not count. The desk's own items are noted beside them. The caller
    holds the edition's row: its own claim of a moment ago would count as another's here.
    """
    lock_alone(session, f"stories of cadence {edition.cadence_id}")
    posts = session.scalars(
        sa.select(Item.post_id).where(Item.revision_id == edition.revision_id, Item.post_id.is_not(None))
    ).all()
    again = (
        sa.select(SentItem.post_id, sa.func.max(SentItem.rerun).label("last"))
        .where(SentItem.cadence_id == edition.cadence_id, SentItem.post_id.in_(posts))
        .group_by(SentItem.post_id)
    )
    sent: dict[int, int] = {row.post_id: row.last for row in session.execute(again)}
    if not sent.keys() <= reruns(edition):
        return False
    session.add_all(
        SentItem(
            cadence_id=edition.cadence_id,
            post_id=post_id,
            rerun=sent.get(post_id, -1) + 1,
            edition_id=edition.id,
        )
        for post_id in posts
        if post_id is not None
    )
    note_uses(session, edition)
    session.flush()
    return True


def thaw(session: Session, edition: Edition, *, actor: str = MACHINE, now: dt.datetime) -> bool:
    """Back to `upcoming`: it will be frozen anew. Its plan must have been taken back; approvals are void."""
    void(session, edition, VoidCause.UNLOCKED, actor=actor, now=now)
    edition.revision_id = edition.hinted_at = edition.first_copies_at = None
    session.flush()
    if not move(session, edition, EditionState.UPCOMING, now=now):
        return False
    enqueue(session, TaskName.FREEZE, edition.id)
    return True

"""What waits for a person does not wait for ever: at its deadline an edition goes out or is skipped."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.db.dialect import skip_locked
from digest.editions.gate import DEADLINE, outcome_of, wants_approval
from digest.editions.revisions import approve
from digest.editions.states import STOPPED, deadline_of, may_go_out, move
from digest.models import (
    Approval,
    ApprovalWay,
    Cadence,
    ChangeKind,
    Edition,
    EditionChange,
    EditionState,
    Fallback,
    Reason,
    Revision,
    Unapproved,
    VoidCause,
)
from digest.queueing.enqueue import enqueue
from digest.queueing.names import TaskName


def apply_deadlines(session: Session, *, now: dt.datetime) -> int:
    """Decide what nobody has decided until its deadline, as its cadence says; returns how many editions.

    To be sent, a held edition is made anew and what is odd of it is accepted, once: what cannot be made even
    so is skipped. What a person has held, whose approval a person has taken back, or what the checks have
    stopped, is never sent by the clock.
    """
    set_missing_deadlines(session)
    waits = sa.or_(
        Edition.state == EditionState.HELD,
        sa.and_(Edition.state == EditionState.FROZEN, wants_approval()),
    )
    due = sa.select(Edition).where(waits, Edition.deadline_at <= now).order_by(Edition.id)
    decided = 0
    for edition in session.scalars(skip_locked(due), execution_options={"populate_existing": True}).all():
        cadence = session.get_one(Cadence, edition.cadence_id)
        if edition.state is EditionState.FROZEN:
            decided += _settle_unapproved(session, edition, outcome_of(cadence), now=now)
        else:
            decided += _settle_held(session, edition, cadence.hold_outcome, now=now)
    return decided


def set_missing_deadlines(session: Session) -> None:
    """Give a deadline to what was held before there were any."""
    rows = session.execute(
        sa.select(Edition, Cadence.hold_seconds, Cadence.useful_seconds)
        .join(Cadence, Cadence.id == Edition.cadence_id)
        .where(Edition.state == EditionState.HELD, Edition.deadline_at.is_(None))
    ).all()
    for edition, hold, useful in rows:
        edition.deadline_at = deadline_of(edition.due_at, hold_seconds=hold, useful_seconds=useful)
    session.flush()


def _settle_held(session: Session, edition: Edition, outcome: Fallback, *, now: dt.datetime) -> bool:
    was, detail = edition.reason, edition.reason_detail
    by_clock = was is not Reason.BY_PERSON and was not in STOPPED
    if outcome is Fallback.SEND and by_clock and not was_let_go(session, edition):
        session.add(
            EditionChange(
                edition_id=edition.id,
                kind=ChangeKind.ACCEPT,
                details={"by": DEADLINE, "until": now.isoformat()},
                made_by=DEADLINE,
                made_at=now,
            )
        )
        edition.revision_id = edition.first_copies_at = None
        session.flush()
        if not move(session, edition, EditionState.UPCOMING, now=now, reason=Reason.DEADLINE):
            return False
        enqueue(session, TaskName.FREEZE, edition.id)
        return True
    why = ": ".join(part for part in (was.value if was is not None else "", detail) if part)
    return move(session, edition, EditionState.SKIPPED, now=now, reason=Reason.DEADLINE, detail=why[:500])


def _settle_unapproved(session: Session, edition: Edition, outcome: Unapproved, *, now: dt.datetime) -> bool:
    """Nobody has approved it: what was stated for that. Without its featured story it has to be made anew."""
    may_go = edition.revision_id is not None and may_go_out(session, edition.revision_id)
    if outcome is Unapproved.SKIP or not may_go or _was_withdrawn(session, edition):
        return move(session, edition, EditionState.SKIPPED, now=now, reason=Reason.NOT_APPROVED)
    if outcome is Unapproved.WITHOUT_FEATURED:
        enqueue(session, TaskName.FALL_BACK, edition.id)  # `deliveries.fall_back`
        return False
    revision = session.get_one(Revision, edition.revision_id)
    return approve(session, revision, actor=DEADLINE, way=ApprovalWay.DEADLINE, now=now)


def may_fall_back(session: Session, edition: Edition, *, now: dt.datetime) -> bool:
    """Whether nobody has approved a locked edition until its deadline, nor taken its approval back."""
    waits = session.scalar(sa.select(wants_approval()).where(Edition.id == edition.id))
    is_due = edition.deadline_at is not None and edition.deadline_at <= now
    is_locked = edition.state is EditionState.FROZEN
    return bool(is_locked and is_due and waits and not _was_withdrawn(session, edition))


def _was_withdrawn(session: Session, edition: Edition) -> bool:
    """Whether somebody has taken an approval of its version back: that is a no."""
    taken_back = sa.select(Approval.id).where(
        Approval.revision_id == edition.revision_id, Approval.void_cause == VoidCause.WITHDRAWN
    )
    return session.scalars(taken_back.limit(1)).first() is not None


def was_let_go(session: Session, edition: Edition) -> bool:
    """Whether the deadline has let it go, with whatever it was held for that leaves something to send."""
    return (
        session.scalar(
            sa.select(EditionChange.id).where(
                EditionChange.edition_id == edition.id,
                EditionChange.kind == ChangeKind.ACCEPT,
                EditionChange.made_by == DEADLINE,
            )
        )
        is not None
    )

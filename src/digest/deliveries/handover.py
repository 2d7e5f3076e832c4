"""From planned to served: the slot comes, batches become due, the last one closes."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.deliveries.people import SENDABLE
from digest.deliveries.plan import unplan
from digest.editions.progress import claim_stories, due_to_start, thaw
from digest.editions.states import move
from digest.models import Batch, Edition, EditionState, Reason
from digest.queueing.enqueue import enqueue
from digest.queueing.names import TaskName

# Hints a sweep gives at the most; the workers themselves hint at what they hand back.
_HINTS = 200


def go_on(session: Session, *, now: dt.datetime) -> None:
    """What the slot and the last reply bring about: begin what is due, end what is served, give the hints."""
    start_due(session, now=now)
    finish_served(session, now=now)
    enqueue_due_batches(session, now=now)


def start_due(session: Session, *, now: dt.datetime) -> int:
    """Begin to hand over each planned edition whose slot has come; returns how many.

    If another edition of the cadence has sent one of its stories since the freeze, it is thawed and made
    anew from what is left: a post appears once.
    """
    started = 0
    for edition in due_to_start(session, now=now):
        if not claim_stories(session, edition):
            unplan(session, edition)
            thaw(session, edition, now=now)
        elif move(session, edition, EditionState.SENDING, now=now):
            started += 1
    return started


def enqueue_due_batches(session: Session, *, now: dt.datetime) -> int:
    """Hint at every due batch that nobody holds; returns how many."""
    due = session.scalars(
        sa.select(Batch.id)
        .join(Edition, Edition.id == Batch.edition_id)
        .where(
            Batch.closed_at.is_(None),
            Batch.not_before <= now,
            sa.or_(Batch.leased_until.is_(None), Batch.leased_until < now),
            Edition.state.in_(SENDABLE),
        )
        .order_by(Batch.not_before, Batch.id)
        .limit(_HINTS)
    ).all()
    for batch_id in due:
        enqueue(session, TaskName.SEND_BATCH, batch_id)
    return len(due)


def finish_served(session: Session, *, now: dt.datetime) -> int:
    """Mark as sent each edition of which no batch is open: that is a query over rows, never a counter."""
    is_open = sa.exists().where(Batch.edition_id == Edition.id, Batch.closed_at.is_(None))
    served = session.scalars(sa.select(Edition).where(Edition.state == EditionState.SENDING, ~is_open)).all()
    for edition in served:
        move(session, edition, EditionState.SENT, now=now, reason=Reason.ALL_SERVED)
    return len(served)

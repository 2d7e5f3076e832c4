"""From planned to served: the slot comes, batches become due, the last one closes."""

from __future__ import annotations

import datetime as dt
import random

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.deliveries.people import SENDABLE
from digest.deliveries.plan import unplan
from digest.deliveries.spread import moved
from digest.editions.progress import claim_stories, due_to_start, thaw
from digest.editions.states import move
from digest.models import Batch, Edition, EditionState, Reason
from digest.queueing.enqueue import enqueue
from digest.queueing.names import TaskName

# Hints a sweep gives at the most; each worker that has worked on a batch hints at another one.
_HINTS = 64


def go_on(session: Session, *, now: dt.datetime, hints: int = _HINTS) -> None:
    """What the slot and the last reply bring about: begin what is due, end what is served, give the hints."""
    start_due(session, now=now)
    finish_served(session, now=now)
    enqueue_due_batches(session, now=now, most=hints)


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
            _move_window(session, edition.id, now=now)
            started += 1
    return started


def _move_window(session: Session, edition_id: int, *, now: dt.datetime) -> None:
    """Let the batches of an edition begin as they were planned among themselves, the first of them now."""
    batches = session.execute(
        sa.select(Batch.id, Batch.not_before).where(Batch.edition_id == edition_id)
    ).all()
    begins = [batch.not_before for batch in batches]
    by = moved(min(begins), max(begins), now=now) if begins else None
    if not by:
        return
    # Moments are no numbers on SQLite, so they are added up here: a row for 500 people, and only if need be.
    session.connection().execute(
        sa.update(Batch).where(Batch.id == sa.bindparam("batch")).values(not_before=sa.bindparam("begin")),
        [{"batch": batch.id, "begin": batch.not_before + by} for batch in batches],
    )


def take_back_plans(session: Session) -> int:
    """Undo the plan of each edition that was skipped once its audience was fixed; returns how many.

    Nobody was handed it, and nobody is to stay pending for it.
    """
    planned = sa.select(Batch.edition_id).where(Batch.closed_at.is_(None))
    skipped = sa.select(Edition).where(Edition.id.in_(planned), Edition.state == EditionState.SKIPPED)
    found = session.scalars(skipped).all()
    for edition in found:
        unplan(session, edition)
    return len(found)


def enqueue_due_batches(session: Session, *, now: dt.datetime, most: int = _HINTS) -> int:
    """Hint at due batches that nobody holds, at most so many; returns how many.

    They are taken from the first ones at random: several who hint at one batch each mean different ones.
    """
    due = session.scalars(
        sa.select(Batch.id)
        .join(Edition, Edition.id == Batch.edition_id)
        .where(
            Batch.closed_at.is_(None),
            Batch.not_before <= now,
            # One that a journal holds can be claimed by nobody until that is folded.
            Batch.journal_id.is_(None),
            Edition.state.in_(SENDABLE),
        )
        .order_by(Batch.not_before, Batch.id)
        .limit(_HINTS)
    ).all()
    chosen = due if len(due) <= most else random.sample(due, most)
    for batch_id in chosen:
        enqueue(session, TaskName.SEND_BATCH, batch_id)
    return len(chosen)


def finish_served(session: Session, *, now: dt.datetime) -> int:
    """Mark as sent each edition of which no batch is open: that is a query over rows, never a counter."""
    is_open = sa.exists().where(Batch.edition_id == Edition.id, Batch.closed_at.is_(None))
    served = session.scalars(sa.select(Edition).where(Edition.state == EditionState.SENDING, ~is_open)).all()
    for edition in served:
        move(session, edition, EditionState.SENT, now=now, reason=Reason.ALL_SERVED)
    return len(served)

"""From planned to served: the slot comes, batches become due, the last one closes."""

from __future__ import annotations

import datetime as dt
import random
from collections import defaultdict
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.db.dialect import skip_locked
from digest.deliveries.leases import breaking_first, is_due
from digest.deliveries.plan import unplan
from digest.deliveries.spread import moved
from digest.editions.progress import claim_stories, due_to_start, thaw
from digest.editions.states import may_go_out, move
from digest.logs import get_logger
from digest.models import (
    Batch,
    Cadence,
    Delivery,
    DeliveryReason,
    DeliveryStatus,
    Edition,
    EditionKind,
    EditionState,
    OwnItemUse,
    Reason,
    SentItem,
)
from digest.queueing.enqueue import enqueue
from digest.queueing.names import TaskName

log = get_logger(__name__)

# Hints a sweep gives at the most; each worker that has worked on a batch hints at another one.
_HINTS = 64
# Of more due batches than this only every second one is hinted at: a worker goes on with others as long as it
# has time, and would find most of the hints answered already.
_ALL_HINTED = 8


def go_on(session: Session, *, now: dt.datetime, hints: int = _HINTS) -> None:
    """What the slot and the last reply bring about: begin what is due, end what is served, give the hints."""
    start_due(session, now=now)
    settle_cancelled(session, now=now)
    give_up_late(session, now=now)
    finish_served(session, now=now)
    enqueue_due_batches(session, now=now, most=hints)


def start_due(session: Session, *, now: dt.datetime) -> int:
    """Begin to hand over each planned edition whose slot has come; returns how many.

    If another edition of the cadence has sent one of its stories since the freeze, it is thawed and made
    anew from what is left: a post appears once. What the checks stop is held.
    """
    started = 0
    for edition in due_to_start(session, now=now):
        if not may_go_out(session, edition.revision_id):
            unplan(session, edition)
            move(session, edition, EditionState.HELD, now=now, reason=Reason.BLOCKED)
        elif not claim_stories(session, edition):
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
    Those of a breaking edition are hinted at in any case, and first.
    """
    rows = session.execute(
        sa.select(Batch.id, Edition.kind)
        .join(Edition, Edition.id == Batch.edition_id)
        .where(is_due(now))
        .order_by(breaking_first(), Batch.not_before, Batch.id)
        .limit(2 * _HINTS)
    ).all()
    breaking = [row.id for row in rows if row.kind is EditionKind.BREAKING][:most]
    due = [row.id for row in rows if row.kind is not EditionKind.BREAKING]
    wanted = min(most - len(breaking), max(_ALL_HINTED, -(-len(due) // 2)))
    chosen = breaking + (due if len(due) <= wanted else random.sample(due, wanted))
    for batch_id in chosen:
        enqueue(session, TaskName.SEND_BATCH, batch_id)
    return len(chosen)


def give_up_late(session: Session, *, now: dt.datetime) -> int:
    """End what was not handed over while its edition was worth having; returns how many people.

    Nobody stays pending for ever because a mail service was away or a domain rested. What a worker holds is
    its own until it lets go; a paused edition waits for a person.
    """
    editions = session.execute(
        sa.select(Edition.id, Edition.state_since, Cadence.useful_seconds)
        .join(Cadence, Cadence.id == Edition.cadence_id)
        .where(Edition.state == EditionState.SENDING)
    ).all()
    # From when a worker or a person let it go out, last: who resumes it wants it to be had.
    late = [row.id for row in editions if row.state_since + dt.timedelta(seconds=row.useful_seconds) < now]
    given_up = 0
    for edition_id in late:
        free = sa.select(Batch.id).where(
            Batch.edition_id == edition_id, Batch.closed_at.is_(None), Batch.journal_id.is_(None)
        )
        batches = list(session.scalars(skip_locked(free)))
        ended = session.execute(
            sa.update(Delivery)
            .where(
                Delivery.edition_id == edition_id,
                Delivery.batch_id.in_(batches),
                Delivery.status == DeliveryStatus.PENDING,
            )
            .values(status=DeliveryStatus.FAILED, reason=DeliveryReason.TOO_LATE),
            execution_options={"synchronize_session": False},
        )
        given_up += int(getattr(ended, "rowcount", 0))
        session.execute(
            sa.update(Batch).where(Batch.id.in_(batches)).values(closed_at=now),
            execution_options={"synchronize_session": False},
        )
    if given_up:
        log.warning("deliveries came too late", people=given_up, editions=late)
    return given_up


def finish_served(session: Session, *, now: dt.datetime) -> int:
    """Mark as sent each edition of which no batch is open: that is a query over rows, never a counter."""
    is_open = sa.exists().where(Batch.edition_id == Edition.id, Batch.closed_at.is_(None))
    served = session.scalars(sa.select(Edition).where(Edition.state == EditionState.SENDING, ~is_open)).all()
    for edition in served:
        move(session, edition, EditionState.SENT, now=now, reason=Reason.ALL_SERVED)
    return len(served)


def settle_cancelled(session: Session, *, now: dt.datetime) -> int:
    """Close what a cancelled edition has left: its pending deliveries become `skipped`; returns how many.

    A batch that a worker holds, or whose journal is not folded in yet, is left for the next time: only when
    it is let go is it known who was handed the edition. When the last one is closed and nobody was, the
    edition's stories are free again for the next one.
    """
    cancelled = sa.select(Edition.id).where(Edition.state == EditionState.CANCELLED)
    # Locked: a worker that claims one at this moment comes before this or finds it closed. Those that another
    # transaction holds are its business.
    free = sa.select(Batch).where(
        Batch.closed_at.is_(None), Batch.journal_id.is_(None), Batch.edition_id.in_(cancelled)
    )
    found: dict[int, list[int]] = defaultdict(list)
    for batch in session.scalars(skip_locked(free), execution_options={"populate_existing": True}):
        found[batch.edition_id].append(batch.id)
    skipped = 0
    for edition_id, batches in sorted(found.items()):
        skipped += _skip_rest(session, edition_id, batches)
        session.execute(
            sa.update(Batch)
            .where(Batch.id.in_(batches))
            .values(closed_at=now, leased_until=None, fault="", faults_in_a_row=0),
            execution_options={"synchronize_session": False},
        )
        _free_stories(session, edition_id)
    return skipped


def _skip_rest(session: Session, edition_id: int, batches: Sequence[int]) -> int:
    done = session.execute(
        sa.update(Delivery)
        .where(
            Delivery.edition_id == edition_id,
            Delivery.batch_id.in_(batches),
            Delivery.status == DeliveryStatus.PENDING,
        )
        .values(status=DeliveryStatus.SKIPPED, reason=DeliveryReason.CANCELLED),
        execution_options={"synchronize_session": False},
    )
    return int(getattr(done, "rowcount", 0))


def _free_stories(session: Session, edition_id: int) -> None:
    """Let the next edition have the stories of one that nobody was handed and nobody can be any more."""
    is_open = sa.exists().where(Batch.edition_id == edition_id, Batch.closed_at.is_(None))
    may_have_arrived = sa.exists().where(
        Delivery.edition_id == edition_id,
        Delivery.status.in_((DeliveryStatus.SENT, DeliveryStatus.UNCERTAIN)),
    )
    session.execute(
        sa.delete(SentItem).where(SentItem.edition_id == edition_id, ~is_open, ~may_have_arrived),
        execution_options={"synchronize_session": False},
    )
    session.execute(
        sa.delete(OwnItemUse).where(OwnItemUse.edition_id == edition_id, ~is_open, ~may_have_arrived),
        execution_options={"synchronize_session": False},
    )

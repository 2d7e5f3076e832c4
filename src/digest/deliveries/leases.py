"""Who holds which batch: claim one, give it back, put it off."""

from __future__ import annotations

import datetime as dt
import functools
from dataclasses import dataclass
from typing import cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import clock
from digest.db import Database
from digest.db.dialect import skip_locked
from digest.deliveries.ledger import close_if_done
from digest.deliveries.people import SENDABLE
from digest.logs import get_logger
from digest.models import Batch, Edition, EditionKind
from digest.queueing.enqueue import enqueue
from digest.queueing.names import TaskName

log = get_logger(__name__)

# A mail service that cannot be reached is tried again after this many seconds, then ever more rarely.
_UNREACHABLE_AFTER = (10, 20, 40, 80, 160, 300)
_OF_LEASE = ("id", "edition_id", "lease", "faults_in_a_row", "transport_id")


@dataclass(frozen=True, slots=True)
class Lease:
    """A claimed batch, held until a moment of the monotonic clock that a suspended machine does not stop.

    `faults_in_a_row` is how often the mail service as a whole failed at it before; `transport_id` is the only
    one it may go out by, or None.
    """

    batch_id: int
    edition_id: int
    number: int
    until: float
    faults_in_a_row: int = 0
    transport_id: int | None = None

    def holds(self) -> bool:
        return clock.asleep_or_awake() < self.until


def claim(database: Database, batch_id: int, journal_id: int, *, lease_seconds: int) -> Lease | None:
    """Claim a batch; None if it is not due, is held by another worker, or is closed."""
    return _claimed(database, journal_id, lease_seconds, batch=batch_id)


def claim_next(
    database: Database, journal_id: int, *, transport_id: int | None, lease_seconds: int
) -> Lease | None:
    """Claim the due batch that has waited longest and may go out by this mail service, if there is one."""
    if database.is_sqlite:
        # Most often at the end: the one write lock is not taken to find out that there is nothing.
        with database.read() as session:
            if session.scalar(_next_due(), {"way": transport_id, "now": clock.utc_now()}) is None:
                return None
    return _claimed(database, journal_id, lease_seconds, way=transport_id)


def bound_to(database: Database, batch_id: int) -> int | None:
    """The mail service that a batch may only go out by; None for any."""
    with database.read() as session:
        found: int | None = session.scalar(sa.select(Batch.transport_id).where(Batch.id == batch_id))
        return found


def is_due(now: dt.datetime | sa.BindParameter[dt.datetime]) -> sa.ColumnElement[bool]:
    """Whether a batch joined with its edition may be claimed now."""
    return sa.and_(
        Batch.closed_at.is_(None),
        Batch.not_before <= now,
        # A batch whose journal is not folded in stays with it: only the journal knows what went out.
        Batch.journal_id.is_(None),
        Edition.state.in_(SENDABLE),
    )


def breaking_first() -> sa.ColumnElement[int]:
    """What sorts the batches of breaking editions before all others."""
    return sa.case((Edition.kind == EditionKind.BREAKING, 0), else_=1)


def hand_back(
    database: Database,
    lease: Lease,
    *,
    problem: str = "",
    faults_before: int = 0,
    lacks: str = "",
    not_before: dt.datetime | None = None,
) -> bool:
    """Give a batch back: at once for whoever is free, or for later; true if it is done.

    `problem` is what the mail service as a whole did wrong; without `not_before` it then waits ever longer.
    `lacks` is what the batch itself cannot be sent without.
    """
    now = clock.utc_now()
    with database.write() as session:
        if close_if_done(session, lease.batch_id, now=now):
            return True
        values: dict[str, object] = {"fault": (problem or lacks)[:500], "faults_in_a_row": 0}
        if lacks:
            log.warning("batch cannot be sent", batch=lease.batch_id, lacks=lacks, again_at=str(not_before))
        if problem:
            values["faults_in_a_row"] = faults_before + 1
            wait = _UNREACHABLE_AFTER[min(faults_before, len(_UNREACHABLE_AFTER) - 1)]
            not_before = not_before or now + dt.timedelta(seconds=wait)
            log.warning("mail service fails", batch=lease.batch_id, problem=problem, again_at=str(not_before))
        if not_before is not None:
            values["not_before"] = not_before
        is_given = _hand_back(session, lease, **values)
        if is_given and (not_before is None or not_before <= now):
            enqueue(session, TaskName.SEND_BATCH, lease.batch_id)
    return False


def postpone(
    database: Database, batch_id: int, problem: str, *, not_before: dt.datetime | None = None
) -> None:
    """Note why a batch cannot be sent now, to look at it again later; a held one is left alone."""
    now = clock.utc_now()
    with database.write() as session:
        session.execute(
            sa.update(Batch)
            .where(Batch.id == batch_id, Batch.closed_at.is_(None), Batch.leased_until.is_(None))
            .values(fault=problem[:500], not_before=not_before or now + dt.timedelta(minutes=1))
        )


def _claimed(database: Database, journal_id: int, lease_seconds: int, **which: int | None) -> Lease | None:
    # Taken before the claim is written, so that our idea of its end is never later than the database's.
    start, now = clock.asleep_or_awake(), clock.utc_now()
    values = {"now": now, "until": now + dt.timedelta(seconds=lease_seconds), "journal": journal_id, **which}
    with database.write_singly() as session:
        row = session.connection().execute(_claim(is_next="way" in which), values).one_or_none()
    if row is None:
        return None
    return Lease(
        batch_id=row.id,
        edition_id=row.edition_id,
        number=row.lease,
        until=start + lease_seconds,
        faults_in_a_row=row.faults_in_a_row,
        transport_id=row.transport_id,
    )


@functools.cache
def _claim(*, is_next: bool) -> sa.UpdateBase:
    """The statement that claims a batch, built once: that takes longer than to run it."""
    table = cast("sa.Table", Batch.__table__)
    is_there = sa.exists().where(Edition.id == table.c.edition_id, is_due(sa.bindparam("now")))
    # Locked there, so that of two workers each takes another one and neither waits.
    next_one = skip_locked(_next_due(), of=Batch).correlate(None).scalar_subquery()
    chosen = next_one if is_next else sa.bindparam("batch")
    return (
        sa.update(table)
        .where(table.c.id == chosen, is_there)
        .values(
            lease=table.c.lease + 1,
            leased_until=sa.bindparam("until"),
            journal_id=sa.bindparam("journal"),
        )
        .returning(*(table.c[name] for name in _OF_LEASE))
    )


@functools.cache
def _next_due() -> sa.Select[int]:
    way = sa.bindparam("way", type_=sa.BigInteger)
    return (
        sa.select(Batch.id)
        .join(Edition, Edition.id == Batch.edition_id)
        .where(is_due(sa.bindparam("now")), sa.or_(Batch.transport_id.is_(None), Batch.transport_id == way))
        # A breaking edition does not stand in line behind a large one.
        .order_by(breaking_first(), Batch.not_before, Batch.id)
        .limit(1)
    )


def _hand_back(session: Session, lease: Lease, **values: object) -> bool:
    """Give up the lease if it is still ours."""
    ours = sa.update(Batch).where(
        Batch.id == lease.batch_id, Batch.lease == lease.number, Batch.closed_at.is_(None)
    )
    changed = session.execute(
        ours.values(leased_until=None, journal_id=None, **values),
        execution_options={"synchronize_session": False},
    )
    return bool(getattr(changed, "rowcount", 0))

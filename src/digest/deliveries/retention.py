"""Old deliveries go, their totals stay: how many of an edition were sent, failed, skipped, uncertain.

On PostgreSQL a whole range of editions is dropped as a table, which takes no longer for a million rows than
for ten. On SQLite the rows of one edition after another are deleted in slices.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.db import UtcDateTime
from digest.db.dialect import insert_select_if_new, lock_alone
from digest.deliveries.figures import FINAL_STATES
from digest.deliveries.partitions import EDITIONS_PER_RANGE, range_exists, range_name
from digest.logs import get_logger
from digest.models import (
    Batch,
    Delivery,
    DeliveryStatus,
    Edition,
    EditionFigures,
    EditionTotals,
    UncertainCase,
)

log = get_logger(__name__)

# Deliveries that one transaction deletes on SQLite: others wait for it to write.
_SLICE = 20_000
# Whoever reads or writes deliveries queues up behind a table that waits for its lock; in an hour is another
# chance.
_LOCK_TIMEOUT = "500ms"
# PostgreSQL's code. Its driver is not loaded for the name alone: it takes 5 MB, also from those on SQLite.
_LOCK_NOT_AVAILABLE = "55P03"


def drop_old_ranges(session: Session, *, keep: dt.timedelta, now: dt.datetime) -> int:
    """Drop one part of what is past its time; returns how many editions it touched, 0 if there is nothing.

    Past its time is an edition that was final for `keep` and has no open batch. On PostgreSQL the part is a
    range all of whose editions are, and into which no more can come; on SQLite a slice of one edition.
    """
    if session.get_bind().dialect.name == "postgresql":
        return _drop_range(session, before=now - keep, now=now)
    return _delete_slice(session, before=now - keep, now=now)


def _drop_range(session: Session, *, before: dt.datetime, now: dt.datetime) -> int:
    low = _oldest_range(session, before)
    if low is None:
        return 0
    lock_alone(session, "partitions")
    if not range_exists(session, range_name(low)):
        return 0  # another one was quicker
    try:
        # All or nothing: an edition with totals whose people are there still would be told wrongly.
        with session.begin_nested():
            session.execute(sa.text(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'"))
            editions = _write_totals(session, low, low + EDITIONS_PER_RANGE, now=now)
            _delete_beside(session, low, low + EDITIONS_PER_RANGE)
            session.execute(sa.text(f"DROP TABLE {range_name(low)}"))
    except sa.exc.OperationalError as error:
        if getattr(error.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
            raise
        log.warning("old deliveries cannot be dropped now: they are being read", first_edition=low)
        return 0
    log.info("old deliveries dropped", first_edition=low, editions=editions)
    return max(editions, 1)


def _oldest_range(session: Session, before: dt.datetime) -> int | None:
    """The first edition of the oldest range that may go whole; None if there is none."""
    newest = session.scalar(sa.select(sa.func.max(Edition.id))) or 0
    names = session.scalars(
        sa.text(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'deliveries'::regclass "
            "AND inhrelid::regclass::text LIKE 'deliveries\\_from\\_%'"
        )
    )
    for low in sorted(int(name.rpartition("_")[2]) for name in names):
        high = low + EDITIONS_PER_RANGE
        if high > newest:
            return None  # more may come into it
        waits = sa.exists().where(Edition.id >= low, Edition.id < high, ~_is_past(before))
        if not session.scalar(sa.select(waits)):
            return low
    return None


def _delete_slice(session: Session, *, before: dt.datetime, now: dt.datetime) -> int:
    has_rows = sa.exists().where(Delivery.edition_id == Edition.id)
    edition_id = session.scalar(
        sa.select(Edition.id).where(_is_past(before), has_rows).order_by(Edition.id).limit(1)
    )
    if edition_id is None:
        return 0
    # With the first slice: they are true while the others go.
    if _write_totals(session, edition_id, edition_id + 1, now=now):
        _delete_beside(session, edition_id, edition_id + 1)
        log.info("old deliveries dropped", first_edition=edition_id, editions=1)
    people = sa.select(Delivery.subscriber_id).where(Delivery.edition_id == edition_id).limit(_SLICE)
    session.execute(
        sa.delete(Delivery).where(Delivery.edition_id == edition_id, Delivery.subscriber_id.in_(people)),
        execution_options={"synchronize_session": False},
    )
    return 1


def _is_past(before: dt.datetime) -> sa.ColumnElement[bool]:
    is_open = sa.exists().where(Batch.edition_id == Edition.id, Batch.closed_at.is_(None))
    return sa.and_(Edition.state.in_(FINAL_STATES), Edition.state_since < before, ~is_open)


def _write_totals(session: Session, low: int, high: int, *, now: dt.datetime) -> int:
    """One row for each edition of [low, high) that has deliveries; how many are new."""
    kept = (DeliveryStatus.SENT, DeliveryStatus.FAILED, DeliveryStatus.SKIPPED, DeliveryStatus.UNCERTAIN)
    counts = [sa.func.count().filter(Delivery.status == status) for status in kept]
    values: list[Any] = [Delivery.edition_id, *counts, sa.literal(now, UtcDateTime)]
    # By the partition's own bounds, so that PostgreSQL reads this one alone.
    select = (
        sa.select(*values)
        .where(Delivery.edition_id >= low, Delivery.edition_id < high)
        .group_by(Delivery.edition_id)
    )
    columns = ("edition_id", *(status.value for status in kept), "dropped_at")
    return insert_select_if_new(session, EditionTotals, columns, select)


def _delete_beside(session: Session, low: int, high: int) -> None:
    """What is kept beside the deliveries goes with them: batches, figures, the evidence on uncertain ones."""
    for table in (UncertainCase, Batch, EditionFigures):
        session.execute(
            sa.delete(table).where(table.edition_id >= low, table.edition_id < high),
            execution_options={"synchronize_session": False},
        )

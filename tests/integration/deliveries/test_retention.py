"""Old deliveries are dropped, and what they came to is still told."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from digest.db import Database
from digest.deliveries import retention, sweep
from digest.deliveries.partitions import EDITIONS_PER_RANGE, make_partitions, range_exists, range_name
from digest.deliveries.progress import progress
from digest.deliveries.retention import drop_old_ranges
from digest.editions.show import show_edition
from digest.models import (
    Batch,
    Delivery,
    DeliveryStatus,
    Edition,
    EditionKind,
    EditionState,
    EditionTotals,
    UncertainCase,
    UncertainCause,
)
from tests.factories import make_cadence, make_digest
from tests.factories.moments import NOW

SENT, FAILED, PENDING = DeliveryStatus.SENT, DeliveryStatus.FAILED, DeliveryStatus.PENDING
SKIPPED, UNCERTAIN = DeliveryStatus.SKIPPED, DeliveryStatus.UNCERTAIN
KEEP = dt.timedelta(days=365)
OLD = NOW - KEEP - dt.timedelta(days=1)
FIRST, NEXT_RANGE = 1, EDITIONS_PER_RANGE


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database that no other test uses: its tables are dropped."""
    if request.param == "sqlite":
        shutil.copyfile(request.getfixturevalue("sqlite_template"), tmp_path / "own.db")
        opened = Database(f"sqlite:///{tmp_path / 'own.db'}")
        yield opened
        opened.close()
        return
    template = request.getfixturevalue("migrated_postgres")
    with request.getfixturevalue("postgres_server").database(template=template) as url:
        opened = Database(url.replace("postgresql://", "postgresql+psycopg://"))
        yield opened
        opened.close()


def _edition(
    database: Database,
    number: int,
    *statuses: DeliveryStatus,
    since: dt.datetime = OLD,
    state: EditionState = EditionState.SENT,
) -> None:
    """An edition with this id and people of these statuses, one batch and its evidence."""
    with database.write() as session:
        cadence = session.scalars(sa.select(sa.func.min(Edition.cadence_id))).one() or (
            make_cadence(session, make_digest(session), is_running=False).id
        )
        session.add(
            Edition(
                id=number,
                public_id=str(number),
                cadence_id=cadence,
                kind=EditionKind.EXTRA,
                due_at=since + dt.timedelta(seconds=number),
                due_local="",
                send_at=since,
                state=state,
                planned_at=since,
                state_since=since,
                created_at=since,
            )
        )
        session.flush()
        make_partitions(session)
        session.add(Batch(edition_id=number, not_before=since, closed_at=since))
        session.add_all(
            Delivery(edition_id=number, subscriber_id=person, variant_id=1, subscription_id=1, status=status)
            for person, status in enumerate(statuses, start=1)
        )
        session.add(
            UncertainCase(
                edition_id=number,
                subscriber_id=1,
                attempt=0,
                since=since,
                cause=UncertainCause.NO_ANSWER,
            )
        )


def _drop(database: Database, *, now: dt.datetime = NOW) -> int:
    touched = 0
    while True:
        with database.write() as session:
            found = drop_old_ranges(session, keep=KEEP, now=now)
        if not found:
            return touched
        touched += found


def _rows(database: Database) -> dict[int, int]:
    with database.read() as session:
        counted = sa.select(Delivery.edition_id, sa.func.count()).group_by(Delivery.edition_id)
        return dict(session.execute(counted).all())  # type: ignore[arg-type]


def test_old_editions_leave_their_totals(database: Database) -> None:
    """Rows, batches and evidence go; every count is told as before, by both pages."""
    _edition(database, FIRST, SENT, SENT, FAILED, UNCERTAIN)
    _edition(database, FIRST + 1, SKIPPED, SKIPPED, state=EditionState.CANCELLED)
    _edition(database, NEXT_RANGE, SENT, since=NOW)
    _edition(database, NEXT_RANGE + EDITIONS_PER_RANGE, SENT, since=NOW)
    with database.read() as session:
        before = [show_edition(session, number).deliveries for number in (FIRST, FIRST + 1)]
    assert _drop(database) > 0
    assert set(_rows(database)) == {NEXT_RANGE, NEXT_RANGE + EDITIONS_PER_RANGE}
    with database.read() as session:
        after = [show_edition(session, number) for number in (FIRST, FIRST + 1)]
        figures = progress(session, FIRST, now=NOW)
        beside = {
            *session.scalars(sa.select(Batch.edition_id)),
            *session.scalars(sa.select(UncertainCase.edition_id)),
        }
    assert [view.deliveries for view in after] == before
    assert [view.dropped_at for view in after] == [NOW, NOW]
    assert (figures.counts[SENT], figures.counts[FAILED], figures.may_have_arrived) == (2, 1, 1)
    assert figures.dropped_at == NOW
    assert min(beside) == NEXT_RANGE
    assert _drop(database) == 0


@pytest.mark.parametrize("waits", ["state", "batch", "age"])
def test_what_is_not_past_its_time_stays(database: Database, waits: str) -> None:
    """An edition that is paused, has an open batch, or was final for a day less: its rows are there."""
    since = NOW - KEEP + dt.timedelta(days=1) if waits == "age" else OLD
    state = EditionState.PAUSED if waits == "state" else EditionState.SENT
    _edition(database, FIRST, SENT, since=since, state=state)
    _edition(database, NEXT_RANGE, SENT, since=NOW)
    if waits == "batch":
        with database.write() as session:
            session.execute(sa.update(Batch).where(Batch.edition_id == FIRST).values(closed_at=None))
    assert _drop(database) == 0
    assert FIRST in _rows(database)
    with database.read() as session:
        assert session.scalars(sa.select(EditionTotals.edition_id)).all() == []


def test_a_range_goes_whole_or_not_at_all(database: Database) -> None:
    """On PostgreSQL the last edition of a range keeps the others; on SQLite each edition goes alone."""
    _edition(database, FIRST, SENT)
    _edition(database, FIRST + 1, SENT, since=NOW)
    _edition(database, NEXT_RANGE, SENT, since=NOW)
    _drop(database)
    assert (FIRST in _rows(database)) is not database.is_sqlite
    assert FIRST + 1 in _rows(database)


def test_a_range_that_more_editions_come_into_stays(database: Database) -> None:
    """However old what it holds is: nothing could be written into it any more."""
    _edition(database, FIRST, SENT)
    _edition(database, FIRST + 1, SENT)
    if not database.is_sqlite:
        assert _drop(database) == 0
        _edition(database, NEXT_RANGE, SENT, since=NOW)
    assert _drop(database) > 0
    assert not {FIRST, FIRST + 1} & set(_rows(database))


def test_rows_are_deleted_in_slices(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """On SQLite others get to write in between; the totals are true from the first slice on."""
    monkeypatch.setattr(retention, "_SLICE", 2)
    _edition(database, FIRST, *[SENT] * 5)
    _edition(database, NEXT_RANGE, SENT, since=NOW)
    with database.write() as session:
        assert drop_old_ranges(session, keep=KEEP, now=NOW) == 1
    if database.is_sqlite:
        assert _rows(database)[FIRST] == 3
    with database.read() as session:
        assert show_edition(session, FIRST).deliveries[SENT] == 5
    _drop(database)
    assert FIRST not in _rows(database)


def test_a_reader_is_not_waited_for(database: Database) -> None:
    """A backup that reads the range keeps it: nothing is half done, and the next time it goes."""
    if database.is_sqlite:
        pytest.skip("a reader on SQLite is in nobody's way")
    _edition(database, FIRST, SENT)
    _edition(database, NEXT_RANGE, SENT, since=NOW)
    with database.read() as reader:
        reader.execute(sa.select(Delivery.edition_id)).all()
        with database.write() as session:
            assert drop_old_ranges(session, keep=KEEP, now=NOW) == 0
    with database.read() as session:
        assert range_exists(session, range_name(0))
        assert session.scalars(sa.select(EditionTotals.edition_id)).all() == []
    assert _drop(database) == 1


def test_the_tick_looks_once_an_hour(database: Database) -> None:
    """What becomes old within the hour is found with the next one."""
    _edition(database, NEXT_RANGE, SENT, since=NOW)
    times = sweep.SweepSettings(plan_lead=dt.timedelta(0), settle_uncertain_after=KEEP, keep_deliveries=KEEP)
    _edition(database, FIRST, SENT, since=NOW)
    sweep.tick(database, times, now=NOW)
    with database.write() as session:
        session.execute(sa.update(Edition).where(Edition.id == FIRST).values(state_since=OLD))
    sweep.tick(database, times, now=NOW + dt.timedelta(minutes=59))
    assert FIRST in _rows(database)
    sweep.tick(database, times, now=NOW + dt.timedelta(minutes=60))
    assert FIRST not in _rows(database)

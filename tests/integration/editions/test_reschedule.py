"""A moved or edited schedule: no slot fires twice, and editors' changes stay."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.db import Database
from digest.editions.cadences import Unbounded, set_cadence
from digest.editions.dates import add_moment, dates_of, parse_local, skip_day, take_back
from digest.editions.presets import parse_preset
from digest.editions.progress import enqueue_freezes
from digest.editions.slots import make_next_editions
from digest.editions.states import move
from digest.errors import InputError, NotFoundError
from digest.models import Cadence, ChangeKind, Edition, EditionChange, EditionState, Reason
from tests.factories import make_cadence, make_digest, make_revision

NOON = dt.datetime(2026, 11, 23, 12, 0, tzinfo=dt.UTC)
SLOT = dt.datetime(2026, 11, 24, 3, 0, tzinfo=dt.UTC)  # seven in the morning in Yerevan
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
S = EditionState


@pytest.fixture
def cadence_id(database: Database) -> int:
    """Every morning at seven, with its next edition."""
    with database.write() as session:
        cadence = make_cadence(session, make_digest(session), slots_after=NOON)
        make_next_editions(session, now=NOON)
        return cadence.id


def shape(session: Session, edition_id: int) -> int:
    """Somebody writes an intro for an edition; the row's id."""
    change = EditionChange(
        edition_id=edition_id, kind=ChangeKind.INTRO, details={"text": "x"}, made_by="t", made_at=NOON
    )
    session.add(change)
    session.flush()
    return change.id


def the_edition(database: Database) -> Edition:
    with database.read() as session:
        return session.scalars(sa.select(Edition)).one()


def change(database: Database, cadence_id: int, *, now: dt.datetime = NOON, **values: Any) -> None:
    with database.write() as session:
        set_cadence(session, session.get_one(Cadence, cadence_id), actor="test", now=now, **values)


def due(database: Database) -> list[tuple[dt.datetime, EditionState]]:
    with database.read() as session:
        rows = session.execute(sa.select(Edition.due_at, Edition.state).order_by(Edition.due_at))
        return [(row.due_at, row.state) for row in rows]


def test_the_coming_edition_moves_with_its_changes(database: Database, cadence_id: int) -> None:
    """It keeps its row, its address on the web and what editors did; the slot is the new one."""
    before = the_edition(database)
    with database.write() as session:
        change_id = shape(session, before.id)
    change(database, cadence_id, cron=parse_preset("weekday", ["8:30"]), zone="America/Los_Angeles")
    after = the_edition(database)
    moved_to = dt.datetime(2026, 11, 23, 16, 30, tzinfo=dt.UTC)
    assert (after.id, after.public_id) == (before.id, before.public_id)
    assert (after.due_at, after.send_at, after.due_local) == (moved_to, moved_to, "2026-11-23 08:30 -08:00")
    with database.read() as session:
        assert session.get_one(EditionChange, change_id).edition_id == after.id
        cadence = session.get_one(Cadence, cadence_id)
        assert cadence.preset == {
            "every": "weekdays",
            "times": ["08:30"],
            "weekdays": [1, 2, 3, 4, 5],
            "date": None,
            "nth": None,
        }
        assert cadence.slots_after == moved_to


def test_an_edit_that_keeps_the_slot_keeps_the_edition_as_it_is(database: Database, cadence_id: int) -> None:
    """Another schedule with the same next slot."""
    before = the_edition(database)
    change(database, cadence_id, cron="0 7 * * *\n0 19 * * 0")
    assert the_edition(database).due_at == before.due_at


def test_a_day_that_is_left_out_moves_the_edition_to_the_next(database: Database, cadence_id: int) -> None:
    """And back again when it is taken back; a moment besides draws it forward."""
    before = the_edition(database)
    with database.write() as session:
        cadence = session.get_one(Cadence, cadence_id)
        shape(session, before.id)
        assert skip_day(session, cadence, dt.date(2026, 11, 24), actor="t", now=NOON, note="a holiday")
        assert not skip_day(session, cadence, dt.date(2026, 11, 24), actor="t", now=NOON)
    assert (the_edition(database).id, the_edition(database).due_at) == (before.id, SLOT + DAY)
    with database.write() as session:
        cadence = session.get_one(Cadence, cadence_id)
        local = parse_local("2026-11-24 18:00")
        assert add_moment(session, cadence, local, actor="t", now=NOON)
        assert [(one.local, one.note) for one in dates_of(session, cadence)] == [
            ("2026-11-24", "a holiday"),
            ("2026-11-24 18:00", ""),
        ]
    assert the_edition(database).due_at == SLOT + 11 * HOUR
    with database.write() as session:
        cadence = session.get_one(Cadence, cadence_id)
        take_back(session, cadence, "2026-11-24 18:00", actor="t", now=NOON)
        take_back(session, cadence, "2026-11-24", actor="t", now=NOON)
        with pytest.raises(NotFoundError, match="no day or moment"):
            take_back(session, cadence, "2026-11-24", actor="t", now=NOON)
    assert (the_edition(database).id, the_edition(database).due_at) == (before.id, SLOT)


def test_a_moment_that_has_passed_is_refused(database: Database, cadence_id: int) -> None:
    """There is an edition by hand for that."""
    with database.write() as session:
        cadence = session.get_one(Cadence, cadence_id)
        with pytest.raises(InputError, match="has passed"):
            add_moment(session, cadence, parse_local("2026-11-23 15:00"), actor="t", now=NOON)


def test_a_last_day_ends_the_rhythm_and_can_be_taken_back(database: Database, cadence_id: int) -> None:
    """No edition comes after it; what was worked on waits for the rhythm to go on."""
    before = the_edition(database)
    with database.write() as session:
        shape(session, before.id)
    change(database, cadence_id, ends_on=dt.date(2026, 11, 23))
    aside = the_edition(database)
    assert (aside.id, aside.state, aside.reason) == (before.id, S.UPCOMING, Reason.BY_PERSON)
    change(database, cadence_id, ends_on=Unbounded.NONE, starts_on=dt.date(2026, 12, 1))
    after = the_edition(database)
    assert (after.id, after.due_at, after.reason) == (before.id, SLOT + 7 * DAY, None)
    with pytest.raises(InputError, match="cannot be before the first"):
        change(database, cadence_id, ends_on=dt.date(2026, 11, 30))


def test_a_stopped_rhythm_keeps_what_was_worked_on(database: Database, cadence_id: int) -> None:
    """It is not locked while the rhythm stands still, and goes out with the next slot when it goes on."""
    before = the_edition(database)
    with database.write() as session:
        shape(session, before.id)
    change(database, cadence_id, is_running=False)
    with database.write() as session:
        assert enqueue_freezes(session, now=SLOT) == []
        make_next_editions(session, now=SLOT + HOUR)
    change(database, cadence_id, is_running=True, now=SLOT + HOUR)
    after = the_edition(database)
    assert (after.id, after.due_at, after.reason) == (before.id, SLOT + DAY, None)
    with database.write() as session:
        assert enqueue_freezes(session, now=SLOT + DAY) == [before.id]


def test_what_is_being_locked_goes_out_as_it_was_announced(database: Database, cadence_id: int) -> None:
    """A worker may be at it: it keeps its slot, and the new schedule begins after it."""
    with database.write() as session:
        assert enqueue_freezes(session, now=SLOT - 5 * dt.timedelta(minutes=1)) != []
    change(database, cadence_id, now=SLOT - 4 * dt.timedelta(minutes=1), cron="58 6 * * *")
    with database.write() as session:
        make_next_editions(session, now=SLOT + HOUR)
    assert due(database) == [
        (SLOT, S.UPCOMING),
        (SLOT + DAY - 2 * dt.timedelta(minutes=1), S.UPCOMING),
    ]


@pytest.mark.parametrize(
    ("cron", "first"),
    [
        ("30 9 * * *", SLOT + DAY + dt.timedelta(minutes=150)),
        ("0 7,18 * * *", SLOT + 11 * HOUR),
        ("0 8 * * *\n0 8 * * 1", SLOT + DAY + HOUR),
    ],
)
def test_nobody_gets_two_of_one_day(
    database: Database, cadence_id: int, cron: str, first: dt.datetime
) -> None:
    """Moved to a later hour of a day that had its edition: the day after, if it has one slot a day."""
    with database.write() as session:
        edition = session.scalars(sa.select(Edition)).one()
        edition.revision_id = make_revision(session, edition.id).id
        for state in (S.FROZEN, S.SENDING, S.SENT):
            move(session, edition, state, now=SLOT)
        make_next_editions(session, now=SLOT)
    change(database, cadence_id, now=SLOT + HOUR / 2, cron=cron)
    assert due(database) == [(SLOT, S.SENT), (first, S.UPCOMING)]


def test_two_that_wait_since_the_clock_went_back_become_one(database: Database, cadence_id: int) -> None:
    """The clock was a day ahead for a moment: another schedule has one next slot, and loses nobody's work."""
    with database.write() as session:
        make_next_editions(session, now=SLOT)
        first, second = session.scalars(sa.select(Edition).order_by(Edition.due_at))
        intro = shape(session, first.id)
        rewrite = EditionChange(
            edition_id=second.id, kind=ChangeKind.REWRITE, details={}, made_by="t", made_at=NOON
        )
        session.add(rewrite)
        session.flush()
        first_id, rewrite_id = first.id, rewrite.id
    change(database, cadence_id, cron="0 9 * * *")
    assert due(database) == [(SLOT + 2 * HOUR, S.UPCOMING)]
    assert the_edition(database).id == first_id
    with database.read() as session:
        for change_id in (intro, rewrite_id):
            assert session.get_one(EditionChange, change_id).edition_id == first_id


def test_a_slot_that_somebody_skipped_stays_skipped(database: Database, cadence_id: int) -> None:
    """Another schedule with the same slot does not bring it back."""
    with database.write() as session:
        edition = session.scalars(sa.select(Edition)).one()
        move(session, edition, S.SKIPPED, now=NOON, reason=Reason.BY_PERSON)
        make_next_editions(session, now=NOON)
    change(database, cadence_id, cron="0 7 * * 1-6")
    assert due(database) == [(SLOT, S.SKIPPED), (SLOT + DAY, S.UPCOMING)]

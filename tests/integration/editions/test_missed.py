"""Slots that nobody was there for: late, merged into the next, or skipped; never several."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa

from digest.db import Database
from digest.editions.missed import outcome_of
from digest.editions.progress import enqueue_freezes, skip_past_grace
from digest.editions.slots import make_next_editions
from digest.editions.states import move
from digest.models import (
    Cadence,
    ChangeKind,
    Edition,
    EditionChange,
    EditionState,
    Missed,
    Reason,
)
from tests.factories import make_cadence, make_digest

NOON = dt.datetime(2026, 11, 23, 12, 0, tzinfo=dt.UTC)
SLOT = dt.datetime(2026, 11, 24, 3, 0, tzinfo=dt.UTC)
MINUTE, HOUR, DAY = dt.timedelta(minutes=1), dt.timedelta(hours=1), dt.timedelta(days=1)
S = EditionState
UPCOMING = (S.UPCOMING, None)
MERGED, MISSED, PAST = ((S.SKIPPED, reason) for reason in (Reason.MERGED, Reason.MISSED, Reason.PAST_GRACE))

Line = tuple[EditionState, Reason | None]


def begin(database: Database, **values: object) -> None:
    with database.write() as session:
        make_cadence(session, make_digest(session), slots_after=NOON, **values)
        make_next_editions(session, now=NOON)


def tick(database: Database, now: dt.datetime) -> None:
    with database.write() as session:
        make_next_editions(session, now=now)
        skip_past_grace(session, now=now)
        enqueue_freezes(session, now=now)


def editions(database: Database) -> list[Line]:
    with database.read() as session:
        rows = session.execute(sa.select(Edition.state, Edition.reason).order_by(Edition.due_at))
        return [(row.state, row.reason) for row in rows]


@pytest.mark.parametrize(
    ("missed", "away", "outcome"),
    [
        (Missed.LATE, HOUR, [UPCOMING, UPCOMING]),
        (Missed.MERGE, HOUR, [MERGED, UPCOMING]),
        (Missed.SKIP, HOUR, [MISSED, UPCOMING]),
        (Missed.LATE, 4 * HOUR, [PAST, UPCOMING]),
        (Missed.MERGE, 4 * HOUR, [PAST, UPCOMING]),
        (Missed.SKIP, 4 * HOUR, [PAST, UPCOMING]),
        (Missed.LATE, 3 * DAY + HOUR, [PAST, PAST, PAST, UPCOMING, UPCOMING]),
        (Missed.MERGE, 3 * DAY + HOUR, [PAST, PAST, PAST, MERGED, UPCOMING]),
        (Missed.SKIP, 3 * DAY + HOUR, [PAST, PAST, PAST, MISSED, UPCOMING]),
    ],
)
def test_a_cadence_says_what_becomes_of_what_was_missed(
    database: Database, missed: Missed, away: dt.timedelta, outcome: list[Line]
) -> None:
    """Down from the evening on, for an hour, four hours or three days beyond the slot; grace: three hours."""
    begin(database, missed=missed)
    for seconds in (0, 5, 10):
        tick(database, SLOT + away + dt.timedelta(seconds=seconds))
    assert editions(database) == outcome


@pytest.mark.parametrize(
    ("missed", "outcome"),
    [
        (Missed.LATE, [MERGED, MERGED, UPCOMING, UPCOMING]),
        (Missed.MERGE, [MERGED, MERGED, MERGED, UPCOMING]),
        (Missed.SKIP, [MISSED, MISSED, MISSED, UPCOMING]),
    ],
)
def test_of_several_within_the_grace_at_most_the_newest_is_made_up(
    database: Database, missed: Missed, outcome: list[Line]
) -> None:
    """An hourly rhythm, down for two and a half hours: its readers do not get three at once."""
    begin(database, cron="0 * * * *", missed=missed)  # the first is at one
    tick(database, NOON + 3 * HOUR + HOUR / 2)
    assert editions(database) == outcome


@pytest.mark.parametrize("missed", Missed)
def test_a_slot_of_a_moment_ago_is_not_missed(database: Database, missed: Missed) -> None:
    """Whoever is being locked as the slot passes is on its way, whatever becomes of missed ones."""
    begin(database, missed=missed, lead_seconds=0)
    for minutes in range(12):
        tick(database, SLOT + minutes * MINUTE)  # a worker is told each minute, and does not get it done
    assert editions(database) == [UPCOMING, UPCOMING]


@pytest.mark.parametrize("missed", Missed)
def test_the_last_edition_of_a_cadence_is_not_missed_while_a_worker_is_at_it(
    database: Database, missed: Missed
) -> None:
    """No next one is made, so that it is looked at again and again: who was told of it lately was there."""
    begin(database, missed=missed, ends_on=dt.date(2026, 11, 24))
    for minutes in range(12):
        tick(database, SLOT + minutes * MINUTE)
    assert editions(database) == [UPCOMING]
    tick(database, SLOT + HOUR)  # and then nobody was
    gone = {Missed.LATE: UPCOMING, Missed.MERGE: MERGED, Missed.SKIP: MISSED}
    assert editions(database) == [gone[missed]]


def test_a_locked_edition_is_missed_too(database: Database) -> None:
    """Its stories were never handed over: they go out with the next one, and so does what editors did."""
    begin(database, missed=Missed.MERGE)
    with database.write() as session:
        edition = session.scalars(sa.select(Edition)).one()
        move(session, edition, S.FROZEN, now=SLOT - 10 * MINUTE)
        for kind in (ChangeKind.REWRITE, ChangeKind.INTRO, ChangeKind.SIGN_OFF):
            session.add(
                EditionChange(edition_id=edition.id, kind=kind, details={}, made_by="t", made_at=NOON)
            )
    tick(database, SLOT + HOUR)
    assert editions(database) == [MERGED, UPCOMING]
    with database.read() as session:
        found = session.execute(
            sa.select(EditionChange.kind, Edition.state).join(Edition, Edition.id == EditionChange.edition_id)
        ).all()
    assert {row.kind: row.state for row in found} == {
        ChangeKind.REWRITE: S.UPCOMING,
        ChangeKind.INTRO: S.SKIPPED,  # the words of that day
        ChangeKind.SIGN_OFF: S.SKIPPED,
    }


def test_what_waits_for_a_person_is_not_missed(database: Database) -> None:
    """A held edition has its deadline; one that was let go after its slot is on its way."""
    begin(database, missed=Missed.SKIP)
    with database.write() as session:
        edition = session.scalars(sa.select(Edition)).one()
        move(session, edition, S.HELD, now=SLOT - 10 * MINUTE, reason=Reason.TOO_LARGE)
    tick(database, SLOT + HOUR)
    assert editions(database)[0] == (S.HELD, Reason.TOO_LARGE)
    with database.write() as session:
        edition = session.scalars(sa.select(Edition).order_by(Edition.due_at)).first()
        assert edition is not None
        move(session, edition, S.UPCOMING, now=SLOT + HOUR)
        session.get_one(Cadence, edition.cadence_id).slots_after = SLOT
        session.execute(sa.delete(Edition).where(Edition.due_at > SLOT))
    tick(database, SLOT + 2 * HOUR)
    assert editions(database) == [UPCOMING, UPCOMING]


@pytest.mark.parametrize("missed", Missed)
def test_of_any_missed_slots_at_most_one_is_made_up(missed: Missed) -> None:
    """Whatever their number and age: only the newest, only within the grace."""
    now, grace = SLOT, 3 * HOUR
    for count in range(1, 9):
        for step in (MINUTE, 7 * MINUTE, HOUR, 4 * HOUR):
            passed = [now - step * number for number in reversed(range(count))]
            reasons = [
                outcome_of(slot, newest=passed[-1], missed=missed, grace=grace, now=now) for slot in passed
            ]
            assert reasons[:-1].count(None) == 0
            assert reasons[-1] is None  # it is due this very moment
            for slot, reason in zip(passed, reasons, strict=True):
                assert (reason is Reason.PAST_GRACE) == (slot + grace < now)

"""A slot yields exactly one edition: through several schedulers, pauses of the machine, and clock steps."""

from __future__ import annotations

import datetime as dt
import threading
from typing import Any

import pytest
import sqlalchemy as sa

from digest.db import Database
from digest.editions.cadences import add_cadence, add_extra, send_now, set_cadence
from digest.editions.progress import skip_past_grace
from digest.editions.slots import make_next_editions
from digest.editions.states import move
from digest.errors import InputError, StateError
from digest.models import Cadence, Edition, EditionKind, EditionState, Reason
from digest.queueing.names import TaskName
from tests.factories import make_cadence, make_digest, make_revision
from tests.integration import hints
from tests.servers.waiting import HANG

# Seven in the morning in Yerevan (+04:00) is three in the morning in UTC.
NOON = dt.datetime(2026, 11, 23, 12, 0, tzinfo=dt.UTC)
SLOT = dt.datetime(2026, 11, 24, 3, 0, tzinfo=dt.UTC)
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)

Line = tuple[dt.datetime, EditionState, Reason | None]
UPCOMING, SKIPPED = EditionState.UPCOMING, EditionState.SKIPPED


def _cadence(database: Database, **values: Any) -> int:
    """A daily rhythm that was added at noon, with its first edition."""
    with database.write() as session:
        cadence = make_cadence(session, make_digest(session), slots_after=NOON, **values)
        make_next_editions(session, now=NOON)
        return cadence.id


def _tick(database: Database, now: dt.datetime) -> None:
    """What the tick does about slots."""
    with database.write() as session:
        make_next_editions(session, now=now)
        skip_past_grace(session, now=now)


def _editions(database: Database) -> list[Line]:
    with database.read() as session:
        rows = session.execute(
            sa.select(Edition.due_at, Edition.state, Edition.reason).order_by(Edition.due_at)
        )
        return [(row.due_at, row.state, row.reason) for row in rows]


def test_the_next_edition_is_there_before_it_is_due(database: Database) -> None:
    """One row, with the slot in UTC and its local text beside it, and no second one at the next tick."""
    _cadence(database)
    _tick(database, NOON + HOUR)
    assert _editions(database) == [(SLOT, UPCOMING, None)]
    with database.read() as session:
        edition = session.scalars(sa.select(Edition)).one()
    assert edition.due_local == "2026-11-24 07:00 +04:00"
    assert edition.send_at == edition.due_at
    assert len(edition.public_id) >= 16


def test_two_schedulers_make_one_edition_of_a_slot(database_url: str) -> None:
    """Four at once, time after time: each slot has one edition."""
    first = Database(database_url)
    with first.write() as session:
        make_cadence(session, make_digest(session), cron="0 * * * *", slots_after=NOON)
    now = NOON
    failed: list[BaseException] = []
    barrier = threading.Barrier(4, timeout=HANG)

    def run() -> None:
        own = Database(database_url)
        try:
            for hours in range(3):
                barrier.wait()
                with own.write() as session:
                    make_next_editions(session, now=now + hours * HOUR + dt.timedelta(minutes=1))
        except BaseException as error:
            failed.append(error)
            barrier.abort()
        finally:
            own.close()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(HANG)
    assert failed == []
    assert [line[0] for line in _editions(first)] == [NOON + hours * HOUR for hours in (1, 2, 3)]
    first.close()


@pytest.mark.parametrize(
    ("back_at", "outcome"),
    [
        pytest.param(SLOT + HOUR, [(SLOT, UPCOMING, None), (SLOT + DAY, UPCOMING, None)], id="an hour"),
        pytest.param(
            SLOT + 4 * HOUR,
            [(SLOT, SKIPPED, Reason.PAST_GRACE), (SLOT + DAY, UPCOMING, None)],
            id="four hours",
        ),
        pytest.param(
            SLOT + 3 * DAY + HOUR,
            [
                (SLOT, SKIPPED, Reason.PAST_GRACE),
                (SLOT + DAY, SKIPPED, Reason.PAST_GRACE),
                (SLOT + 2 * DAY, SKIPPED, Reason.PAST_GRACE),
                (SLOT + 3 * DAY, UPCOMING, None),
                (SLOT + 4 * DAY, UPCOMING, None),
            ],
            id="three days and an hour",
        ),
        pytest.param(
            SLOT + 2 * DAY + 5 * HOUR,
            [
                (SLOT, SKIPPED, Reason.PAST_GRACE),
                (SLOT + DAY, SKIPPED, Reason.PAST_GRACE),
                (SLOT + 2 * DAY, SKIPPED, Reason.PAST_GRACE),
                (SLOT + 3 * DAY, UPCOMING, None),
            ],
            id="two days and five hours",
        ),
    ],
)
def test_missed_slots_have_a_stated_outcome(
    database: Database, back_at: dt.datetime, outcome: list[Line]
) -> None:
    """After a standstill the newest slot within its grace of three hours is made up, once; the others are
    skipped with the reason."""
    _cadence(database)
    for seconds in (0, 5, 10):
        _tick(database, back_at + dt.timedelta(seconds=seconds))
    assert _editions(database) == outcome


def test_of_a_long_silence_the_newest_slots_are_kept(database: Database) -> None:
    """A rhythm of every minute, down for three days: a hundred rows say so, not four thousand."""
    _cadence(database, cron="* * * * *", grace_seconds=90)
    _tick(database, NOON + 3 * DAY)
    found = _editions(database)
    assert len(found) == 1 + 100 + 1
    assert [line[1] for line in found[-2:]] == [UPCOMING, UPCOMING]  # the newest, and the next
    assert {line[2] for line in found[:-3]} == {Reason.PAST_GRACE}
    assert found[-3][2] is Reason.MERGED  # within the grace, but only the newest is made up


@pytest.mark.parametrize("back", [dt.timedelta(seconds=1), HOUR, DAY, 30 * DAY])
def test_a_clock_that_steps_back_repeats_no_slot(database: Database, back: dt.timedelta) -> None:
    """The slot has come, the clock is set back, and the slot comes again: there is one edition of it."""
    _cadence(database)
    _tick(database, SLOT + dt.timedelta(seconds=1))
    for now in (SLOT + dt.timedelta(seconds=1) - back, SLOT - dt.timedelta(seconds=1), SLOT + HOUR):
        _tick(database, now)
    assert _editions(database) == [(SLOT, UPCOMING, None), (SLOT + DAY, UPCOMING, None)]


def test_a_slot_that_the_clock_jumps_over_is_made_up(database: Database) -> None:
    """A step forward is a standstill like any other."""
    _cadence(database)
    _tick(database, SLOT + DAY + HOUR)
    _tick(database, SLOT + HOUR)  # and back
    assert [line[0] for line in _editions(database)] == [SLOT, SLOT + DAY, SLOT + 2 * DAY]


def test_a_stopped_rhythm_makes_nothing(database: Database) -> None:
    """Stopped, its coming edition is taken away; started again, the next slot counts from then."""
    cadence_id = _cadence(database)
    with database.write() as session:
        set_cadence(session, session.get_one(Cadence, cadence_id), actor="test", now=NOON, is_running=False)
    _tick(database, SLOT + 3 * DAY)
    assert _editions(database) == []
    now = SLOT + 3 * DAY + HOUR
    with database.write() as session:
        set_cadence(session, session.get_one(Cadence, cadence_id), actor="test", now=now, is_running=True)
    assert _editions(database) == [(SLOT + 4 * DAY, UPCOMING, None)]


def test_another_schedule_counts_from_now(database: Database) -> None:
    """The coming edition of the old one goes, the new one's comes; nothing is made up for the past."""
    cadence_id = _cadence(database)
    now = SLOT - 2 * HOUR
    with database.write() as session:
        cadence = session.get_one(Cadence, cadence_id)
        set_cadence(session, cadence, actor="test", now=now, cron="30 8 * * *", zone="America/Los_Angeles")
    assert _editions(database) == [(dt.datetime(2026, 11, 24, 16, 30, tzinfo=dt.UTC), UPCOMING, None)]


def test_another_schedule_leaves_a_locked_edition_alone(database: Database) -> None:
    """What is fixed and perhaps planned goes out as it was announced; the new schedule begins the day after:
    nobody gets two of one day."""
    cadence_id = _cadence(database)
    with database.write() as session:
        edition = session.scalars(sa.select(Edition)).one()
        move(session, edition, EditionState.FROZEN, now=NOON)
        set_cadence(session, session.get_one(Cadence, cadence_id), actor="test", now=NOON, cron="0 9 * * *")
    assert _editions(database) == [(SLOT, EditionState.FROZEN, None)]
    _tick(database, SLOT)
    assert _editions(database) == [
        (SLOT, EditionState.FROZEN, None),
        (SLOT + DAY + 2 * HOUR, UPCOMING, None),
    ]


def test_settings_without_a_new_schedule_keep_the_edition(database: Database) -> None:
    """Lead and grace are read when they are needed."""
    cadence_id = _cadence(database)
    with database.read() as session:
        before = session.scalars(sa.select(Edition.id)).one()
    with database.write() as session:
        cadence = session.get_one(Cadence, cadence_id)
        set_cadence(session, cadence, actor="test", now=NOON, lead_seconds=60, grace_seconds=0)
    with database.read() as session:
        assert session.scalars(sa.select(Edition.id)).one() == before


@pytest.mark.parametrize(
    "values", [{"lead_seconds": -1}, {"lead_seconds": 86_401}, {"grace_seconds": 604_801}]
)
def test_senseless_settings_are_refused(database: Database, values: dict[str, Any]) -> None:
    """A lead of at most a day, a grace of at most a week."""
    cadence_id = _cadence(database)
    with database.write() as session, pytest.raises(InputError, match="must be between 0 and"):
        set_cadence(session, session.get_one(Cadence, cadence_id), actor="test", now=NOON, **values)


def test_a_name_is_taken_once_in_a_digest(database: Database) -> None:
    """Two rhythms of a digest have two names; another digest may use the same."""
    with database.write() as session:
        one, other = make_digest(session), make_digest(session)
        how: dict[str, Any] = {
            "name": "daily",
            "cron": "0 7 * * *",
            "zone": "UTC",
            "actor": "test",
            "now": NOON,
        }
        add_cadence(session, one, **how)
        add_cadence(session, other, **how)
        with pytest.raises(InputError, match="has a rhythm 'daily' already"):
            add_cadence(session, one, **how)


def test_an_extra_edition_stands_beside_the_schedule(database: Database) -> None:
    """At the very moment of a slot it is another edition; a second extra one of the moment is refused."""
    cadence_id = _cadence(database)
    with database.write() as session:
        cadence = session.get_one(Cadence, cadence_id)
        add_extra(session, cadence, due_at=SLOT, actor="test", now=NOON)
        with pytest.raises(InputError, match="an extra edition for this very moment already"):
            add_extra(session, cadence, due_at=SLOT, actor="test", now=NOON)
        kinds = session.scalars(sa.select(Edition.kind)).all()
    assert sorted(kinds) == [EditionKind.EXTRA, EditionKind.SCHEDULED]


def test_an_extra_edition_does_not_stop_the_schedule(database: Database) -> None:
    """Only a scheduled edition that waits keeps the next one from being made."""
    cadence_id = _cadence(database)
    with database.write() as session:
        add_extra(
            session, session.get_one(Cadence, cadence_id), due_at=SLOT + 9 * DAY, actor="test", now=NOON
        )
    _tick(database, SLOT + HOUR)
    assert [line[0] for line in _editions(database)] == [SLOT, SLOT + DAY, SLOT + 9 * DAY]


@pytest.mark.parametrize(("due", "hints_given"), [(NOON, 1), (NOON + dt.timedelta(minutes=5), 1), (SLOT, 0)])
def test_an_extra_edition_is_locked_at_once_if_its_lead_has_begun(
    database: Database, due: dt.datetime, hints_given: int
) -> None:
    """Now, or within the lead of ten minutes, a worker is told; else the tick will."""
    cadence_id = _cadence(database)
    hints.taken()
    with database.write() as session:
        edition = add_extra(session, session.get_one(Cadence, cadence_id), due_at=due, actor="test", now=NOON)
        edition_id = edition.id
    assert hints.taken() == [(TaskName.FREEZE, [edition_id])] * hints_given


def test_sending_now_moves_the_moment_not_the_slot(database: Database) -> None:
    """The edition keeps its date and its place; the next slot is the next day's."""
    _cadence(database)
    hints.taken()
    with database.write() as session:
        edition = session.scalars(sa.select(Edition)).one()
        send_now(session, edition, actor="test", now=NOON)
        assert (edition.due_at, edition.send_at) == (SLOT, NOON)
        edition_id = edition.id
    assert hints.taken() == [(TaskName.FREEZE, [edition_id])]
    with database.write() as session:
        edition = session.scalars(sa.select(Edition)).one()
        edition.revision_id = make_revision(session, edition.id).id
        for state in (EditionState.FROZEN, EditionState.SENDING, EditionState.SENT):
            move(session, edition, state, now=NOON)
        with pytest.raises(StateError, match="only one that waits can be sent now"):
            send_now(session, edition, actor="test", now=NOON)
    _tick(database, NOON + HOUR)
    assert [line[0] for line in _editions(database)] == [SLOT, SLOT + DAY]

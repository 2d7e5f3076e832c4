"""A year of slots by the real steps: each slot exactly one edition, whatever clocks, restarts and beats do.

The clock of the simulation ticks at odd moments, jumps by an hour and by a day in both directions, stands
still, and two beats tick at once. The slots are counted apart from cron: by walking along the clock on the
wall, quarter by quarter.
"""

from __future__ import annotations

import datetime as dt
import random
import zoneinfo
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from digest.db import Database
from digest.editions.progress import skip_past_grace
from digest.editions.slots import make_next_editions
from digest.models import Cadence, Edition, EditionState, Missed, Reason
from tests.factories import make_cadence, make_digest
from tests.servers.databases import KeptSqlite

START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
YEAR = dt.timedelta(days=366)
QUARTER, HOUR, DAY = dt.timedelta(minutes=15), dt.timedelta(hours=1), dt.timedelta(days=1)
STRIDE = 6 * HOUR
ZONES = (
    "UTC",
    "Asia/Yerevan",
    "America/Los_Angeles",
    "America/New_York",
    "Europe/Paris",
    "Europe/London",
    "Asia/Beirut",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
    "America/Santiago",
)
# Times at which clocks jump, and a plain one.
TIMES = (dt.time(2, 30), dt.time(0, 0), dt.time(6, 30))


def oracle(zone: str, at: dt.time, end: dt.datetime) -> list[dt.datetime]:
    """A time of each local day: the first quarter at which the wall clock shows it or has jumped over it."""
    tz, found, served = ZoneInfo(zone), [], set()
    moment, before = START, START.astimezone(tz).replace(tzinfo=None)
    while moment < end:
        later = moment + STRIDE
        wall = later.astimezone(tz).replace(tzinfo=None)
        # A clock that went on evenly and did not come by the time needs no look at its quarters.
        if wall - before == STRIDE and not days_between(before, wall, at):
            moment, before = later, wall
            continue
        while moment < min(later, end):
            moment += QUARTER
            wall = moment.astimezone(tz).replace(tzinfo=None)
            for day in days_between(before, wall, at) - served:
                served.add(day)
                found.append(moment)
            before = wall
    return found


def days_between(before: dt.datetime, wall: dt.datetime, at: dt.time) -> set[dt.date]:
    """The days whose time lies between what a wall clock showed and what it shows."""
    return {day for day in (before.date(), wall.date()) if before < dt.datetime.combine(day, at) <= wall}


@dataclass
class World:
    """A database with a daily cadence for each zone, and the clock on the machine."""

    database: Database
    chance: random.Random

    def add(self, zones: Sequence[str], times: Sequence[dt.time], **values: object) -> dict[int, str]:
        with self.database.write() as session:
            digest = make_digest(session)
            made = {}
            for number, zone in enumerate(zones):
                at = times[number % len(times)]
                cadence = make_cadence(
                    session,
                    digest,
                    f"c{number}",
                    cron=f"{at.minute} {at.hour} * * *",
                    zone=zone,
                    slots_after=START,
                    **values,
                )
                made[cadence.id] = zone
            return made

    def tick(self, now: dt.datetime) -> None:
        """What a beat brings about at a moment; what is due then is locked and sent at once."""
        with self.database.write() as session:
            make_next_editions(session, now=now)
            skip_past_grace(session, now=now)
            session.execute(
                sa.update(Edition)
                .where(Edition.state == EditionState.UPCOMING, Edition.send_at <= now)
                .values(state=EditionState.SENT, reason=Reason.ALL_SERVED),
                execution_options={"synchronize_session": False},
            )

    def slots(self) -> dict[int, list[tuple[dt.datetime, EditionState]]]:
        """Each cadence's editions in the order of their slots."""
        found: dict[int, list[tuple[dt.datetime, EditionState]]] = {}
        with self.database.read() as session:
            rows = session.execute(
                sa.select(Edition.cadence_id, Edition.due_at, Edition.state).order_by(Edition.due_at)
            )
            for row in rows:
                found.setdefault(row.cadence_id, []).append((row.due_at, row.state))
        return found


@pytest.fixture
def world(kept_sqlite: KeptSqlite) -> Iterator[World]:
    """On SQLite: what the two databases do differently is tested with few slots elsewhere."""
    yield World(kept_sqlite.database, random.Random(20260101))
    kept_sqlite.empty()


def moments(chance: random.Random, end: dt.datetime) -> Iterator[dt.datetime]:
    """When the beats tick by the machine's clock: a few times a day, before and after restarts and jumps.

    A jump by an hour or a day, in both directions, every three weeks or so; it is put right within two days.
    """
    now, off, put_right = START, dt.timedelta(0), START
    while now < end:
        now += dt.timedelta(seconds=chance.randrange(1, 24 * 3600))
        if off and now >= put_right:
            off = dt.timedelta(0)
        elif not off and chance.random() < 0.02:
            off = chance.choice([HOUR, -HOUR, DAY, -DAY])
            put_right = now + dt.timedelta(hours=chance.randrange(1, 48))
        yield now + off


def a_year(world: World, zones: Sequence[str], times: Sequence[dt.time]) -> None:
    """Two beats tick through a year; then each slot of the oracle has one edition, none besides."""
    cadences = world.add(zones, times, grace_seconds=604_800)
    end = START + YEAR
    latest = START
    for now in moments(world.chance, end):
        latest = max(latest, now)
        world.tick(now)
        if world.chance.random() < 0.1:  # another beat a moment later, with a clock that is a little behind
            world.tick(now - dt.timedelta(seconds=world.chance.randrange(0, 3)))
    found = world.slots()
    for number, (cadence_id, zone) in enumerate(cadences.items()):
        wanted = oracle(zone, times[number % len(times)], latest + 2 * DAY)
        passed = [slot for slot in wanted if slot <= latest]
        coming = next(slot for slot in wanted if slot > latest)
        assert [slot for slot, _ in found[cadence_id]] == [*passed, coming], zone
        states = Counter(state for _, state in found[cadence_id])
        assert set(states) <= {EditionState.SENT, EditionState.SKIPPED, EditionState.UPCOMING}
        # What was passed over by a clock that jumped a day is skipped with its reason; all others went out.
        assert states[EditionState.SENT] >= 0.8 * len(passed)


def test_each_slot_of_a_year_has_exactly_one_edition(world: World) -> None:
    """366 days in twelve zones, with jumps of the machine's clock, restarts and two beats."""
    a_year(world, ZONES, TIMES)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(8))
def test_each_slot_in_every_zone_has_exactly_one_edition(world: World, part: int) -> None:
    """The same in all zones of IANA, at the times at which clocks are changed; the run has twelve of them."""
    zones = sorted(zoneinfo.available_timezones() - {"localtime", "Factory"})
    a_year(world, [zone for zone in zones if ZoneInfo(zone).key][part::8], TIMES)


@pytest.mark.parametrize("missed", Missed)
@pytest.mark.parametrize("away", [HOUR, 4 * HOUR, 3 * DAY], ids=["1h", "4h", "3d"])
def test_a_standstill_has_the_stated_outcome(database: Database, missed: Missed, away: dt.timedelta) -> None:
    """Down from half an hour before the slot on, in each zone, over a change of the clock or not."""
    world = World(database, random.Random(1))
    cadences = world.add(ZONES, [dt.time(6, 30)], missed=missed)
    grace = 3 * HOUR
    for now in (START, START + HOUR):
        world.tick(now)
    # The machine stops before a slot of the first zone, and comes back so much later.
    stopped = dt.datetime(2026, 3, 7, 6, 0, tzinfo=dt.UTC)
    with database.write() as session:
        session.execute(sa.delete(Edition))
        session.execute(sa.update(Cadence).values(slots_after=stopped - DAY))
    world.tick(stopped)
    back = stopped + HOUR / 2 + away
    for seconds in (0, 3, 5):
        world.tick(back + dt.timedelta(seconds=seconds))
    with database.read() as session:
        rows = session.execute(
            sa.select(Edition.cadence_id, Edition.due_at, Edition.state, Edition.reason)
            .where(Edition.due_at > stopped, Edition.due_at <= back)
            .order_by(Edition.due_at)
        ).all()
    for cadence_id, zone in cadences.items():
        passed = [slot for slot in oracle(zone, dt.time(6, 30), back) if stopped < slot <= back]
        mine = [row for row in rows if row.cadence_id == cadence_id]
        assert [row.due_at for row in mine] == passed, zone
        for row in mine:
            assert (row.state, row.reason) == outcome(row.due_at, passed[-1], missed, back, grace), zone


def outcome(
    slot: dt.datetime, newest: dt.datetime, missed: Missed, back: dt.datetime, grace: dt.timedelta
) -> tuple[EditionState, Reason]:
    """What the page on schedules says."""
    if back - slot > grace:
        return EditionState.SKIPPED, Reason.PAST_GRACE
    is_of_now = back - slot <= dt.timedelta(minutes=5)
    if slot == newest and (missed is Missed.LATE or is_of_now):
        return EditionState.SENT, Reason.ALL_SERVED
    return EditionState.SKIPPED, Reason.MISSED if missed is Missed.SKIP else Reason.MERGED

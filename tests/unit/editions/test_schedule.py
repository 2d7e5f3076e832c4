"""Slots against an oracle that walks through a year by the clock on the wall and knows nothing of cron."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Callable
from itertools import pairwise, takewhile
from zoneinfo import ZoneInfo

import pytest

from digest.editions.schedule import check_cron, check_zone, local_text, next_slot, slots
from digest.errors import InputError

START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
END = START + dt.timedelta(days=366)
# Every change of the clock, and every time asked for below, falls on a quarter of an hour.
STEP = dt.timedelta(minutes=15)
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
    "Australia/Lord_Howe",  # half an hour of summer time
    "Pacific/Chatham",  # 45 minutes off, summer time in the southern year
    "America/Santiago",  # the clock changes at midnight
)
STEADY = {"UTC", "Asia/Yerevan", "Asia/Kolkata", "Asia/Kathmandu"}


@functools.cache
def _year(zone: str) -> list[tuple[dt.datetime, dt.datetime, dt.datetime]]:
    """Each quarter of the year after the first: (UTC, wall clock, wall clock a quarter before)."""
    tz = ZoneInfo(zone)
    moments = [START + STEP * number for number in range(366 * 24 * 4)]
    walls = [moment.astimezone(tz).replace(tzinfo=None) for moment in moments]
    return list(zip(moments[1:], walls[1:], walls, strict=False))


@functools.cache
def _days(zone: str) -> list[set[dt.date]]:
    """The local days that each of these quarters touches."""
    return [{before.date(), wall.date()} for _, wall, before in _year(zone)]


def _fixed(zone: str, hour: int, minute: int, is_day: Callable[[dt.date], bool]) -> list[dt.datetime]:
    """A fixed local time: the first time the clock shows it or jumps over it, once a local day."""
    found: list[dt.datetime] = []
    served: set[dt.date] = set()
    at = dt.time(hour, minute)
    for (moment, wall, before), days in zip(_year(zone), _days(zone), strict=True):
        # Normally `before` is a step behind; after a jump ahead, more: then the time may lie between.
        for day in days:
            target = dt.datetime.combine(day, at)
            if before < target <= wall and day not in served and is_day(day):
                served.add(day)
                found.append(moment)
    return found


def _half_hours(zone: str, start: dt.datetime, end: dt.datetime) -> list[dt.datetime]:
    """Each moment at which the clock shows :00 or :30, both times through a repeated hour."""
    return [moment for moment, wall, _ in _year(zone) if start < moment < end and wall.minute % 30 == 0]


def _changes(zone: str) -> list[dt.datetime]:
    """The quarters of an hour in which the clock jumps."""
    return [moment for moment, wall, before in _year(zone) if wall - before != STEP]


@functools.cache
def _ours(cron: str, zone: str) -> list[dt.datetime]:
    return list(takewhile(lambda slot: slot < END, slots(cron, zone, after=START)))


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(("hour", "minute"), [(6, 30), (2, 15), (0, 0)])
def test_gives_a_daily_slot_once_a_local_day(zone: str, hour: int, minute: int) -> None:
    """A fixed hour comes once a day: at the jump if it is jumped over, the first time if it comes twice."""
    assert _ours(f"{minute} {hour} * * *", zone) == _fixed(zone, hour, minute, lambda _: True)


@pytest.mark.parametrize("zone", ZONES)
def test_gives_a_weekly_slot_once_a_week(zone: str) -> None:
    """Sunday 2:30, the hour that most clocks jump over, comes every Sunday of the zone, once."""
    assert _ours("30 2 * * 0", zone) == _fixed(zone, 2, 30, lambda day: day.weekday() == 6)


@pytest.mark.parametrize("zone", ZONES)
def test_runs_a_repeating_schedule_through_the_repeated_hour(zone: str) -> None:
    """`*/30` follows the clock on the wall through gaps and overlaps: the days around each, and the first."""
    around = [change - dt.timedelta(days=1) for change in _changes(zone)]
    assert len(around) == (0 if zone in STEADY else 2)
    for start in (START, *around):
        end = start + dt.timedelta(days=2)
        ours = list(takewhile(lambda slot: slot < end, slots("*/30 * * * *", zone, after=start)))  # noqa: B023
        assert ours == _half_hours(zone, start, end)


@pytest.mark.slow
@pytest.mark.parametrize("zone", ZONES)
def test_runs_a_repeating_schedule_through_a_whole_year(zone: str) -> None:
    """So it does on every other day."""
    assert _ours("*/30 * * * *", zone) == _half_hours(zone, START, END)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("cron", ["30 2 * * *", "30 1 * * 0"])
def test_gives_the_same_slots_one_at_a_time(zone: str, cron: str) -> None:
    """Computing each slot from the one before, as the scheduler does, yields the same year."""
    assert _one_at_a_time(cron, zone, START, END) == _ours(cron, zone)


@pytest.mark.parametrize(
    ("zone", "change"),
    [
        ("America/Los_Angeles", (2026, 3, 8)),
        ("America/Los_Angeles", (2026, 11, 1)),
        ("Australia/Lord_Howe", (2026, 4, 5)),
        ("Australia/Lord_Howe", (2026, 10, 4)),
        ("America/Santiago", (2026, 4, 5)),
        ("America/Santiago", (2026, 9, 6)),
    ],
)
def test_gives_the_same_half_hours_one_at_a_time(zone: str, change: tuple[int, int, int]) -> None:
    """So do half hours, in the days around a change of the clock."""
    start = dt.datetime(*change, tzinfo=dt.UTC) - dt.timedelta(days=2)
    end = start + dt.timedelta(days=4)
    assert _one_at_a_time("*/30 * * * *", zone, start, end) == _half_hours(zone, start, end)


def _one_at_a_time(cron: str, zone: str, start: dt.datetime, end: dt.datetime) -> list[dt.datetime]:
    slot, found = start, []
    while (slot := next_slot(cron, zone, after=slot)) < end:
        found.append(slot)
    assert all(one < other for one, other in pairwise(found))
    return found


@pytest.mark.parametrize(
    "text", ["", "x", "61 * * * *", "0 0 31 2 *", "* * * * * *", "@daily", "0 9 * * 1-5 extra", "0 25 * * *"]
)
def test_refuses_a_wrong_schedule_in_one_sentence(text: str) -> None:
    """Wrong cron text is refused with a sentence that shows it."""
    with pytest.raises(InputError) as caught:
        check_cron(text)
    assert repr(text) in str(caught.value)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize("name", ["", "Yerevan", "Asia/Nowhere", "../etc/passwd", "+04:00", "/etc/localtime"])
def test_refuses_a_wrong_zone_in_one_sentence(name: str) -> None:
    """Only IANA's names are zones; a path is none."""
    with pytest.raises(InputError, match="time zone"):
        check_zone(name)


def test_keeps_the_local_time_with_its_offset() -> None:
    """The local text says on which side of UTC the wall clock was."""
    moment = dt.datetime(2026, 11, 23, 13, 30, tzinfo=dt.UTC)
    assert local_text(moment, "America/Los_Angeles") == "2026-11-23 05:30 -08:00"
    assert local_text(moment, "Asia/Yerevan") == "2026-11-23 17:30 +04:00"

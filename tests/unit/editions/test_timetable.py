"""Days that differ from the schedule, and what is said where the clock changes."""

from __future__ import annotations

import datetime as dt
from itertools import islice, takewhile

import pytest

from digest.editions.clock_changes import Remark, with_remarks
from digest.editions.schedule import Timetable, check_cron, moment_of, slots, slots_of
from digest.errors import InputError
from digest.i18n import Translator

DAILY = "0 7 * * *"
ZONE = "America/Los_Angeles"
START = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)


def local(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def shown(table: Timetable, count: int, *, after: dt.datetime = START) -> list[str]:
    return [
        one.local for one in with_remarks(table, islice(slots_of(table, after=after), count), since=after)
    ]


def test_several_lines_are_one_schedule() -> None:
    """Their slots come in order, and a moment that two lines name comes once."""
    cron = check_cron("0 7 * * *\n\n 30 6,18 * * *\n0 7 * * 1\n")
    assert cron == "0 7 * * *\n30 6,18 * * *\n0 7 * * 1"
    found = list(islice(slots(cron, "UTC", after=START), 6))
    assert [f"{one:%d %H:%M}" for one in found] == [
        *("01 06:30", "01 07:00", "01 18:30"),
        *("02 06:30", "02 07:00", "02 18:30"),
    ]


@pytest.mark.parametrize("text", ["0 7 * * *\nx", "\n".join(f"{n} 7 * * *" for n in range(25)), "\n\n"])
def test_a_wrong_line_is_refused(text: str) -> None:
    """Any of them, and too many."""
    with pytest.raises(InputError):
        check_cron(text)


def test_a_cadence_comes_out_between_its_days_but_not_on_those_that_are_left_out() -> None:
    """First and last day count; a skipped one does not, and an extra moment always does."""
    table = Timetable(
        DAILY,
        ZONE,
        starts_on=dt.date(2026, 3, 3),
        ends_on=dt.date(2026, 3, 6),
        skipped=frozenset({dt.date(2026, 3, 4)}),
        extras=frozenset({local("2026-03-04 18:00"), local("2026-03-05 07:00"), local("2026-03-20 09:00")}),
    )
    assert shown(table, 99) == [
        "2026-03-03 07:00 -08:00",
        "2026-03-04 18:00 -08:00",
        "2026-03-05 07:00 -08:00",
        "2026-03-06 07:00 -08:00",
        "2026-03-20 09:00 -07:00",
    ]


def test_a_first_day_counts_from_its_midnight() -> None:
    """A slot at midnight belongs to its day."""
    table = Timetable("0 0 * * *", ZONE, starts_on=dt.date(2026, 3, 3), ends_on=dt.date(2026, 3, 3))
    assert shown(table, 9) == ["2026-03-03 00:00 -08:00"]


@pytest.mark.parametrize(
    ("zone", "text", "moment"),
    [
        (ZONE, "2026-03-04 18:00", "2026-03-05 02:00"),
        (ZONE, "2026-03-08 02:30", "2026-03-08 10:00"),  # jumped over: at the jump
        (ZONE, "2026-11-01 01:30", "2026-11-01 08:30"),  # comes twice: the first
        ("Australia/Lord_Howe", "2026-10-04 02:15", "2026-10-03 15:30"),
        ("America/Santiago", "2026-09-06 00:00", "2026-09-06 04:00"),
    ],
)
def test_a_time_on_the_wall_is_one_moment(zone: str, text: str, moment: str) -> None:
    """At the edges of summer time as a schedule's fixed hour."""
    wanted = local(text)
    found = moment_of(wanted, zone)
    assert found == dt.datetime.fromisoformat(f"{moment}+00:00")
    cron = f"{wanted.minute} {wanted.hour} {wanted.day} {wanted.month} *"
    assert found == next(slots(cron, zone, after=found - dt.timedelta(days=2)))


@pytest.mark.parametrize(
    ("cron", "after", "remarks"),
    [
        ("0 7 * * *", "2026-03-07 00:00", [(), (Remark.FORWARD,), ()]),
        ("0 7 * * *", "2026-10-31 00:00", [(), (Remark.BACK,), ()]),
        ("30 2 * * *", "2026-03-07 00:00", [(), (Remark.FORWARD, Remark.JUMPED), ()]),
        # Three in the morning is there, though it is the moment of the jump.
        ("0 3 * * *", "2026-03-07 00:00", [(), (Remark.FORWARD,), ()]),
        ("30 1 * * *", "2026-10-31 00:00", [(), (Remark.FIRST_OF_TWO,), (Remark.BACK,)]),
        (
            "*/30 * * * *",
            "2026-11-01 07:45",
            [(Remark.FIRST_OF_TWO,), (Remark.FIRST_OF_TWO,), (Remark.BACK, Remark.SECOND_OF_TWO)],
        ),
    ],
)
def test_a_change_of_the_clock_is_said(cron: str, after: str, remarks: list[tuple[Remark, ...]]) -> None:
    """Of the first slot after it, and of an hour that is not there or comes twice."""
    start = dt.datetime.fromisoformat(f"{after}+00:00")
    table = Timetable(cron, ZONE)
    found = list(with_remarks(table, islice(slots_of(table, after=start), 3), since=start))
    assert [one.remarks for one in found] == remarks


@pytest.mark.parametrize("language", ["en", "hy"])
def test_each_remark_has_its_sentence(language: str) -> None:
    """With the minutes where the clock was put; an extra moment that is jumped over says so too."""
    start = dt.datetime(2026, 10, 3, tzinfo=dt.UTC)
    table = Timetable("0 7 * * *", "Australia/Lord_Howe", extras=frozenset({local("2026-10-04 02:15")}))
    coming = takewhile(lambda slot: slot < start + dt.timedelta(days=2), slots_of(table, after=start))
    first = next(one for one in with_remarks(table, coming, since=start) if one.remarks)
    assert first.remarks == (Remark.FORWARD, Remark.JUMPED)
    forward, jumped = first.sentences(Translator(language))
    assert "30" in forward
    assert forward != jumped

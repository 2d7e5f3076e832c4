"""Cadences in readers' words."""

from __future__ import annotations

import datetime as dt

import pytest

from digest.i18n import translator
from digest.rendering.rhythms import Rhythm, Schedule, rhythm_of, rhythm_words

NOW = dt.datetime(2026, 11, 23, 13, 30, tzinfo=dt.UTC)  # a Monday


@pytest.mark.parametrize(
    ("cron", "wanted"),
    [
        ("* * * * *", Rhythm.OFTEN),
        ("0 7,19 * * *", Rhythm.OFTEN),
        ("0 7 * * *", Rhythm.DAILY),
        ("0 7 * * 1-5", Rhythm.SOME_DAYS),
        ("0 7 * * 1,4", Rhythm.SOME_DAYS),
        ("0 9 * * 0", Rhythm.WEEKLY),
        ("30 13 * * 1", Rhythm.WEEKLY),
        ("0 9 1 * *", Rhythm.MONTHLY),
        ("0 9 1 1 *", Rhythm.MONTHLY),
        ("0 9 29 2 *", Rhythm.MONTHLY),
    ],
)
def test_a_schedule_is_called_what_readers_call_it(cron: str, wanted: Rhythm) -> None:
    """Counted over four weeks, whatever the cron text looks like; also just before summer time begins."""
    for now in (NOW, dt.datetime(2026, 3, 20, tzinfo=dt.UTC)):
        assert rhythm_of(Schedule(1, "x", cron, "America/New_York"), now)[0] is wanted


def test_the_most_frequent_is_every_edition_and_the_weekly_is_weekly() -> None:
    """The first of a digest's choices is all there is; the weekly one says its day."""
    choices = rhythm_words(
        [
            Schedule(1, "sunday", "0 9 * * 0", "America/Los_Angeles"),
            Schedule(2, "morning", "0 7 * * *", "Asia/Yerevan"),
            Schedule(3, "firsts", "0 9 1 * *", "UTC"),
        ],
        translator("en"),
        now=NOW,
    )
    assert [(each.id, each.label, each.is_weekly) for each in choices] == [
        (2, "Every edition", False),
        (1, "Weekly", True),
        (3, "Now and then", False),
    ]
    assert choices[0].detail == "every day, 7:00 am, Yerevan"
    assert choices[1].detail == "Sunday, 9:00 am, Los Angeles"
    assert choices[2].detail == "firsts; next: Tuesday, December 1, 2026"


def test_it_speaks_armenian() -> None:
    """The same in the other language."""
    (choice,) = rhythm_words([Schedule(1, "x", "0 9 * * 0", "Asia/Yerevan")], translator("hy"), now=NOW)
    assert (choice.label, choice.detail) == ("Ամեն համար", "կիրակի, 09:00, Երևան")

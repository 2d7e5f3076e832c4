"""The days of a ramp-up."""

from __future__ import annotations

import datetime as dt

import pytest

from digest.pacing.ramp_up import EVERYBODY, number_on

START = dt.date(2026, 11, 23)


def on(days: int, first_day: int = 500, growth_percent: int = 50) -> int:
    return number_on(
        START + dt.timedelta(days=days), starts_on=START, first_day=first_day, growth_percent=growth_percent
    )


def test_each_day_has_so_many_per_cent_more() -> None:
    """Nobody before it starts; rounded down from the exact number, not from the day before."""
    assert [on(days) for days in range(-1, 6)] == [0, 500, 750, 1125, 1687, 2531, 3796]


def test_one_person_grows_too() -> None:
    """A small beginning does not stand still for its rounding."""
    numbers = [on(days, first_day=1) for days in range(12)]
    assert numbers == sorted(numbers)
    assert numbers[-1] == 86


@pytest.mark.parametrize(("first_day", "growth"), [(1, 1), (1, 900), (10_000_000, 900)])
def test_it_ends_with_everybody(first_day: int, growth: int) -> None:
    """However long it runs, the number stays one that the databases can hold."""
    assert on(100_000, first_day, growth) == EVERYBODY

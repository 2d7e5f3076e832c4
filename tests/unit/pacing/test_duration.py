"""How long so many mails take at a pace."""

from __future__ import annotations

import datetime as dt

import pytest

from digest.pacing.duration import a_day, time_for


@pytest.mark.parametrize(
    ("count", "per_second", "per_hour", "seconds"),
    [
        (40_000, 33.3, None, 1201),
        (1, 10, None, 0),
        (0, 10, None, 0),
        (11, 10, None, 1),
        (10_000, None, 10_000, 0),  # one hour's number goes at once
        (10_001, None, 10_000, 3600),
        (25_000, None, 10_000, 7200),
        (25_000, 10, 10_000, 7200 + 499.9),
        (10, 0.5, 100_000, 18),  # the hour's number is never reached
    ],
)
def test_a_number_of_mails_takes_as_long_as_its_permits(
    count: int, per_second: float | None, per_hour: int | None, seconds: float
) -> None:
    """The first waits for nothing; an hour's number is spent, then the next hour is waited for."""
    found = time_for(count, per_second=per_second, per_hour=per_hour)
    assert found is not None
    assert abs(found.total_seconds() - seconds) < 1


def test_without_limits_nothing_can_be_said() -> None:
    """It is as fast as the service takes them; and what would take for ever is cut, not an error."""
    assert time_for(40_000, per_second=None, per_hour=None) is None
    assert a_day(per_second=None, per_hour=None) is None
    assert time_for(10**18, per_second=0.001, per_hour=None) == dt.timedelta(days=3650)


def test_a_day_has_room_for_the_lesser_of_both() -> None:
    """Of a limit a second and one an hour the tighter counts."""
    assert a_day(per_second=1, per_hour=None) == 86_400
    assert a_day(per_second=1, per_hour=1000) == 24_000
    assert a_day(per_second=0.1, per_hour=1000) == 8_640

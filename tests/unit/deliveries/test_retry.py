"""When a deferred mail is tried again."""

from __future__ import annotations

import datetime as dt

import pytest

from digest.deliveries.retry import WAITS, next_try
from tests.factories.moments import NOW

DAY = dt.timedelta(days=1)


def test_the_wait_grows_with_each_try() -> None:
    """5 and 15 minutes, 1, 4 and 8 hours, and 8 hours again for as long as it is worth it."""
    hours = [(next_try(tries, now=NOW, useful_until=NOW + 7 * DAY) or NOW) - NOW for tries in range(7)]
    assert [wait.total_seconds() / 60 for wait in hours] == [5, 15, 60, 240, 480, 480, 480]
    assert list(WAITS) == sorted(WAITS)


@pytest.mark.parametrize(("useful", "tries"), [(DAY, 6), (dt.timedelta(hours=1), 2), (dt.timedelta(0), 0)])
def test_nothing_is_tried_beyond_the_useful_life(useful: dt.timedelta, tries: int) -> None:
    """An edition that is worth a day is tried six times more, a breaking one twice, and then it is over."""
    moments = []
    at: dt.datetime | None = NOW
    while at is not None:
        at = next_try(len(moments), now=at, useful_until=NOW + useful)
        moments.append(at)
    assert len(moments) - 1 == tries
    assert all(moment <= NOW + useful for moment in moments if moment)


def test_the_last_useful_moment_still_counts() -> None:
    """A try at the very end is made, a microsecond later is too late."""
    end = NOW + WAITS[0]
    assert next_try(0, now=NOW, useful_until=end) == end
    assert next_try(0, now=NOW, useful_until=end - dt.timedelta(microseconds=1)) is None
    with pytest.raises(ValueError, match="never"):
        next_try(-1, now=NOW, useful_until=end)

"""How an edition is spread over its window."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.deliveries.spread import begins_after, moved, place_of, stride, window_seconds
from tests.factories.moments import NOW

MINUTE = dt.timedelta(minutes=1)


@pytest.mark.parametrize(
    ("wish", "people", "seconds"),
    [(None, 19_999, 0), (None, 20_000, 1200), (None, 10**6, 1200), (0, 10**6, 0), (90, 1, 90)],
)
def test_a_large_list_is_spread_by_itself(wish: int | None, people: int, seconds: int) -> None:
    """Over twenty minutes from 20,000 people on, unless the cadence says otherwise."""
    assert window_seconds(wish, people) == seconds


@given(st.integers(1, 2_100))
def test_every_batch_has_a_place_of_its_own(count: int) -> None:
    """None is lost and none doubled, and the first by domain is the first in time."""
    places = [place_of(number, count) for number in range(count)]
    assert sorted(places) == list(range(count))
    assert places[0] == 0
    assert 1 <= stride(count) <= count


@given(st.integers(8, 2_100), st.data())
def test_a_domain_is_spread_over_all_of_the_window(count: int, data: st.DataObject) -> None:
    """Wherever its batches lie in a row and however many: no gap is three times the even one."""
    length = data.draw(st.integers(4, count))
    first = data.draw(st.integers(0, count - length))
    places = sorted(place_of(number, count) for number in range(first, first + length))
    gaps = [b - a for a, b in zip(places, [*places[1:], places[0] + count], strict=True)]
    assert max(gaps) <= 3 * count / length


def test_batches_begin_evenly_within_the_window() -> None:
    """The first at the slot exactly, the last before the end."""
    assert [begins_after(place, 4, 1200).total_seconds() for place in range(4)] == [0, 300, 600, 900]
    assert begins_after(3, 4, 0) == dt.timedelta(0)


@pytest.mark.parametrize(
    ("first", "last", "by"),
    [
        (NOW, NOW + 20 * MINUTE, 0 * MINUTE),
        (NOW - MINUTE / 2, NOW + 20 * MINUTE, 0 * MINUTE),  # a tick or two late
        (NOW + 60 * MINUTE, NOW + 80 * MINUTE, -60 * MINUTE),  # sent sooner by hand
        (NOW + 60 * MINUTE, NOW + 60 * MINUTE, -60 * MINUTE),
        (NOW - 60 * MINUTE, NOW - 40 * MINUTE, 60 * MINUTE),  # made up for after a standstill
        (NOW - 60 * MINUTE, NOW - 60 * MINUTE, 0 * MINUTE),
    ],
)
def test_a_window_is_moved_to_its_begin(first: dt.datetime, last: dt.datetime, by: dt.timedelta) -> None:
    """Sooner or later than planned, it keeps its shape; without a window there is nothing to keep."""
    assert moved(first, last, now=NOW) == by

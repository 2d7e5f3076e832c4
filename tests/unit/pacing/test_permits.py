"""The rule by which permits are leased, in test time and without a database."""

from __future__ import annotations

import datetime as dt
import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.pacing.permits import AHEAD, HOUR, Pace, Permits, lease, returned
from tests.factories.moments import NOW


def seconds(number: float) -> dt.timedelta:
    return dt.timedelta(seconds=number)


def moments(permits: Permits) -> list[dt.datetime]:
    """When each mail of a lease may go."""
    return [permits.starts_at + seconds(place * permits.interval) for place in range(permits.count)]


def most_within(sent: list[dt.datetime], window: dt.timedelta) -> int:
    """How many mails of a sorted list fall into the fullest half-open window."""
    most, first = 0, 0
    for last, moment in enumerate(sent):
        while moment - sent[first] >= window:
            first += 1
        most = max(most, last - first + 1)
    return most


@pytest.mark.parametrize(
    ("per_second", "most", "count"),
    [(5, 100, 10), (5, 3, 3), (0.5, 100, 1), (0.01, 100, 1), (0.7, 100, 1), (1, 100, 2), (1000, 100, 100)],
)
def test_a_block_spans_two_seconds_at_the_most(per_second: float, most: int, count: int) -> None:
    """Ten people at 5 a second, one below 0.5: whoever leaves meanwhile is not yet in it."""
    permits, after = lease(Pace(per_second=per_second), most=most, now=NOW)
    assert permits.count == count
    assert permits.starts_at == NOW
    assert permits.interval == pytest.approx(1 / per_second)
    assert after.permits_until == NOW + seconds(count / per_second)


def test_the_next_block_follows_the_last() -> None:
    """It begins where the last one ends, or now if that is past: a pause is not made up by a burst."""
    _, after = lease(Pace(per_second=5), most=10, now=NOW)
    second, after = lease(after, most=10, now=NOW + seconds(0.1))
    assert second.starts_at == NOW + seconds(2)
    third, _ = lease(after, most=10, now=NOW + seconds(60))
    assert third.starts_at == NOW + seconds(60)


def test_nobody_leases_far_ahead() -> None:
    """When others hold the next ten seconds there is none, and the moment to ask again is said."""
    pace, leased = Pace(per_second=5), 0
    while (permits := lease(pace, most=10, now=NOW)[0]).count:
        _, pace = lease(pace, most=10, now=NOW)
        leased += 1
    assert leased == 6
    assert permits.starts_at > NOW + AHEAD
    again, _ = lease(pace, most=10, now=permits.starts_at)
    assert again.count == 10


def test_a_clock_that_was_set_back_is_not_waited_for() -> None:
    """A lease that nobody can have taken yet is of another time."""
    _, after = lease(Pace(per_second=1, per_hour=100), most=1, now=NOW + dt.timedelta(hours=5))
    permits, later = lease(after, most=1, now=NOW)
    assert (permits.count, permits.starts_at) == (1, NOW)
    assert later.hour_began_at == NOW
    assert later.hour_used == 2  # what was used of that hour counts in this one


def test_the_number_of_an_hour_is_kept_exactly() -> None:
    """The hour begins with its first permit; when it is used up, the next one's begin is said."""
    pace, given_out = Pace(per_hour=25), []
    for minute in (0, 10, 20, 30):
        permits, pace = lease(pace, most=10, now=NOW + seconds(60 * minute))
        given_out.append(permits.count)
    assert given_out == [10, 10, 5, 0]
    assert permits == Permits(0, NOW + HOUR, 0.0)
    again, pace = lease(pace, most=10, now=NOW + HOUR)
    assert (again.count, again.starts_at, pace.hour_used) == (10, NOW + HOUR, 10)


def test_what_was_not_used_comes_back() -> None:
    """The time too, as long as nothing was leased after it; the hour's number in any case."""
    first, pace = lease(Pace(per_second=5, per_hour=100), most=10, now=NOW)
    back = returned(pace, first, 4)
    assert back.permits_until == NOW + seconds(6 / 5)
    assert back.hour_used == 6
    second, pace = lease(pace, most=10, now=NOW)
    late = returned(pace, first, 10)
    assert late.permits_until == pace.permits_until == second.until
    assert late.hour_used == 10
    assert returned(back, first, 99).hour_used == 0  # once more, and too many: never below nothing
    _, other_hour = lease(pace, most=10, now=NOW + 2 * HOUR)
    assert returned(other_hour, first, 10).hour_used == 10


@pytest.mark.parametrize("gives_back", [False, True])
@pytest.mark.parametrize(
    ("per_second", "workers"),
    [*((5.0, 4), (0.4, 3), (0.5, 1), (33.3, 7)), pytest.param(100.0, 16, marks=pytest.mark.slow)],
)
def test_many_workers_keep_the_pace_for_an_hour(per_second: float, workers: int, *, gives_back: bool) -> None:
    """Within 1 % of it in an hour, and never more than it in any window of a block and more.

    Each worker asks anew when its block is over, at a moment of its own. What is given back while others have
    leased the time after it is lost, so then only "never more" is asked.
    """
    dice = random.Random(7)
    pace, sent, end = Pace(per_second=per_second), [], NOW + HOUR
    free_at = [(NOW + seconds(dice.random()), number) for number in range(workers)]
    while free_at:
        now, number = min(free_at)
        free_at.remove((now, number))
        if now >= end:
            continue
        permits, pace = lease(pace, most=100, now=now)
        unused = dice.choice((0, 0, 0, permits.count // 2)) if gives_back else 0
        pace = returned(pace, permits, unused)
        used = moments(permits)[: permits.count - unused]
        sent += [moment for moment in used if moment < end]
        over = used[-1] if used else permits.starts_at
        free_at.append((max(over, now) + seconds(dice.random() * 0.001), number))
    sent.sort()
    wanted = per_second * 3600
    assert len(sent) <= wanted * 1.01
    assert len(sent) >= wanted * (0.5 if gives_back else 0.99)
    for window in (2.0, 10.0, 60.0, 600.0):
        if window * per_second >= 1:
            assert most_within(sent, seconds(window)) <= window * per_second + 1
    assert all(b - a >= seconds(1 / per_second - 2e-6) for a, b in itertools.pairwise(sent))


@given(
    st.lists(
        st.tuples(st.integers(1, 200), st.integers(0, 5_000), st.integers(0, 30)), min_size=1, max_size=60
    ),
    st.floats(0.05, 500),
    st.one_of(st.none(), st.integers(1, 5_000)),
)
def test_no_two_permits_are_the_same(
    asked: list[tuple[int, int, int]], per_second: float, per_hour: int | None
) -> None:
    """Whatever is asked for and given back, whenever: moments lie an interval apart, hours are kept."""
    pace, now, sent = Pace(per_second=per_second, per_hour=per_hour), NOW, []
    for most, wait_ms, unused in asked:
        now += dt.timedelta(milliseconds=wait_ms)
        permits, pace = lease(pace, most=most, now=now)
        assert 0 <= permits.count <= most
        assert permits.starts_at >= now
        pace = returned(pace, permits, min(unused, permits.count))
        sent += moments(permits)[: permits.count - min(unused, permits.count)]
    assert all(b - a >= seconds(1 / per_second - 2e-6) for a, b in itertools.pairwise(sent))
    assert per_hour is None or sum(moment < NOW + HOUR for moment in sent) <= per_hour

"""The clock: aware, in UTC, and not to be moved where it measures."""

from __future__ import annotations

import datetime as dt
import sys
import time

import time_machine

from digest import clock


def test_now_is_aware_and_in_utc() -> None:
    """A moment that can be stored as it is."""
    moment = dt.datetime(2026, 3, 29, 1, 30, 0, 123456, tzinfo=dt.UTC)
    with time_machine.travel(moment, tick=False):
        assert clock.utc_now() == moment
        assert clock.utc_now().tzinfo is dt.UTC


def test_a_step_of_the_clock_moves_no_lease() -> None:
    """What measures time limits goes on when somebody sets the clock back by a day."""
    before, lease = clock.monotonic(), clock.asleep_or_awake()
    with time_machine.travel(clock.utc_now() - dt.timedelta(days=1)):
        assert 0 <= clock.monotonic() - before < 60
        assert 0 <= clock.asleep_or_awake() - lease < 60


def test_a_suspended_machine_does_not_stop_a_lease() -> None:
    """On Linux it is the clock that counts sleep; wherever it runs it never goes back."""
    if sys.platform == "linux":
        before = time.clock_gettime(time.CLOCK_BOOTTIME)
        assert before <= clock.asleep_or_awake() <= time.clock_gettime(time.CLOCK_BOOTTIME)
    readings = [clock.asleep_or_awake() for _ in range(100)]
    assert readings == sorted(readings)

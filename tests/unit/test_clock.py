"""The clock: aware, in UTC, and not to be moved where it measures."""

from __future__ import annotations

import datetime as dt

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
    before = clock.monotonic()
    with time_machine.travel(clock.utc_now() - dt.timedelta(days=1)):
        assert 0 <= clock.monotonic() - before < 60

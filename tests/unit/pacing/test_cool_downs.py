"""How long a receiving domain rests."""

from __future__ import annotations

import datetime as dt

from digest.pacing.cool_downs import FORGOTTEN_AFTER, RESTS, next_rest, rest_for
from tests.factories.moments import NOW


def test_rests_grow_to_an_hour() -> None:
    """1, 2, 5, 15, 30 and 60 minutes, and no longer however often."""
    minutes = [rest_for(times).total_seconds() / 60 for times in range(1, 9)]
    assert minutes == [1, 2, 5, 15, 30, 60, 60, 60]


def test_each_complaint_after_a_rest_makes_the_next_one_longer() -> None:
    """The count goes up once a rest, whatever was on its way when it began."""
    until, times = next_rest(None, 0, now=NOW)
    assert (until, times) == (NOW + RESTS[0], 1)
    assert next_rest(until, times, now=NOW + dt.timedelta(seconds=30)) == (until, 1)
    assert next_rest(until, times, now=until) == (until + RESTS[1], 2)


def test_what_was_long_ago_is_forgotten() -> None:
    """A day after its last rest a domain begins anew; a moment before that it does not."""
    later = NOW + FORGOTTEN_AFTER
    assert next_rest(NOW, 6, now=later) == (later + RESTS[0], 1)
    assert next_rest(NOW, 6, now=later - dt.timedelta(seconds=1))[1] == 7

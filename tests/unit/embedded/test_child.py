"""The pauses between a child's starts."""

from __future__ import annotations

from digest.embedded.child import Limits


def test_pause_doubles_up_to_its_limit() -> None:
    """A child that keeps dying is started ever less often, but never less than the longest pause says."""
    limits = Limits(first_pause=0.5, longest_pause=3.0)
    assert [limits.pause(deaths) for deaths in range(1, 6)] == [0.5, 1.0, 2.0, 3.0, 3.0]
    assert limits.pause(0) == 0.5

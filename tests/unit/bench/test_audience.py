"""The file that the import is measured with: its dirt, and that none of it may pass for a person."""

from __future__ import annotations

from collections import Counter

import pytest

from bench.audience_files import check_counts, dirt, lines_of

PEOPLE = 49 * 15


def test_one_line_in_fifty_brings_nobody() -> None:
    """As many of each kind; everything else is a person of their own, and all lines have all cells."""
    lines = list(lines_of(PEOPLE))
    assert dirt(PEOPLE) == {"bad": 3, "repeated": 3, "suppressed": 3, "known": 3, "left": 3}
    assert len(lines) == PEOPLE + 15
    assert {len(line) for line in lines} == {4}
    times = Counter(line[0].lower() for line in lines)
    assert sum(address.startswith("reader.") for address in times) == PEOPLE + 1  # one of them is no address
    assert sum(count == 2 for count in times.values()) == 3


def test_a_line_that_came_to_something_else_is_told() -> None:
    """One of the dirt that was added as a person, or one person too few, is no import that is measured."""
    counts = {"lines": PEOPLE + 15, "added": PEOPLE, **dirt(PEOPLE), "ended": 0}
    check_counts(counts, PEOPLE)
    for wrong in ({"added": PEOPLE + 1, "suppressed": 2}, {"added": PEOPLE - 1}, {"ended": 1}):
        with pytest.raises(AssertionError, match="the lines came to"):
            check_counts(counts | wrong, PEOPLE)

"""What a person at a terminal is told of a long run."""

from __future__ import annotations

from digest.cli.common import counted, lines_told


def test_rows_are_counted_as_they_go_by() -> None:
    """Now and then, and at the end; the rows are the same."""
    told: list[int] = []
    assert list(counted(range(25), told.append, every=10)) == list(range(25))
    assert told == [10, 20, 25]
    assert list(counted("abc", None)) == ["a", "b", "c"]


def test_lines_are_counted_without_their_heading() -> None:
    """A table of two people has told of two."""
    told: list[int] = []
    pieces = [b"address\r\n", b"a\r\nb\r\n"]
    assert list(lines_told(pieces, told.append)) == pieces
    assert told == [0, 2]
    assert list(lines_told(pieces, None)) == pieces

"""Folding and framing of the text part."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.rendering.plain_text import rule, tidy, underline, width, wrap


def test_wrap_folds_at_spaces_and_hangs() -> None:
    """Lines are folded at blanks, with a first and a hanging indent; line ends that are there stay."""
    assert wrap("one two three", columns=8) == "one two\nthree"
    assert wrap("one two three", "  * ", columns=10) == "  * one\n    two\n    three"
    assert wrap("a\nb") == "a\nb"


@pytest.mark.parametrize("start", ["https://example.org/", "mailto:a@example.org?subject=", "example.org/"])
def test_wrap_never_cuts_an_address(start: str) -> None:
    """An address longer than the line stays whole, on a line of its own."""
    url = start + "a-b/" * 40
    assert wrap(f"see {url} there").split("\n") == ["see", url, "there"]


def test_wrap_cuts_what_has_no_spaces() -> None:
    """A word that no line can hold is cut between letters, from where it stands, and hangs."""
    assert wrap("a " + "日本語" * 5, "1. ", columns=20) == "1. a 日本語日本語日\n   本語日本語日本語"
    assert wrap("x" * 25, columns=10) == "\n".join(["x" * 10, "x" * 10, "x" * 5])
    assert wrap("abcde " + "y" * 12, columns=10) == "abcde\nyyyyyyyyyy\nyy"


def test_wrap_cuts_between_whole_letters() -> None:
    """Marks and joined signs stay with their letter; no line begins with a full stop or a closing bracket."""
    assert wrap("日本語日本。語", columns=10) == "日本語日\n本。語"
    assert wrap("e\u0301" * 12, columns=10) == "e\u0301" * 10 + "\n" + "e\u0301" * 2
    family = "👩\u200d👩\u200d👧"
    assert wrap(family * 9, columns=10).replace("\n", "") == family * 9
    assert all(set(line.split(family)) == {""} for line in wrap(family * 9, columns=10).split("\n"))


def test_width_counts_columns() -> None:
    """Wide letters take two columns, combining ones and joiners none, Armenian one each."""
    assert width("日本") == 4
    assert width("Ա́") == 1
    assert width("բարև") == 4


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"])), st.integers(20, 80))
def test_wrap_loses_no_word(text: str, columns: int) -> None:
    """The letters are the same in the same order, words that fit a line are whole, and each line fits."""
    folded = wrap(text, columns=columns)
    assert "".join(folded.split()) == "".join(text.split())
    whole = {word.strip() for word in text.split(" ") if width(word) <= columns}
    assert whole <= {word.strip() for line in folded.split("\n") for word in ["", *line.split(" ")]}
    assert all(width(line) <= columns or "://" in line for line in folded.split("\n"))


def test_underline_and_rule() -> None:
    """A heading's line is as long as the heading, within the columns; a rule is 72 columns or as told."""
    assert underline("Լուր") == "Լուր\n----"
    assert underline("Լուր", "=", "1. ") == "1. Լուր\n======="
    assert underline("https://example.org/" + "a" * 80, "=").endswith("a\n" + "=" * 72)
    assert (len(rule()), rule("=", 3)) == (72, "===")


def test_tidy_leaves_no_trailing_blanks_or_gaps() -> None:
    """At most two empty lines together, none at the ends; only a signature's line keeps its blank."""
    assert tidy("\n\na  \n\n\n\n\n\nb\n\n") == "a\n\n\nb\n"
    assert tidy("a-- \n-- \n--  \nb") == "a--\n-- \n--\nb\n"


def test_a_line_under_a_heading_is_never_taken_for_a_rule() -> None:
    """However long a heading is, what stands under it is shorter than what parts two sections."""
    assert underline("x" * 72).split("\n")[-1] == "-" * 60
    assert underline("a word").split("\n")[-1] == "-" * 6

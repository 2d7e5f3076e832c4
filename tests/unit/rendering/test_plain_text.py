"""Folding and framing of the text part."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from digest.rendering.plain_text import rule, tidy, underline, width, wrap


def test_wrap_folds_at_spaces_and_hangs() -> None:
    """Lines are folded at blanks, with a first and a hanging indent; line ends that are there stay."""
    assert wrap("one two three", columns=8) == "one two\nthree"
    assert wrap("one two three", "  * ", columns=10) == "  * one\n    two\n    three"
    assert wrap("a\nb") == "a\nb"


def test_wrap_never_cuts_a_word() -> None:
    """An address longer than the line stays whole."""
    url = "https://example.org/" + "a-b/" * 40
    assert wrap(f"see {url} there").split("\n")[1] == url


def test_width_counts_columns() -> None:
    """Wide letters take two columns, combining ones and joiners none, Armenian one each."""
    assert width("日本") == 4
    assert width("Ա́") == 1
    assert width("բարև") == 4


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"])), st.integers(10, 80))
def test_wrap_loses_no_word(text: str, columns: int) -> None:
    """The words are the same in the same order, and a line with several of them fits."""
    folded = wrap(text, columns=columns)
    assert folded.split() == text.split()
    assert all(width(line) <= columns or " " not in line for line in folded.split("\n"))


def test_underline_and_rule() -> None:
    """A heading's line is as long as the heading; a rule is 72 columns."""
    assert underline("Լուր") == "Լուր\n----"
    assert len(rule()) == 72


def test_tidy_leaves_no_trailing_blanks_or_gaps() -> None:
    """At most two empty lines together, none at the ends, one line end at the end."""
    assert tidy("\n\na  \n\n\n\n\n\nb\n\n") == "a\n\n\nb\n"

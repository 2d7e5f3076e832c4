"""Subject and preheader."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from digest.rendering.subjects import preheader_line, subject_line

SPARE = "A last piece that is long enough to stand all by itself here."


@given(st.text(st.characters(codec=None)))
def test_a_subject_is_one_short_line(text: str) -> None:
    """No line end, no control, at most 150 characters, whatever a feed sends."""
    line = subject_line(text)
    assert len(line) <= 150
    assert line.splitlines() in ([line], [])
    assert not any(ord(letter) < 32 or 127 <= ord(letter) < 160 for letter in line)


def test_a_header_cannot_be_smuggled_in() -> None:
    """A line end in a title becomes a blank."""
    assert subject_line("News\r\nBcc: all@example.org") == "News Bcc: all@example.org"


@given(st.text(), st.lists(st.text(max_size=120), max_size=4))
def test_a_preheader_has_40_to_100_characters(subject: str, pieces: list[str]) -> None:
    """It is long enough and not too long, whatever the stories offer."""
    line = preheader_line(subject, [*pieces, SPARE])
    assert 40 <= len(line) <= 100


def test_a_preheader_does_not_repeat_the_subject() -> None:
    """A piece that is the subject once more is left out; short pieces are joined."""
    assert preheader_line("The bench", ["the bench…", SPARE]) == SPARE
    assert preheader_line("x", ["Good morning.", "A choir turns fifty", SPARE]).startswith(
        "Good morning. · A choir turns fifty · A last piece"
    )


def test_a_short_preheader_is_better_than_none() -> None:
    """Where no piece is long enough, what there is comes out."""
    assert preheader_line("x", ["Good morning.", "", "x"]) == "Good morning."

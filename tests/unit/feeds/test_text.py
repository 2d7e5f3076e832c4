"""Cutting and cleaning of plain text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.feeds.links import absolute, host_of
from digest.feeds.text import cut_at_letter, label, one_line, shortened


@given(st.text(max_size=80), st.integers(1, 40))
def test_a_cut_text_is_a_beginning_within_its_length(text: str, longest: int) -> None:
    """Cutting only drops from the end."""
    cut = cut_at_letter(text, longest)
    assert text.startswith(cut)
    assert len(cut) <= longest
    assert len(shortened(text, longest)) <= max(longest, 1)


@pytest.mark.parametrize(
    ("text", "longest", "expected"),
    [
        ("abc", 3, "abc"),
        ("e\u0301e\u0301", 3, "e\u0301"),
        ("👩‍👩‍👧a", 3, ""),
        ("a👍🏽", 2, "a"),
        ("🇦🇲🇫🇷🇺🇸", 3, "🇦🇲"),
        ("a" + "\u0301" * 100, 50, "a" + "\u0301" * 49),
    ],
)
def test_letters_are_not_cut_in_half(text: str, longest: int, expected: str) -> None:
    """Accents, joined emoji, skin tones and flags stay with their letter; a pile of accents is no letter."""
    assert cut_at_letter(text, longest) == expected


def test_a_shortened_text_ends_at_a_word() -> None:
    """If there is a word's end in its second half, else at a letter."""
    assert shortened("one two three", 9) == "one two…"
    assert shortened("onetwothree", 5) == "onet…"


@given(st.text(max_size=60))
def test_one_line_is_one_line(text: str) -> None:
    """No control, no surrogate, no turning mark, and cleaning twice changes nothing."""
    line = one_line(text)
    assert line == " ".join(line.split())
    assert one_line(line) == line
    line.encode("utf-8")
    assert not set(line) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")


def test_a_label_resolves_entities_once() -> None:
    """Tags go only from HTML."""
    assert label("<b>a</b> &amp;lt;", is_html=True, longest=50) == "a &lt;"
    assert label("<b>a</b> &amp;", is_html=False, longest=50) == "<b>a</b> &"


@given(st.text(max_size=40), st.sampled_from(["", "https://news.example.org/a/"]))
def test_an_absolute_address_stays_as_it_is(url: str, base: str) -> None:
    """Whatever comes in, what comes out is an http(s) address, ASCII, and its own absolute form."""
    found = absolute(url, base)
    if found is not None:
        assert found.startswith(("http://", "https://"))
        assert found.isascii()
        assert absolute(found) == found


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://www.News.example.org:80/", "news.example.org"),
        ("12", ""),
        ("http://[::1", ""),
        ("//a.test", "a.test"),
    ],
)
def test_the_host_of_an_address(url: str, host: str) -> None:
    """Lower case, without www and port."""
    assert host_of(url) == host

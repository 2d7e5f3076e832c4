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
        ("ba\u200cc", 2, "b"),
        ("b\u0915\u094d", 2, "b"),
        ("🏴\U000e0067\U000e0062\U000e007fx", 3, ""),
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


@pytest.mark.parametrize("is_html", [True, False])
@pytest.mark.parametrize(
    ("given_text", "expected"),
    [
        ("AT&T", "AT&T"),
        ("AT&amp;T", "AT&T"),
        ("AT&amp;amp;T", "AT&T"),
        ("AT&amp;amp;amp;T", "AT&amp;T"),
        ("It&#8217;s", "It’s"),
        ("It&amp;#8217;s &amp;#x2014;", "It’s —"),
        ("&amp;ldquo;Peace&amp;rdquo;&amp;nbsp;now", "“Peace” now"),
        ("a &amp;lt; b", "a &lt; b"),
        ("Q&amp;amp;A;", "Q&A;"),
        ("a&amp;#x202e;b&amp;#0;", "ab\ufffd"),
    ],
)
def test_what_was_escaped_twice_is_resolved_twice(given_text: str, expected: str, *, is_html: bool) -> None:
    """Never a third time, and not what is written about markup."""
    assert label(given_text, is_html=is_html, longest=80) == expected


@pytest.mark.parametrize(
    ("given_text", "expected"),
    [
        ("a\u2067b\u2069c\u202ed", "abcd"),
        ("a\u206bb\ufff9c", "abc"),
        ("شارع ۱۲\u200f", "شارع ۱۲"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("a\U000e0068\U000e0069b", "ab"),
        ("🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", None),
        ("a\ud800\x00b", "ab"),
    ],
)
def test_nothing_invisible_is_left(given_text: str, expected: str | None) -> None:
    """What turns lines round, controls and hidden letters go; what joins letters and makes flags stays."""
    assert one_line(given_text) == (given_text if expected is None else expected)


def test_a_title_has_no_word_that_no_column_holds() -> None:
    """It is cut at a letter, whatever the script."""
    assert label("ա" * 400, is_html=False, longest=500) == "ա" * 59 + "…"
    assert label(f"On {'x' * 100} today", is_html=True, longest=500) == f"On {'x' * 59}… today"


@given(st.text(max_size=300), st.booleans())
def test_any_text_is_a_label(text: str, is_html: bool) -> None:  # noqa: FBT001
    """One line, within its length, nothing hidden, no word that breaks a page."""
    made = label(text, is_html=is_html, longest=80)
    assert len(made) <= 80
    assert made == one_line(made)
    assert all(len(word) <= 80 for word in made.split())


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


@pytest.mark.parametrize(
    "piece", ["a", "&amp;", "&amp;#8217;", "<", "<a ", "<!--", "<script>", "\u0301", "👩‍", "\u202e"]
)
@pytest.mark.parametrize("is_html", [True, False])
def test_a_hostile_title_costs_little(piece: str, *, is_html: bool) -> None:
    """Half a million letters of anything are a title of five hundred, or none."""
    assert len(label(piece * (500_000 // len(piece)), is_html=is_html, longest=500)) <= 500

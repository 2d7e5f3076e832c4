"""Cleaning words and addresses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.rendering.contexts import UNSUBSCRIBE_URL
from digest.rendering.words import clean_address, clean_text, cut_line, has_right_to_left


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("  a \t b\r\n c\u2028d ", "a b c d"),
        ("a\u00a0b\u202fc", "a\u00a0b\u202fc"),
        ("a\x00\x1b\x85b", "a b"),
        ("a\u202eb\u2066c\ufeff\uffff", "abc"),
        ("a\ud800b", "a\ufffdb"),
        ("100%% of %%unsubscribe_url%%", "100% of %unsubscribe_url%"),
        ("👩‍👧 Ա́", "👩‍👧 Ա́"),
    ],
)
def test_clean_text_keeps_words_and_drops_controls(text: str, wanted: str) -> None:
    """White space is collapsed, fixed spaces and joiners stay, controls and placeholders go."""
    assert clean_text(text) == wanted


@given(st.text(st.characters(codec=None)))
def test_clean_text_is_stable(text: str) -> None:
    """Cleaning twice changes nothing more, and what is left can be encoded."""
    once = clean_text(text)
    assert clean_text(once) == once
    once.encode()


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("https://example.org/a b", "https://example.org/a%20b"),
        ("https://հայ.test/Նոր?q=ա#մ", "https://xn--y9a3aq.test/%D5%86%D5%B8%D6%80?q=%D5%A1#%D5%B4"),
        ("https://example.org/%D5%86?a=1&b=2", "https://example.org/%D5%86?a=1&b=2"),
        ("https://example.org:8443/", "https://example.org:8443/"),
        ("http://[::1]/", "http://[::1]/"),
        (UNSUBSCRIBE_URL, UNSUBSCRIBE_URL),
        ("javascript:alert(1)", ""),
        ("/a/relative/one", ""),
        ("https://user:secret@example.org/", ""),
        ("https://", ""),
        ("http://[bad", ""),
        ("https://example.org:99999/", ""),
        ("https://example.org/" + "a" * 2000, ""),
    ],
)
def test_clean_address_takes_only_absolute_web_addresses(url: str, wanted: str) -> None:
    """Absolute http(s) addresses come out in ASCII; everything else comes out empty."""
    assert clean_address(url) == wanted


def test_cut_line_ends_at_a_word_or_a_whole_letter() -> None:
    """A line is cut at a word's end, or for one long word between whole letters, with one ellipsis."""
    assert cut_line("short", 10) == "short"
    assert cut_line("one two, three", 10) == "one two…"
    assert cut_line("W" * 20, 10) == "W" * 9 + "…"
    family = "👩\u200d👩\u200d👧"
    assert cut_line("abcdefg" + family + "xyz", 10) == "abcdefg…"


@given(st.text(), st.integers(10, 60))
def test_cut_line_keeps_its_limit(text: str, limit: int) -> None:
    """Never longer than asked, and a beginning of what was given."""
    cut = cut_line(text, limit)
    assert len(cut) <= limit
    assert text.startswith(cut.removesuffix("…"))


def test_right_to_left_is_found() -> None:
    """Hebrew and Arabic are, Armenian and English are not."""
    assert has_right_to_left("a ב")
    assert has_right_to_left("خبر")
    assert not has_right_to_left("Բարև, hello 12")

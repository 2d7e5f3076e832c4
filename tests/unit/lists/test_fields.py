"""The checks of small fields."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.errors import InputError
from digest.lists.fields import (
    check_consent,
    check_language,
    check_short_name,
    check_text_size,
    check_zone,
    clean_line,
)
from digest.models import TextSize


@pytest.mark.parametrize("name", ["a", "the-courier-2", "x" * 60])
def test_short_names_are_taken(name: str) -> None:
    """Letters, digits and hyphens, up to 60."""
    assert check_short_name(name, what="list") == name


@pytest.mark.parametrize("name", ["", "Courier", "a b", "x" * 61, "ծիրան", "a\n", "../a", "a_b"])
def test_other_names_are_refused(name: str) -> None:
    """Anything else is refused with a sentence that says what is allowed."""
    with pytest.raises(InputError, match="1 to 60"):
        check_short_name(name, what="list")


@given(st.text(max_size=200))
def test_a_cleaned_line_is_one_clean_line(text: str) -> None:
    """No control character, line end or lone surrogate comes through, and cleaning again changes nothing."""
    try:
        cleaned = clean_line(text, what="name")
    except InputError:  # NFC can make a text longer than the limit
        return
    assert not any(unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} for char in cleaned)
    assert cleaned == cleaned.strip()
    assert clean_line(cleaned, what="name") == cleaned
    cleaned.encode()


def test_long_lines_are_refused() -> None:
    """A name has an end, and the sentence says where."""
    with pytest.raises(InputError, match="200"):
        clean_line("x" * 201, what="name")
    with pytest.raises(InputError, match="200"):
        clean_line(" " * 10_000, what="name")


def test_a_consent_text_is_needed() -> None:
    """Nobody is put on a list without saying on what ground."""
    with pytest.raises(InputError, match="consent"):
        check_consent(" \n ")
    assert check_consent(" signed  a card ") == "signed a card"


def test_zones_are_real() -> None:
    """An IANA zone or nothing."""
    assert check_zone(" Asia/Yerevan ") == "Asia/Yerevan"
    assert check_zone("") is None
    assert check_zone(None) is None
    for wrong in ("Yerevan", "UTC+4", "../etc/passwd", "/etc/localtime"):
        with pytest.raises(InputError, match="time zone"):
            check_zone(wrong)


def test_languages_are_tags() -> None:
    """A BCP 47 tag by its form, in lower case."""
    assert check_language("HY") == "hy"
    assert check_language("hy_AM") == "hy-am"
    assert check_language(" ") is None
    for wrong in ("Armenian", "e", "en-", "en us", "հայ"):
        with pytest.raises(InputError, match="language tag"):
            check_language(wrong)


def test_text_sizes_are_two() -> None:
    """Normal unless large was asked for."""
    assert check_text_size(None) is TextSize.NORMAL
    assert check_text_size(" Large ") is TextSize.LARGE
    with pytest.raises(InputError, match="neither"):
        check_text_size("huge")

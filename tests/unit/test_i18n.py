"""Words, plurals, numbers and times in English and Armenian."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.errors import InputError
from digest.i18n import LANGUAGES, Translator, direction, plural_categories, translator

_MOMENT = dt.datetime(2026, 11, 23, 13, 30, tzinfo=dt.UTC)
_MOMENTS = st.datetimes(dt.datetime(1990, 1, 1), dt.datetime(2090, 1, 1), timezones=st.just(dt.UTC))
_ZONES = st.sampled_from(["Asia/Yerevan", "America/Los_Angeles", "Asia/Beirut", "Europe/Paris", "UTC"])


@pytest.mark.parametrize("language", LANGUAGES)
@given(text=st.text(min_size=1, max_size=50).filter(lambda text: "%" not in text))
def test_an_unknown_message_comes_out_as_it_is(language: str, text: str) -> None:
    """Nothing is ever blank."""
    assert translator(language).gettext(text)
    assert translator(language).gettext(f"{text} never in any catalogue") == f"{text} never in any catalogue"


@pytest.mark.parametrize(
    ("language", "count", "said"),
    [
        ("en", 0, "And %(count)s more story|And %(count)s more stories:0"),
        ("en", 1, ""),
        ("hy", 0, ""),
        ("hy", 1, ""),
        ("hy", 2, ""),
    ],
)
def test_placeholder(language: str, count: int, said: str) -> None:
    assert language

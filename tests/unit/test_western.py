"""Times in Western Armenian, which Babel does not know."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from babel import Locale
from babel.dates import format_timedelta
from hypothesis import given
from hypothesis import strategies as st

from digest.i18n import translator
from digest.i18n.western import MONTHS, WEEKDAYS

_MOMENT = dt.datetime(2026, 11, 23, 13, 30, tzinfo=dt.UTC)
_LENGTHS = st.integers(0, 4 * 365 * 86_400).map(lambda seconds: dt.timedelta(seconds=seconds))


def test_dates_and_hours_are_those_of_the_diaspora() -> None:
    """Day, month, year in the classical spelling; twenty-four hours; cities by their own names."""
    words = translator("hyw")
    assert words.date(_MOMENT, "Asia/Beirut") == "Երկուշաբթի, 23 Նոյեմբեր 2026"
    assert words.day(dt.date(2027, 1, 3)) == "3 Յունուար 2027"
    assert words.month(dt.date(2027, 1, 3)) == "Յունուար 2027"
    assert words.moment(_MOMENT, "America/Los_Angeles") == "Երկուշաբթի, 05:30, Լոս Անճելըս"
    assert words.place("Asia/Tokyo") == translator("hy").place("Asia/Tokyo")


def test_no_month_or_weekday_is_twice() -> None:
    """Twelve and seven, each with a letter, and none spelled the Eastern way."""
    assert len(set(MONTHS)) == 12
    assert len(set(WEEKDAYS)) == 7
    assert not any("և" in name for name in (*MONTHS, *WEEKDAYS))


@pytest.mark.parametrize(
    ("before", "said"),
    [
        (dt.timedelta(minutes=5), "5 վայրկեան առաջ"),
        (dt.timedelta(hours=3), "3 ժամ առաջ"),
        (dt.timedelta(days=1), "1 օր առաջ"),
        (dt.timedelta(days=-2), "2 օրէն"),
    ],
)
def test_how_long_ago(before: dt.timedelta, said: str) -> None:
    """And how far ahead: the noun alone changes."""
    assert translator("hyw").ago(_MOMENT - before, _MOMENT) == said


@given(length=_LENGTHS)
def test_units_change_where_those_of_all_languages_do(length: dt.timedelta) -> None:
    """The number is Babel's for any length, so that two sisters say "3 hours" and "2 days" at one moment."""
    eastern = Locale.parse("hy")
    ago = format_timedelta(-length, add_direction=True, granularity="minute", locale=eastern)
    span = format_timedelta(length, granularity="minute", threshold=1.5, locale=eastern)
    words = translator("hyw")
    assert _number(words.ago(_MOMENT - length, _MOMENT)) == _number(ago)
    assert _number(words.span(length)) == _number(span)


def _number(text: str) -> int:
    found = re.match(r"\d+", text)
    assert found is not None
    return int(found[0])

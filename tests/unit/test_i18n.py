"""Words, plurals, numbers and times in English and Armenian."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.errors import InputError
from digest.i18n import LANGUAGES, READER_LANGUAGES, Translator, direction, plural_categories, translator

_MOMENT = dt.datetime(2026, 11, 23, 13, 30, tzinfo=dt.UTC)
_MOMENTS = st.integers(-30 * 365, 60 * 365).map(lambda days: _MOMENT + dt.timedelta(days=days, minutes=days))
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
        ("en", 0, "0 stories"),
        ("en", 1, "1 story"),
        ("en", 2000, "2,000 stories"),
        ("hy", 0, "0 նյութ"),
        ("hy", 1, "1 նյութ"),
        ("hy", 2, "2 նյութեր"),
        ("hy", 2000, "2\u00a0000 նյութեր"),
    ],
)
def test_plurals_follow_the_language(language: str, count: int, said: str) -> None:
    """In Armenian nothing and one take the same form; numbers have the language's own separators."""
    words = Translator(language)
    words._plural = {
        "%(count)s story": {"one": "%(count)s նյութ", "other": "%(count)s նյութեր"}
        if language == "hy"
        else {"one": "%(count)s story", "other": "%(count)s stories"}
    }
    assert words.ngettext("%(count)s story", "%(count)s stories", count) == said


def test_plurals_without_a_translation_are_english() -> None:
    """The plural of a message that no catalogue has, by the English rule."""
    words = translator("hy")
    assert words.ngettext("%(count)s nut", "%(count)s nuts", 1) == "1 nut"
    assert words.ngettext("%(count)s nut", "%(count)s nuts", 3) == "3 nuts"


@pytest.mark.parametrize("language", READER_LANGUAGES)
@given(moment=_MOMENTS, zone=_ZONES)
def test_every_moment_can_be_said(language: str, moment: dt.datetime, zone: str) -> None:
    """Any moment, any zone: a line of words without odd spaces, from which the year can be read."""
    words = translator(language)
    for text in (words.date(moment, zone), words.moment(moment, zone), words.ago(moment, _MOMENT)):
        assert text.strip() == text != ""
        assert "\n" not in text
    assert str(moment.astimezone(ZoneInfo(zone)).year) in words.date(moment, zone)


@pytest.mark.parametrize(
    ("language", "date", "moment", "ago"),
    [
        ("en", "Monday, November 23, 2026", "Monday, 5:30 am, Los Angeles", "3 hours ago"),
        ("hy", "2026 թ. նոյեմբերի 23, երկուշաբթի", "երկուշաբթի, 05:30, Լոս Անջելես", "3 ժամ առաջ"),
        ("fr", "lundi 23 novembre 2026", "lundi, 05:30, Los Angeles", "il y a 3 heures"),
        ("fr-CA", "lundi 23 novembre 2026", "lundi, 05 h 30, Los Angeles", "il y a 3 heures"),
        ("ar", "الاثنين، 23 نوفمبر 2026", "الاثنين، 5:30 ص، لوس انجلوس", "قبل 3 ساعات"),
        ("ar-LB", "الاثنين، 23 تشرين الثاني 2026", "الاثنين، 5:30 ص، لوس انجلوس", "قبل 3 ساعات"),
        ("en-GB", "Monday, 23 November 2026", "Monday, 05:30, Los Angeles", "3 hours ago"),
    ],
)
def test_known_moments(language: str, date: str, moment: str, ago: str) -> None:
    """As readers write them."""
    words = translator(language)
    assert words.date(_MOMENT, "America/Los_Angeles") == date
    assert words.moment(_MOMENT, "America/Los_Angeles") == moment
    assert words.ago(_MOMENT - dt.timedelta(hours=3), _MOMENT) == ago


def test_a_message_with_a_percent_sign_needs_no_values() -> None:
    """A message without places is never formatted."""
    assert translator("en").gettext("100% new") == "100% new"


@pytest.mark.parametrize(
    ("tag", "way"), [("hy", "ltr"), ("ar", "rtl"), ("fa-IR", "rtl"), ("he_IL", "rtl"), ("", "ltr")]
)
def test_direction_of_any_tag(tag: str, way: str) -> None:
    """The script's direction, by the language alone."""
    assert direction(tag) == way


def test_plural_forms_are_in_the_order_of_the_file() -> None:
    """msgstr[0] is the form for one in both languages."""
    assert plural_categories("en") == plural_categories("hy") == ("one", "other")


@pytest.mark.parametrize("language", ["", "xx", "EN", "hy-AM", "../en"])
def test_a_language_we_do_not_speak_is_one_sentence(language: str) -> None:
    """The sentence says which there are."""
    with pytest.raises(InputError, match="among those there are: en, hy"):
        Translator(language)

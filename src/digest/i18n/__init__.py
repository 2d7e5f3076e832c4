"""Words, plurals and times in the languages of readers and editors.

The messages are keyed by their English text. Catalogues are plain `.po` files under `locale/`, read
directly: there is no compiled twin that could be out of date. Plural forms follow the CLDR rules of each
language (in Armenian, one covers 0 and 1), never `n == 1`. A newsroom's own words come first.
"""

from __future__ import annotations

import datetime as dt
import functools
from typing import Any
from zoneinfo import ZoneInfo

from digest.errors import DigestError, InputError, Word
from digest.i18n.catalogue import Words, own_catalogue, plural_categories, words_of
from digest.i18n.mark import N_
from digest.i18n.newsroom import Stamp, check_words, own_words, use_words
from digest.i18n.tags import (
    DRAFTS,
    LANGUAGES,
    READER_LANGUAGES,
    canonical,
    direction,
    for_editors,
    framed,
    is_foreign,
    matched,
    spoken,
)
from digest.i18n.times import CldrTimes, Times, locale_of
from digest.i18n.western import WesternTimes

__all__ = [
    "DRAFTS",
    "LANGUAGES",
    "N_",
    "READER_LANGUAGES",
    "Translator",
    "canonical",
    "check_words",
    "direction",
    "for_editors",
    "framed",
    "is_foreign",
    "matched",
    "plural_categories",
    "spoken",
    "translator",
    "use_words",
]


class Translator:
    """The words of one language. Unknown messages come out in English, so that nothing is ever blank.

    `tag` may say more than the language does: times and numbers in `fr-CA` are those of Canada.
    """

    def __init__(self, language: str, tag: str = "") -> None:
        if language not in READER_LANGUAGES:
            known = ", ".join(READER_LANGUAGES)
            raise InputError(
                N_("The language %(language)r is not among those there are: %(known)s."),
                language=language,
                known=known,
            )
        self.language = language
        self.tag = tag or language
        self.locale = locale_of(self.tag, language)
        self.stamp, own = own_words(language)
        built_in = _built_in(language)
        self._single = {**built_in.single, **own.single}
        self._plural = {**built_in.plural, **own.plural}
        self._times: Times = WesternTimes(self.locale) if language == "hyw" else CldrTimes(self.locale)

    @property
    def direction(self) -> str:
        """`ltr` or `rtl`, for the `dir` attribute."""
        return direction(self.tag)

    def gettext(self, message: str, /, **values: Any) -> str:
        """The translated message, with its `%(name)s` places filled."""
        text = self._single.get(message) or message
        return text % values if values else text

    def ngettext(self, singular: str, plural: str, count: int, /, **values: Any) -> str:
        """The form that the language uses for `count`; `%(count)s` is the number in its own digits."""
        forms = self._plural.get(singular)
        category = self.locale.plural_form(count)
        english = singular if category == "one" else plural
        text = forms.get(category, english) if forms else english
        return text % {"count": self.number(count), **values}

    def error(self, error: DigestError) -> str:
        """What an error says; what it says of commands is left out."""
        values = {name: self._value(value) for name, value in error.values.items()}
        return self.gettext(error.message, **values) if error.message else str(error)

    def _value(self, value: object) -> object:
        if isinstance(value, DigestError):
            return self.error(value)
        return self.gettext(value) if isinstance(value, Word) else value

    def number(self, value: int) -> str:
        """A whole number with the language's group separators."""
        from babel.numbers import format_decimal  # noqa: PLC0415  (imported when first wanted: 30 ms)

        return format_decimal(value, locale=self.locale)

    def date(self, moment: dt.datetime, zone: str) -> str:
        """A full date: `Monday, November 23, 2026`."""
        return self._times.full_date(moment.astimezone(ZoneInfo(zone)))

    def day(self, date: dt.date) -> str:
        """A date in words: `November 23, 2026`."""
        return self._times.long_date(date)

    def month(self, date: dt.date) -> str:
        """The month of a date, standing by itself: `November 2026`."""
        return self._times.month(date)

    def moment(self, moment: dt.datetime, zone: str) -> str:
        """Weekday, time and place: `Monday, 5:30 am, Los Angeles`."""
        weekday = self._times.weekday(moment.astimezone(ZoneInfo(zone)))
        return self._comma.join((weekday, self.clock(moment, zone)))

    def clock(self, moment: dt.datetime, zone: str) -> str:
        """Time and place: `5:30 am, Los Angeles`."""
        return self._comma.join((self._times.clock(moment.astimezone(ZoneInfo(zone))), self.place(zone)))

    def hour(self, moment: dt.datetime, zone: str) -> str:
        """Time alone, where the place is told elsewhere: `5:30 am`."""
        return self._times.clock(moment.astimezone(ZoneInfo(zone)))

    def weekday(self, date: dt.date) -> str:
        """The day's name: `Monday`."""
        return self._times.weekday(date)

    def place(self, zone: str) -> str:
        """The city that a time zone is named after, in this language."""
        return self._times.place(zone)

    def span(self, length: dt.timedelta) -> str:
        """A length of time in its largest unit: `3 hours`, `2 days`."""
        return self._times.span(length)

    def ago(self, moment: dt.datetime, now: dt.datetime) -> str:
        """Relative time: `3 hours ago`."""
        return self._times.ago(moment - now)

    @property
    def _comma(self) -> str:
        return "\u060c " if self.language == "ar" else ", "


def translator(tag: str) -> Translator:
    """The translator for any language tag: its own language if we speak it, else English.

    Each is made once a process, and anew when the newsroom's own words change.
    """
    language = spoken(tag)
    stamp, _ = own_words(language)
    return _translator(language, framed(tag), stamp)


@functools.lru_cache(maxsize=64)
def _translator(language: str, tag: str, _stamp: Stamp) -> Translator:
    return Translator(language, tag)


@functools.cache
def _built_in(language: str) -> Words:
    """Our own words. Western Armenian falls back to Eastern: the words of the staff are there only."""
    own = words_of(own_catalogue(language), language)
    if language != "hyw":
        return own
    eastern = _built_in("hy")
    return Words({**eastern.single, **own.single}, {**eastern.plural, **own.plural})

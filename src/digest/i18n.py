"""Words, plurals and times in the languages of readers and editors.

The messages are keyed by their English text. Catalogues are plain `.po` files under `locale/`, read
directly: there is no compiled twin that could be out of date. Plural forms follow the CLDR rules of each
language (in Armenian, one covers 0 and 1), never `n == 1`.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Iterable
from importlib import resources
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_time, format_timedelta, get_timezone_location
from babel.messages.pofile import read_po

from digest.errors import InputError

LANGUAGES: tuple[str, ...] = ("en", "hy")
_RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "ur"})
_PLURAL_ORDER = ("zero", "one", "two", "few", "many", "other")


class Translator:
    """The words of one language. Unknown messages come out in English, so that nothing is ever blank."""

    def __init__(self, language: str) -> None:
        if language not in LANGUAGES:
            known = ", ".join(LANGUAGES)
            raise InputError(f"The language {language!r} is not among those there are: {known}.")
        self.language = language
        self.locale = Locale.parse(language)
        self._single, self._plural = _catalogue(language)

    @property
    def direction(self) -> str:
        """`ltr` or `rtl`, for the `dir` attribute."""
        return direction(self.language)

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

    def number(self, value: int) -> str:
        """A whole number with the language's group separators."""
        from babel.numbers import format_decimal  # noqa: PLC0415  (imported when first wanted: 30 ms)

        return format_decimal(value, locale=self.locale)

    def date(self, moment: dt.datetime, zone: str) -> str:
        """A full date: `Monday, November 23, 2026`."""
        return format_date(moment.astimezone(ZoneInfo(zone)), format="full", locale=self.locale)

    def day(self, date: dt.date) -> str:
        """A date in words: `November 23, 2026`."""
        return format_date(date, format="long", locale=self.locale)

    def month(self, date: dt.date) -> str:
        """The month of a date, standing by itself: `November 2026`."""
        from babel.dates import format_skeleton  # noqa: PLC0415  (the archive's pages alone want it)

        return format_skeleton("yMMMM", date, locale=self.locale)

    def moment(self, moment: dt.datetime, zone: str) -> str:
        """Weekday, time and place: `Monday, 5:30 am, Los Angeles`."""
        weekday = format_date(moment.astimezone(ZoneInfo(zone)), "EEEE", locale=self.locale)
        return ", ".join((weekday, self.clock(moment, zone)))

    def clock(self, moment: dt.datetime, zone: str) -> str:
        """Time and place: `5:30 am, Los Angeles`."""
        local = moment.astimezone(ZoneInfo(zone))
        clock = format_time(local, format="short", locale=self.locale).replace("\u202f", " ")
        if self.language == "en":
            clock = clock.lower()
        return ", ".join((clock, self.place(zone)))

    def place(self, zone: str) -> str:
        """The city that a time zone is named after, in this language."""
        return get_timezone_location(ZoneInfo(zone), locale=self.locale, return_city=True)

    def span(self, length: dt.timedelta) -> str:
        """A length of time in its largest unit: `3 hours`, `2 days`."""
        return format_timedelta(length, granularity="minute", threshold=1.5, locale=self.locale)

    def ago(self, moment: dt.datetime, now: dt.datetime) -> str:
        """Relative time: `3 hours ago`. The long form: the short one is wrong in Armenian."""
        return format_timedelta(moment - now, add_direction=True, granularity="minute", locale=self.locale)


@functools.cache
def translator(language: str) -> Translator:
    """The translator for a language; each is read once per process."""
    return Translator(language)


def spoken(language: str) -> str:
    """A digest's language if we speak it, by its first part; else the first of ours."""
    primary = language.split("-", maxsplit=1)[0].lower()
    return primary if primary in LANGUAGES else LANGUAGES[0]


def direction(language: str) -> str:
    """The writing direction of any language tag: `ltr` or `rtl`."""
    return "rtl" if language.split("-", maxsplit=1)[0].split("_", maxsplit=1)[0] in _RIGHT_TO_LEFT else "ltr"


def plural_categories(language: str) -> tuple[str, ...]:
    """The CLDR plural categories of a language in gettext's order: the order of `msgstr[n]`."""
    tags: Iterable[str] = {*Locale.parse(language).plural_form.tags, "other"}
    return tuple(sorted(tags, key=_PLURAL_ORDER.index))


def N_(message: str) -> str:  # noqa: N802  (the name that extraction tools know)
    """Mark a message for extraction without translating it where it stands."""
    return message


def _catalogue(language: str) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    single: dict[str, str] = {}
    plural: dict[str, dict[str, str]] = {}
    categories = plural_categories(language)
    source = resources.files("digest") / "locale" / f"{language}.po"
    with source.open("rb") as file:
        catalogue = read_po(file, locale=language)
    for message in catalogue:
        if not message.id or message.fuzzy:
            continue
        if isinstance(message.id, tuple):
            strings = message.string if isinstance(message.string, (tuple, list)) else (message.string or "",)
            plural[str(message.id[0])] = {
                str(c): str(s) for c, s in zip(categories, strings, strict=False) if s
            }
        elif isinstance(message.string, str):
            single[str(message.id)] = message.string
    return single, plural

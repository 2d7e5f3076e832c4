"""Dates, hours, lengths of time and places as the Unicode Consortium (CLDR) has them, through Babel."""

from __future__ import annotations

import datetime as dt
from typing import Protocol
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time, format_timedelta, get_timezone_location


class Times(Protocol):
    """How one language writes times. What is given is local already."""

    def full_date(self, date: dt.date) -> str:
        """With the weekday."""

    def long_date(self, date: dt.date) -> str:
        """Without the weekday, the month in words."""

    def month(self, date: dt.date) -> str:
        """The month and the year, standing by themselves."""

    def weekday(self, date: dt.date) -> str:
        """The day's name."""

    def clock(self, moment: dt.datetime) -> str:
        """Hour and minute."""

    def place(self, zone: str) -> str:
        """The city that a time zone is named after."""

    def span(self, length: dt.timedelta) -> str:
        """A length in its largest unit."""

    def ago(self, distance: dt.timedelta) -> str:
        """How long ago (below zero) or how far ahead."""


class CldrTimes:
    """Any language that Babel knows."""

    def __init__(self, locale: Locale) -> None:
        self._locale = locale

    def full_date(self, date: dt.date) -> str:
        """`Monday, November 23, 2026`."""
        return format_date(date, format="full", locale=self._locale)

    def long_date(self, date: dt.date) -> str:
        """`November 23, 2026`."""
        return format_date(date, format="long", locale=self._locale)

    def month(self, date: dt.date) -> str:
        """`November 2026`."""
        from babel.dates import format_skeleton  # noqa: PLC0415  (the archive's pages alone want it)

        return format_skeleton("yMMMM", date, locale=self._locale)

    def weekday(self, date: dt.date) -> str:
        """`Monday`."""
        return format_date(date, "EEEE", locale=self._locale)

    def clock(self, moment: dt.datetime) -> str:
        """`5:30 am`, `05:30`, `05 h 30`."""
        clock = format_time(moment, format="short", locale=self._locale).replace("\u202f", " ")
        return clock.lower() if self._locale.language == "en" else clock

    def place(self, zone: str) -> str:
        """`Los Angeles`."""
        return get_timezone_location(ZoneInfo(zone), locale=self._locale, return_city=True)

    def span(self, length: dt.timedelta) -> str:
        """`3 hours`."""
        return format_timedelta(length, granularity="minute", threshold=1.5, locale=self._locale)

    def ago(self, distance: dt.timedelta) -> str:
        """`3 hours ago`. The long form: the short one is wrong in Armenian."""
        return format_timedelta(distance, add_direction=True, granularity="minute", locale=self._locale)


def locale_of(tag: str, language: str) -> Locale:
    """Babel's locale for a tag, else for its language; Western Armenian has Eastern's, there is no other."""
    plain = Locale.parse("hy" if language == "hyw" else language)
    try:
        found = Locale.parse(tag, sep="-")
    except (UnknownLocaleError, ValueError):
        return plain
    return found if found.language == plain.language else plain

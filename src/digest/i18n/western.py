"""Times in Western Armenian, in the classical spelling: Babel has Eastern Armenian only.

A draft that wants a native reader, as the catalogue does.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Final

from digest.i18n.times import CldrTimes

MONTHS: Final = (
    "Յունուար",
    "Փետրուար",
    "Մարտ",
    "Ապրիլ",
    "Մայիս",
    "Յունիս",
    "Յուլիս",
    "Օգոստոս",
    "Սեպտեմբեր",
    "Հոկտեմբեր",
    "Նոյեմբեր",
    "Դեկտեմբեր",
)
WEEKDAYS: Final = ("Երկուշաբթի", "Երեքշաբթի", "Չորեքշաբթի", "Հինգշաբթի", "Ուրբաթ", "Շաբաթ", "Կիրակի")

# Where readers live; any other city has its Eastern name.
_PLACES: Final[Mapping[str, str]] = {
    "Africa/Cairo": "Գահիրէ",
    "America/Argentina/Buenos_Aires": "Պուէնոս Այրէս",
    "America/Chicago": "Շիքակօ",
    "America/Detroit": "Տիթրոյթ",
    "America/Los_Angeles": "Լոս Անճելըս",
    "America/Montevideo": "Մոնթեվիտէօ",
    "America/New_York": "Նիւ Եորք",
    "America/Sao_Paulo": "Սան Փաուլօ",
    "America/Toronto": "Թորոնթօ",
    "Asia/Amman": "Ամման",
    "Asia/Baghdad": "Պաղտատ",
    "Asia/Beirut": "Պէյրութ",
    "Asia/Damascus": "Դամասկոս",
    "Asia/Dubai": "Տուպայ",
    "Asia/Jerusalem": "Երուսաղէմ",
    "Asia/Kuwait": "Քուէյթ",
    "Asia/Nicosia": "Նիկոսիա",
    "Asia/Tbilisi": "Թիֆլիս",
    "Asia/Tehran": "Թեհրան",
    "Asia/Yerevan": "Երեւան",
    "Australia/Melbourne": "Մելպուրն",
    "Australia/Sydney": "Սիտնի",
    "Europe/Amsterdam": "Ամսթերտամ",
    "Europe/Athens": "Աթէնք",
    "Europe/Berlin": "Պերլին",
    "Europe/Brussels": "Պրիւքսէլ",
    "Europe/Istanbul": "Պոլիս",
    "Europe/London": "Լոնտոն",
    "Europe/Moscow": "Մոսկուա",
    "Europe/Paris": "Փարիզ",
    "Europe/Rome": "Հռոմ",
    "Europe/Sofia": "Սոֆիա",
    "Europe/Vienna": "Վիեննա",
}

# Seconds, the unit, and the unit from which something is still ahead. After a number nouns stay singular.
_UNITS: Final = (
    (31_536_000, "տարի", "տարիէն"),
    (2_592_000, "ամիս", "ամիսէն"),
    (604_800, "շաբաթ", "շաբաթէն"),
    (86_400, "օր", "օրէն"),
    (3_600, "ժամ", "ժամէն"),
    (60, "վայրկեան", "վայրկեանէն"),
)
# From how much of a unit on it is used: Babel's own measures, so that all languages change at one moment.
_AGO_FROM: Final = 0.85
_SPAN_FROM: Final = 1.5


class WesternTimes(CldrTimes):
    """As papers of the diaspora write them: `Երկուշաբթի, 23 Նոյեմբեր 2026`, `05:30`, `3 ժամ առաջ`."""

    def full_date(self, date: dt.date) -> str:
        """`Երկուշաբթի, 23 Նոյեմբեր 2026`."""
        return f"{self.weekday(date)}, {self.long_date(date)}"

    def long_date(self, date: dt.date) -> str:
        """`23 Նոյեմբեր 2026`."""
        return f"{date.day} {MONTHS[date.month - 1]} {date.year}"

    def month(self, date: dt.date) -> str:
        """`Նոյեմբեր 2026`."""
        return f"{MONTHS[date.month - 1]} {date.year}"

    def weekday(self, date: dt.date) -> str:
        """`Երկուշաբթի`."""
        return WEEKDAYS[date.weekday()]

    def clock(self, moment: dt.datetime) -> str:
        """`05:30`: twenty-four hours."""
        return f"{moment:%H:%M}"

    def place(self, zone: str) -> str:
        """`Պէյրութ`."""
        return _PLACES.get(zone) or super().place(zone)

    def span(self, length: dt.timedelta) -> str:
        """`3 ժամ`."""
        number, unit, _ = _largest(length, _SPAN_FROM)
        return f"{number} {unit}"

    def ago(self, distance: dt.timedelta) -> str:
        """`3 ժամ առաջ`; ahead: `3 ժամէն`."""
        number, unit, ahead = _largest(distance, _AGO_FROM)
        return f"{number} {unit} առաջ" if distance <= dt.timedelta(0) else f"{number} {ahead}"


def _largest(length: dt.timedelta, threshold: float) -> tuple[int, str, str]:
    seconds = abs(length.total_seconds())
    for size, unit, ahead in _UNITS:
        if seconds / size >= threshold:
            return round(seconds / size), unit, ahead
    _, unit, ahead = _UNITS[-1]
    return (max(1, round(seconds / 60)) if seconds else 0), unit, ahead

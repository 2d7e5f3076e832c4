"""Schedules as editors think of them: every day, Mondays, the last Sunday, at these times. Pure.

A preset becomes cron text, which alone says when a cadence is due; cron text that a preset could have made is
read back, so that a schedule is told in words however it was set.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from babel.dates import format_time, get_day_names
from babel.lists import format_list

from digest.errors import InputError
from digest.i18n import N_, Translator

LAST: Final = -1
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_NTH = {"first": 1, "second": 2, "third": 3, "fourth": 4, "last": LAST}
_WORKDAYS = (1, 2, 3, 4, 5)
_LATEST_DAY = 28  # every month has it
_MOST_TIMES = 24


class Every(StrEnum):
    """On which days."""

    DAY = "day"
    WEEKDAYS = "weekdays"
    DATE = "date"
    NTH = "nth"


@dataclass(frozen=True, slots=True)
class Preset:
    """A schedule in the editor's terms.

    `times` are hours and minutes in order; `weekdays` count from Monday, 1, to Sunday, 7; `date` is a day of
    the month or LAST; `nth` is 1 to 4 or LAST, of the one weekday.
    """

    every: Every
    times: tuple[dt.time, ...]
    weekdays: tuple[int, ...] = ()
    date: int | None = None
    nth: int | None = None

    def as_json(self) -> dict[str, Any]:
        """As it is kept with the cadence."""
        return {
            "every": self.every.value,
            "times": [f"{time:%H:%M}" for time in self.times],
            "weekdays": list(self.weekdays),
            "date": self.date,
            "nth": self.nth,
        }


def of_json(kept: Mapping[str, Any]) -> Preset:
    """The way back from `as_json`."""
    times = tuple(dt.time.fromisoformat(time) for time in kept["times"])
    return Preset(Every(kept["every"]), times, tuple(kept["weekdays"]), kept["date"], kept["nth"])


def parse_preset(every: str, times: Sequence[str]) -> Preset:
    """What an editor writes: `day`, `weekday`, `mon,thu`, `month-15`, `month-last`, `first-sunday`; `6:30`.

    Raises InputError with a sentence that shows how.
    """
    at = _parse_times(times)
    text = every.strip().lower()
    if text in {"day", "daily"}:
        return Preset(Every.DAY, at)
    if text in {"weekday", "workday"}:
        return Preset(Every.WEEKDAYS, at, _WORKDAYS)
    if text.startswith("month-"):
        return Preset(Every.DATE, at, date=_parse_date(text.removeprefix("month-")))
    which, mark, day = text.partition("-")
    if mark and which in _NTH and (number := _weekday(day)) is not None:
        return Preset(Every.NTH, at, (number,), nth=_NTH[which])
    found = [_weekday(part) for part in text.split(",")]
    if None in found or not found:
        raise InputError(
            N_("%(text)r does not say on which days."),
            hint="Write day, weekday, mon,thu, month-15, month-last, first-sunday or last-friday.",
            text=every[:40],
        )
    return Preset(Every.WEEKDAYS, at, tuple(sorted({number for number in found if number is not None})))


def cron_of(preset: Preset) -> str:
    """The cron text: a line for each minute of the hour that it comes out at."""
    hours: defaultdict[int, list[int]] = defaultdict(list)
    for time in preset.times:
        hours[time.minute].append(time.hour)
    date, weekday = "*", "*"
    if preset.every is Every.WEEKDAYS:
        weekday = ",".join(str(number % 7) for number in preset.weekdays)
    elif preset.every is Every.DATE:
        date = "L" if preset.date == LAST else str(preset.date)
    elif preset.every is Every.NTH:
        weekday = f"{preset.weekdays[0] % 7}" + ("L" if preset.nth == LAST else f"#{preset.nth}")
    return "\n".join(
        f"{minute} {','.join(map(str, sorted(found)))} {date} * {weekday}"
        for minute, found in sorted(hours.items())
    )


def preset_of(cron: str) -> Preset | None:
    """The preset that would make this cron text, or None if none would."""
    times: set[dt.time] = set()
    days: set[tuple[str, str]] = set()
    for line in cron.upper().splitlines():
        found = re.fullmatch(r"(\d+) (\d+(?:,\d+)*) (\S+) \* (\S+)", " ".join(line.split()))
        if found is None:
            return None
        times |= {dt.time(int(hour), int(found[1])) for hour in found[2].split(",")}
        days.add((found[3], found[4]))
    return _preset_of_days(*days.pop(), tuple(sorted(times))) if len(days) == 1 else None


def _preset_of_days(date: str, weekday: str, at: tuple[dt.time, ...]) -> Preset | None:
    if date != "*":
        is_date = date == "L" or (date.isdecimal() and int(date) <= _LATEST_DAY)
        if weekday != "*" or not is_date:
            return None
        return Preset(Every.DATE, at, date=LAST if date == "L" else int(date))
    if weekday == "*":
        return Preset(Every.DAY, at)
    if nth := re.fullmatch(r"([0-7])(?:#([1-4])|L)", weekday):
        return Preset(Every.NTH, at, (int(nth[1]) or 7,), nth=int(nth[2]) if nth[2] else LAST)
    numbers = _cron_days(weekday)
    return Preset(Every.WEEKDAYS, at, numbers) if numbers else None


def schedule_words(cron: str, words: Translator) -> str:
    """A schedule for a person: "every Sunday at 8:00 am"; what no preset makes is shown as cron text."""
    preset = preset_of(cron)
    if preset is None:
        return words.gettext("by the schedule %(cron)s", cron="; ".join(cron.splitlines()))
    times = _listed((_time(time, words) for time in preset.times), words)
    match preset.every:
        case Every.DAY:
            return words.gettext("every day at %(times)s", times=times)
        case Every.DATE if preset.date == LAST:
            return words.gettext("on the last day of each month at %(times)s", times=times)
        case Every.DATE:
            return words.gettext("on day %(day)s of each month at %(times)s", day=preset.date, times=times)
        case Every.NTH:
            assert preset.nth is not None
            day = _day(preset.weekdays[0], words)
            return words.gettext(_NTH_WORDS[preset.nth], day=day, times=times)
        case _:
            return _weekday_words(preset.weekdays, times, words)


_NTH_WORDS = {
    1: N_("on the first %(day)s of each month at %(times)s"),
    2: N_("on the second %(day)s of each month at %(times)s"),
    3: N_("on the third %(day)s of each month at %(times)s"),
    4: N_("on the fourth %(day)s of each month at %(times)s"),
    LAST: N_("on the last %(day)s of each month at %(times)s"),
}


def _weekday_words(numbers: Sequence[int], times: str, words: Translator) -> str:
    if 2 < len(numbers) == numbers[-1] - numbers[0] + 1:
        first, last = _day(numbers[0], words), _day(numbers[-1], words)
        return words.gettext(
            "every day from %(first)s to %(last)s at %(times)s", first=first, last=last, times=times
        )
    days = _listed((_day(number, words) for number in numbers), words)
    return words.gettext("every %(days)s at %(times)s", days=days, times=times)


def _day(number: int, words: Translator) -> str:
    return str(get_day_names("wide", context="format", locale=words.locale)[number - 1])


def _time(time: dt.time, words: Translator) -> str:
    text = format_time(time, format="short", locale=words.locale).replace("\u202f", " ")
    return text.lower() if words.language == "en" else text


def _listed(parts: Iterable[str], words: Translator) -> str:
    return format_list(list(parts), locale=words.locale)


def _parse_times(texts: Sequence[str]) -> tuple[dt.time, ...]:
    found: set[dt.time] = set()
    for text in texts:
        match = re.fullmatch(r"(\d{1,2}):(\d{2})", text.strip())
        if match is None or int(match[1]) > 23 or int(match[2]) > 59:
            raise InputError(
                N_("%(text)r is not a time of day; write it like 6:30 or 18:00."), text=text[:20]
            )
        found.add(dt.time(int(match[1]), int(match[2])))
    if not found:
        raise InputError(N_("Say at which time of day it comes out."), hint="For example --at 6:30.")
    if len(found) > _MOST_TIMES:
        raise InputError(
            N_("At most %(most)s times a day; there are %(count)s."), most=_MOST_TIMES, count=len(found)
        )
    return tuple(sorted(found))


def _parse_date(text: str) -> int:
    if text == "last":
        return LAST
    if text.isdecimal() and 1 <= int(text) <= _LATEST_DAY:
        return int(text)
    raise InputError(
        N_("%(text)r is not a day that every month has: 1 to %(latest)s, or the last."),
        hint=f"Write month-1 to month-{_LATEST_DAY}, or month-last.",
        text=text[:20],
        latest=_LATEST_DAY,
    )


def _weekday(text: str) -> int | None:
    """The number of a weekday that is written out or by its first letters."""
    wanted = text.strip()
    found = [number for number, day in enumerate(_DAYS, 1) if len(wanted) > 2 and day.startswith(wanted)]
    return found[0] if found else None


def _cron_days(text: str) -> tuple[int, ...]:
    """Weekdays of cron, `1-5` or `MON,THU`, counted from Monday, 1; none for what is more than that."""
    numbers: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        ends = [_cron_day(first), _cron_day(last or first)]
        if ends[0] is None or ends[1] is None or ends[1] < ends[0]:
            return ()
        numbers |= {number % 7 or 7 for number in range(ends[0], ends[1] + 1)}
    return tuple(sorted(numbers))


def _cron_day(text: str) -> int | None:
    if re.fullmatch("[0-7]", text):
        return int(text)
    names = [day[:3].upper() for day in _DAYS]
    return (names.index(text) + 1) % 7 if text in names else None

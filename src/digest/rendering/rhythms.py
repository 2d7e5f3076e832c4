"""A cadence in a reader's words: "Every edition", "Weekly", and when it comes. Pure."""

from __future__ import annotations

import datetime as dt
import functools
import heapq
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from cronsim import CronSim

from digest.i18n import Translator

_DAYS: Final = 28
_SLOTS_MOST: Final = 400  # more than that in four weeks is "several times a day", whatever the number


class Rhythm(StrEnum):
    """How often, by what readers call it."""

    OFTEN = "often"  # several times a day
    DAILY = "daily"
    SOME_DAYS = "some_days"  # two to six times a week
    WEEKLY = "weekly"
    MONTHLY = "monthly"  # anything rarer than weekly


@dataclass(frozen=True, slots=True)
class Schedule:
    """A cadence as it is set: `cron`, a schedule a line, in `zone`, under a name."""

    id: int
    name: str
    cron: str
    zone: str


@dataclass(frozen=True, slots=True)
class RhythmWords:
    """A choice on a button: what it is called, and a line beneath."""

    id: int
    label: str
    detail: str
    is_weekly: bool


def rhythm_of(schedule: Schedule, now: dt.datetime) -> tuple[Rhythm, dt.datetime, int]:
    """The rhythm, the next time that it comes (in UTC), and how many times in four weeks."""
    return _looked_up(schedule.cron, schedule.zone, now.replace(second=0, microsecond=0))


# A slot is a whole minute, so all of a minute see the same; scanners open a page thousands of times in one.
@functools.lru_cache(maxsize=256)
def _looked_up(cron: str, zone: str, minute: dt.datetime) -> tuple[Rhythm, dt.datetime, int]:
    local = minute.astimezone(ZoneInfo(zone))
    end = local + dt.timedelta(days=_DAYS)
    # Each line in its order, and a moment that two lines name once.
    merged = heapq.merge(*(CronSim(line, local) for line in cron.splitlines()))
    slots = (slot for slot, _ in itertools.groupby(merged))
    first = next(slots)
    count = 1 if first <= end else 0
    count += sum(
        1 for _ in itertools.takewhile(lambda slot: slot <= end, itertools.islice(slots, _SLOTS_MOST))
    )
    moment = first.astimezone(dt.UTC)
    if count > _DAYS + 2:
        return Rhythm.OFTEN, moment, count
    if count >= _DAYS - 2:
        return Rhythm.DAILY, moment, count
    if count > 5:
        return Rhythm.SOME_DAYS, moment, count
    return (Rhythm.WEEKLY if count >= 4 else Rhythm.MONTHLY), moment, count


def rhythm_words(
    schedules: Sequence[Schedule], translator: Translator, *, now: dt.datetime
) -> tuple[RhythmWords, ...]:
    """The choices of a digest, the most frequent first: that one is "Every edition"."""
    known = [(schedule, *rhythm_of(schedule, now)) for schedule in schedules]
    known.sort(key=lambda each: (-each[3], each[0].id))
    return tuple(
        RhythmWords(
            id=schedule.id,
            label=_label(rhythm, translator, is_first=place == 0),
            detail=_detail(schedule, rhythm, moment, translator),
            is_weekly=rhythm is Rhythm.WEEKLY,
        )
        for place, (schedule, rhythm, moment, _) in enumerate(known)
    )


def _label(rhythm: Rhythm, translator: Translator, *, is_first: bool) -> str:
    _ = translator.gettext
    if is_first:
        return _("Every edition")
    return {
        Rhythm.OFTEN: _("Several times a day"),
        Rhythm.DAILY: _("Every day"),
        Rhythm.SOME_DAYS: _("Several times a week"),
        Rhythm.WEEKLY: _("Weekly"),
        Rhythm.MONTHLY: _("Now and then"),
    }[rhythm]


def _detail(schedule: Schedule, rhythm: Rhythm, moment: dt.datetime, translator: Translator) -> str:
    _ = translator.gettext
    if rhythm is Rhythm.DAILY:
        return _("every day, %(clock)s", clock=translator.clock(moment, schedule.zone))
    if rhythm is Rhythm.WEEKLY:
        return translator.moment(moment, schedule.zone)
    next_time = translator.moment(moment, schedule.zone)
    if rhythm is Rhythm.MONTHLY:
        next_time = translator.date(moment, schedule.zone)
    return _("%(name)s; next: %(moment)s", name=schedule.name, moment=next_time)

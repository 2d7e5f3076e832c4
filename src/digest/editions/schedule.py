"""When a cadence is due. Pure: cron text, zone and dates in, moments in UTC out.

At the edges of summer time a slot behaves as Debian's cron does (docs/adr/0004): a fixed hour that the
clock jumps over comes at the jump; one that comes twice is taken the first time; a schedule that repeats
within the hour runs through both.
"""

from __future__ import annotations

import datetime as dt
import heapq
import zoneinfo
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from digest.errors import InputError
from digest.i18n import N_

_FIELDS = 5  # minute, hour, day, month, weekday; seconds would allow more than one edition a minute
_MOST_LINES = 24
_SECOND = dt.timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Timetable:
    """All that says when a cadence comes out. Days and `extras` are of its zone's wall clock.

    `cron` has one schedule a line. An extra moment counts whatever the other fields say: somebody meant it.
    """

    cron: str
    zone: str
    starts_on: dt.date | None = None
    ends_on: dt.date | None = None
    skipped: frozenset[dt.date] = frozenset()
    extras: frozenset[dt.datetime] = frozenset()


def check_zone(name: str) -> str:
    """A time zone's name as IANA has it; raises InputError for any other."""
    try:
        ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise InputError(
            N_("There is no time zone %(name)r; write it like Asia/Yerevan or America/Los_Angeles."),
            name=name[:60],
        ) from None
    return name


def check_cron(text: str) -> str:
    """Cron text that yields slots, one schedule a line; raises InputError for any other."""
    lines = [_check_line(line) for line in text.splitlines() if line.strip()] or [_check_line(text)]
    if len(lines) > _MOST_LINES:
        raise InputError(
            N_("A schedule has at most %(most)s lines, not %(count)s."), most=_MOST_LINES, count=len(lines)
        )
    return "\n".join(dict.fromkeys(lines))


def _check_line(text: str) -> str:
    if len(text.split()) != _FIELDS:
        raise InputError(
            N_(
                "%(text)r is not a schedule: it needs five fields (minute hour day month weekday), for "
                "example '30 6 * * *' for 6:30 every morning."
            ),
            text=text[:80],
        )
    try:
        next(CronSim(text, dt.datetime(2026, 1, 1, tzinfo=dt.UTC)))
    except CronSimError as error:
        raise InputError(
            N_("%(text)r is not a schedule: %(why)s."),
            text=text[:80],
            why=str(error).rstrip(".").lower(),
        ) from None
    except StopIteration:
        raise InputError(
            N_("%(text)r never comes due; is the day one that the month does not have?"), text=text[:80]
        ) from None
    return " ".join(text.split())


def slots(cron: str, zone: str, *, after: dt.datetime) -> Iterator[dt.datetime]:
    """The slots that come after a moment, in UTC, each once, in order, without end."""
    local = after.astimezone(ZoneInfo(zone))
    return _rising(heapq.merge(*(_line(line, local) for line in cron.splitlines())), after)


def slots_of(table: Timetable, *, after: dt.datetime) -> Iterator[dt.datetime]:
    """The slots of a timetable that come after a moment, in UTC, each once, in order."""
    extras = sorted(moment_of(local, table.zone) for local in table.extras)
    return _rising(heapq.merge(_regular(table, after), extras), after)


def next_slot(cron: str, zone: str, *, after: dt.datetime) -> dt.datetime:
    """The first slot after a moment: computed from the last slot, never from the clock."""
    return next(slots(cron, zone, after=after))


def day_of(moment: dt.datetime, zone: str) -> dt.date:
    """The day that the wall clock of a zone shows."""
    return moment.astimezone(ZoneInfo(zone)).date()


def moment_of(local: dt.datetime, zone: str) -> dt.datetime:
    """A time on the wall clock in UTC: one that comes twice, the first; one that is jumped over, the jump."""
    tz = ZoneInfo(zone)
    first = local.replace(tzinfo=tz, fold=0).astimezone(dt.UTC)
    if first.astimezone(tz).replace(tzinfo=None, fold=0) == local:
        return first
    # In a gap the two folds read it by the clock before and the clock after: the jump lies between.
    low = local.replace(tzinfo=tz, fold=1).astimezone(dt.UTC)
    before = low.astimezone(tz).utcoffset()
    while first - low > _SECOND:
        middle = low + (first - low) // 2
        if middle.astimezone(tz).utcoffset() == before:
            low = middle
        else:
            first = middle
    return first.replace(microsecond=0)


def local_text(moment: dt.datetime, zone: str) -> str:
    """A slot as it is kept beside the moment, with its offset: `2026-11-23 06:30 +04:00`."""
    local = moment.astimezone(ZoneInfo(zone)).isoformat(sep=" ", timespec="minutes")
    return f"{local[:16]} {local[16:]}"


def _line(line: str, local: dt.datetime) -> Iterator[dt.datetime]:
    return (slot.astimezone(dt.UTC) for slot in CronSim(line, local))


def _regular(table: Timetable, after: dt.datetime) -> Iterator[dt.datetime]:
    """What the schedule gives on the days on which the cadence comes out."""
    if table.starts_on is not None:
        start = moment_of(dt.datetime.combine(table.starts_on, dt.time()), table.zone)
        after = max(after, start - _SECOND)
    for slot in slots(table.cron, table.zone, after=after):
        day = day_of(slot, table.zone)
        if table.ends_on is not None and day > table.ends_on:
            return
        if day not in table.skipped:
            yield slot


def _rising(moments: Iterable[dt.datetime], after: dt.datetime) -> Iterator[dt.datetime]:
    """Moments in order, without doubles and those that are not later than `after`."""
    last = after
    for moment in moments:
        if moment > last:
            yield moment
            last = moment

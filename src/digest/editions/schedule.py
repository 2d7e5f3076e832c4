"""When a cadence is due. Pure: cron text and zone in, moments in UTC out.

At the edges of summer time a slot behaves as Debian's cron does (docs/adr/0004): a fixed hour that the
clock jumps over comes at the jump; one that comes twice is taken the first time; a schedule that repeats
within the hour runs through both.
"""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Iterator
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from digest.errors import InputError

_FIELDS = 5  # minute, hour, day, month, weekday; seconds would allow more than one edition a minute


def check_zone(name: str) -> str:
    """A time zone's name as IANA has it; raises InputError for any other."""
    try:
        ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise InputError(
            f"There is no time zone {name!r}; write it like Asia/Yerevan or America/Los_Angeles."
        ) from None
    return name


def check_cron(text: str) -> str:
    """Cron text that yields slots; raises InputError for any other."""
    if len(text.split()) != _FIELDS:
        raise InputError(
            f"{text!r} is not a schedule: it needs five fields (minute hour day month weekday), "
            "for example '30 6 * * *' for 6:30 every morning."
        )
    try:
        next(CronSim(text, dt.datetime(2026, 1, 1, tzinfo=dt.UTC)))
    except CronSimError as error:
        raise InputError(f"{text!r} is not a schedule: {str(error).rstrip('.').lower()}.") from None
    except StopIteration:
        raise InputError(f"{text!r} never comes due; is the day one that the month does not have?") from None
    return " ".join(text.split())


def slots(cron: str, zone: str, *, after: dt.datetime) -> Iterator[dt.datetime]:
    """The slots that come after a moment, in UTC, each once, in order, without end."""
    last = after
    for local in CronSim(cron, after.astimezone(ZoneInfo(zone))):
        moment = local.astimezone(dt.UTC)
        if moment > last:
            yield moment
            last = moment


def next_slot(cron: str, zone: str, *, after: dt.datetime) -> dt.datetime:
    """The first slot after a moment: computed from the last slot, never from the clock."""
    return next(slots(cron, zone, after=after))


def local_text(moment: dt.datetime, zone: str) -> str:
    """A slot as it is kept beside the moment, with its offset: `2026-11-23 06:30 +04:00`."""
    local = moment.astimezone(ZoneInfo(zone)).isoformat(sep=" ", timespec="minutes")
    return f"{local[:16]} {local[16:]}"

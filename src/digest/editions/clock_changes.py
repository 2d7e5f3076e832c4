"""What the clock on the wall does around a slot, in words. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from zoneinfo import ZoneInfo

from cronsim import CronSim

from digest.editions.schedule import Timetable, local_text
from digest.i18n import N_, Translator


class Remark(StrEnum):
    """What is to be said of a slot."""

    FORWARD = "forward"  # since the slot before, the clock has gone forward
    BACK = "back"
    JUMPED = "jumped"  # the wanted hour is not there that day
    FIRST_OF_TWO = "first_of_two"  # the hour comes twice that day
    SECOND_OF_TWO = "second_of_two"


SENTENCES: dict[Remark, str] = {
    Remark.FORWARD: N_("The clock goes forward before it, by %(minutes)s minutes."),
    Remark.BACK: N_("The clock goes back before it, by %(minutes)s minutes."),
    Remark.JUMPED: N_("The clock jumps over the wanted time that day; it comes at the jump."),
    Remark.FIRST_OF_TWO: N_("This time comes twice that day; it is the first of the two."),
    Remark.SECOND_OF_TWO: N_("This time comes twice that day; it is the second of the two."),
}


@dataclass(frozen=True, slots=True)
class ShownSlot:
    """A slot with its wall clock, and what is to be said of it; `minutes` is how far the clock was put."""

    slot: dt.datetime
    local: str
    remarks: tuple[Remark, ...]
    minutes: int = 0

    def sentences(self, words: Translator) -> list[str]:
        """The remarks for a person."""
        return [words.gettext(SENTENCES[one], minutes=self.minutes) for one in self.remarks]


def with_remarks(
    table: Timetable, moments: Iterable[dt.datetime], *, since: dt.datetime
) -> Iterator[ShownSlot]:
    """Slots in their order with their remarks; a change of the clock is told of the first slot after it."""
    tz = ZoneInfo(table.zone)
    for moment in moments:
        by = _offset(moment, tz) - _offset(since, tz)
        found = [Remark.FORWARD if by > 0 else Remark.BACK] if by else []
        found += _of_the_hour(table, moment, tz)
        yield ShownSlot(moment, local_text(moment, table.zone), tuple(found), abs(by))
        since = moment


def _offset(moment: dt.datetime, tz: ZoneInfo) -> int:
    """Minutes ahead of UTC."""
    offset = moment.astimezone(tz).utcoffset()
    assert offset is not None
    return round(offset.total_seconds() / 60)


def _of_the_hour(table: Timetable, moment: dt.datetime, tz: ZoneInfo) -> list[Remark]:
    local = moment.astimezone(tz)
    if local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset():
        return [Remark.SECOND_OF_TWO if local.fold else Remark.FIRST_OF_TWO]
    if _offset(moment, tz) > _offset(moment - dt.timedelta(seconds=1), tz) and not _wants(table, local):
        return [Remark.JUMPED]
    return []


def _wants(table: Timetable, local: dt.datetime) -> bool:
    """Whether the timetable names this very time on the wall, and not one that was jumped over."""
    wall = local.replace(tzinfo=None, fold=0)
    before = wall - dt.timedelta(minutes=1)
    return wall in table.extras or any(
        next(CronSim(line, before)) == wall for line in table.cron.splitlines()
    )

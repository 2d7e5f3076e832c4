"""The slots of several digests between two moments: editions that are rows, and slots that are to come."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice, takewhile
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.accounts.me import Me
from digest.accounts.visible import visible_digests
from digest.editions.schedule import Timetable, day_of, moment_of, slots_of
from digest.editions.timetables import timetable_of, timetables_of
from digest.models import Cadence, Digest, Edition, EditionKind, EditionState, Reason

# Of one rhythm in one window; a rhythm of every few minutes is no less told by these.
MOST_SLOTS: Final = 200
_MOST_ROWS: Final = 1000
_MOST_RHYTHMS: Final = 200
_SECOND: Final = dt.timedelta(seconds=1)


class SlotKind(StrEnum):
    EDITION = "edition"  # it has its row
    PLANNED = "planned"  # it will have one once it is the next
    SKIPPED = "skipped"  # it would be one, but for a day that somebody took out


@dataclass(frozen=True, slots=True)
class Rhythm:
    """A cadence, as the calendar names it."""

    id: int
    digest: str
    name: str
    zone: str
    is_running: bool


@dataclass(frozen=True, slots=True)
class CalendarSlot:
    """One moment at which something comes out, came out, or would. `day` is of its cadence's zone."""

    at: dt.datetime
    rhythm: Rhythm
    kind: SlotKind
    day: dt.date
    is_extra: bool = False
    local: str = ""  # of an extra moment, as it is taken back
    edition: int | None = None
    state: EditionState | None = None
    reason: Reason | None = None
    may_skip: bool = False


@dataclass(frozen=True, slots=True)
class Slots:
    """What a window holds, in the order of time. `is_cut`: there are more than are shown."""

    rhythms: tuple[Rhythm, ...]
    slots: tuple[CalendarSlot, ...]
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class DayFacts:
    """What it means to let a cadence not come out on a day.

    `slots` are those that the day has by the schedule alone, for an extra moment comes all the same; `moves`
    is the edition of that day that is prepared already and goes to `next_slot`; `goes_out` are those that are
    locked or gone: nothing stops them here.
    """

    day: dt.date
    is_skipped: bool
    slots: tuple[dt.datetime, ...]
    moves: int | None
    goes_out: tuple[int, ...]
    next_slot: dt.datetime | None


def slots_between(
    session: Session, me: Me, start: dt.datetime, end: dt.datetime, *, now: dt.datetime
) -> Slots:
    """All slots of the digests that a person sees, from a moment until before another: three statements."""
    rows = session.execute(
        sa.select(Cadence, Digest.title)
        .join(Digest, Digest.id == Cadence.digest_id)
        .where(Cadence.digest_id.in_(visible_digests(me)))
        .order_by(Digest.title, Cadence.id)
        .limit(_MOST_RHYTHMS)
    ).all()
    cadences = [row.Cadence for row in rows]
    tables = timetables_of(session, cadences)
    titles = {row.Cadence.id: row.title for row in rows}
    return slots_of_cadences(session, cadences, tables, start, end, titles=titles, now=now)


def slots_of_cadences(
    session: Session,
    cadences: Sequence[Cadence],
    tables: dict[int, Timetable],
    start: dt.datetime,
    end: dt.datetime,
    *,
    now: dt.datetime,
    titles: Mapping[int, str] | None = None,
    most: int = MOST_SLOTS,
) -> Slots:
    """What has come and will come of cadences from a moment until before another: one statement.

    Whoever shows dates has them from here. An edition that is a row stands for its slot; of the slots that
    have none yet, and of those that were taken out, a cadence gives at most so many.
    """
    rhythms = {
        one.id: Rhythm(one.id, (titles or {}).get(one.id, ""), one.name, one.zone, one.is_running)
        for one in cadences
    }
    found = list(_editions(session, rhythms, tables, start, end, now=now))
    is_cut = len(found) >= _MOST_ROWS
    taken = {(slot.rhythm.id, slot.at) for slot in found}
    for cadence in cadences:
        if not cadence.is_running:
            continue
        after = max(now, start - _SECOND)
        coming = list(
            _coming(rhythms[cadence.id], tables[cadence.id], cadence.slots_after, after, end, most=most)
        )
        is_cut = is_cut or len(coming) >= most
        found += [slot for slot in coming if (slot.rhythm.id, slot.at) not in taken]
    found.sort(key=lambda slot: (slot.at, slot.rhythm.digest, slot.rhythm.id))
    return Slots(tuple(rhythms.values()), tuple(found), is_cut)


def day_facts(session: Session, cadence: Cadence, day: dt.date, *, now: dt.datetime) -> DayFacts:
    """What becomes of a day of a cadence if it does not come out then."""
    table = timetable_of(session, cadence)
    start, end = _bounds(day, cadence.zone)
    whole = dataclasses.replace(table, skipped=frozenset(), extras=frozenset())
    others = dataclasses.replace(table, skipped=table.skipped | {day})
    regular = takewhile(lambda slot: slot < end, slots_of(whole, after=max(now, start - _SECOND)))
    rows = session.execute(
        sa.select(Edition.id, Edition.due_at, _is_waiting(now).label("is_waiting"))
        .where(
            Edition.cadence_id == cadence.id,
            Edition.kind == EditionKind.SCHEDULED,
            Edition.due_at >= start,
            Edition.due_at < end,
            Edition.state.not_in((EditionState.SKIPPED, EditionState.CANCELLED)),
        )
        .order_by(Edition.due_at)
    ).all()
    extras, after = _extras(table), max(now, start - _SECOND)
    of_day = [row for row in rows if row.due_at not in extras]
    return DayFacts(
        day=day,
        is_skipped=day in table.skipped,
        slots=tuple(islice(regular, MOST_SLOTS)) if cadence.is_running else (),
        moves=next((row.id for row in of_day if row.is_waiting), None),
        goes_out=tuple(row.id for row in of_day if not row.is_waiting),
        next_slot=next(slots_of(others, after=after), None) if cadence.is_running else None,
    )


def _bounds(day: dt.date, zone: str) -> tuple[dt.datetime, dt.datetime]:
    """When a day begins and ends on the clock of a zone."""
    midnight = dt.datetime.combine(day, dt.time())
    return moment_of(midnight, zone), moment_of(midnight + dt.timedelta(days=1), zone)


def _is_waiting(now: dt.datetime) -> sa.ColumnElement[bool]:
    """Whether an edition still moves with its rhythm, as `editions.reschedule` sees it."""
    return sa.and_(
        Edition.kind == EditionKind.SCHEDULED,
        Edition.state == EditionState.UPCOMING,
        Edition.send_at == Edition.due_at,
        Edition.hinted_at.is_(None),
        Edition.due_at > now,
    )


def _editions(
    session: Session,
    rhythms: dict[int, Rhythm],
    tables: dict[int, Timetable],
    start: dt.datetime,
    end: dt.datetime,
    *,
    now: dt.datetime,
) -> Iterator[CalendarSlot]:
    rows = session.execute(
        sa.select(
            Edition.id,
            Edition.cadence_id,
            Edition.kind,
            Edition.state,
            Edition.reason,
            Edition.due_at,
            _is_waiting(now).label("is_waiting"),
        )
        .where(Edition.cadence_id.in_(rhythms), Edition.due_at >= start, Edition.due_at < end)
        .order_by(Edition.due_at, Edition.id)
        .limit(_MOST_ROWS)
    )
    extras = {number: _extras(table) for number, table in tables.items()}
    for row in rows:
        rhythm = rhythms[row.cadence_id]
        local = extras[row.cadence_id].get(row.due_at, "")
        yield CalendarSlot(
            at=row.due_at,
            rhythm=rhythm,
            kind=SlotKind.EDITION,
            day=day_of(row.due_at, rhythm.zone),
            is_extra=bool(local) or row.kind is not EditionKind.SCHEDULED,
            local=local if row.is_waiting else "",
            edition=row.id,
            state=row.state,
            reason=row.reason,
            may_skip=row.is_waiting and not local,
        )


def _coming(
    rhythm: Rhythm,
    table: Timetable,
    slots_after: dt.datetime,
    after: dt.datetime,
    end: dt.datetime,
    *,
    most: int,
) -> Iterator[CalendarSlot]:
    """Slots that have no edition yet, and those of days that were taken out."""
    extras = _extras(table)
    planned = _until(slots_of(table, after=max(after, slots_after)), end, most=most)
    for moment in planned:
        day, local = day_of(moment, rhythm.zone), extras.get(moment, "")
        yield CalendarSlot(
            moment, rhythm, SlotKind.PLANNED, day, is_extra=bool(local), local=local, may_skip=not local
        )
    if any(after.date() - dt.timedelta(days=2) <= day <= end.date() for day in table.skipped):
        without = dataclasses.replace(table, skipped=frozenset(), extras=frozenset())
        for moment in _until(slots_of(without, after=after), end, most=most):
            day = day_of(moment, rhythm.zone)
            if day in table.skipped and moment not in extras:
                yield CalendarSlot(moment, rhythm, SlotKind.SKIPPED, day)


def _until(moments: Iterable[dt.datetime], end: dt.datetime, *, most: int) -> Iterator[dt.datetime]:
    return islice(takewhile(lambda moment: moment < end, moments), most)


def _extras(table: Timetable) -> dict[dt.datetime, str]:
    """The extra moments, each with how it is written down."""
    return {moment_of(local, table.zone): f"{local:%Y-%m-%d %H:%M}" for local in table.extras}

"""The timetable of a cadence, read from its rows."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import islice

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.editions.clock_changes import ShownSlot, with_remarks
from digest.editions.schedule import Timetable, slots_of
from digest.models import Cadence, CadenceDate, DateKind


def timetables_of(session: Session, cadences: Iterable[Cadence]) -> dict[int, Timetable]:
    """When each of these cadences comes out, by its id; one read for all of them."""
    found = {cadence.id: cadence for cadence in cadences}
    dates: defaultdict[int, list[CadenceDate]] = defaultdict(list)
    if found:
        rows = session.scalars(sa.select(CadenceDate).where(CadenceDate.cadence_id.in_(found)))
        for row in rows:
            dates[row.cadence_id].append(row)
    return {number: _timetable(cadence, dates[number]) for number, cadence in found.items()}


def timetable_of(session: Session, cadence: Cadence) -> Timetable:
    """When one cadence comes out."""
    return timetables_of(session, [cadence])[cadence.id]


def next_slots(session: Session, cadence: Cadence, *, count: int, now: dt.datetime) -> list[dt.datetime]:
    """The next slots of a cadence from now on, in UTC; fewer if it ends."""
    return list(islice(slots_of(timetable_of(session, cadence), after=now), count))


def shown_slots(session: Session, cadence: Cadence, *, count: int, now: dt.datetime) -> list[ShownSlot]:
    """The same with the wall clock of the cadence's zone and what is to be said of it."""
    table = timetable_of(session, cadence)
    return list(with_remarks(table, islice(slots_of(table, after=now), count), since=now))


def _timetable(cadence: Cadence, dates: Sequence[CadenceDate]) -> Timetable:
    return Timetable(
        cron=cadence.cron,
        zone=cadence.zone,
        starts_on=cadence.starts_on,
        ends_on=cadence.ends_on,
        skipped=frozenset(dt.date.fromisoformat(one.local) for one in dates if one.kind is DateKind.SKIP),
        extras=frozenset(dt.datetime.fromisoformat(one.local) for one in dates if one.kind is DateKind.EXTRA),
    )

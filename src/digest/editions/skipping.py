"""What it would mean that an edition does not come out, and which dates before it are skipped already."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.editions.calendar import DayFacts, day_facts
from digest.editions.schedule import day_of
from digest.models import Cadence, CadenceDate, DateKind, Edition, EditionKind, EditionState

_MOST = 3
_BEFORE = (EditionState.UPCOMING, EditionState.HELD, EditionState.FROZEN)


@dataclass(frozen=True, slots=True)
class Skipping:
    """`facts` are of its day, where skipping that would move it; `may_leave_out` says that it can be ended.

    `skipped` are the days on which it would have come out but for somebody's word.
    """

    facts: DayFacts | None
    skipped: tuple[dt.date, ...]
    may_leave_out: bool


def skipping_of(session: Session, edition: Edition, *, now: dt.datetime) -> Skipping:
    """What can be said and done of an edition's date."""
    cadence = session.get_one(Cadence, edition.cadence_id)
    facts = None
    skipped: tuple[dt.date, ...] = ()
    if edition.kind is EditionKind.SCHEDULED and edition.state is EditionState.UPCOMING:
        day, today = day_of(edition.due_at, cadence.zone), day_of(now, cadence.zone)
        if cadence.is_running and edition.due_at > now:
            found = day_facts(session, cadence, day, now=now)
            facts = found if found.moves == edition.id else None
        days = session.scalars(
            sa.select(CadenceDate.local)
            .where(
                CadenceDate.cadence_id == cadence.id,
                CadenceDate.kind == DateKind.SKIP,
                CadenceDate.local >= today.isoformat(),
                CadenceDate.local <= day.isoformat(),
            )
            .order_by(CadenceDate.local.desc())
            .limit(_MOST)
        )
        skipped = tuple(dt.date.fromisoformat(text) for text in days)
    return Skipping(facts, skipped, edition.state in _BEFORE and facts is None)

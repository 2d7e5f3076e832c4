"""Keep what came of editions that are over, so that no page need count a million deliveries again."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any, Final
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.db import Database
from digest.db.dialect import lock_alone
from digest.deliveries.came_of import CameOf, counted, marks_of
from digest.deliveries.figures import Details
from digest.deliveries.progress import details_of
from digest.logs import get_logger
from digest.models import Batch, Edition, EditionFigures, EditionState, EditionTotals

log = get_logger(__name__)

_RECENT: Final = dt.timedelta(days=30)  # at what ended longer ago nobody looks every day
_LOOKED_AT: Final = 100


@dataclass(slots=True)
class _Memory:
    """Of one database: editions that could not be kept, and by what it is known that they still cannot."""

    stuck: dict[int, Any] = field(default_factory=dict)


_memories: WeakKeyDictionary[sa.Engine, _Memory] = WeakKeyDictionary()


def keep_figures(database: Database, *, now: dt.datetime, renew: bool = False) -> int:
    """Count an edition that is over and keep it; returns how many were: one at the most.

    First those of which nothing is kept. With `renew` also those of the last weeks in which something was
    settled since: a late answer, a doubt. Counted is what was read before the mark was another one: who
    settles something meanwhile makes it void.

    One that cannot be kept, because somebody of it waits still or because it cannot be counted, is passed
    over until something of it changes: it stands in the way of no other. What was raised for it is logged.
    """
    stuck = _memories.setdefault(database.engine, _Memory()).stuck
    with database.read() as session:
        wanted = _stale(session, now=now) if renew else list(session.scalars(_unkept(now)))
        marks, open_ones = marks_of(session, wanted) if wanted else ({}, set())
    for number in wanted:
        mark = marks.get(number)
        if number in open_ones or mark is None or stuck.get(number) == mark:
            continue
        try:
            if _counted_and_kept(database, number, now=now):
                stuck.pop(number, None)
                return 1
        except sa.exc.OperationalError:  # the database's fault, not this edition's
            raise
        except Exception:
            log.exception("the figures of an edition could not be kept", edition=number)
        if len(stuck) >= _LOOKED_AT:
            stuck.clear()
        stuck[number] = mark
    return 0


def _counted_and_kept(database: Database, number: int, *, now: dt.datetime) -> bool:
    """Whether it could be: not where somebody works on it after all."""
    with database.read() as session:
        marks, open_ones = marks_of(session, [number])
        found, details = counted(session, [number])[number], details_of(session, number, now=now)
    if found.pending or number in open_ones:
        return False
    with database.write() as session:
        _keep(session, number, found, details, mark=repr(marks[number]), now=now)
    return True


def _keep(
    session: Session, number: int, found: CameOf, details: Details, *, mark: str, now: dt.datetime
) -> None:
    lock_alone(session, "edition figures")  # two ticks at once would both make the row
    values = {name: getattr(found, name) for name in ("sent", "failed", "skipped", "uncertain")}
    row = EditionFigures(edition_id=number, **values, details=details.kept(), mark=mark, counted_at=now)
    session.merge(row)


def _ended(now: dt.datetime) -> sa.Select[int]:
    """The newest that are over, whose rows are there and on which nobody works."""
    has_totals = sa.exists().where(EditionTotals.edition_id == Edition.id)
    has_open = sa.exists().where(Batch.edition_id == Edition.id, Batch.closed_at.is_(None))
    return (
        sa.select(Edition.id)
        .where(
            Edition.state.in_((EditionState.SENT, EditionState.CANCELLED)),
            Edition.planned_at.is_not(None),
            Edition.state_since > now - _RECENT,
            ~has_totals,
            ~has_open,
        )
        .order_by(Edition.id.desc())
        .limit(_LOOKED_AT)
    )


def _unkept(now: dt.datetime) -> sa.Select[int]:
    is_kept = sa.exists().where(EditionFigures.edition_id == Edition.id)
    return _ended(now).where(~is_kept)


def _stale(session: Session, *, now: dt.datetime) -> list[int]:
    """Those of which what is kept does not hold."""
    editions = session.scalars(_ended(now)).all()
    marks, _ = marks_of(session, editions)
    kept = sa.select(EditionFigures.edition_id, EditionFigures.mark)
    known = dict(session.execute(kept.where(EditionFigures.edition_id.in_(editions))).all())
    return [number for number in editions if known.get(number) != repr(marks[number])]

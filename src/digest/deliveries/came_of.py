"""What came of several editions, in figures: for lists of editions, where no single one is looked into.

To count the deliveries of a large edition takes a database a quarter of a second. So what is over is counted
once and kept, together with what would have to change first: its state, batches, open questions. The tick
keeps it as a row; where that has not come to it yet, each process remembers what it has counted.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import audit
from digest.db.remembered import Remembered
from digest.db.tuning import with_room_to_work
from digest.models import (
    Batch,
    Delivery,
    DeliveryStatus,
    Edition,
    EditionFigures,
    EditionTotals,
    UncertainCase,
)

_MOST: Final = 500  # editions that are remembered; more would be those that nobody looks at


@dataclass(frozen=True, slots=True)
class CameOf:
    """How many people of an edition ended how."""

    sent: int = 0
    failed: int = 0
    skipped: int = 0
    uncertain: int = 0
    pending: int = 0

    @property
    def people(self) -> int:
        return self.sent + self.failed + self.skipped + self.uncertain + self.pending


@dataclass(slots=True)
class _Memory:
    """Of one database."""

    over: dict[int, tuple[Any, CameOf]] = field(default_factory=dict)
    planned: dict[tuple[int, dt.datetime], int] = field(default_factory=dict)


_memories: WeakKeyDictionary[sa.Engine, _Memory] = WeakKeyDictionary()


def came_of(session: Session, editions: Collection[int]) -> dict[int, CameOf]:
    """The figures of each of these editions: eight statements, five where all is kept.

    Of a large one on its way they may be as they were some seconds ago, but never before an act of a person.
    """
    if not editions:
        return {}
    found = {
        row.edition_id: CameOf(row.sent, row.failed, row.skipped, row.uncertain)
        for row in session.scalars(sa.select(EditionTotals).where(EditionTotals.edition_id.in_(editions)))
    }
    marks, open_ones = marks_of(session, editions)
    memory = _memory(session)
    for row in session.scalars(sa.select(EditionFigures).where(EditionFigures.edition_id.in_(editions))):
        if row.mark == repr(marks.get(row.edition_id)):
            found.setdefault(row.edition_id, CameOf(row.sent, row.failed, row.skipped, row.uncertain))
    for number in editions:
        mark, known = memory.over.get(number, (None, None))
        if number not in found and known is not None and mark == marks.get(number):
            found[number] = known
    missing = [number for number in editions if number not in found]
    moving = [number for number in missing if number in open_ones]
    fresh = counted(session, [number for number in missing if number not in open_ones])
    _keep(memory.over, {number: (marks.get(number), each) for number, each in fresh.items()})
    return found | fresh | _of_moving(session, moving, marks)


def _of_moving(session: Session, moving: Collection[int], marks: Mapping[int, Any]) -> dict[int, CameOf]:
    if not moving:
        return {}
    acts = audit.last_acts(session, Edition, moving)
    # With the public id: a number may be another edition's in the next database at this address.
    key = tuple((number, marks[number][0], acts.get(number)) for number in sorted(moving))
    return _moving.of(session, key, lambda using: counted(using, moving))


_moving: Final[Remembered[tuple[tuple[int, str, int | None], ...], dict[int, CameOf]]] = Remembered(
    lambda found: sum(one.people for one in found.values()), seconds=3, usable=30
)


def kept_figures(session: Session, edition_id: int) -> EditionFigures | None:
    """What is kept of an edition that is over, if it still holds: four statements."""
    marks, _ = marks_of(session, [edition_id])
    row = session.get(EditionFigures, edition_id, populate_existing=True)
    return row if row is not None and row.mark == repr(marks.get(edition_id)) else None


def planned_people(session: Session, planned: Mapping[int, dt.datetime]) -> dict[int, int]:
    """For how many people each edition is planned, by its id and when it was: one statement at most."""
    memory = _memory(session)
    found = {
        number: memory.planned[number, at] for number, at in planned.items() if (number, at) in memory.planned
    }
    missing = [number for number in planned if number not in found]
    if missing:
        with_room_to_work(session)
        rows = session.execute(
            sa.select(Delivery.edition_id, sa.func.count().label("people"))
            .where(Delivery.edition_id.in_(missing))
            .group_by(Delivery.edition_id)
        ).all()
        counted = dict.fromkeys(missing, 0)
        counted.update({row.edition_id: row.people for row in rows})
        _keep(memory.planned, {(number, planned[number]): count for number, count in counted.items()})
        found |= counted
    return found


def _memory(session: Session) -> _Memory:
    return _memories.setdefault(session.get_bind().engine, _Memory())


def _keep(into: dict[Any, Any], found: Mapping[Any, Any]) -> None:
    if len(into) + len(found) > _MOST:
        into.clear()
    into.update(found)


def marks_of(session: Session, editions: Collection[int]) -> tuple[dict[int, Any], set[int]]:
    """What must be otherwise before the figures are, by edition; and those on which somebody works."""
    states = session.execute(
        sa.select(Edition.id, Edition.public_id, Edition.state, Edition.state_since).where(
            Edition.id.in_(editions)
        )
    ).all()
    batches = session.execute(
        sa.select(
            Batch.edition_id,
            sa.func.max(Batch.id),
            sa.func.count(),
            sa.func.count(Batch.closed_at),
            sa.func.max(Batch.closed_at),
        )
        .where(Batch.edition_id.in_(editions))
        .group_by(Batch.edition_id)
    ).all()
    cases = session.execute(
        sa.select(
            UncertainCase.edition_id,
            sa.func.count(),
            sa.func.count(UncertainCase.settled_at),
            sa.func.max(UncertainCase.settled_at),
        )
        .where(UncertainCase.edition_id.in_(editions))
        .group_by(UncertainCase.edition_id)
    ).all()
    worked = {row[0]: tuple(row[1:]) for row in batches}
    doubts = {row[0]: tuple(row[1:]) for row in cases}
    marks = {row[0]: (*row[1:], worked.get(row[0]), doubts.get(row[0])) for row in states}
    return marks, {row[0] for row in batches if row[2] != row[3]}


def counted(session: Session, editions: Collection[int]) -> dict[int, CameOf]:
    """The figures of the rows themselves."""
    if not editions:
        return {}
    with_room_to_work(session)
    counts: dict[int, dict[str, int]] = {number: {} for number in editions}
    rows = session.execute(
        sa.select(Delivery.edition_id, Delivery.status, sa.func.count())
        .where(Delivery.edition_id.in_(editions))
        .group_by(Delivery.edition_id, Delivery.status)
    )
    for number, status, count in rows:
        counts[number][DeliveryStatus(status).value] = count
    return {number: CameOf(**found) for number, found in counts.items()}

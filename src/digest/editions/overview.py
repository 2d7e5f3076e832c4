"""What an editor looks over: digests with what comes next, one's next dates, and its past editions."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.editions.calendar import SlotKind, slots_of_cadences
from digest.editions.clock_changes import ShownSlot, with_remarks
from digest.editions.timetables import timetables_of
from digest.models import (
    Cadence,
    Digest,
    DigestSource,
    Edition,
    EditionKind,
    EditionState,
    Reason,
    Revision,
    Source,
)

S = EditionState
_FAR: Final = dt.timedelta(days=3660)  # so rare a rhythm has no date to be told of
_COMING: Final = (S.UPCOMING, S.FROZEN, S.HELD, S.SENDING, S.PAUSED)
# What has come of a slot, or waits for a person.
_PAST: Final = (S.SENT, S.SKIPPED, S.CANCELLED, S.HELD, S.SENDING, S.PAUSED)


@dataclass(frozen=True, slots=True)
class NextEdition:
    """The edition of a digest that is nearest to going out."""

    id: int
    state: EditionState
    send_at: dt.datetime


@dataclass(frozen=True, slots=True)
class DigestLine:
    """A digest in a list. `faults` is how many of its sources cannot be read now."""

    digest: Digest
    cadences: tuple[Cadence, ...]
    coming: NextEdition | None
    sources: int
    faults: int

    @property
    def is_running(self) -> bool:
        return any(cadence.is_running for cadence in self.cadences)


@dataclass(frozen=True, slots=True)
class PastEdition:
    """An edition in a digest's history. `subject` is empty where no content was ever fixed."""

    id: int
    cadence: str
    kind: EditionKind
    state: EditionState
    reason: Reason | None
    reason_detail: str
    due_at: dt.datetime
    subject: str


@dataclass(frozen=True, slots=True)
class ComingDate:
    """A slot that will bring an edition, of one of a digest's cadences; the edition, where it is a row."""

    cadence: Cadence
    slot: ShownSlot
    edition: int | None = None
    state: EditionState | None = None


def digest_lines(
    session: Session, digests: sa.Select[int], *, after: str = "", limit: int = 50
) -> list[DigestLine]:
    """The digests whose ids `digests` selects, by name, those after a name: four statements."""
    found = list(
        session.scalars(
            sa.select(Digest)
            .where(Digest.id.in_(digests), Digest.name > after)
            .order_by(Digest.name)
            .limit(limit)
        )
    )
    ids = [digest.id for digest in found]
    cadences: defaultdict[int, list[Cadence]] = defaultdict(list)
    for cadence in session.scalars(sa.select(Cadence).where(Cadence.digest_id.in_(ids)).order_by(Cadence.id)):
        cadences[cadence.digest_id].append(cadence)
    coming: dict[int, NextEdition] = {}
    for row in session.execute(
        sa.select(Cadence.digest_id, Edition.id, Edition.state, Edition.send_at)
        .join(Cadence, Cadence.id == Edition.cadence_id)
        .where(Cadence.digest_id.in_(ids), Edition.state.in_(_COMING))
        .order_by(Edition.send_at, Edition.id)
    ):
        coming.setdefault(row[0], NextEdition(row[1], row[2], row[3]))
    sources = _sources(session, ids)
    return [
        DigestLine(one, tuple(cadences[one.id]), coming.get(one.id), *sources.get(one.id, (0, 0)))
        for one in found
    ]


def history(
    session: Session,
    digest_id: int,
    *,
    before: int | None = None,
    limit: int = 20,
    states: Sequence[EditionState] = (),
) -> list[PastEdition]:
    """What has come of a digest's slots, the newest first; those before an edition. One statement.

    `states` are those wanted; none: all that have come to something, or wait for a person.
    """
    query = (
        sa.select(
            Edition.id,
            Cadence.name,
            Edition.kind,
            Edition.state,
            Edition.reason,
            Edition.reason_detail,
            Edition.due_at,
            sa.func.coalesce(Revision.subject, ""),
        )
        .join(Cadence, Cadence.id == Edition.cadence_id)
        .outerjoin(Revision, Revision.id == Edition.revision_id)
        .where(Cadence.digest_id == digest_id, Edition.state.in_(states or _PAST))
        .order_by(Edition.due_at.desc(), Edition.id.desc())
        .limit(limit)
    )
    if before is not None:
        other = sa.orm.aliased(Edition)
        moment = sa.select(other.due_at).where(other.id == before).scalar_subquery()
        query = query.where(
            sa.or_(Edition.due_at < moment, sa.and_(Edition.due_at == moment, Edition.id < before))
        )
    return [PastEdition(*row) for row in session.execute(query)]


def coming_dates(
    session: Session, cadences: Sequence[Cadence], *, count: int, now: dt.datetime
) -> list[ComingDate]:
    """The next dates of cadences as the calendar has them, whichever they are of: two statements.

    Editions that are rows are among them, extra ones too, but those that will not go out.
    """
    tables = timetables_of(session, cadences)
    found = slots_of_cadences(session, cadences, tables, now, now + _FAR, now=now, most=count)
    coming = [
        slot
        for slot in found.slots
        if slot.kind is SlotKind.PLANNED or (slot.kind is SlotKind.EDITION and slot.state in _COMING)
    ][:count]
    known = {cadence.id: cadence for cadence in cadences}
    shown = {
        (number, one.slot): one
        for number in known
        for one in with_remarks(
            tables[number], [slot.at for slot in coming if slot.rhythm.id == number], since=now
        )
    }
    return [
        ComingDate(known[slot.rhythm.id], shown[slot.rhythm.id, slot.at], slot.edition, slot.state)
        for slot in coming
    ]


def _sources(session: Session, ids: Sequence[int]) -> dict[int, tuple[int, int]]:
    """How many sources each digest draws from, and how many of them cannot be read now."""
    rows = session.execute(
        sa.select(
            DigestSource.digest_id,
            sa.func.count(),
            sa.func.sum(sa.case((Source.fault_code.is_not(None), 1), else_=0)),
        )
        .join(Source, Source.id == DigestSource.source_id)
        .where(DigestSource.digest_id.in_(ids))
        .group_by(DigestSource.digest_id)
    )
    return {row[0]: (int(row[1]), int(row[2])) for row in rows}

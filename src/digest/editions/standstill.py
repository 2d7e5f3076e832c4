"""A whole digest at a standstill: all its running rhythms are paused at once, and the same ones go on.

Which ones stands in the trail, with the act itself; a rhythm that somebody had paused before is not among
them, and stays as it is when the others go on. Steps never commit.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import audit
from digest.editions.cadences import set_cadence
from digest.editions.schedule import slots_of
from digest.editions.timetables import timetables_of
from digest.errors import StateError
from digest.i18n import N_
from digest.models import AuditEntry, Cadence, Digest

_PAUSE: Final = "digest.pause"
_GO_ON: Final = "digest.go_on"


@dataclass(frozen=True, slots=True)
class Standstill:
    """The rhythms that wait since their digest was paused: who did that, and the first slot if they go on."""

    cadences: tuple[Cadence, ...]
    by: str
    at: dt.datetime
    next: tuple[dt.datetime, str] | None  # with the zone that it is told in


def pause_digest(session: Session, digest: Digest, *, actor: str, now: dt.datetime) -> list[Cadence]:
    """Pause every rhythm that runs; returns these. Raises StateError if none does."""
    cadences = _held(session, digest.id)
    running = [one for one in cadences if one.is_running]
    if not running:
        raise StateError(N_("No rhythm of this digest runs now."))
    # Paused once more while some still wait since the last time: these go on with the others.
    waiting = _waiting(cadences, _last_act(session, digest.id))
    names = [one.name for one in cadences if one.is_running or one in waiting]
    for one in running:
        set_cadence(session, one, is_running=False, actor=actor, now=now)
    audit.record(session, _PAUSE, digest, actor=actor, now=now, details={"rhythms": names})
    return running


def let_digest_go_on(session: Session, digest: Digest, *, actor: str, now: dt.datetime) -> list[Cadence]:
    """Start the rhythms that wait since it was paused; returns these. Raises StateError if none does."""
    cadences = _held(session, digest.id)
    waiting = _waiting(cadences, _last_act(session, digest.id))
    if not waiting:
        raise StateError(N_("No rhythm waits since this digest was paused."))
    for one in waiting:
        set_cadence(session, one, is_running=True, actor=actor, now=now)
    names = [one.name for one in waiting]
    audit.record(session, _GO_ON, digest, actor=actor, now=now, details={"rhythms": names})
    return waiting


def standstill_of(
    session: Session, digest_id: int, cadences: Sequence[Cadence], *, now: dt.datetime
) -> Standstill | None:
    """Whether a digest, whose cadences these are, is paused as a whole: two statements at the most."""
    entry = _last_act(session, digest_id)
    waiting = _waiting(cadences, entry)
    if entry is None or not waiting:
        return None
    tables = timetables_of(session, waiting)
    firsts = [(next(slots_of(tables[one.id], after=now), None), one.zone) for one in waiting]
    coming = min(((slot, zone) for slot, zone in firsts if slot is not None), default=None)
    return Standstill(tuple(waiting), entry.actor, entry.at, coming)


def _waiting(cadences: Sequence[Cadence], entry: AuditEntry | None) -> list[Cadence]:
    """Those that the last act on the whole digest paused and that nobody has started since."""
    if entry is None or entry.action != _PAUSE:
        return []
    names = set(entry.details.get("rhythms", ()))
    return [one for one in cadences if one.name in names and not one.is_running]


def _held(session: Session, digest_id: int) -> list[Cadence]:
    """All of a digest's, held until the end: of two who press at once the second sees what was done."""
    query = sa.select(Cadence).where(Cadence.digest_id == digest_id).order_by(Cadence.id).with_for_update()
    return list(session.scalars(query, execution_options={"populate_existing": True}))


def _last_act(session: Session, digest_id: int) -> AuditEntry | None:
    query = sa.select(AuditEntry).where(
        AuditEntry.target_kind == Digest.__name__,
        AuditEntry.target_id == digest_id,
        AuditEntry.action.in_((_PAUSE, _GO_ON)),
    )
    return session.scalars(query.order_by(AuditEntry.id.desc()).limit(1)).one_or_none()

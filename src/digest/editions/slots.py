"""Each running cadence has its next edition as a row, before it is due; a slot yields exactly one."""

from __future__ import annotations

import datetime as dt
import secrets

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.db.dialect import insert_if_new, skip_locked
from digest.editions.alert_causes import note_skipped
from digest.editions.missed import carry_changes, missed_editions, outcome_of, skip_missed
from digest.editions.schedule import Timetable, local_text, slots_of
from digest.editions.timetables import timetables_of
from digest.logs import get_logger
from digest.models import Cadence, Edition, EditionKind, EditionState, Reason

log = get_logger(__name__)

# Of a long silence, the newest missed slots are kept as rows; more would only bury the news.
_MISSED_ROWS = 100


def make_next_editions(session: Session, *, now: dt.datetime) -> int:
    """Give each running cadence its next edition; returns how many were made.

    Slots that were missed become rows too: at most the newest is made up, if it is within its cadence's grace
    and the cadence wants that; the others are skipped with the reason. The cadence's row is moved in the same
    transaction, and the key (cadence, kind, due_at) makes a second scheduler harmless.
    """
    waiting = sa.exists().where(
        Edition.cadence_id == Cadence.id,
        Edition.kind == EditionKind.SCHEDULED,
        Edition.state.in_((EditionState.UPCOMING, EditionState.FROZEN, EditionState.HELD)),
        Edition.due_at > now,
    )
    made = 0
    reached: list[tuple[Cadence, dt.datetime]] = []
    # A cadence that is changed this very moment is left to whoever changes it.
    due = skip_locked(sa.select(Cadence).where(Cadence.is_running, ~waiting))
    found = session.scalars(due, execution_options={"populate_existing": True}).all()
    tables = timetables_of(session, found)
    missed = missed_editions(session, found, now=now)
    for cadence in found:
        try:
            count, last = _catch_up(session, cadence, tables[cadence.id], missed.get(cadence.id, []), now=now)
        except (ValueError, LookupError):
            # Its zone is not known on this machine, say: that must not stop all the others.
            log.exception(
                "cadence has no next slot", cadence=cadence.id, cron=cadence.cron, zone=cadence.zone
            )
        else:
            made += count
            if last is not None:
                reached.append((cadence, last))
    # At last, so that all rows are written by one statement.
    for cadence, last in reached:
        cadence.slots_after = last
    return made


def add_edition(
    session: Session,
    cadence: Cadence,
    *,
    kind: EditionKind,
    due_at: dt.datetime,
    now: dt.datetime,
    state: EditionState = EditionState.UPCOMING,
    reason: Reason | None = None,
) -> int | None:
    """Add the edition of a slot; its id, or None if the slot has one."""
    return insert_if_new(
        session,
        Edition,
        {
            "public_id": secrets.token_urlsafe(12),
            "cadence_id": cadence.id,
            "kind": kind,
            "due_at": due_at,
            "due_local": local_text(due_at, cadence.zone),
            "send_at": due_at,
            "state": state,
            "reason": reason,
            "reason_detail": "",
            "state_since": now,
            "created_at": now,
        },
    )


def _catch_up(
    session: Session, cadence: Cadence, table: Timetable, missed: list[Edition], *, now: dt.datetime
) -> tuple[int, dt.datetime | None]:
    """How many editions were made, and the last slot that has one."""
    passed, coming = _passed_and_coming(table, after=cadence.slots_after, now=now)
    newest = passed[-1] if passed else None
    if len(passed) > _MISSED_ROWS:
        log.warning("missed slots left out", cadence=cadence.id, count=len(passed) - _MISSED_ROWS)
    skipped = skip_missed(session, cadence, missed, newest=newest, now=now)
    grace = dt.timedelta(seconds=cadence.grace_seconds)
    made: list[int] = []
    lost: list[int] = []
    # That of the stories of what was skipped: the one that is made up, else the next.
    takes_over = None
    for slot in passed[-_MISSED_ROWS:]:
        reason = outcome_of(slot, newest=newest, missed=cadence.missed, grace=grace, now=now)
        state = EditionState.UPCOMING if reason is None else EditionState.SKIPPED
        number = add_edition(
            session, cadence, kind=EditionKind.SCHEDULED, due_at=slot, now=now, state=state, reason=reason
        )
        if number is not None:
            made.append(number)
            if reason is None:
                takes_over = number
            else:
                lost.append(number)
    if coming is not None:
        number = add_edition(session, cadence, kind=EditionKind.SCHEDULED, due_at=coming, now=now)
        made += [number] if number is not None else []
        takes_over = takes_over or number
    for edition in skipped:
        if edition.reason is Reason.MERGED and takes_over is not None:
            carry_changes(session, edition, takes_over)
    if lost:
        note_skipped(session, session.get_one(Edition, lost[-1]), others=len(lost) - 1, now=now)
    return len(made), coming or newest


def _passed_and_coming(
    table: Timetable, *, after: dt.datetime, now: dt.datetime
) -> tuple[list[dt.datetime], dt.datetime | None]:
    """The slots between two moments, and the first one after them."""
    passed: list[dt.datetime] = []
    for slot in slots_of(table, after=after):
        if slot > now:
            return passed, slot
        passed.append(slot)
    return passed, None

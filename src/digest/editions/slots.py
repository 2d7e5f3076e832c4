"""Each running cadence has its next edition as a row, before it is due; a slot yields exactly one."""

from __future__ import annotations

import datetime as dt
import secrets
from itertools import takewhile

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.db.dialect import insert_if_new, skip_locked
from digest.editions.schedule import local_text, next_slot, slots
from digest.logs import get_logger
from digest.models import Cadence, Edition, EditionKind, EditionState, Reason

log = get_logger(__name__)

# Of a long silence, the newest missed slots are kept as rows; more would only bury the news.
_MISSED_ROWS = 100


def make_next_editions(session: Session, *, now: dt.datetime) -> int:
    """Give each running cadence its next edition; returns how many were made.

    Slots that were missed become rows too: the newest within its cadence's grace is made up, all others
    are skipped with the reason. The cadence's row is moved in the same transaction, and the key
    (cadence, kind, due_at) makes a second scheduler harmless.
    """
    waiting = sa.exists().where(
        Edition.cadence_id == Cadence.id,
        Edition.kind == EditionKind.SCHEDULED,
        Edition.state.in_((EditionState.UPCOMING, EditionState.FROZEN, EditionState.HELD)),
        Edition.due_at > now,
    )
    made = 0
    # A cadence that is changed this very moment is left to whoever changes it.
    due = skip_locked(sa.select(Cadence).where(Cadence.is_running, ~waiting))
    for cadence in session.scalars(due, execution_options={"populate_existing": True}).all():
        try:
            made += _catch_up(session, cadence, now=now)
        except (ValueError, LookupError, StopIteration):
            # Its zone is not known on this machine, say: that must not stop all the others.
            log.exception(
                "cadence has no next slot", cadence=cadence.id, cron=cadence.cron, zone=cadence.zone
            )
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


def _catch_up(session: Session, cadence: Cadence, *, now: dt.datetime) -> int:
    passed = list(
        takewhile(lambda slot: slot <= now, slots(cadence.cron, cadence.zone, after=cadence.slots_after))
    )
    coming = next_slot(cadence.cron, cadence.zone, after=passed[-1] if passed else cadence.slots_after)
    if len(passed) > _MISSED_ROWS:
        log.warning("missed slots left out", cadence=cadence.id, count=len(passed) - _MISSED_ROWS)
    made = 0
    for slot in passed[-_MISSED_ROWS:]:
        is_made_up = slot == passed[-1] and slot + dt.timedelta(seconds=cadence.grace_seconds) >= now
        state = EditionState.UPCOMING if is_made_up else EditionState.SKIPPED
        reason = None if is_made_up else Reason.PAST_GRACE
        made += _add(session, cadence, slot, now=now, state=state, reason=reason)
    made += _add(session, cadence, coming, now=now, state=EditionState.UPCOMING, reason=None)
    cadence.slots_after = coming
    return made


def _add(
    session: Session,
    cadence: Cadence,
    slot: dt.datetime,
    *,
    now: dt.datetime,
    state: EditionState,
    reason: Reason | None,
) -> int:
    added = add_edition(
        session, cadence, kind=EditionKind.SCHEDULED, due_at=slot, now=now, state=state, reason=reason
    )
    return int(added is not None)

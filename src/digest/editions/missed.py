"""What becomes of slots that nobody was there for: late, merged into the next, or skipped; never several."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.editions.gate import wants_approval
from digest.editions.states import move
from digest.models import (
    Cadence,
    ChangeKind,
    Edition,
    EditionChange,
    EditionKind,
    EditionState,
    Missed,
    Reason,
)

# By so much an edition may be behind its slot before it counts as missed: one that is being locked is not.
NOT_YET = dt.timedelta(minutes=5)
# What belongs to the news and not to the day: it goes with the stories.
_CARRIED = (
    ChangeKind.PIN,
    ChangeKind.DROP,
    ChangeKind.INCLUDE,
    ChangeKind.REWRITE,
    ChangeKind.OWN_ITEM,
)


def outcome_of(
    slot: dt.datetime, *, newest: dt.datetime | None, missed: Missed, grace: dt.timedelta, now: dt.datetime
) -> Reason | None:
    """Why a slot that has passed brings no edition any more; None if it is made up. Pure.

    `newest` is the last slot that has passed: of several within the grace it alone may be made up.
    """
    if slot + grace < now:
        return Reason.PAST_GRACE
    if newest is not None and slot < newest:
        return Reason.MISSED if missed is Missed.SKIP else Reason.MERGED
    if missed is Missed.LATE or now - slot <= NOT_YET:
        return None
    return Reason.MISSED if missed is Missed.SKIP else Reason.MERGED


def missed_editions(
    session: Session, cadences: Iterable[Cadence], *, now: dt.datetime
) -> dict[int, list[Edition]]:
    """The scheduled editions whose slot passed while nobody was there, in their order, by their cadence.

    Had somebody been there, a worker would have been told of it again a minute ago at the most, or it would
    be on its way. What came into its state after its slot, by a person or a deadline, was not missed.
    """
    before = now - NOT_YET
    # Before its last slot a cadence has nothing that could have been missed.
    looked_at = [cadence.id for cadence in cadences if cadence.slots_after < before]
    found: defaultdict[int, list[Edition]] = defaultdict(list)
    if not looked_at:
        return found
    rows = session.scalars(
        sa.select(Edition)
        .where(
            Edition.cadence_id.in_(looked_at),
            Edition.kind == EditionKind.SCHEDULED,
            Edition.state.in_((EditionState.UPCOMING, EditionState.FROZEN)),
            Edition.due_at <= before,
            Edition.state_since <= Edition.due_at,
            Edition.send_at == Edition.due_at,
            sa.or_(Edition.hinted_at.is_(None), Edition.hinted_at <= before),
            ~wants_approval(),
        )
        .order_by(Edition.due_at),
        execution_options={"populate_existing": True},
    )
    for edition in rows:
        found[edition.cadence_id].append(edition)
    return found


def skip_missed(
    session: Session,
    cadence: Cadence,
    editions: list[Edition],
    *,
    newest: dt.datetime | None,
    now: dt.datetime,
) -> list[Edition]:
    """Skip those of the missed editions that are not made up; which ones."""
    grace = dt.timedelta(seconds=cadence.grace_seconds)
    skipped = []
    for edition in editions:
        last = newest if newest is not None else editions[-1].due_at
        reason = outcome_of(edition.due_at, newest=last, missed=cadence.missed, grace=grace, now=now)
        if reason is not None and move(session, edition, EditionState.SKIPPED, now=now, reason=reason):
            skipped.append(edition)
    return skipped


def carry_changes(session: Session, edition: Edition, to: int) -> None:
    """Let what an editor did to an edition's stories count for the one that they go out with."""
    session.execute(
        sa.update(EditionChange)
        .where(
            EditionChange.edition_id == edition.id,
            EditionChange.kind.in_(_CARRIED),
            EditionChange.undone_at.is_(None),
        )
        .values(edition_id=to),
        execution_options={"synchronize_session": False},
    )

"""Another schedule: the coming edition moves to the new next slot, with all that hangs on it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from itertools import islice

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.editions.missed import carry_changes
from digest.editions.schedule import Timetable, day_of, local_text, moment_of, slots_of
from digest.editions.slots import make_next_editions
from digest.editions.timetables import timetable_of
from digest.models import Cadence, Edition, EditionChange, EditionKind, EditionState, Reason

S = EditionState
# What readers have, are getting, or will get as it was announced.
_GOES_OUT = (S.FROZEN, S.HELD, S.SENDING, S.PAUSED, S.SENT)
_STOPPED = "the rhythm is stopped"


def reschedule(session: Session, cadence: Cadence, *, now: dt.datetime) -> None:
    """Let a cadence's new timetable count from now. The caller holds its row.

    What is locked, or is being locked this moment, goes out as it was announced. The coming edition keeps its
    row and the editors' changes. No slot brings a second edition: the new timetable begins after the last
    edition that goes out, and not on the same day if it has one slot a day.
    """
    session.flush()
    coming = _coming(session, cadence, now=now)
    if not cadence.is_running:
        _put_aside(session, coming)
        return
    table = timetable_of(session, cadence)
    last = _last_that_goes_out(session, cadence, coming)
    start = max(now, last.due_at) if last is not None else now
    if last is not None and _comes_again_that_day(table, last.due_at, after=start):
        start = next(slots_of(table, after=start))
    cadence.slots_after = start
    if coming:
        slot = next(_free_slots(session, cadence, table, coming, after=start), None)
        if slot is None:
            _put_aside(session, coming)
            return
        _move(session, cadence, coming, slot)
        cadence.slots_after = slot
    session.flush()
    make_next_editions(session, now=now)


def _coming(session: Session, cadence: Cadence, *, now: dt.datetime) -> list[Edition]:
    """The editions that wait for their slot, and one that waits since the rhythm was stopped."""
    was_stopped = sa.and_(Edition.reason == Reason.BY_PERSON, Edition.reason_detail == _STOPPED)
    return list(
        session.scalars(
            sa.select(Edition)
            .where(
                Edition.cadence_id == cadence.id,
                Edition.kind == EditionKind.SCHEDULED,
                Edition.state == S.UPCOMING,
                # Sent sooner by a person, or being locked: that goes on.
                Edition.send_at == Edition.due_at,
                Edition.hinted_at.is_(None),
                sa.or_(Edition.due_at > now, was_stopped),
            )
            .order_by(Edition.due_at)
            .with_for_update(),
            execution_options={"populate_existing": True},
        )
    )


def _last_that_goes_out(session: Session, cadence: Cadence, coming: list[Edition]) -> Edition | None:
    goes_out = sa.or_(
        Edition.state.in_(_GOES_OUT),
        sa.and_(Edition.state == S.UPCOMING, Edition.id.not_in([edition.id for edition in coming])),
    )
    return session.scalars(
        sa.select(Edition)
        .where(Edition.cadence_id == cadence.id, Edition.kind == EditionKind.SCHEDULED, goes_out)
        .order_by(Edition.due_at.desc())
        .limit(1)
    ).one_or_none()


def _comes_again_that_day(table: Timetable, last: dt.datetime, *, after: dt.datetime) -> bool:
    """Whether a timetable of one slot a day would come on the day on which it has come already."""
    day = day_of(last, table.zone)
    first = next(slots_of(table, after=after), None)
    if first is None or day_of(first, table.zone) != day:
        return False
    if first in {moment_of(local, table.zone) for local in table.extras}:
        return False
    midnight = moment_of(dt.datetime.combine(day, dt.time()), table.zone)
    of_day = islice(slots_of(table, after=midnight - dt.timedelta(seconds=1)), 2)
    return sum(day_of(slot, table.zone) == day for slot in of_day) == 1


def _free_slots(
    session: Session, cadence: Cadence, table: Timetable, coming: list[Edition], *, after: dt.datetime
) -> Iterator[dt.datetime]:
    """The slots that no other edition has: one that was skipped, say, is not made anew."""
    taken = set(
        session.scalars(
            sa.select(Edition.due_at).where(
                Edition.cadence_id == cadence.id,
                Edition.kind == EditionKind.SCHEDULED,
                Edition.due_at > after,
                Edition.id.not_in([edition.id for edition in coming]),
            )
        )
    )
    return (slot for slot in slots_of(table, after=after) if slot not in taken)


def _move(session: Session, cadence: Cadence, coming: list[Edition], slot: dt.datetime) -> None:
    """One edition for the slot, with what editors did to any of those that wait."""
    kept, *others = sorted(coming, key=lambda edition: (edition.due_at != slot, edition.due_at))
    for edition in others:
        carry_changes(session, edition, kept.id)
        session.delete(edition)
    session.flush()
    kept.due_at = kept.send_at = slot
    kept.due_local = local_text(slot, cadence.zone)
    kept.deadline_at = kept.hinted_at = None
    if kept.reason is Reason.BY_PERSON:
        kept.reason, kept.reason_detail = None, ""


def _put_aside(session: Session, coming: list[Edition]) -> None:
    """Take away what will not come; what editors have worked on is kept, in case the rhythm goes on."""
    for edition in coming:
        has_changes = sa.exists().where(EditionChange.edition_id == edition.id)
        if session.scalar(sa.select(has_changes)):
            edition.reason, edition.reason_detail = Reason.BY_PERSON, _STOPPED
        else:
            session.delete(edition)
    session.flush()

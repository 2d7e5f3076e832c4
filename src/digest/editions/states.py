"""The states of an edition: one table of what may become what, and the one way to change them."""

from __future__ import annotations

import datetime as dt
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.editions.alert_causes import note_state
from digest.editions.gate import approve_until, approved, check_approved
from digest.editions.reasons import STATES
from digest.errors import StateError, Word
from digest.i18n import N_
from digest.logs import get_logger
from digest.models import Cadence, Edition, EditionState, Reason, Revision
from digest.preflight.mail_findings import forbids

log = get_logger(__name__)

S = EditionState
ALLOWED: dict[EditionState, frozenset[EditionState]] = {
    S.UPCOMING: frozenset({S.FROZEN, S.HELD, S.SKIPPED}),
    S.FROZEN: frozenset({S.SENDING, S.UPCOMING, S.HELD, S.SKIPPED, S.CANCELLED}),
    S.HELD: frozenset({S.FROZEN, S.UPCOMING, S.SKIPPED}),
    S.SENDING: frozenset({S.PAUSED, S.SENT, S.CANCELLED}),
    S.PAUSED: frozenset({S.SENDING, S.CANCELLED}),
    S.SENT: frozenset(),
    S.SKIPPED: frozenset(),
    S.CANCELLED: frozenset(),
}

_ON_ITS_WAY = (S.FROZEN, S.SENDING)
# What the checks hold an edition for: it never goes out by the clock, for nobody has looked at what is wrong.
STOPPED = frozenset({Reason.BLOCKED, Reason.NO_POSTAL_ADDRESS, Reason.NO_SIGN_OFF_LINK, Reason.TOO_LARGE})


def may_go_out(session: Session, revision_id: int | None) -> bool:
    """Whether the checks let a version go out; one that is not made yet is judged when it is."""
    findings = session.scalar(sa.select(Revision.findings).where(Revision.id == revision_id))
    return not forbids(findings or ())


def check_may_go_out(session: Session, revision_id: int | None) -> None:
    """Raise StateError, with what to do, for a version that the checks stop."""
    if revision_id is None or may_go_out(session, revision_id):
        return
    revision = session.get_one(Revision, revision_id)
    raise StateError(
        N_("The checks stop version %(version)s of edition %(number)s."),
        version=revision.number,
        number=revision.edition_id,
        hint=f"`digest preflight {revision.edition_id}` says why.",
    )


# What has a page that everybody may read.
PUBLIC: Final = (S.SENDING, S.PAUSED, S.SENT)


def move(
    session: Session,
    edition: Edition,
    to: EditionState,
    *,
    now: dt.datetime,
    reason: Reason | None = None,
    detail: str = "",
) -> bool:
    """Change an edition's state if it is still in the state that was read; False if another was quicker.

    What waits for a person gets its deadline with it, and whom the digest names is told. Raises StateError
    for a change that the table does not allow, and before an edition goes out with what the checks stop or
    nobody has approved.
    """
    was = edition.state
    if to not in ALLOWED[was]:
        raise StateError(
            N_("Edition %(edition)s is %(was)s and cannot become %(to)s."),
            edition=edition.id,
            was=Word(STATES[was]),
            to=Word(STATES[to]),
        )
    if to in _ON_ITS_WAY:
        check_may_go_out(session, edition.revision_id)
    values = {"state": to, "reason": reason, "reason_detail": detail, "state_since": now, "hinted_at": None}
    if to is EditionState.HELD or reason is Reason.WANTS_APPROVAL:
        values["deadline_at"] = _deadline(session, edition, to, now=now)
    still = [Edition.id == edition.id, Edition.state == was]
    if to is EditionState.SENDING:
        session.flush()
        still.append(approved())
    changed = session.execute(
        sa.update(Edition).where(*still).values(**values), execution_options={"synchronize_session": False}
    )
    if not getattr(changed, "rowcount", 0):
        if to is EditionState.SENDING:
            check_approved(session, edition)
        return False
    log.info("edition state", edition=edition.id, was=was.value, now=to.value, reason=reason)
    session.refresh(edition)
    note_state(session, edition, was=was, now=now)
    return True


def deadline_of(due_at: dt.datetime, *, hold_seconds: int, useful_seconds: int) -> dt.datetime:
    """Until when a person is waited for: never longer than the edition is worth having."""
    return due_at + dt.timedelta(seconds=min(hold_seconds, useful_seconds))


def _deadline(session: Session, edition: Edition, to: EditionState, *, now: dt.datetime) -> dt.datetime:
    """Until when a person is waited for. One that was given stays; for an approval it is by the lock."""
    cadence = session.get_one(Cadence, edition.cadence_id)
    until = approve_until(cadence, edition, now=now)
    held = deadline_of(
        edition.due_at, hold_seconds=cadence.hold_seconds, useful_seconds=cadence.useful_seconds
    )
    if until is None:
        return edition.deadline_at or held
    return until if to is EditionState.FROZEN else max(edition.deadline_at or held, held)

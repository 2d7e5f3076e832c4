"""The gate between locked or paused and on its way: nothing begins but content that was approved.

It stands in `states.move` as a condition of the UPDATE itself, so that no door goes around it and nobody who
takes an approval back at that moment comes too late.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.errors import StateError
from digest.i18n import N_
from digest.models import Approval, Cadence, Edition, Fallback, Revision, Unapproved

# Who approves what is locked where nobody is asked; "" in what was locked before there were approvals.
FREEZE: Final = "freeze"
# Who accepts and approves where the deadline decides.
DEADLINE: Final = "deadline"
# Approvers have so long at least from the lock on, however late it comes.
LEAST_TO_LOOK: Final = 300


def approved() -> sa.ColumnElement[bool]:
    """Whether an edition's current version is approved: by the rules, or by somebody, of its fingerprint."""
    stands = sa.exists().where(
        Approval.revision_id == Revision.id,
        Approval.fingerprint == Revision.fingerprint,
        Approval.voided_at.is_(None),
    )
    return sa.exists().where(
        Revision.id == Edition.revision_id,
        Revision.approved_at.is_not(None),
        sa.or_(Revision.approved_by.in_(("", FREEZE)), stands.correlate(Revision)),
    )


def wants_approval() -> sa.ColumnElement[bool]:
    """Whether the current version of an edition waits for somebody to approve it."""
    return sa.and_(Edition.revision_id.is_not(None), ~approved())


def is_approved(session: Session, edition: Edition) -> bool:
    """Whether the current version may begin, or go on."""
    return session.scalar(sa.select(approved()).where(Edition.id == edition.id)) or False


def check_approved(session: Session, edition: Edition) -> None:
    """Raise StateError, with what to do, for an edition whose current version is not approved."""
    if not is_approved(session, edition):
        raise StateError(
            N_("The current version of edition %(number)s is not approved."),
            number=edition.id,
            hint=f"`digest edition approve {edition.id}` does that.",
        )


def outcome_of(cadence: Cadence) -> Unapproved:
    """What becomes of an edition of this cadence that nobody has approved in time."""
    if cadence.approval_outcome is not None:
        return cadence.approval_outcome
    return Unapproved.SEND if cadence.hold_outcome is Fallback.SEND else Unapproved.SKIP


def approve_until(cadence: Cadence, edition: Edition, *, now: dt.datetime) -> dt.datetime | None:
    """Until when an edition that is locked now is to be approved; None: as long as a held one waits.

    It is so long before its slot as its cadence says. What is locked late -- breaking news, a slot that was
    made up -- leaves approvers the time that the cadence promises them all the same: a fallback is applied to
    nothing that nobody could have looked at.
    """
    if cadence.approval_seconds is None:
        return None
    promised = max(LEAST_TO_LOOK, cadence.lead_seconds - cadence.approval_seconds)
    before_slot = edition.send_at - dt.timedelta(seconds=cadence.approval_seconds)
    return max(before_slot, now + dt.timedelta(seconds=promised))

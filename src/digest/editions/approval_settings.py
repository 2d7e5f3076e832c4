"""Whether a digest's editions want approval, until when, and what becomes of them if nobody gives it.

It stands with each rhythm, for the times do; a new rhythm of a digest begins with what its others have.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.editions.gate import LEAST_TO_LOOK
from digest.errors import InputError
from digest.i18n import N_
from digest.models import Cadence, Unapproved

NOBODY: Final[dict[Unapproved, str]] = {
    Unapproved.SEND: N_("If nobody has approved it by %(until)s, it goes out as it is."),
    Unapproved.WITHOUT_FEATURED: N_(
        "If nobody has approved it by %(until)s, it goes out without the featured story."
    ),
    Unapproved.SKIP: N_("If nobody has approved it by %(until)s, it does not go out."),
}


def check_approval_time(cadence: Cadence) -> None:
    """Raise InputError if editions are locked so late that approvers would have no time to look."""
    by = cadence.approval_seconds
    if not cadence.wants_approval or by is None or cadence.lead_seconds - by >= LEAST_TO_LOOK:
        return
    raise InputError(
        N_(
            "Editions of the rhythm %(name)s are locked %(lead)s minutes before they go out, and are to be "
            "approved %(by)s minutes before: approvers need %(least)s minutes at least to look. Lock them "
            "sooner, or let them be approved later."
        ),
        hint=f"Lock them sooner by `--lead {by + LEAST_TO_LOOK}` or more.",
        name=cadence.name,
        lead=_minutes(cadence.lead_seconds),
        by=_minutes(by),
        least=_minutes(LEAST_TO_LOOK),
    )


def adopt_approval(session: Session, cadence: Cadence) -> None:
    """Let a new rhythm want approval as the others of its digest do: none is a way around it."""
    asking = sa.select(Cadence).where(Cadence.digest_id == cadence.digest_id, Cadence.wants_approval)
    with session.no_autoflush:
        known = session.scalars(asking.order_by(Cadence.id.desc()).limit(1)).first()
    if known is not None:
        cadence.wants_approval = True
        cadence.approval_seconds, cadence.approval_outcome = known.approval_seconds, known.approval_outcome
        # Its editions are locked as soon as theirs: approvers have the same time.
        cadence.lead_seconds = known.lead_seconds


def approve_by(cadence: Cadence, slot: dt.datetime) -> dt.datetime | None:
    """Until when an edition of a slot is to be approved; None: it waits beyond it."""
    if cadence.approval_seconds is None:
        return None
    return slot - dt.timedelta(seconds=cadence.approval_seconds)


def _minutes(seconds: int) -> str:
    return f"{seconds / 60:g}"

"""Somebody of the staff stops an edition by the link in their first copy."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import audit
from digest.deliveries.plan import unplan
from digest.editions.approvals import void
from digest.editions.states import move
from digest.models import Account, Cadence, Edition, EditionState, Reason, VoidCause


class Stopped(StrEnum):
    """What pressing the button does, or did."""

    HELD = "held"  # before anybody was handed it
    PAUSED = "paused"  # nobody more is
    ALREADY = "already"  # somebody was quicker
    OVER = "over"  # there is nothing left to stop


_BY_STATE = {
    EditionState.UPCOMING: Stopped.HELD,
    EditionState.FROZEN: Stopped.HELD,
    EditionState.SENDING: Stopped.PAUSED,
    EditionState.HELD: Stopped.ALREADY,
    EditionState.PAUSED: Stopped.ALREADY,
    EditionState.SENT: Stopped.OVER,
    EditionState.SKIPPED: Stopped.OVER,
    EditionState.CANCELLED: Stopped.OVER,
}


def what_stopping_does(edition: Edition) -> Stopped:
    """What the button would do now; nothing is changed."""
    return _BY_STATE[edition.state]


def stop(
    session: Session, edition: Edition, account: Account, *, now: dt.datetime, by: str = "a first copy"
) -> Stopped:
    """Hold an edition that has not begun, or pause one that has; who did it, and by what, is in its reason.

    A plan is taken back: whatever lets the edition go on makes it anew.
    """
    session.flush()
    session.refresh(edition, with_for_update={"key_share": True})
    does = what_stopping_does(edition)
    if does not in (Stopped.HELD, Stopped.PAUSED):
        return does
    was, actor = edition.state, f"account:{account.id}"
    if session.get_one(Cadence, edition.cadence_id).wants_approval:
        # Whoever lets it go on asks those who may approve once more.
        void(session, edition, VoidCause.STOPPED, actor=actor, now=now)
    if was is EditionState.FROZEN:
        unplan(session, edition)
        session.flush()
    to = EditionState.HELD if does is Stopped.HELD else EditionState.PAUSED
    detail = f"stopped from {by} by {account.name}"
    move(session, edition, to, now=now, reason=Reason.BY_PERSON, detail=detail)
    details = {"was": was.value, "account": account.id}
    audit.record(session, "edition.stop", edition, actor=actor, now=now, details=details)
    return does


def find_stop(session: Session, edition_id: int, account_id: int) -> tuple[Edition, Account] | None:
    """The edition and the account of a stop link; None if one is gone or the account is closed."""
    edition = session.get(Edition, edition_id)
    account = session.scalars(
        sa.select(Account).where(Account.id == account_id, Account.disabled_at.is_(None))
    ).one_or_none()
    return (edition, account) if edition is not None and account is not None else None

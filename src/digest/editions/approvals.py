"""Approvals that stand, and what voids them: content that is made anew, an edit, a stop, second thoughts."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import audit
from digest.editions.alert_causes import note_state
from digest.editions.gate import approve_until, wants_approval
from digest.errors import StateError
from digest.i18n import N_
from digest.logs import get_logger
from digest.models import (
    Account,
    Approval,
    ApprovalWay,
    Cadence,
    Edition,
    EditionState,
    Reason,
    Revision,
    VoidCause,
)

log = get_logger(__name__)

S = EditionState


@dataclass(frozen=True, slots=True)
class ApprovalLine:
    """One approval for a list, the voided ones too. `account` is a name, or "" for a command or the clock."""

    revision: int
    fingerprint: str
    made_by: str
    account: str
    way: ApprovalWay
    made_at: dt.datetime
    voided_at: dt.datetime | None
    voided_by: str | None
    void_cause: VoidCause | None


def void(session: Session, edition: Edition, cause: VoidCause, *, actor: str, now: dt.datetime) -> int:
    """Void every approval that stands of what an edition has not begun with; returns how many.

    What people were handed was approved, and stays so on record. What the rules approved themselves has no
    approval to be voided. The caller holds the edition's row, and moves it on if its state is to be another;
    one that stays locked waits for approval again.
    """
    session.flush()
    current = sa.select(Revision.number).where(Revision.id == edition.revision_id).scalar_subquery()
    standing = session.scalars(
        sa.select(Approval)
        .join(Revision, Revision.id == Approval.revision_id)
        .where(
            Approval.edition_id == edition.id,
            Approval.voided_at.is_(None),
            Revision.number >= sa.func.coalesce(current, 0),
        )
    ).all()
    if not standing:
        return 0
    for one in standing:
        one.voided_at, one.voided_by, one.void_cause = now, actor, cause
    revisions = sa.select(Revision).where(Revision.id.in_([one.revision_id for one in standing]))
    for revision in session.scalars(revisions):
        revision.approved_at, revision.approved_by = None, ""
    session.flush()
    log.info("approval voided", edition=edition.id, cause=cause.value, approvals=len(standing))
    details = {"cause": cause.value, "approvals": [one.id for one in standing]}
    audit.record(session, "edition.void_approval", edition, actor=actor, now=now, details=details)
    return len(standing)


def withdraw(session: Session, edition: Edition, *, actor: str, now: dt.datetime) -> bool:
    """Take the approval of an edition back; False if it has none.

    Whatever was stated for its deadline, the clock does not send it any more: somebody approves it again, or
    it is skipped. Raises StateError for one that is being handed over, and for one that is final.
    """
    session.flush()
    session.refresh(edition, with_for_update={"key_share": True})
    if edition.state is S.SENDING:
        raise StateError(
            N_("This edition is being handed over; pause it first."),
            hint=f"`digest edition pause {edition.id}` does.",
        )
    if edition.state not in (S.FROZEN, S.HELD, S.PAUSED):
        raise StateError(
            N_("It has no approval to be taken back."), hint=f"Edition {edition.id} is {edition.state}."
        )
    if not void(session, edition, VoidCause.WITHDRAWN, actor=actor, now=now):
        return False
    if edition.state is S.FROZEN:
        wait_again(session, edition, now=now)
    return True


def wait_again(session: Session, edition: Edition, *, now: dt.datetime) -> None:
    """Let a locked edition that is not approved any more wait for it, with time enough."""
    waits = session.scalar(sa.select(wants_approval()).where(Edition.id == edition.id))
    if edition.state is not S.FROZEN or not waits:
        return
    cadence = session.get_one(Cadence, edition.cadence_id)
    until = approve_until(cadence, edition, now=now)
    if until is None:
        until = edition.due_at + dt.timedelta(seconds=min(cadence.hold_seconds, cadence.useful_seconds))
    edition.reason, edition.reason_detail = Reason.WANTS_APPROVAL, ""
    edition.deadline_at = max(edition.deadline_at or until, until)
    session.flush()
    note_state(session, edition, was=S.FROZEN, now=now)


def list_approvals(session: Session, edition: Edition) -> list[ApprovalLine]:
    """Every approval that an edition ever had, the first one first."""
    rows = session.execute(
        sa.select(Approval, Revision.number, Account.name)
        .join(Revision, Revision.id == Approval.revision_id)
        .outerjoin(Account, Account.id == Approval.account_id)
        .where(Approval.edition_id == edition.id)
        .order_by(Approval.id)
    )
    return [
        ApprovalLine(
            revision=number,
            fingerprint=one.fingerprint,
            made_by=one.made_by,
            account=name or "",
            way=one.way,
            made_at=one.made_at,
            voided_at=one.voided_at,
            voided_by=one.voided_by,
            void_cause=one.void_cause,
        )
        for one, number, name in rows
    ]

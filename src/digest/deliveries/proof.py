"""The page of a proof: what there is to decide for whoever has its link, and what they decide."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import audit
from digest.deliveries import control
from digest.deliveries.stop import Stopped, stop
from digest.editions.approve import approve, may_approve
from digest.editions.differences import Difference, shown_of, what_changed
from digest.editions.states import ALLOWED, move
from digest.models import (
    Account,
    Approval,
    ApprovalWay,
    Edition,
    EditionState,
    Reason,
    Revision,
)

S = EditionState
# So long after its slot a link may still approve, hold or stop; then it only says how things stand.
LASTS = dt.timedelta(hours=12)


class Act(StrEnum):
    """The three buttons."""

    APPROVE = "approve"
    HOLD = "hold"
    STOP = "stop"


class Standing(StrEnum):
    """How a version stands for whoever has its link."""

    OPEN = "open"  # it waits for approval
    APPROVED = "approved"
    CHANGED = "changed"  # another version goes out instead of it
    OVER = "over"  # nothing is to be decided any more


@dataclass(frozen=True, slots=True)
class Proof:
    """What a link is of. `newer` is the version to look at instead, and `changes` what it has otherwise."""

    edition: Edition
    revision: Revision
    account: Account
    standing: Standing
    approved_by: str = ""
    newer: Revision | None = None
    changes: tuple[Difference, ...] = ()


def find_proof(session: Session, revision_id: int, account_id: int, *, now: dt.datetime) -> Proof | None:
    """What a proof's link is of, as it stands now; None if one is gone or the person may not approve."""
    revision, account = session.get(Revision, revision_id), session.get(Account, account_id)
    if revision is None or account is None:
        return None
    edition = session.get_one(Edition, revision.edition_id)
    if not may_approve(session, edition, account):
        return None
    newer = _newer(session, edition, revision)
    if not ALLOWED[edition.state] or now > edition.send_at + LASTS:
        return Proof(edition, revision, account, Standing.OVER)
    if newer is not None or edition.revision_id is None:
        changes = () if newer is None else what_changed(shown_of(session, revision), shown_of(session, newer))
        return Proof(edition, revision, account, Standing.CHANGED, newer=newer, changes=changes)
    if revision.approved_at is None:
        return Proof(edition, revision, account, Standing.OPEN)
    name = session.scalar(
        sa.select(Account.name)
        .join(Approval, Approval.account_id == Account.id)
        .where(Approval.revision_id == revision.id, Approval.voided_at.is_(None))
    )
    return Proof(edition, revision, account, Standing.APPROVED, approved_by=name or "")


def act(session: Session, found: Proof, what: Act, *, now: dt.datetime) -> EditionState:
    """Do what was pressed, in the person's name; the edition's state then. A second press changes nothing.

    Of a version that is not the current one any more nothing is done: `found` says so. Raises StateError for
    one that the checks stop.
    """
    edition, account = found.edition, found.account
    if found.standing in (Standing.CHANGED, Standing.OVER):
        return edition.state
    if what is Act.APPROVE:
        approve(session, edition, account, found.revision.fingerprint, way=ApprovalWay.MAIL, now=now)
    elif what is Act.HOLD:
        stop(session, edition, account, now=now, by="its proof")
    else:
        stop_for_good(session, edition, account, now=now)
    return edition.state


def stop_for_good(session: Session, edition: Edition, account: Account, *, now: dt.datetime) -> bool:
    """End an edition: nobody gets it, or nobody more; False if it is over already."""
    session.flush()
    session.refresh(edition, with_for_update={"key_share": True})
    detail = f"stopped for good by {account.name}"
    if edition.state in control.CANCELLABLE:
        return control.cancel(session, edition, actor=f"account:{account.id}", now=now, detail=detail)
    if S.SKIPPED not in ALLOWED[edition.state]:
        return False
    if edition.state is S.UPCOMING and stop(session, edition, account, now=now) is not Stopped.HELD:
        return False
    was = edition.state
    is_new = move(session, edition, S.SKIPPED, now=now, reason=Reason.BY_PERSON, detail=detail)
    if is_new:
        details = {"was": was.value}
        audit.record(
            session, "edition.cancel", edition, actor=f"account:{account.id}", now=now, details=details
        )
    return is_new


def _newer(session: Session, edition: Edition, revision: Revision) -> Revision | None:
    """What goes out instead of a version, or is to: a later one that is current, or waits for approval."""
    current = session.get(Revision, edition.revision_id) if edition.revision_id is not None else None
    if current is not None and current.number > revision.number:
        return current
    if current is None or revision.id == current.id:
        return None
    return session.scalars(
        sa.select(Revision)
        .where(Revision.edition_id == edition.id, Revision.number > revision.number)
        .order_by(Revision.number.desc())
        .limit(1)
    ).one_or_none()

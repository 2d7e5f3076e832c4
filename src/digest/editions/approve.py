"""Somebody approves an edition: only who may, and only the very content that they were shown."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.editions.differences import Difference, difference_sentence, shown_of, what_changed
from digest.editions.revisions import approve as write_approval
from digest.errors import StateError
from digest.i18n import N_, Translator
from digest.models import Account, AccountRole, ApprovalWay, Cadence, Edition, Revision

APPROVERS = (AccountRole.APPROVER, AccountRole.ADMIN)


class NotAllowedError(StateError):
    """This person may not approve."""


class StaleApprovalError(StateError):
    """What was shown is not what would go out.

    `number` and `fingerprint` are of what would, if there is anything; `changes` is what that has otherwise.
    """

    def __init__(self, edition: Edition, current: Revision | None, changes: tuple[Difference, ...]) -> None:
        self.edition_id = edition.id
        self.number = current.number if current is not None else None
        self.fingerprint = current.fingerprint if current is not None else ""
        self.changes = changes
        words = Translator("en")
        lines = " ".join(difference_sentence(one, words) for one in changes)
        super().__init__(f"Edition {edition.id} has changed since it was shown. {lines}".strip())


def may_approve(session: Session, edition: Edition, account: Account) -> bool:
    """Whether somebody may approve: an approver or an admin; where nobody is asked, an editor too."""
    if account.disabled_at is not None:
        return False
    return account.role in APPROVERS or not session.get_one(Cadence, edition.cadence_id).wants_approval


def approvers(session: Session) -> list[Account]:
    """Whom approval is asked of: the approvers; where there are none, the admins."""
    active = sa.select(Account).where(Account.disabled_at.is_(None)).order_by(Account.id)
    found = list(session.scalars(active.where(Account.role == AccountRole.APPROVER)))
    return found or list(session.scalars(active.where(Account.role == AccountRole.ADMIN)))


def approve(
    session: Session,
    edition: Edition,
    account: Account,
    fingerprint: str,
    *,
    way: ApprovalWay = ApprovalWay.DESK,
    now: dt.datetime,
) -> bool:
    """Approve what was shown; False if somebody has already.

    `fingerprint` is that of the version that the person has seen: the current one, or a later one that the
    edition may go on with. Raises NotAllowedError for who may not; StaleApprovalError, with what is
    otherwise, for what is not that any more; StateError for an edition that is final or that the checks stop.
    """
    session.flush()
    session.refresh(edition, with_for_update={"key_share": True})
    if not may_approve(session, edition, account):
        raise NotAllowedError(N_("Only an approver or an admin may approve this edition."))
    revision = seen_revision(session, edition, fingerprint)
    return write_approval(session, revision, actor=f"account:{account.id}", way=way, account=account, now=now)


def seen_revision(session: Session, edition: Edition, fingerprint: str) -> Revision:
    """The version with this content that may still go out; raises StaleApprovalError if none has it."""
    rows = session.scalars(
        sa.select(Revision).where(Revision.edition_id == edition.id).order_by(Revision.number.desc())
    ).all()
    current = next((one for one in rows if one.id == edition.revision_id), None)
    of_content = [one for one in rows if one.fingerprint == fingerprint]
    if current is not None:
        # The same content may have been locked twice: the current one counts, then the newest.
        found = [one for one in of_content if one.number >= current.number]
        if found:
            return current if current in found else found[0]
    changes: tuple[Difference, ...] = ()
    if of_content and current is not None:
        changes = what_changed(shown_of(session, of_content[0]), shown_of(session, current))
    raise StaleApprovalError(edition, current, changes)

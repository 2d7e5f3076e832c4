"""Who approved which content of an edition, in which way, and what became of that approval."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from digest.db import Base, BigId, UtcDateTime, choice


class ApprovalWay(StrEnum):
    """By which door somebody approved; `deadline`: nobody did, and the stated fallback was applied."""

    DESK = "desk"
    MAIL = "mail"
    COMMAND = "command"
    DEADLINE = "deadline"


class VoidCause(StrEnum):
    """Why an approval does not hold any more."""

    UNLOCKED = "unlocked"  # its content is made anew
    EDITED = "edited"  # an editor changed something beside it
    STOPPED = "stopped"  # somebody held or stopped the edition
    WITHDRAWN = "withdrawn"  # somebody took it back


class Unapproved(StrEnum):
    """What becomes of an edition that nobody has approved at its deadline."""

    SEND = "send"
    WITHOUT_FEATURED = "without_featured"  # as a version of its own
    SKIP = "skip"


class Approval(Base):
    """One approval of one version, bound to its fingerprint. Rows are only added and voided.

    A version has one that stands at the most: of two who approve at once, one has.
    """

    __tablename__ = "approvals"
    __table_args__ = (
        sa.Index(
            "ix_approvals_standing",
            "revision_id",
            unique=True,
            sqlite_where=sa.text("voided_at IS NULL"),
            postgresql_where=sa.text("voided_at IS NULL"),
        ),
        sa.CheckConstraint("(voided_at IS NULL) = (void_cause IS NULL)", name="void_has_cause"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    edition_id: Mapped[int] = mapped_column(sa.ForeignKey("editions.id", ondelete="CASCADE"), index=True)
    revision_id: Mapped[int] = mapped_column(sa.ForeignKey("revisions.id", ondelete="CASCADE"))
    fingerprint: Mapped[str] = mapped_column(sa.String(64))
    # None: by command, or by the deadline.
    account_id: Mapped[int | None] = mapped_column(sa.ForeignKey("accounts.id"))
    made_by: Mapped[str] = mapped_column(sa.String(120))
    way: Mapped[ApprovalWay] = mapped_column(choice(ApprovalWay, "way"))
    made_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    voided_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    voided_by: Mapped[str | None] = mapped_column(sa.String(120))
    void_cause: Mapped[VoidCause | None] = mapped_column(choice(VoidCause, "void_cause"))

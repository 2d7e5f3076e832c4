"""Single mails: welcome, confirm, goodbye, test, alert."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from digest.db import Base, BigId, UtcDateTime, choice


class NoticeState(StrEnum):
    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"
    UNCERTAIN = "uncertain"


class Notice(Base):
    """One mail with frozen content. `key` makes asking for it twice harmless."""

    __tablename__ = "notices"
    __table_args__ = (sa.Index("ix_notices_due", "state", "not_before"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    key: Mapped[str] = mapped_column(sa.String(120), unique=True)
    kind: Mapped[str] = mapped_column(sa.String(24))
    address: Mapped[str] = mapped_column(sa.Text, index=True)
    sender_address: Mapped[str] = mapped_column(sa.Text)
    message: Mapped[bytes] = mapped_column(sa.LargeBinary)
    state: Mapped[NoticeState] = mapped_column(choice(NoticeState, "state"), default=NoticeState.PENDING)
    not_before: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    attempt: Mapped[int] = mapped_column(default=0)
    leased_until: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    reply: Mapped[str] = mapped_column(sa.Text, default="")
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    done_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)

"""What wants a person: told once to those whom a digest names, until it is over or somebody silences it."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from digest.db import Base, BigId, Json, UtcDateTime, choice


class AlertKind(StrEnum):
    EDITION_HELD = "edition_held"
    EDITION_SKIPPED = "edition_skipped"
    SOURCE_DOWN = "source_down"
    APPROVAL_WANTED = "approval_wanted"
    SENDING_STOPPED = "sending_stopped"


class Alert(Base):
    """One cause for telling people. `key` is its own: raising it again while it lasts does nothing."""

    __tablename__ = "alerts"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    key: Mapped[str] = mapped_column(sa.String(120), unique=True)
    kind: Mapped[AlertKind] = mapped_column(choice(AlertKind, "kind"))
    digest_id: Mapped[int] = mapped_column(sa.ForeignKey("digests.id", ondelete="CASCADE"), index=True)
    edition_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("editions.id", ondelete="CASCADE"), index=True
    )
    source_id: Mapped[int | None] = mapped_column(sa.ForeignKey("sources.id", ondelete="CASCADE"), index=True)
    facts: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    raised_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    told_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    silenced_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    silenced_by: Mapped[str | None] = mapped_column(sa.String(120))
    ended_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)

"""Who did what, and when: one line for every change a person makes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.models import AuditEntry


def record(
    session: Session,
    action: str,
    target: object,
    *,
    actor: str,
    now: dt.datetime,
    details: dict[str, Any] | None = None,
) -> None:
    """Note an action (`edition.freeze`) on a row. `details` must hold no address and no secret."""
    session.add(
        AuditEntry(
            at=now,
            actor=actor,
            action=action,
            target_kind=type(target).__name__,
            target_id=getattr(target, "id", None),
            details=details or {},
        )
    )


def last_acts(session: Session, kind: type, numbers: Collection[int]) -> dict[int, int]:
    """The newest line about each of these rows, by its id: another one as soon as anybody acts on it."""
    rows = session.execute(
        sa.select(AuditEntry.target_id, sa.func.max(AuditEntry.id))
        .where(AuditEntry.target_kind == kind.__name__, AuditEntry.target_id.in_(numbers))
        .group_by(AuditEntry.target_id)
    )
    return {number: newest for number, newest in rows if number is not None}

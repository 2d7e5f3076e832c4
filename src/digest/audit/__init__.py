"""Who did what, and when: one line for every change a person makes."""

from __future__ import annotations

import datetime as dt
from typing import Any

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

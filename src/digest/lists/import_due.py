"""Imports that nobody goes on with, found by the clock: small, as every tick loads it."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.models import Import, ImportState
from digest.queueing.enqueue import enqueue
from digest.queueing.names import TaskName

_STILL_AFTER = dt.timedelta(minutes=2)


def enqueue_imports(session: Session, *, now: dt.datetime) -> None:
    """Hint at what nobody has gone on with for a while: its worker ended, or the hint was lost."""
    open_ones = sa.select(Import).where(
        Import.state.in_((ImportState.RUNNING, ImportState.DONE, ImportState.FAILED)),
        sa.or_(Import.state == ImportState.RUNNING, Import.undone_at.is_not(None)),
        Import.changed_at < now - _STILL_AFTER,
    )
    for row in session.scalars(open_ones):
        if row.undone_at is not None:
            if row.mapping.get("undone_by"):
                enqueue(session, TaskName.UNDO_IMPORT, row.id)
        elif row.mapping.get("by_itself"):
            enqueue(session, TaskName.IMPORT, row.id)

"""The sweep's part in notices: a hint if any is due."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.models import Notice, NoticeState
from digest.queueing.enqueue import enqueue
from digest.queueing.names import TaskName


def enqueue_due_notices(session: Session, *, now: dt.datetime) -> bool:
    """Hint at the sending of notices if one is due and nobody is at it; true if so."""
    due = session.scalar(
        sa.select(Notice.id)
        .where(
            Notice.state == NoticeState.PENDING,
            Notice.not_before <= now,
            sa.or_(Notice.leased_until.is_(None), Notice.leased_until <= now),
        )
        .limit(1)
    )
    if due is None:
        return False
    enqueue(session, TaskName.SEND_NOTICES)
    return True

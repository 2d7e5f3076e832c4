"""Which notices are due."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.models import Notice, NoticeState
from digest.queueing.enqueue import enqueue
from digest.queueing.names import TaskName


def is_due(now: dt.datetime) -> sa.ColumnElement[bool]:
    """Whether a notice is to be sent now and nobody is at it."""
    return sa.and_(
        Notice.state == NoticeState.PENDING,
        Notice.not_before <= now,
        sa.or_(Notice.leased_until.is_(None), Notice.leased_until <= now),
    )


def any_due(session: Session, *, now: dt.datetime) -> bool:
    """Whether there is a notice to be sent now."""
    return session.scalar(sa.select(Notice.id).where(is_due(now)).limit(1)) is not None


def enqueue_due_notices(session: Session, *, now: dt.datetime) -> bool:
    """Hint at the sending of notices if one is due; true if so."""
    if not any_due(session, now=now):
        return False
    enqueue(session, TaskName.SEND_NOTICES)
    return True

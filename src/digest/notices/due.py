"""Which notices are due."""

from __future__ import annotations

import datetime as dt
import functools

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.db.types import UtcDateTime
from digest.models import Notice, NoticeState
from digest.queueing.enqueue import enqueue
from digest.queueing.names import TaskName


def is_due(now: dt.datetime | sa.BindParameter[dt.datetime]) -> sa.ColumnElement[bool]:
    """Whether a notice is to be sent now and nobody is at it."""
    return sa.and_(
        Notice.state == NoticeState.PENDING,
        Notice.not_before <= now,
        sa.or_(Notice.leased_until.is_(None), Notice.leased_until <= now),
    )


def any_due(session: Session, *, now: dt.datetime) -> bool:
    """Whether there is a notice to be sent now."""
    return session.scalar(_any_due(), {"at": now}) is not None


@functools.cache
def _any_due() -> sa.Select[int]:
    """The statement of `any_due`, built once: a worker asks every second while it sends."""
    return sa.select(Notice.id).where(is_due(sa.bindparam("at", type_=UtcDateTime))).limit(1)


def enqueue_due_notices(session: Session, *, now: dt.datetime) -> bool:
    """Hint at the sending of notices if one is due; true if so."""
    if not any_due(session, now=now):
        return False
    enqueue(session, TaskName.SEND_NOTICES)
    return True

"""A person's last sign of life: the last moment at which they did something themselves."""

from __future__ import annotations

import datetime as dt
import functools
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlalchemy.orm.util import identity_key

from digest.models import Subscriber


def note_life(session: Session, subscriber_id: int, *, now: dt.datetime) -> None:
    """The person acted. An earlier moment never replaces a later one, and of the erased nothing is kept."""
    session.flush()
    session.execute(_noting_life(), {"person": subscriber_id, "at": now})
    known = session.identity_map.get(identity_key(Subscriber, subscriber_id))
    if known is not None:
        session.expire(known, ["last_sign_of_life_at"])


@functools.cache
def _noting_life() -> sa.Update:
    """Built once, for every act of a person runs it; an update of the class would take twice as long."""
    rows: Any = Subscriber.__table__
    at = sa.bindparam("at", type_=rows.c.last_sign_of_life_at.type)
    return (
        sa.update(rows)
        .where(
            rows.c.id == sa.bindparam("person"),
            rows.c.erased_at.is_(None),
            sa.or_(rows.c.last_sign_of_life_at.is_(None), rows.c.last_sign_of_life_at < at),
        )
        .values(last_sign_of_life_at=at)
    )

"""How often one address is asked to confirm: at most once in 24 hours and three times in 90 days, per list.

Whoever types another person's address into a form can cause no more than that. The address stands in the
table by its keyed hash alone, for as long as a mail counts.
"""

from __future__ import annotations

import datetime as dt
import functools
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.db.dialect import lock_alone
from digest.models import Confirmation

MOST: Final = 3
PERIOD: Final = dt.timedelta(days=90)
REST: Final = dt.timedelta(hours=24)
_PURGE_MOST: Final = 5000


def note_if_allowed(session: Session, *, list_id: int, address_hash: str, now: dt.datetime) -> bool:
    """Count one confirmation mail if one may be sent now; False if not.

    Then it holds a lock of this list and address until the transaction ends: of two posts at the same moment,
    one gets True. Periods are half-open: exactly 24 hours later the next one may be sent.
    """
    if not _is_allowed(session, list_id, address_hash, now):
        return False  # nor will it be once whoever holds the lock is done
    lock_alone(session, f"confirmation {list_id} {address_hash}")
    if not _is_allowed(session, list_id, address_hash, now):
        return False
    session.add(Confirmation(list_id=list_id, address_hash=address_hash, at=now))
    session.flush()
    return True


@dataclass(frozen=True, slots=True)
class Asked:
    """What one confirmation mail asked about, and when."""

    at: dt.datetime
    list_ids: frozenset[int]


def note_post(session: Session, list_ids: Sequence[int], *, address_hash: str, now: dt.datetime) -> str:
    """One mail asks about these lists, which were counted at `now`; the random text that stands for it."""
    post = secrets.token_urlsafe(9)
    session.execute(
        sa.update(Confirmation)
        .where(
            Confirmation.list_id.in_(list_ids),
            Confirmation.address_hash == address_hash,
            Confirmation.at == now,
        )
        .values(post=post),
        execution_options={"synchronize_session": False},
    )
    return post


def asked_together(session: Session, *, list_id: int, address_hash: str, post: str = "") -> Asked | None:
    """What the mail asked about that was `post`; without one the last that asked about this list.

    None if there is none, or if it was 90 days ago.
    """
    mails = sa.select(Confirmation.post, Confirmation.at).where(
        Confirmation.list_id == list_id,
        Confirmation.address_hash == address_hash,
        Confirmation.post.is_not(None),
    )
    if post:
        mails = mails.where(Confirmation.post == post)
    mail = session.execute(mails.order_by(Confirmation.at.desc()).limit(1)).first()
    if mail is None:
        return None
    lists = sa.select(Confirmation.list_id).where(
        Confirmation.at == mail.at, Confirmation.address_hash == address_hash, Confirmation.post == mail.post
    )
    return Asked(mail.at, frozenset(session.scalars(lists)))


def last_asked(session: Session, *, list_id: int, address_hash: str) -> dt.datetime | None:
    """When this address was last asked to confirm; None if that is 90 days ago or never was."""
    return session.scalars(
        sa.select(sa.func.max(Confirmation.at)).where(
            Confirmation.list_id == list_id, Confirmation.address_hash == address_hash
        )
    ).one()


def purge(session: Session, *, now: dt.datetime) -> int:
    """Delete what no longer counts; returns how many rows, at most 5,000 at a time."""
    old = sa.select(Confirmation.id).where(Confirmation.at <= now - PERIOD).limit(_PURGE_MOST)
    result = session.execute(
        sa.delete(Confirmation).where(Confirmation.id.in_(old)),
        execution_options={"synchronize_session": False},
    )
    return int(getattr(result, "rowcount", 0))


def _is_allowed(session: Session, list_id: int, address_hash: str, now: dt.datetime) -> bool:
    given = {"list_id": list_id, "address_hash": address_hash, "after": now - PERIOD}
    count, last = session.execute(_counted(), given).one()
    return count < MOST and (last is None or last <= now - REST)


@functools.cache
def _counted() -> sa.Select[int, dt.datetime | None]:
    """How many mails count and when the last was. Built once: a refused post is little else."""
    rows = Confirmation.__table__.c
    after = sa.bindparam("after", type_=rows.at.type)
    return sa.select(sa.func.count(), sa.func.max(rows.at)).where(
        rows.list_id == sa.bindparam("list_id", type_=rows.list_id.type),
        rows.address_hash == sa.bindparam("address_hash", type_=sa.String),
        rows.at > after,
    )

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
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.db.dialect import lock_alone
from digest.models import Confirmation

MOST: Final = 3
PERIOD: Final = dt.timedelta(days=90)
REST: Final = dt.timedelta(hours=24)
_PURGE_MOST: Final = 5000


def note_if_allowed(
    session: Session, *, list_id: int, address_hash: str, post: str, now: dt.datetime
) -> bool:
    """Count one confirmation mail if one may be sent now, which is `post`; False if not.

    It holds a lock of this list and address until the transaction ends: of two posts at the same moment, one
    gets True. Periods are half-open: exactly 24 hours later the next one may be sent.
    """
    lock_alone(session, f"confirmation {list_id} {address_hash}")
    values = {
        "list": list_id,
        "hash": address_hash,
        "at": now,
        "its_post": post,
        "counts": now - PERIOD,
        "rest": now - REST,
    }
    return session.execute(_noting(), values).first() is not None


@dataclass(frozen=True, slots=True)
class Asked:
    """What one confirmation mail asked about, and when."""

    at: dt.datetime
    list_ids: frozenset[int]


def new_post() -> str:
    """The random text that stands for one mail."""
    return secrets.token_urlsafe(9)


def take_back_post(session: Session, list_ids: Sequence[int], *, address_hash: str, post: str) -> None:
    """These lists were counted with a mail that asks nothing about them."""
    session.execute(_taking_back(), {"lists": list(list_ids), "hash": address_hash, "its_post": post})


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


@functools.cache
def _taking_back() -> sa.Update:
    table: Any = Confirmation.__table__
    return (
        sa.update(table)
        .where(
            table.c.list_id.in_(sa.bindparam("lists", expanding=True)),
            table.c.address_hash == sa.bindparam("hash"),
            table.c.post == sa.bindparam("its_post"),
        )
        .values(post=None)
    )


@functools.cache
def _noting() -> sa.Executable:
    """One statement that looks and counts; built once, for to build it takes longer than to run it."""
    table: Any = Confirmation.__table__
    rows = table.c
    moment = {name: sa.bindparam(name, type_=rows.at.type) for name in ("at", "counts", "rest")}
    same = sa.and_(rows.list_id == sa.bindparam("list"), rows.address_hash == sa.bindparam("hash"))
    count = sa.select(sa.func.count()).where(same, rows.at > moment["counts"]).scalar_subquery()
    recent = sa.exists().where(same, rows.at > moment["rest"])
    row = sa.select(
        sa.bindparam("list", type_=rows.list_id.type),
        sa.bindparam("hash", type_=rows.address_hash.type),
        moment["at"],
        sa.bindparam("its_post", type_=rows.post.type),
    ).where(count < MOST, ~recent)
    insert = sa.insert(table).from_select(["list_id", "address_hash", "at", "post"], row)
    return insert.returning(rows.id)

"""The trail of who did what, to be read and taken away."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.models import Account, AuditEntry

PAGE: Final = 50
_CHUNK: Final = 1000


@dataclass(frozen=True, slots=True)
class TrailLine:
    """One act. `who` is a person's name where the actor is an account, else the actor as it was noted."""

    id: int
    at: dt.datetime
    actor: str
    who: str
    action: str
    target_kind: str
    target_id: int | None
    details: dict[str, Any]


def read_trail(
    session: Session, *, before: int | None = None, actor: str = "", action: str = "", limit: int = PAGE
) -> list[TrailLine]:
    """The newest acts first, those before an id, by an actor, of a kind (`edition.` takes all of these)."""
    query = sa.select(AuditEntry).order_by(AuditEntry.id.desc()).limit(limit)
    if before is not None:
        query = query.where(AuditEntry.id < before)
    if actor:
        query = query.where(AuditEntry.actor == actor)
    if action:
        query = query.where(AuditEntry.action.startswith(action, autoescape=True))
    return _lines(session, query)


def trail_of(session: Session, targets: Collection[tuple[str, int]], *, limit: int = PAGE) -> list[TrailLine]:
    """What was done with these things (kind and number, as the trail has them), the newest first."""
    query = sa.select(AuditEntry).where(
        sa.or_(
            sa.false(),
            *(
                sa.and_(AuditEntry.target_kind == kind, AuditEntry.target_id == number)
                for kind, number in targets
            ),
        )
    )
    return _lines(session, query.order_by(AuditEntry.id.desc()).limit(limit))


def last_to(
    session: Session, kind: str, targets: Collection[int], actions: Collection[str]
) -> dict[int, str]:
    """By whom one of these acts was done last to each of some things of a kind, as the trail names them."""
    last = (
        sa.select(sa.func.max(AuditEntry.id))
        .where(
            AuditEntry.target_kind == kind,
            AuditEntry.target_id.in_(targets),
            AuditEntry.action.in_(actions),
        )
        .group_by(AuditEntry.target_id)
    )
    rows = session.execute(sa.select(AuditEntry.target_id, AuditEntry.actor).where(AuditEntry.id.in_(last)))
    return {number: actor for number, actor in rows if number is not None}


def _lines(session: Session, query: sa.Select[AuditEntry]) -> list[TrailLine]:
    rows = list(session.scalars(query))
    names = _names(session, {row.actor for row in rows})
    return [
        TrailLine(
            row.id,
            row.at,
            row.actor,
            names.get(row.actor, row.actor),
            row.action,
            row.target_kind,
            row.target_id,
            row.details,
        )
        for row in rows
    ]


def whole_trail(session: Session, *, actor: str = "", action: str = "") -> Iterator[TrailLine]:
    """All of it, a thousand at a time: it may be long."""
    before = None
    while chunk := read_trail(session, before=before, actor=actor, action=action, limit=_CHUNK):
        yield from chunk
        before = chunk[-1].id


def actors(session: Session) -> list[tuple[str, str]]:
    """The people who may be asked for: how the trail names them, and their names."""
    rows = session.execute(sa.select(Account.id, Account.name).order_by(Account.name, Account.id))
    return [(f"account:{number}", name) for number, name in rows]


def _names(session: Session, found: set[str]) -> dict[str, str]:
    ids = [int(each.partition(":")[2]) for each in found if each.startswith("account:")]
    rows = session.execute(sa.select(Account.id, Account.name).where(Account.id.in_(ids)))
    return {f"account:{number}": name for number, name in rows}

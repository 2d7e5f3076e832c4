"""What comes next and how the last ones went, over all digests of a person: a few rows, few statements."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.accounts.me import Me
from digest.accounts.visible import visible_digests
from digest.models import Cadence, Digest, Edition, EditionKind, EditionState, Reason

COMING_SHOWN: Final = 20
LAST_SHOWN: Final = 8
ON_ITS_WAY: Final = (
    EditionState.SENDING,
    EditionState.PAUSED,
    EditionState.HELD,
    EditionState.FROZEN,
    EditionState.UPCOMING,
)
OVER: Final = (EditionState.SENT, EditionState.SKIPPED, EditionState.CANCELLED)


@dataclass(frozen=True, slots=True)
class AgendaLine:
    """One edition among others."""

    id: int
    digest: str
    cadence_id: int
    cadence: str
    kind: EditionKind
    state: EditionState
    reason: Reason | None
    send_at: dt.datetime
    planned_at: dt.datetime | None


def coming_editions(session: Session, me: Me, *, limit: int = COMING_SHOWN) -> list[AgendaLine]:
    """The editions that are on their way, in the order in which they go out: one statement."""
    query = _lines(me).where(Edition.state.in_(ON_ITS_WAY))
    rows = session.execute(query.order_by(Edition.send_at, Edition.id).limit(limit))
    return [AgendaLine(*row) for row in rows]


def last_editions(session: Session, me: Me, *, limit: int = LAST_SHOWN) -> list[AgendaLine]:
    """Those that are over, the newest first: one statement."""
    query = _lines(me).where(Edition.state.in_(OVER))
    rows = session.execute(query.order_by(Edition.send_at.desc(), Edition.id.desc()).limit(limit))
    return [AgendaLine(*row) for row in rows]


def _lines(me: Me) -> sa.Select[*tuple[Any, ...]]:
    return (
        sa.select(
            Edition.id,
            Digest.title,
            Cadence.id,
            Cadence.name,
            Edition.kind,
            Edition.state,
            Edition.reason,
            Edition.send_at,
            Edition.planned_at,
        )
        .join(Cadence, Cadence.id == Edition.cadence_id)
        .join(Digest, Digest.id == Cadence.digest_id)
        .where(Cadence.digest_id.in_(visible_digests(me)))
    )

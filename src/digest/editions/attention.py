"""What needs a person, over all digests of one: each with what becomes of it if nobody comes."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.accounts.me import Me
from digest.accounts.visible import visible_digests
from digest.editions.alert_causes import source_is_down
from digest.editions.gate import DEADLINE, outcome_of, wants_approval
from digest.editions.states import STOPPED
from digest.models import (
    Approval,
    AuditEntry,
    Cadence,
    ChangeKind,
    Digest,
    DigestSource,
    Edition,
    EditionChange,
    EditionState,
    Fallback,
    Reason,
    Source,
    Unapproved,
    UncertainCase,
    VoidCause,
)

MOST: Final = 20  # of each kind
# An edition of which a larger part may have arrived is told of: `deliveries.settle` leaves this mark.
MANY_PERCENT: Final = 1
MANY_ACTION: Final = "edition.many_uncertain"


class Want(StrEnum):
    """What a person is wanted for."""

    DECIDE = "decide"  # it is held
    APPROVE = "approve"
    GO_ON = "go_on"  # it stopped in the middle


@dataclass(frozen=True, slots=True)
class WaitingEdition:
    """An edition that waits for somebody; `outcome` is what becomes of it at its deadline, if it has one."""

    id: int
    digest: str
    want: Want
    reason: Reason | None
    send_at: dt.datetime
    deadline_at: dt.datetime | None
    outcome: Unapproved | None


@dataclass(frozen=True, slots=True)
class DownSource:
    """A source that has not been read for an hour at least."""

    id: int
    title: str
    url: str
    since: dt.datetime
    fault_code: str | None
    fault_detail: str


@dataclass(frozen=True, slots=True)
class Doubtful:
    """An edition of which more than one mail in a hundred may have arrived, and nobody has settled it."""

    id: int
    digest: str
    send_at: dt.datetime
    uncertain: int
    people: int


@dataclass(frozen=True, slots=True)
class Attention:
    """All of it."""

    editions: tuple[WaitingEdition, ...] = ()
    sources: tuple[DownSource, ...] = ()
    doubtful: tuple[Doubtful, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.editions or self.sources or self.doubtful)


def attention(session: Session, me: Me, *, now: dt.datetime) -> Attention:
    """What needs a person who sees what `me` sees: three statements, a few rows of each."""
    return Attention(
        editions=_waiting(session, me),
        sources=_down(session, me, now=now),
        doubtful=_doubtful(session, me),
    )


def _waiting(session: Session, me: Me) -> tuple[WaitingEdition, ...]:
    """The nearest deadline first."""
    was_let_go = sa.exists().where(
        EditionChange.edition_id == Edition.id,
        EditionChange.kind == ChangeKind.ACCEPT,
        EditionChange.made_by == DEADLINE,
    )
    was_withdrawn = sa.exists().where(
        Approval.revision_id == Edition.revision_id, Approval.void_cause == VoidCause.WITHDRAWN
    )
    rows = session.execute(
        sa.select(
            Edition.id,
            Digest.title,
            Edition.state,
            Edition.reason,
            Edition.send_at,
            Edition.deadline_at,
            Cadence,
            was_let_go.label("was_let_go"),
            was_withdrawn.label("was_withdrawn"),
        )
        .join(Cadence, Cadence.id == Edition.cadence_id)
        .join(Digest, Digest.id == Cadence.digest_id)
        .where(
            Cadence.digest_id.in_(visible_digests(me)),
            Edition.state.in_((EditionState.HELD, EditionState.PAUSED, EditionState.FROZEN)),
            sa.or_(Edition.state != EditionState.FROZEN, wants_approval()),
        )
        .order_by(sa.func.coalesce(Edition.deadline_at, Edition.send_at), Edition.id)
        .limit(MOST)
    )
    return tuple(
        WaitingEdition(
            id=row.id,
            digest=row.title,
            want=_WANTS[row.state],
            reason=row.reason,
            send_at=row.send_at,
            deadline_at=None if row.state is EditionState.PAUSED else row.deadline_at,
            outcome=_outcome(row),
        )
        for row in rows
    )


_WANTS: Final = {
    EditionState.HELD: Want.DECIDE,
    EditionState.FROZEN: Want.APPROVE,
    EditionState.PAUSED: Want.GO_ON,
}


def _outcome(row: sa.Row[*tuple[Any, ...]]) -> Unapproved | None:
    """What `editions.deadlines` does with it."""
    cadence: Cadence = row.Cadence
    if row.state is EditionState.PAUSED:
        return None
    if row.state is EditionState.FROZEN:
        return Unapproved.SKIP if row.was_withdrawn else outcome_of(cadence)
    by_clock = row.reason is not Reason.BY_PERSON and row.reason not in STOPPED and not row.was_let_go
    return Unapproved.SEND if by_clock and cadence.hold_outcome is Fallback.SEND else Unapproved.SKIP


def _down(session: Session, me: Me, *, now: dt.datetime) -> tuple[DownSource, ...]:
    """That which is down the longest first."""
    mine = sa.select(DigestSource.source_id).where(DigestSource.digest_id.in_(visible_digests(me)))
    since = sa.func.coalesce(Source.last_good_at, Source.created_at)
    rows = session.execute(
        sa.select(Source.id, Source.title, Source.url, since, Source.fault_code, Source.fault_detail)
        .where(Source.id.in_(mine), source_is_down(now))
        .order_by(since, Source.id)
        .limit(MOST)
    )
    return tuple(DownSource(*row) for row in rows)


def _doubtful(session: Session, me: Me) -> tuple[Doubtful, ...]:
    """By the mark that the settling leaves once it finds many: nobody's deliveries are counted here."""
    rows = session.execute(
        sa.select(
            Edition.id,
            Digest.title,
            Edition.send_at,
            sa.func.count().label("uncertain"),
            sa.select(AuditEntry.details)
            .where(
                AuditEntry.action == MANY_ACTION,
                AuditEntry.target_kind == Edition.__name__,
                AuditEntry.target_id == Edition.id,
            )
            .order_by(AuditEntry.id)
            .limit(1)
            .scalar_subquery()
            .label("told"),
        )
        .join(UncertainCase, UncertainCase.edition_id == Edition.id)
        .join(Cadence, Cadence.id == Edition.cadence_id)
        .join(Digest, Digest.id == Cadence.digest_id)
        .where(UncertainCase.settled_at.is_(None), Cadence.digest_id.in_(visible_digests(me)))
        .group_by(Edition.id, Digest.title, Edition.send_at)
        .order_by(Edition.send_at.desc())
        .limit(MOST)
    )
    return tuple(
        Doubtful(row.id, row.title, row.send_at, row.uncertain, people)
        for row in rows
        if (people := int((row.told or {}).get("people", 0))) and row.uncertain * 100 > people * MANY_PERCENT
    )

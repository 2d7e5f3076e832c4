"""The evidence of what may have arrived: a case for each delivery of which nobody could know.

A case is opened when a delivery becomes `uncertain`, and settled once: by a late reply (`heard`), by a person
or by the list's policy (`deliveries.settle`). It is never removed, for it is what a person goes by who looks
for a mail in the mail service's own log.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.db.dialect import insert_or_refine, insert_select_if_new
from digest.models import Delivery, DeliveryStatus, Settlement, UncertainCase, UncertainCause

# Rows of one statement: eight values each, and SQLite takes 32,766.
_PART = 2_000
_COLUMNS = (
    "edition_id",
    "subscriber_id",
    "attempt",
    "since",
    "cause",
    "journal_id",
    "transport_id",
    "settled_by",
)

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """Why one delivery is uncertain: `since` is when its final dot left, as far as that is known."""

    subscriber_id: int
    attempt: int
    since: dt.datetime
    cause: UncertainCause
    journal_id: int | None = None
    transport_id: int | None = None


def note(session: Session, edition_id: int, doubts: Sequence[Doubt]) -> None:
    """Open a case for each doubt whose delivery is uncertain at that attempt; call it once the rows say so.

    Doing it again changes nothing, except that a better piece of evidence is taken over while the case is
    open: one that names its journal, or one that knows more than that a journal was lost.
    """
    for some in parts(doubts):
        is_uncertain = {
            (row.subscriber_id, row.attempt)
            for row in session.execute(
                sa.select(Delivery.subscriber_id, Delivery.attempt).where(
                    Delivery.edition_id == edition_id,
                    Delivery.subscriber_id.in_([doubt.subscriber_id for doubt in some]),
                    Delivery.status == DeliveryStatus.UNCERTAIN,
                )
            )
        }
        # By key: one statement must not name a row twice.
        rows = {
            (doubt.subscriber_id, doubt.attempt): {
                "edition_id": edition_id,
                **asdict(doubt),
                "settled_by": "",
            }
            for doubt in some
            if (doubt.subscriber_id, doubt.attempt) in is_uncertain
        }
        if rows:
            insert_or_refine(
                session,
                UncertainCase,
                list(rows.values()),
                key=("edition_id", "subscriber_id", "attempt"),
                names=("since", "cause", "journal_id", "transport_id"),
                where=_knows_less(),
            )


def _knows_less() -> sa.ColumnElement[bool]:
    """Whether a case that is there would gain by evidence that comes later."""
    return sa.and_(
        UncertainCase.settled_at.is_(None),
        sa.or_(UncertainCase.journal_id.is_(None), UncertainCase.cause == UncertainCause.JOURNAL_LOST),
    )


def note_lost(session: Session, edition_id: int, batch_id: int, *, journal_id: int, now: dt.datetime) -> int:
    """Open a case for whoever is pending in a batch whose journal is not whole; returns how many.

    By one statement, and before the rows are changed: this may be half an edition.
    """
    lost = sa.select(
        Delivery.edition_id,
        Delivery.subscriber_id,
        Delivery.attempt,
        sa.literal(now, UncertainCase.since.type),
        sa.literal(UncertainCause.JOURNAL_LOST.value),
        sa.literal(journal_id, sa.BigInteger),
        sa.null().cast(sa.BigInteger),
        sa.literal(""),
    ).where(
        Delivery.edition_id == edition_id,
        Delivery.batch_id == batch_id,
        Delivery.status == DeliveryStatus.PENDING,
    )
    return insert_select_if_new(session, UncertainCase, _COLUMNS, lost)


def give_cases(session: Session, edition_id: int) -> int:
    """Open a case for each uncertain delivery of an edition that has none; returns how many.

    Those are from before cases were kept. A mail service is known of whoever was noted by a living worker.
    """
    cause = sa.case(
        (Delivery.transport_id.is_(None), UncertainCause.WORKER_ENDED.value),
        else_=UncertainCause.CONNECTION_ENDED.value,
    )
    bare = sa.select(
        Delivery.edition_id,
        Delivery.subscriber_id,
        Delivery.attempt,
        Delivery.sent_at,
        cause,
        sa.null().cast(sa.BigInteger),
        Delivery.transport_id,
        sa.literal(""),
    ).where(
        Delivery.edition_id == edition_id,
        Delivery.status == DeliveryStatus.UNCERTAIN,
        Delivery.sent_at.is_not(None),
    )
    return insert_select_if_new(session, UncertainCase, _COLUMNS, bare)


def heard(session: Session, edition_id: int, people: Sequence[int], *, now: dt.datetime) -> None:
    """Settle the cases of these subscribers whose reply came after all; the ledger must have it already."""
    has_reply = sa.exists().where(
        Delivery.edition_id == UncertainCase.edition_id,
        Delivery.subscriber_id == UncertainCase.subscriber_id,
        Delivery.attempt == UncertainCase.attempt,
        Delivery.status.in_((DeliveryStatus.SENT, DeliveryStatus.FAILED)),
    )
    is_unsaid = sa.or_(UncertainCase.settled_at.is_(None), UncertainCase.settlement == Settlement.CLOSED)
    mark(session, edition_id, people, sa.and_(has_reply, is_unsaid), Settlement.HEARD, by="", now=now)


def reopen(session: Session, edition_id: int, subscriber_id: int, *, attempt: int, now: dt.datetime) -> None:
    """Make an uncertain delivery pending again: the reply that came after all says that it was not taken."""
    session.execute(
        sa.update(Delivery)
        .where(
            Delivery.edition_id == edition_id,
            Delivery.subscriber_id == subscriber_id,
            Delivery.attempt == attempt,
            Delivery.status == DeliveryStatus.UNCERTAIN,
        )
        .values(status=DeliveryStatus.PENDING, sent_at=None),
        execution_options={"synchronize_session": False},
    )
    is_open = sa.and_(UncertainCase.attempt == attempt, UncertainCase.settled_at.is_(None))
    mark(session, edition_id, [subscriber_id], is_open, Settlement.HEARD, by="", now=now)


def mark(
    session: Session,
    edition_id: int,
    people: Sequence[int],
    only: sa.ColumnElement[bool],
    settlement: Settlement,
    *,
    by: str,
    now: dt.datetime,
) -> int:
    """Write how cases of these subscribers were settled; returns how many. `only` says which of them."""
    marked = 0
    for some in parts(people):
        changed = session.execute(
            sa.update(UncertainCase)
            .where(UncertainCase.edition_id == edition_id, UncertainCase.subscriber_id.in_(some), only)
            .values(settlement=settlement, settled_at=now, settled_by=by),
            execution_options={"synchronize_session": False},
        )
        marked += getattr(changed, "rowcount", 0)
    return marked


def parts(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """As many at a time as both databases take as parameters of one statement."""
    for start in range(0, len(rows), _PART):
        yield rows[start : start + _PART]

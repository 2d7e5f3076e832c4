"""What may have arrived, for whoever looks: each case with its evidence."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.models import (
    Cadence,
    Delivery,
    DeliveryStatus,
    Digest,
    Edition,
    Journal,
    Revision,
    Settlement,
    Subscriber,
    Transport,
    UncertainCase,
    UncertainCause,
)


@dataclass(frozen=True, slots=True)
class CaseLine:
    """One uncertain delivery: whose, since when and why, who sent it by what, and how it was settled.

    `since` is when the final dot left; for a lost journal, when that was found. What is not known is None;
    a delivery from before there were cases has no cause.
    """

    edition_id: int
    digest: str
    subject: str
    subscriber_id: int
    address: str | None
    attempt: int
    since: dt.datetime | None
    cause: UncertainCause | None
    host: str | None
    worker: str | None
    journal: str | None
    transport: str | None
    transport_host: str | None
    sender_address: str
    settlement: Settlement | None
    settled_at: dt.datetime | None
    settled_by: str


def list_cases(
    session: Session, *, edition_id: int | None = None, with_settled: bool = False, limit: int = 200
) -> list[CaseLine]:
    """The open cases, the newest first, of an edition if it is given; with the settled ones too if wanted."""
    query = _lines(UncertainCase).order_by(UncertainCase.since.desc(), UncertainCase.subscriber_id)
    if not with_settled:
        query = query.where(UncertainCase.settled_at.is_(None))
    if edition_id is not None:
        query = query.where(UncertainCase.edition_id == edition_id)
    found = [CaseLine(*row) for row in session.execute(query.limit(limit))]
    if edition_id is not None and len(found) < limit:
        found += _without_a_case(session, edition_id, limit - len(found))
    return found


def count_open(session: Session, *, edition_id: int | None = None) -> int:
    """How many cases are open, of all editions or of one."""
    query = sa.select(sa.func.count()).where(UncertainCase.settled_at.is_(None))
    if edition_id is not None:
        query = query.where(UncertainCase.edition_id == edition_id)
    return session.scalar(query) or 0


def _without_a_case(session: Session, edition_id: int, limit: int) -> list[CaseLine]:
    """The uncertain deliveries of an edition from before there were cases."""
    has_one = sa.exists().where(
        UncertainCase.edition_id == Delivery.edition_id,
        UncertainCase.subscriber_id == Delivery.subscriber_id,
        UncertainCase.attempt == Delivery.attempt,
    )
    query = _lines(Delivery).where(
        Delivery.edition_id == edition_id, Delivery.status == DeliveryStatus.UNCERTAIN, ~has_one
    )
    return [CaseLine(*row) for row in session.execute(query.order_by(Delivery.subscriber_id).limit(limit))]


def _lines(table: type[UncertainCase | Delivery]) -> sa.Select[*tuple[Any, ...]]:
    """What a line is made of: from the cases, or from the deliveries that have none."""
    evidence: tuple[Any, ...] = (Delivery.sent_at, sa.null())
    journal_id: Any = sa.null()
    end: tuple[Any, ...] = (sa.null(), sa.null(), sa.literal(""))
    if table is UncertainCase:
        evidence, journal_id = (UncertainCase.since, UncertainCase.cause), UncertainCase.journal_id
        end = (UncertainCase.settlement, UncertainCase.settled_at, UncertainCase.settled_by)
    return (
        sa.select(
            table.edition_id,
            Digest.name,
            sa.func.coalesce(Revision.subject, ""),
            table.subscriber_id,
            Subscriber.address,
            table.attempt,
            *evidence,
            Journal.host,
            Journal.worker,
            Journal.path,
            Transport.name,
            Transport.host,
            Digest.sender_address,
            *end,
        )
        .select_from(table)
        .join(Edition, Edition.id == table.edition_id)
        .join(Cadence, Cadence.id == Edition.cadence_id)
        .join(Digest, Digest.id == Cadence.digest_id)
        .outerjoin(Revision, Revision.id == Edition.revision_id)
        .outerjoin(Subscriber, Subscriber.id == table.subscriber_id)
        .outerjoin(Journal, Journal.id == journal_id)
        .outerjoin(Transport, Transport.id == table.transport_id)
    )

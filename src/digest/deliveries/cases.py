"""What may have arrived, for whoever looks: each case with its evidence."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
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
    MailingList,
    Revision,
    Settlement,
    Subscriber,
    Subscription,
    Transport,
    UncertainCase,
    UncertainCause,
    UncertainPolicy,
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


def open_cases(
    session: Session,
    edition_id: int,
    *,
    cause: UncertainCause | None = None,
    after: tuple[int, int] = (0, -1),
    limit: int = 50,
) -> list[CaseLine]:
    """The open cases of an edition by key, those that follow `after` (subscriber and attempt).

    With those that the policy has closed: whoever looks into it may still say what became of them.
    """
    query = _lines(UncertainCase).where(
        UncertainCase.edition_id == edition_id,
        _may_be_settled(),
        sa.tuple_(UncertainCase.subscriber_id, UncertainCase.attempt) > sa.tuple_(*after),
    )
    if cause is not None:
        query = query.where(UncertainCase.cause == cause)
    ordered = query.order_by(UncertainCase.subscriber_id, UncertainCase.attempt).limit(limit)
    return [CaseLine(*row) for row in session.execute(ordered)]


@dataclass(frozen=True, slots=True)
class Doubts:
    """How many cases of a cause a person may still settle; `resendable` were not sent again before."""

    cause: UncertainCause
    people: int
    resendable: int
    oldest: dt.datetime


def doubts_of(session: Session, edition_id: int) -> tuple[Doubts, ...]:
    """The cases of an edition that may be settled, by their cause, the most frequent first."""
    earlier = sa.orm.aliased(UncertainCase)
    was_resent = sa.exists().where(
        earlier.edition_id == UncertainCase.edition_id,
        earlier.subscriber_id == UncertainCase.subscriber_id,
        earlier.settlement == Settlement.RESENT,
    )
    rows = session.execute(
        sa.select(
            UncertainCase.cause,
            sa.func.count().label("people"),
            sa.func.sum(sa.case((was_resent, 0), else_=1)),
            sa.func.min(UncertainCase.since),
        )
        .where(UncertainCase.edition_id == edition_id, _may_be_settled())
        .group_by(UncertainCase.cause)
    )
    found = [Doubts(*row) for row in rows]
    return tuple(sorted(found, key=lambda one: (-one.people, one.cause.value)))


def people_of_cause(
    session: Session, edition_id: int, cause: UncertainCause, *, again: bool = False
) -> list[int]:
    """Whose open cases of an edition have this cause; with `again`, without those who were sent it twice."""
    query = sa.select(UncertainCase.subscriber_id).where(
        UncertainCase.edition_id == edition_id, UncertainCase.cause == cause, _may_be_settled()
    )
    if again:
        earlier = sa.orm.aliased(UncertainCase)
        query = query.where(
            ~sa.exists().where(
                earlier.edition_id == edition_id,
                earlier.subscriber_id == UncertainCase.subscriber_id,
                earlier.settlement == Settlement.RESENT,
            )
        )
    return list(session.scalars(query.order_by(UncertainCase.subscriber_id)))


def sent_twice(session: Session, edition_id: int, people: Sequence[int]) -> frozenset[int]:
    """Which of these subscribers were sent an edition once more already, after an earlier doubt."""
    found = sa.select(UncertainCase.subscriber_id).where(
        UncertainCase.edition_id == edition_id,
        UncertainCase.subscriber_id.in_(people),
        UncertainCase.settlement == Settlement.RESENT,
    )
    return frozenset(session.scalars(found))


def _may_be_settled() -> sa.ColumnElement[bool]:
    """Whether the delivery of a case is uncertain still, and nobody but the policy has said anything."""
    return sa.and_(
        sa.or_(UncertainCase.settled_at.is_(None), UncertainCase.settlement == Settlement.CLOSED),
        sa.exists().where(
            Delivery.edition_id == UncertainCase.edition_id,
            Delivery.subscriber_id == UncertainCase.subscriber_id,
            Delivery.attempt == UncertainCase.attempt,
            Delivery.status == DeliveryStatus.UNCERTAIN,
        ),
    )


def policies_of(session: Session, edition_id: int) -> tuple[UncertainPolicy, ...]:
    """What the lists of the people in doubt say, should nobody settle it."""
    found = session.scalars(
        sa.select(MailingList.uncertain_policy)
        .join(Subscription, Subscription.list_id == MailingList.id)
        .join(Delivery, Delivery.subscription_id == Subscription.id)
        # From the side of the cases, which are few: no index leads to a status.
        .join(
            UncertainCase,
            sa.and_(
                UncertainCase.edition_id == Delivery.edition_id,
                UncertainCase.subscriber_id == Delivery.subscriber_id,
            ),
        )
        .where(
            UncertainCase.edition_id == edition_id,
            Delivery.edition_id == edition_id,
            Delivery.status == DeliveryStatus.UNCERTAIN,
        )
        .distinct()
    )
    return tuple(sorted(found, key=lambda one: one.value))


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

"""How far an edition is handed over: figures from the rows, a constant number of statements.

Nothing is counted in Python: each figure is one GROUP BY, whatever the size of the audience. Of a large one
it may be as old as a few seconds, as long as somebody looks, but not from before what a person did to it.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import audit
from digest.db.remembered import Remembered
from digest.db.tuning import with_room_to_work
from digest.deliveries.came_of import kept_figures
from digest.deliveries.figures import (
    FINAL_STATES,
    Batches,
    Details,
    FaultLine,
    Progress,
    ProviderLine,
    ReplyLine,
    RestLine,
    Waiting,
    expected_end,
)
from digest.deliveries.ledger import RESENT_MARK
from digest.deliveries.providers import OTHER, in_sql
from digest.models import (
    Batch,
    CoolDown,
    Delivery,
    DeliveryReason,
    DeliveryStatus,
    Edition,
    EditionFigures,
    EditionState,
    EditionTotals,
    Reply,
    Subscriber,
    Transport,
)

_SHORT, _LONG = 10, 60  # seconds over which the rate is taken
_REPLIES = 20


def progress(session: Session, edition_id: int, *, now: dt.datetime, details: bool = True) -> Progress:
    """How far an edition is handed over. Without `details` no providers and replies: those cost the most."""
    edition = session.get_one(Edition, edition_id, populate_existing=True)
    kept = kept_figures(session, edition_id) if edition.state in FINAL_STATES else None
    acts = audit.last_acts(session, Edition, [edition_id]) if kept is None else {}
    key = (edition_id, edition.public_id, edition.state in FINAL_STATES, acts.get(edition_id))
    if kept is not None:
        rows, detail = _kept_rows(kept), Details.of(kept.details)
    else:
        rows, detail = (
            _remembered_rows.of(session, key, lambda using: _rows(using, edition_id, now)),
            Details(),
        )
    counts, reasons, recent, waiting = dict(rows.counts), rows.reasons, rows.recent, rows.waiting
    batches, faults = _batches(session, edition_id, now)
    totals = session.get(EditionTotals, edition_id, populate_existing=True)
    if totals is not None:
        counts |= {
            DeliveryStatus.SENT: totals.sent,
            DeliveryStatus.FAILED: totals.failed,
            DeliveryStatus.SKIPPED: totals.skipped,
            DeliveryStatus.UNCERTAIN: totals.uncertain,
        }
    sending_for = max(1.0, (now - edition.state_since).total_seconds())
    rate, rate_last_minute = (count / min(span, sending_for) for span, count in recent.items())
    is_moving = edition.state is EditionState.SENDING or (edition.state is EditionState.SENT and batches.open)
    ends_at = None
    if is_moving:
        pending = counts[DeliveryStatus.PENDING] - waiting.deferred
        per_second = rate_last_minute or rate or _pace(session) or 0.0
        ends_at = expected_end(pending, per_second, waiting.planned_until, now=now)
    if details and kept is None:
        detail = _remembered_details.of(session, key, lambda using: _details(using, edition_id))
    return Progress(
        edition_id=edition_id,
        state=edition.state,
        reason=edition.reason,
        reason_detail=edition.reason_detail,
        state_since=edition.state_since,
        at=now,
        counts=counts,
        reasons=reasons,
        rate=rate,
        rate_last_minute=rate_last_minute,
        ends_at=ends_at,
        batches=batches,
        waiting=waiting,
        providers=detail.providers if details else (),
        replies=detail.replies if details else (),
        faults=faults,
        rests=_rests(session, now),
        dropped_at=totals.dropped_at if totals is not None else None,
    )


@dataclass(frozen=True, slots=True)
class _Rows:
    """What is counted of the rows of an edition; `recent` are those of the last seconds, by their number."""

    counts: dict[DeliveryStatus, int]
    reasons: dict[DeliveryReason, int]
    recent: dict[int, int]
    waiting: Waiting


# An edition; whether it is over, and what was last done to it: then it is counted once more.
_Key = tuple[int, str, bool, int | None]
_remembered_rows: Final[Remembered[_Key, _Rows]] = Remembered(
    lambda found: sum(found.counts.values()), seconds=3, usable=30
)
_remembered_details: Final[Remembered[_Key, Details]] = Remembered(
    lambda found: sum(line.people for line in found.providers), seconds=10, usable=60
)


def _rows(session: Session, edition_id: int, now: dt.datetime) -> _Rows:
    counts, reasons, recent = _counts(session, edition_id, now)
    waiting = _waiting(session, edition_id, now) if counts[DeliveryStatus.PENDING] else Waiting()
    return _Rows(counts, reasons, recent, waiting)


def _details(session: Session, edition_id: int) -> Details:
    """What costs the most: who receives it, and what was answered."""
    with_room_to_work(session)
    return Details(providers=providers_of(session, edition_id), replies=replies_of(session, edition_id))


def _kept_rows(kept: EditionFigures) -> _Rows:
    """Of an edition that is over nobody waits, and nothing is recent."""
    counts = {status: getattr(kept, status.value, 0) for status in DeliveryStatus}
    return _Rows(counts, Details.of(kept.details).reasons, {_SHORT: 0, _LONG: 0}, Waiting())


def details_of(session: Session, edition_id: int, *, now: dt.datetime) -> Details:
    """All of an edition that is kept beside its counts once it is over."""
    reasons = _counts(session, edition_id, now)[1]
    return replace(_details(session, edition_id), reasons=reasons)


def _counts(
    session: Session, edition_id: int, now: dt.datetime
) -> tuple[dict[DeliveryStatus, int], dict[DeliveryReason, int], dict[int, int]]:
    """People by status, the skipped and failed by reason, and how many were sent in the last seconds."""

    def since(seconds: int) -> sa.ColumnElement[int]:
        is_recent = sa.and_(
            Delivery.status == DeliveryStatus.SENT, Delivery.sent_at > now - dt.timedelta(seconds=seconds)
        )
        return sa.func.sum(sa.case((is_recent, 1), else_=0))

    rows = session.execute(
        sa.select(Delivery.status, Delivery.reason, sa.func.count(), since(_SHORT), since(_LONG))
        .where(Delivery.edition_id == edition_id)
        .group_by(Delivery.status, Delivery.reason)
    )
    counts = dict.fromkeys(DeliveryStatus, 0)
    reasons: dict[DeliveryReason, int] = defaultdict(int)
    recent = {_SHORT: 0, _LONG: 0}
    for status, reason, count, short, long in rows:
        counts[status] += count
        if reason is not None:
            reasons[reason] += count
        recent[_SHORT] += short
        recent[_LONG] += long
    return counts, dict(reasons), recent


def _batches(session: Session, edition_id: int, now: dt.datetime) -> tuple[Batches, tuple[FaultLine, ...]]:
    """The open batches, and what mail services do wrong, each fault once."""
    is_held = Batch.journal_id.is_not(None)
    is_retrying = sa.and_(~is_held, Batch.fault != "", Batch.not_before > now)
    rows = session.execute(
        sa.select(
            Batch.fault,
            sa.func.count(),
            sa.func.sum(sa.case((is_held, 1), else_=0)),
            sa.func.sum(sa.case((is_retrying, 1), else_=0)),
            sa.func.min(sa.case((~is_held, Batch.not_before), else_=None)),
            sa.func.min(Batch.not_before),
        )
        .where(Batch.edition_id == edition_id, Batch.closed_at.is_(None))
        .group_by(Batch.fault)
        .order_by(Batch.fault)
    ).all()
    next_tries = [row[4] for row in rows if row[4] is not None]
    batches = Batches(
        open=sum(row[1] for row in rows),
        held=sum(row[2] for row in rows),
        retrying=sum(row[3] for row in rows),
        next_try_at=min(next_tries, default=None),
    )
    return batches, tuple(FaultLine(row[0], row[1], row[5]) for row in rows if row[0])


def _waiting(session: Session, edition_id: int, now: dt.datetime) -> Waiting:
    """Pending people whose batch is not due yet."""
    # A round of a hundred begins with a first try; what is above it was deferred by a reply.
    is_deferred = sa.case((Delivery.attempt % RESENT_MARK > 0, 1), else_=0).label("is_deferred")
    rows = session.execute(
        sa.select(is_deferred, sa.func.count(), sa.func.min(Batch.not_before), sa.func.max(Batch.not_before))
        .join(Batch, Batch.id == Delivery.batch_id)
        .where(
            Delivery.edition_id == edition_id,
            Delivery.status == DeliveryStatus.PENDING,
            Batch.edition_id == edition_id,
            Batch.closed_at.is_(None),
            Batch.not_before > now,
        )
        .group_by(is_deferred)
    )
    found = {bool(row[0]): row for row in rows}
    planned, deferred = found.get(False), found.get(True)
    return Waiting(
        planned=planned[1] if planned else 0,
        planned_until=planned[3] if planned else None,
        deferred=deferred[1] if deferred else 0,
        next_try_at=deferred[2] if deferred else None,
    )


def providers_of(session: Session, edition_id: int) -> tuple[ProviderLine, ...]:
    """People by receiving provider and status, the largest first, all others at the end."""
    # First by domain: the table of providers is looked into once for each of them, not for each person.
    by_domain = (
        sa.select(Subscriber.domain, Delivery.status, sa.func.count().label("people"))
        .select_from(Delivery)
        .join(Subscriber, Subscriber.id == Delivery.subscriber_id)
        .where(Delivery.edition_id == edition_id)
        .group_by(Subscriber.domain, Delivery.status)
        .subquery()
    )
    grouped = sa.select(in_sql(by_domain.c.domain).label("name"), by_domain.c.status, by_domain.c.people)
    named = grouped.subquery()
    rows = session.execute(
        sa.select(named.c.name, named.c.status, sa.func.sum(named.c.people)).group_by(
            named.c.name, named.c.status
        )
    )
    found: dict[str, dict[DeliveryStatus, int]] = defaultdict(lambda: dict.fromkeys(DeliveryStatus, 0))
    for name, status, people in rows:
        found[name][status] = int(people)
    lines = [ProviderLine(name, counts) for name, counts in found.items()]
    return tuple(sorted(lines, key=lambda line: (line.name == OTHER, -line.people, line.name)))


def replies_of(session: Session, edition_id: int) -> tuple[ReplyLine, ...]:
    """The last answers by how often they were given; those that say no come first."""
    counted = (
        sa.select(Delivery.status, Delivery.reply_id, sa.func.count().label("people"))
        .where(Delivery.edition_id == edition_id, Delivery.reply_id.is_not(None))
        .group_by(Delivery.status, Delivery.reply_id)
        .subquery()
    )
    rows = session.execute(
        sa.select(counted.c.status, Reply.code, Reply.enhanced, Reply.text, counted.c.people)
        .join(Reply, Reply.id == counted.c.reply_id)
        .order_by(
            sa.case((counted.c.status == DeliveryStatus.SENT, 1), else_=0), counted.c.people.desc(), Reply.id
        )
        .limit(_REPLIES)
    )
    return tuple(ReplyLine(*row) for row in rows)


def _rests(session: Session, now: dt.datetime) -> tuple[RestLine, ...]:
    """What rests now: whole mail services, then domains at them."""
    until = sa.func.coalesce(Transport.rests_until, now)  # never empty here, and typed so
    services = sa.select(Transport.name, sa.literal(""), until, Transport.fault).where(
        Transport.is_enabled, Transport.rests_until > now
    )
    domains = (
        sa.select(Transport.name, CoolDown.domain, CoolDown.until, sa.func.coalesce(Reply.text, ""))
        .join(Transport, Transport.id == CoolDown.transport_id)
        .outerjoin(Reply, Reply.id == CoolDown.reply_id)
        .where(CoolDown.until > now)
        .order_by(CoolDown.until.desc(), CoolDown.domain)
        .limit(_REPLIES)
    )
    found = [RestLine(*row) for row in session.execute(services.order_by(Transport.rank, Transport.id))]
    return (*found, *(RestLine(*row) for row in session.execute(domains)))


def _pace(session: Session) -> float | None:
    """The set pace of the mail service that is used first, in messages a second."""
    row = session.execute(
        sa.select(Transport.per_second, Transport.per_hour)
        .where(Transport.is_enabled)
        .order_by(Transport.rank, Transport.id)
        .limit(1)
    ).first()
    if row is None:
        return None
    paces = [pace for pace in (row.per_second, row.per_hour and row.per_hour / 3600) if pace]
    return min(paces, default=None)

"""Write what became of deliveries: by groups, by statements over many rows, never row by row."""

from __future__ import annotations

import datetime as dt
import functools
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple, cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.db.dialect import among, among_bound, ids_text
from digest.deliveries.replies import intern_replies
from digest.deliveries.retry import next_try
from digest.deliveries.uncertain import Doubt, heard, note, reopen
from digest.mail.transport import Outcome
from digest.mail.transport import Reply as MailReply
from digest.models import (
    Batch,
    Cadence,
    Delivery,
    DeliveryReason,
    DeliveryStatus,
    Edition,
    EditionState,
    UncertainCause,
)

# What an outcome means for the person; one that is not here is no final result.
STATUS_OF = {
    Outcome.ACCEPTED: DeliveryStatus.SENT,
    Outcome.REFUSED: DeliveryStatus.FAILED,
    Outcome.UNKNOWN: DeliveryStatus.UNCERTAIN,
}

# The attempt number of a delivery that was sent again after it was uncertain; its retries count on from here.
RESENT_MARK = 100

_Alike = tuple[DeliveryStatus, int, int | None, int | None, DeliveryReason | None]


class Result(NamedTuple):
    """What became of one delivery: its final status, or PENDING for one that is to be tried later.

    `cause` and `journal_id` are the evidence of an UNCERTAIN one.
    """

    subscriber_id: int
    attempt: int
    status: DeliveryStatus
    at: dt.datetime
    reply: MailReply | None = None
    transport_id: int | None = None
    reason: DeliveryReason | None = None  # of one that was skipped, or failed without a reply
    cause: UncertainCause = UncertainCause.CONNECTION_ENDED
    journal_id: int | None = None


def record(session: Session, edition_id: int, results: Iterable[Result]) -> None:
    """Record results that are final.

    A row changes only while it is pending at the result's own attempt, so that a late or repeated result
    does nothing; an `uncertain` one may still be settled by a reply.
    """
    known = list(results)
    replies = intern_replies(session, {result.reply for result in known if result.reply})
    groups: dict[_Alike, list[Result]] = defaultdict(list)
    for result in known:
        reply_id = replies[result.reply] if result.reply else None
        alike = result.status, result.attempt, reply_id, result.transport_id, result.reason
        groups[alike].append(result)
    dialect = session.get_bind().dialect.name
    for (status, attempt, reply_id, transport_id, reason), members in groups.items():
        was_handed_over = status in (DeliveryStatus.SENT, DeliveryStatus.UNCERTAIN)
        session.connection().execute(
            _recorded(dialect, may_settle=status in (DeliveryStatus.SENT, DeliveryStatus.FAILED)),
            {
                "of_edition": edition_id,
                "ids": ids_text(dialect, [result.subscriber_id for result in members]),
                "at_attempt": attempt,
                "new_status": status,
                "new_reply": reply_id,
                "new_transport": transport_id,
                "new_reason": reason,
                # One moment for the group, which spans two seconds at the most.
                "new_moment": members[-1].at if was_handed_over else None,
            },
        )
    doubts = [_doubt(one) for one in known if one.status is DeliveryStatus.UNCERTAIN]
    if doubts:
        note(session, edition_id, doubts)


@functools.cache
def _recorded(dialect: str, *, may_settle: bool) -> sa.Update:
    """The statement of `record`, built once: it is run for every hundred mails."""
    open_to_change = [DeliveryStatus.PENDING]
    if may_settle:
        open_to_change.append(DeliveryStatus.UNCERTAIN)
    table = cast("sa.Table", Delivery.__table__)
    return (
        sa.update(table)
        .where(
            table.c.edition_id == sa.bindparam("of_edition"),
            among_bound(dialect, table.c.subscriber_id, sa.bindparam("ids", type_=sa.Text)),
            table.c.status.in_(open_to_change),
            table.c.attempt == sa.bindparam("at_attempt"),
        )
        .values(
            status=sa.bindparam("new_status"),
            reply_id=sa.bindparam("new_reply"),
            transport_id=sa.bindparam("new_transport"),
            reason=sa.bindparam("new_reason"),
            sent_at=sa.bindparam("new_moment"),
        )
    )


def _doubt(result: Result) -> Doubt:
    return Doubt(
        subscriber_id=result.subscriber_id,
        attempt=result.attempt,
        since=result.at,
        cause=result.cause,
        journal_id=result.journal_id,
        transport_id=result.transport_id,
    )


def defer(
    session: Session,
    edition_id: int,
    results: Sequence[Result],
    *,
    now: dt.datetime,
    transport_id: int | None = None,
) -> None:
    """Put deferred deliveries (4xx) into a retry batch for each attempt, within the edition's useful life.

    Those for which it would be over by then have failed. `transport_id` binds them to a mail service, as the
    batch that they come from is.
    """
    if not results:
        return
    by_id = {result.subscriber_id: result for result in results}
    rows = session.execute(
        sa.select(Delivery.subscriber_id, Delivery.attempt).where(
            Delivery.edition_id == edition_id,
            among(session, Delivery.subscriber_id, list(by_id)),
            Delivery.status == DeliveryStatus.PENDING,
        )
    ).all()
    until = useful_until(session, edition_id, now=now)
    again: dict[tuple[int, int | None], list[int]] = defaultdict(list)
    given_up: list[Result] = []
    replies = intern_replies(session, {result.reply for result in results if result.reply})
    for subscriber_id, attempt in rows:
        result = by_id[subscriber_id]
        if attempt != result.attempt:
            continue  # deferred already: this is a journal that says so a second time
        if next_try(_tries(attempt), now=now, useful_until=until) is None:
            late = result._replace(status=DeliveryStatus.FAILED, at=now, reason=DeliveryReason.TOO_LATE)
            given_up.append(late)
        else:
            again[attempt, replies[result.reply] if result.reply else None].append(subscriber_id)
    record(session, edition_id, given_up)
    batches: dict[int, int] = {}
    for (attempt, reply_id), people in again.items():
        if attempt not in batches:
            not_before = next_try(_tries(attempt), now=now, useful_until=until) or now
            batches[attempt] = add_batch(
                session, edition_id, not_before=not_before, transport_id=transport_id
            )
        is_as_it_was = sa.and_(Delivery.status == DeliveryStatus.PENDING, Delivery.attempt == attempt)
        move_to_batch(
            session,
            edition_id,
            people,
            only=is_as_it_was,
            batch_id=batches[attempt],
            attempt=attempt + 1,
            reply_id=reply_id,
        )


def record_heard(session: Session, edition_id: int, results: Sequence[Result], *, now: dt.datetime) -> None:
    """Record answers that came when their deliveries were uncertain already, and settle those cases."""
    final = [result for result in results if result.status is not DeliveryStatus.PENDING]
    record(session, edition_id, final)
    heard(session, edition_id, [result.subscriber_id for result in final], now=now)
    for result in results:
        if result.status is DeliveryStatus.PENDING:  # "later": it was not taken, and is to be tried again
            reopen(session, edition_id, result.subscriber_id, attempt=result.attempt, now=now)
            defer(session, edition_id, [result], now=now)


def useful_until(session: Session, edition_id: int, *, now: dt.datetime) -> dt.datetime:
    """Until when an edition is worth having; anew from now for people who are sent it once more later on."""
    row = session.execute(
        sa.select(Edition.state_since, Edition.state, Cadence.useful_seconds)
        .join(Cadence, Cadence.id == Edition.cadence_id)
        .where(Edition.id == edition_id)
    ).one()
    begins = now if row.state is EditionState.SENT else row.state_since
    return begins + dt.timedelta(seconds=row.useful_seconds)


def add_batch(
    session: Session, edition_id: int, *, not_before: dt.datetime, transport_id: int | None = None
) -> int:
    """A new, empty batch of an edition, which may be bound to one mail service; its id."""
    batch = Batch(edition_id=edition_id, not_before=not_before, transport_id=transport_id)
    session.add(batch)
    session.flush()
    return batch.id


def move_to_batch(
    session: Session,
    edition_id: int,
    people: Sequence[int],
    *,
    only: sa.ColumnElement[bool],
    batch_id: int,
    attempt: int | sa.ColumnElement[int],
    reply_id: int | None = None,
) -> int:
    """Make deliveries pending in another batch, as attempt number `attempt`; returns how many.

    `only` says in which state they were read: one that was changed since stays where it is, for it may be on
    the wire.
    """
    changed = session.execute(
        sa.update(Delivery)
        .where(Delivery.edition_id == edition_id, among(session, Delivery.subscriber_id, people), only)
        .values(
            status=DeliveryStatus.PENDING,
            batch_id=batch_id,
            attempt=attempt,
            reply_id=reply_id,
            reason=None,
            sent_at=None,
        ),
        execution_options={"synchronize_session": False},
    )
    return int(getattr(changed, "rowcount", 0))


def close_if_done(session: Session, batch_id: int, *, now: dt.datetime) -> bool:
    """Close a batch of which nothing is pending any more; true if it is closed now."""
    session.flush()
    closed = session.connection().execute(_closed(), {"of_batch": batch_id, "now": now})
    return bool(closed.rowcount)


@functools.cache
def _closed() -> sa.Update:
    """The statement of `close_if_done`, built once: it is run for every batch."""
    batches = cast("sa.Table", Batch.__table__)
    pending = sa.exists().where(
        Delivery.batch_id == batches.c.id,
        Delivery.edition_id == batches.c.edition_id,
        Delivery.status == DeliveryStatus.PENDING,
    )
    return (
        sa.update(batches)
        .where(batches.c.id == sa.bindparam("of_batch"), batches.c.closed_at.is_(None), ~pending)
        .values(closed_at=sa.bindparam("now"), leased_until=None, journal_id=None, fault="")
    )


def _tries(attempt: int) -> int:
    """How often a delivery was tried, counted anew for one that is sent again after it was uncertain."""
    return attempt % RESENT_MARK

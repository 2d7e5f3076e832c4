"""A person's hand on a running send: pause, resume, cancel, and retry those who failed.

Each step changes rows only. A worker reads the edition's state anew before each group, so what is decided
here holds from the next group on. Doing a thing twice is doing it once: the second time changes nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import audit
from digest.deliveries.handover import enqueue_due_batches, finish_served
from digest.deliveries.ledger import RESENT_MARK
from digest.deliveries.plan import BATCH_SIZE
from digest.deliveries.providers import of_provider
from digest.deliveries.switch import change_variants
from digest.editions.gate import check_approved
from digest.editions.states import check_may_go_out, move
from digest.errors import StateError
from digest.i18n import N_
from digest.lists.segments import edition_audience
from digest.models import (
    Batch,
    Delivery,
    DeliveryStatus,
    Edition,
    EditionState,
    EditionTotals,
    Reason,
    Reply,
    Revision,
    Subscriber,
)
from digest.queueing.enqueue import enqueue
from digest.queueing.names import TaskName

S = EditionState
CANCELLABLE = (S.FROZEN, S.SENDING, S.PAUSED)
# Who paused an edition that no person has paused.
_MACHINE = "machine"
_DETAIL_LENGTH = 500
# The column of the attempt number holds no more rounds.
_LAST_ROUND = 32_000
# Hints at the batches of a retry; what is not hinted at is found by the tick.
_HINTS = 16


@dataclass(frozen=True, slots=True)
class Failed:
    """Which of the failed people are meant: all, or those of some replies and of some providers.

    `codes` are SMTP codes (550), `enhanced` enhanced ones (5.7.1), `providers` names of
    `deliveries.providers`, `replies` ids of answers, None among them for those without one. An empty one
    leaves nobody out.
    """

    codes: Sequence[int] = ()
    enhanced: Sequence[str] = ()
    providers: Sequence[str] = ()
    replies: Sequence[int | None] = ()


def pause(session: Session, edition: Edition, *, actor: str, now: dt.datetime, detail: str = "") -> bool:
    """Stop handing over; false if it is paused already. Raises StateError if it is not being handed over.

    What is on the wire is finished; nothing begins later than the group that a worker is at.
    """
    return _pause(session, edition, Reason.BY_PERSON, actor=actor, now=now, detail=detail)


def pause_for_transport(session: Session, edition_id: int, problem: str, *, now: dt.datetime) -> bool:
    """Pause an edition that its mail service takes nothing of; false if it is no longer being handed over.

    `problem` are the service's words, for a person: they hold no address.
    """
    edition = session.get_one(Edition, edition_id)
    _lock(session, edition)
    if edition.state is not S.SENDING:
        return False
    return _pause(session, edition, Reason.TRANSPORT_FAILING, actor=_MACHINE, now=now, detail=problem)


def resume(session: Session, edition: Edition, *, actor: str, now: dt.datetime) -> bool:
    """Go on with those who are pending; false if it is being handed over already.

    What a mail service had done wrong is forgotten: its batches are tried at once. Raises StateError for an
    edition that is not paused.
    """
    _lock(session, edition)
    if edition.state is S.SENDING:
        return False
    if edition.state is not S.PAUSED:
        raise StateError(
            N_("Only a paused edition can go on."), hint=f"Edition {edition.id} is {edition.state}."
        )
    move(session, edition, S.SENDING, now=now)
    _execute(
        session,
        sa.update(Batch)
        .where(
            Batch.edition_id == edition.id,
            Batch.closed_at.is_(None),
            Batch.journal_id.is_(None),
            Batch.fault != "",
        )
        .values(fault="", faults_in_a_row=0, not_before=now),
    )
    audit.record(session, "edition.resume", edition, actor=actor, now=now)
    # The last group may have been recorded while it was paused.
    finish_served(session, now=now)
    enqueue_due_batches(session, now=now)
    return True


def cancel(session: Session, edition: Edition, *, actor: str, now: dt.datetime, detail: str = "") -> bool:
    """Stop for good; false if it is cancelled already. Raises StateError if nothing of it can be stopped.

    This takes the state alone, so that it is quick and workers see it at once. The pending deliveries become
    `skipped` by `handover.settle_cancelled`, which every sweep and every worker that lets go calls.
    """
    _lock(session, edition)
    if edition.state is S.CANCELLED:
        return False
    if edition.state not in CANCELLABLE:
        raise StateError(
            N_("Only an edition that is locked, on its way or paused can be stopped for good."),
            hint=f"Edition {edition.id} is {edition.state}.",
        )
    was = edition.state
    move(session, edition, S.CANCELLED, now=now, reason=Reason.BY_PERSON, detail=detail[:_DETAIL_LENGTH])
    audit.record(session, "edition.cancel", edition, actor=actor, now=now, details={"was": was.value})
    return True


def retry(
    session: Session, edition: Edition, which: Failed | None = None, *, actor: str, now: dt.datetime
) -> int:
    """Open new batches of the current version for people who failed; returns how many people.

    Whoever failed with an earlier version has nothing of it: they get the one that put it right.

    The edition stays in its state, `sending` or `sent`. Each attempt number goes up to the next round of a
    hundred: a late word on an earlier round changes nothing, and the retries of a 4xx begin anew. Who has
    left meanwhile is skipped when their turn comes. Raises StateError for an edition in any other state, for
    one whose people are no longer on record, and for a version that the checks stop.
    """
    _lock(session, edition)
    if edition.state not in (S.SENDING, S.SENT):
        raise StateError(
            N_("Nobody is tried once more before an edition is handed over."),
            hint=f"Edition {edition.id} is {edition.state}.",
        )
    if session.get(EditionTotals, edition.id) is not None:
        raise StateError(
            N_("Edition %(number)s is so old that its people are no longer on record."), number=edition.id
        )
    check_may_go_out(session, edition.revision_id)
    check_approved(session, edition)
    people = _failed(edition.id, which or Failed())
    count = session.scalar(sa.select(sa.func.count()).select_from(people.subquery())) or 0
    if count == 0:
        return 0
    moved, batches = _move_to_new_batches(session, edition.id, people, count, now=now)
    change_variants(session, edition, session.get_one(Revision, edition.revision_id), batches=batches)
    details: dict[str, Any] = {"people": moved, "codes": [], "enhanced": [], "providers": []}
    if which is not None:
        details |= {
            "codes": list(which.codes),
            "enhanced": list(which.enhanced),
            "providers": list(which.providers),
        }
        if which.replies:
            details["replies"] = list(which.replies)
    audit.record(session, "edition.retry", edition, actor=actor, now=now, details=details)
    return moved


def count_failed(session: Session, edition_id: int, which: Failed | None = None) -> int:
    """How many people a retry would be for."""
    people = _failed(edition_id, which or Failed()).subquery()
    return session.scalar(sa.select(sa.func.count()).select_from(people)) or 0


def count_waiting(session: Session, edition: Edition) -> int:
    """How many people an edition would go to now: its pending ones, or its audience if that is not fixed."""
    if edition.planned_at is None:
        people = edition_audience(session, edition).subquery()
        return session.scalar(sa.select(sa.func.count()).select_from(people)) or 0
    pending = sa.select(sa.func.count()).where(
        Delivery.edition_id == edition.id, Delivery.status == DeliveryStatus.PENDING
    )
    return session.scalar(pending) or 0


def _pause(
    session: Session, edition: Edition, reason: Reason, *, actor: str, now: dt.datetime, detail: str
) -> bool:
    _lock(session, edition)
    if edition.state is S.PAUSED:
        return False
    if edition.state is not S.SENDING:
        raise StateError(
            N_("Only an edition that is being handed over can be paused."),
            hint=f"Edition {edition.id} is {edition.state}.",
        )
    move(session, edition, S.PAUSED, now=now, reason=reason, detail=detail[:_DETAIL_LENGTH])
    audit.record(session, "edition.pause", edition, actor=actor, now=now, details={"reason": reason.value})
    return True


def _lock(session: Session, edition: Edition) -> None:
    """Read the edition anew and hold its row, so that two who change it come one after the other.

    The weaker lock: workers go on adding batches, which name the edition.
    """
    session.flush()
    session.refresh(edition, with_for_update={"key_share": True})


def _failed(edition_id: int, which: Failed) -> sa.Select[int, str | None]:
    """(subscriber_id, domain) of the failed people that are meant."""
    query = (
        sa.select(Delivery.subscriber_id, Subscriber.domain)
        .join(Subscriber, Subscriber.id == Delivery.subscriber_id)
        .where(
            Delivery.edition_id == edition_id,
            Delivery.status == DeliveryStatus.FAILED,
            Delivery.attempt < _LAST_ROUND,
        )
    )
    if which.codes or which.enhanced:
        query = query.join(Reply, Reply.id == Delivery.reply_id)
    if which.replies:
        known = [one for one in which.replies if one is not None]
        is_one = Delivery.reply_id.in_(known)
        query = query.where(sa.or_(is_one, Delivery.reply_id.is_(None)) if None in which.replies else is_one)
    if which.codes:
        query = query.where(Reply.code.in_(which.codes))
    if which.enhanced:
        query = query.where(Reply.enhanced.in_(which.enhanced))
    if which.providers:
        query = query.where(sa.or_(*(of_provider(Subscriber.domain, name) for name in which.providers)))
    return query


def _move_to_new_batches(
    session: Session, edition_id: int, people: sa.Select[int, str | None], count: int, *, now: dt.datetime
) -> tuple[int, list[int]]:
    """Seat people in new batches, neighbours of one domain side by side; how many came, and into which."""
    batches = [Batch(edition_id=edition_id, not_before=now) for _ in range(-(-count // BATCH_SIZE))]
    session.add_all(batches)
    session.flush()
    found = people.subquery("found")
    numbered = sa.select(
        found.c.subscriber_id,
        (sa.func.row_number().over(order_by=(found.c.domain, found.c.subscriber_id)) - 1).label("place"),
    ).subquery("numbered")
    number = numbered.c.place.op("/", return_type=sa.BigInteger())(BATCH_SIZE)
    new = (
        sa.select(Batch.id, (sa.func.row_number().over(order_by=Batch.id) - 1).label("number"))
        .where(Batch.id.in_([batch.id for batch in batches]))
        .subquery("new_batches")
    )
    seats = (
        sa.select(numbered.c.subscriber_id, new.c.id.label("batch_id"))
        .join(new, new.c.number == number)
        .subquery("seats")
    )
    moved = _execute(
        session,
        sa.update(Delivery)
        .where(
            Delivery.edition_id == edition_id,
            Delivery.subscriber_id == seats.c.subscriber_id,
            Delivery.status == DeliveryStatus.FAILED,
        )
        .values(
            status=DeliveryStatus.PENDING,
            batch_id=seats.c.batch_id,
            # The plain operator: `//` becomes FLOOR, which not every SQLite has.
            attempt=(Delivery.attempt.op("/")(RESENT_MARK) + 1) * RESENT_MARK,
            reason=None,
            transport_id=None,
            sent_at=None,
        ),
    )
    for batch in batches[:_HINTS]:
        enqueue(session, TaskName.SEND_BATCH, batch.id)
    return moved, [batch.id for batch in batches]


def _execute(session: Session, statement: sa.Update) -> int:
    """How many rows a statement has changed."""
    done = session.execute(statement, execution_options={"synchronize_session": False})
    return int(getattr(done, "rowcount", 0))

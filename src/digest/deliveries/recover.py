"""After a crash: fold the journals that nobody writes any more into the ledger.

A journal says more than the ledger, which is written by groups. An outcome found there is recorded. An
intent without an outcome means that the process ended between the final dot and the reply: nobody can
know whether that mail arrived, so its delivery is `uncertain`. Everything else is pending still.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.db import Database
from digest.deliveries.ledger import STATUS_OF, Result, add_batch, close_if_done, defer, move_to_batch, record
from digest.logs import get_logger
from digest.mail import journal as journals
from digest.mail.transport import Outcome
from digest.models import (
    Batch,
    Delivery,
    DeliveryStatus,
    Edition,
    EditionState,
    Journal,
    MailingList,
    Subscription,
    UncertainPolicy,
)
from digest.queueing.enqueue import enqueue
from digest.queueing.names import TaskName

log = get_logger(__name__)

# The attempt number of a delivery that was sent again after it was uncertain.
RESENT_MARK = 100


def fold_abandoned(database: Database, *, host: str, now: dt.datetime) -> int:
    """Fold every journal of this host whose worker is gone; returns how many were folded.

    A worker holds a lock on its journal for life, so a journal whose lock can be taken has no writer. The
    lock is kept while it is folded: two workers that start at once do not fold the same one.
    """
    with database.read() as session:
        waiting = session.execute(
            sa.select(Journal.id, Journal.path).where(Journal.host == host, Journal.folded_at.is_(None))
        ).all()
    folded = 0
    for journal_id, path in waiting:
        with journals.adopt(Path(path)) as found:
            if found is journals.Adoption.HELD:
                continue
            with database.write() as session:
                _fold(session, journal_id, found, now=now)
            folded += 1
        Path(path).unlink(missing_ok=True)
    return folded


def resend_uncertain(session: Session, *, after: dt.timedelta, now: dt.datetime) -> int:
    """Open a new batch for uncertain deliveries of lists with the policy `resend`; returns how many people.

    Each is sent once more at the most: a delivery that becomes uncertain again stays so. The edition may
    be `sent` already and stays in its state.
    """
    rows = session.execute(
        sa.select(Delivery.edition_id, Delivery.subscriber_id)
        .join(Edition, Edition.id == Delivery.edition_id)
        .join(Batch, Batch.id == Delivery.batch_id)
        .join(Subscription, Subscription.id == Delivery.subscription_id)
        .join(MailingList, MailingList.id == Subscription.list_id)
        .where(
            # Only what is recent is looked at: this runs at every tick.
            Edition.state.in_((EditionState.SENDING, EditionState.SENT)),
            Edition.state_since > now - after - dt.timedelta(days=3),
            Delivery.status == DeliveryStatus.UNCERTAIN,
            Delivery.sent_at <= now - after,
            Delivery.attempt < RESENT_MARK,
            MailingList.uncertain_policy == UncertainPolicy.RESEND,
        )
    ).all()
    by_edition: dict[int, list[int]] = defaultdict(list)
    for edition_id, subscriber_id in rows:
        by_edition[edition_id].append(subscriber_id)
    for edition_id, people in by_edition.items():
        batch_id = add_batch(session, edition_id, not_before=now)
        move_to_batch(session, edition_id, people, batch_id=batch_id, attempt=RESENT_MARK)
        log.info("uncertain deliveries are sent again", edition=edition_id, people=len(people))
        enqueue(session, TaskName.SEND_BATCH, batch_id)
    return len(rows)


def _fold(
    session: Session,
    journal_id: int,
    found: journals.JournalContents | journals.Adoption,
    *,
    now: dt.datetime,
) -> None:
    batches = session.scalars(sa.select(Batch).where(Batch.journal_id == journal_id)).all()
    is_whole = False
    if isinstance(found, journals.JournalContents):
        _record_folded(session, found, now=now)
        # Records reach the file at once but the disk later: after a restart of the machine the last ones
        # may be missing.
        is_whole = found.header.boot_id == journals.boot_id()
    for batch in batches:
        if not is_whole:
            _write_off(session, batch, now=now)
        batch.journal_id = None
        batch.leased_until = None
        session.flush()
        if not close_if_done(session, batch.id, now=now) and batch.closed_at is None:
            enqueue(session, TaskName.SEND_BATCH, batch.id)
    session.execute(sa.update(Journal).where(Journal.id == journal_id).values(folded_at=now))


def _write_off(session: Session, batch: Batch, *, now: dt.datetime) -> None:
    """What is not recorded of a batch whose journal is not whole may have been handed over: nobody knows."""
    log.warning("journal is not whole: deliveries become uncertain", batch=batch.id)
    session.execute(
        sa.update(Delivery)
        .where(
            Delivery.edition_id == batch.edition_id,
            Delivery.batch_id == batch.id,
            Delivery.status == DeliveryStatus.PENDING,
        )
        .values(status=DeliveryStatus.UNCERTAIN, sent_at=now),
        execution_options={"synchronize_session": False},
    )


def _record_folded(session: Session, contents: journals.JournalContents, *, now: dt.datetime) -> None:
    final: dict[int, list[Result]] = defaultdict(list)
    deferred: dict[int, list[Result]] = defaultdict(list)
    for entry in journals.fold(contents.records).values():
        result = _result_of(entry)
        if result is None:
            continue
        group = deferred if result.status is DeliveryStatus.PENDING else final
        group[entry.edition_id].append(result)
    for edition_id, results in final.items():
        record(session, edition_id, results)
        uncertain = sum(result.status is DeliveryStatus.UNCERTAIN for result in results)
        log.info("journal folded", edition=edition_id, outcomes=len(results), uncertain=uncertain)
    for edition_id, results in deferred.items():
        defer(session, edition_id, results, now=now)


def _result_of(entry: journals.Record) -> Result | None:
    """What a delivery's last record means; None where the mail did not go out and is pending still."""
    if isinstance(entry, journals.IntentRecord):
        return Result(entry.subscriber_id, entry.attempt, DeliveryStatus.UNCERTAIN, entry.at)
    if entry.outcome is Outcome.UNSENT:
        return None
    return Result(
        subscriber_id=entry.subscriber_id,
        attempt=entry.attempt,
        status=STATUS_OF.get(entry.outcome, DeliveryStatus.PENDING),
        at=entry.at,
        reply=entry.reply,
        transport_id=entry.transport_id,
    )

"""After a crash: fold the journals that nobody writes any more into the ledger.

A journal says more than the ledger, which is written by groups. An outcome found there is recorded. An
intent without an outcome means that the process ended between the final dot and the reply: nobody can
know whether that mail arrived, so its delivery is `uncertain`. Everything else is pending still.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from collections import defaultdict
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.db import Database
from digest.deliveries.ledger import STATUS_OF, Result, close_if_done, defer, record
from digest.deliveries.uncertain import heard, note_lost
from digest.logs import get_logger
from digest.mail import journal as journals
from digest.mail.transport import Outcome
from digest.models import Batch, Delivery, DeliveryStatus, Journal, UncertainCause
from digest.queueing.enqueue import enqueue
from digest.queueing.names import TaskName

log = get_logger(__name__)

# So long after the end of its lease a batch waits for the host that has its journal. By then its worker has
# begun no message for an hour: it looks at the lease before each final dot.
_GONE_AFTER = dt.timedelta(hours=1)


def fold_abandoned(database: Database, *, host: str, now: dt.datetime) -> int:
    """Fold every journal of this host whose worker is gone; returns how many were folded.

    A worker holds a lock on its journal for life, so a journal whose lock can be taken has no writer. The
    lock is kept while it is folded: two workers that start at once do not fold the same one. A lock tells the
    truth on one machine: this one is known by its boot too, whatever it was called when the journal began.

    A batch whose host stays gone for an hour after the lease ended is given up: what is not recorded of it
    becomes uncertain, and is settled by the journal should the host come back.
    """
    is_lapsed = sa.exists().where(
        Batch.journal_id == Journal.id, Batch.closed_at.is_(None), Batch.leased_until < now - _GONE_AFTER
    )
    is_near = sa.or_(Journal.host == host, Journal.boot_id == journals.boot_id())
    with database.read() as session:
        waiting = session.execute(
            sa.select(Journal.id, Journal.path, Journal.host, Journal.boot_id, is_lapsed.label("is_lapsed"))
            .where(Journal.folded_at.is_(None), sa.or_(is_near, is_lapsed))
            .order_by(Journal.id)
        ).all()
    folded = 0
    for row in waiting:
        is_own = row.host == host and row.boot_id == journals.boot_id()
        try:
            folded += _fold_one(
                database, row.id, Path(row.path), is_own=is_own, is_gone=row.is_lapsed, now=now
            )
        except journals.JournalError as error:
            # The others are folded all the same; its own batches stay with it.
            log.warning("journal cannot be folded", journal=row.id, problem=str(error))
    return folded


def release_orphans(session: Session) -> int:
    """Let go of batches that name a journal which is folded; returns how many.

    That happens if a claim is committed so late that the worker had given it up with its journal.
    """
    folded = sa.select(Journal.id).where(Journal.folded_at.is_not(None))
    released = session.execute(
        sa.update(Batch)
        .where(Batch.closed_at.is_(None), Batch.journal_id.in_(folded))
        .values(journal_id=None, leased_until=None),
        execution_options={"synchronize_session": False},
    )
    return int(getattr(released, "rowcount", 0))


def _fold_one(
    database: Database, journal_id: int, path: Path, *, is_own: bool, is_gone: bool, now: dt.datetime
) -> bool:
    with journals.adopt(path) as found:
        if found is journals.Adoption.HELD:
            return False
        if found is journals.Adoption.LOST and not is_own:
            # Another machine may hold it where we cannot see it, one of the same name even.
            if is_gone:
                with database.write() as session:
                    _release_batches(session, journal_id, is_whole=False, now=now)
            return False
        with database.write() as session:
            _fold(session, journal_id, found, now=now)
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)
    return True


def _fold(
    session: Session,
    journal_id: int,
    found: journals.JournalContents | journals.Adoption,
    *,
    now: dt.datetime,
) -> None:
    is_whole = False
    if isinstance(found, journals.JournalContents):
        _record_folded(session, found, journal_id, now=now)
        # Records reach the file at once but the disk later: after a restart of the machine the last ones
        # may be missing.
        is_whole = found.header.boot_id == journals.boot_id() and not found.damaged
    _release_batches(session, journal_id, is_whole=is_whole, now=now)
    session.execute(sa.update(Journal).where(Journal.id == journal_id).values(folded_at=now))


def _release_batches(session: Session, journal_id: int, *, is_whole: bool, now: dt.datetime) -> None:
    """Let go of what a journal's worker had claimed; what is unknown of it is written off."""
    for batch in session.scalars(sa.select(Batch).where(Batch.journal_id == journal_id)).all():
        if not is_whole:
            _write_off(session, batch, journal_id, now=now)
        batch.journal_id = None
        batch.leased_until = None
        session.flush()
        if not close_if_done(session, batch.id, now=now) and batch.closed_at is None:
            enqueue(session, TaskName.SEND_BATCH, batch.id)


def _write_off(session: Session, batch: Batch, journal_id: int, *, now: dt.datetime) -> None:
    """What is not recorded of a batch whose journal is not whole may have been handed over: nobody knows."""
    people = note_lost(session, batch.edition_id, batch.id, journal_id=journal_id, now=now)
    log.warning("journal is not whole: deliveries become uncertain", batch=batch.id, people=people)
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


def _record_folded(
    session: Session, contents: journals.JournalContents, journal_id: int, *, now: dt.datetime
) -> None:
    final: dict[int, list[Result]] = defaultdict(list)
    deferred: dict[int, list[Result]] = defaultdict(list)
    for entry in journals.fold(contents.records).values():
        result = _result_of(entry, journal_id)
        if result is None:
            continue
        group = deferred if result.status is DeliveryStatus.PENDING else final
        group[entry.edition_id].append(result)
    for edition_id, results in final.items():
        record(session, edition_id, results)
        # A host that was given up has come back: its journal may settle what was in doubt.
        heard(session, edition_id, [result.subscriber_id for result in results], now=now)
        uncertain = sum(result.status is DeliveryStatus.UNCERTAIN for result in results)
        log.info("journal folded", edition=edition_id, outcomes=len(results), uncertain=uncertain)
    for edition_id, results in deferred.items():
        defer(session, edition_id, results, now=now)


def _result_of(entry: journals.Record, journal_id: int) -> Result | None:
    """What a delivery's last record means; None where the mail did not go out and is pending still."""
    if isinstance(entry, journals.IntentRecord):
        return Result(
            entry.subscriber_id,
            entry.attempt,
            DeliveryStatus.UNCERTAIN,
            entry.at,
            cause=UncertainCause.WORKER_ENDED,
            journal_id=journal_id,
        )
    if entry.outcome is Outcome.UNSENT:
        return None
    return Result(
        subscriber_id=entry.subscriber_id,
        attempt=entry.attempt,
        status=STATUS_OF.get(entry.outcome, DeliveryStatus.PENDING),
        at=entry.at,
        reply=entry.reply,
        transport_id=entry.transport_id,
        journal_id=journal_id,
    )

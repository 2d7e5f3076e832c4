"""Send one batch: lease it, hand it over by groups, record each group.

    claim -> [ who may still be mailed -> fill -> intent, final dot, reply, outcome -> ledger ]*
          -> close, or hand back what is left

No transaction is open while a server is spoken to. The worker that holds the lease checks it by the
monotonic clock before each final dot; a lease that was taken over shows in the batch's number.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Callable

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import clock
from digest.db import Database
from digest.deliveries.group import GROUP_PEOPLE, Group, Lease, Sender
from digest.deliveries.handover import go_on
from digest.deliveries.ledger import close_if_done, defer, record
from digest.deliveries.people import SENDABLE, Person, is_still_wanted, people_of
from digest.errors import UnreachableError
from digest.logs import get_logger
from digest.mail.transport import Reply
from digest.models import Batch, Edition
from digest.queueing.enqueue import enqueue
from digest.queueing.names import TaskName

log = get_logger(__name__)

TASK_SECONDS = 30.0
# A mail service that cannot be reached is tried again after this many seconds, then ever more rarely.
_UNREACHABLE_AFTER = (10, 20, 40, 80, 160, 300)


def send_batch(
    database: Database,
    batch_id: int,
    sender: Sender,
    *,
    lease_seconds: int,
    stop: Callable[[], bool],
    between: Callable[[], None] = lambda: None,
) -> bool:
    """Send what a batch holds, for at most 30 s; true if it is done, false if something is left.

    Does nothing if the batch is not due, is held by another worker, or is closed. Raises nothing for a mail
    service that cannot be reached: the batch goes back and is tried later, and nobody's attempt is burnt.
    `between` is called after each group, every two seconds or so: for single mails, which must not wait. If
    this was its last batch, the edition is `sent` at the end.
    After any other error the caller must give up its journal (`Journal.close`), so that it is folded in.
    """
    lease = _claim(database, batch_id, sender.journal_id, lease_seconds=lease_seconds)
    if lease is None:
        return False
    is_done = _work_on(database, lease, sender, stop=stop, between=between)
    with database.write() as session:
        # One hint for one task: more would multiply, for each that is taken for nothing hints as well.
        go_on(session, now=clock.utc_now(), hints=1)
    return is_done


def postpone(database: Database, batch_id: int, problem: str) -> None:
    """Note why a batch cannot be sent now and look at it again in a minute; a held one is left alone."""
    now = clock.utc_now()
    with database.write() as session:
        session.execute(
            sa.update(Batch)
            .where(Batch.id == batch_id, Batch.closed_at.is_(None), Batch.leased_until.is_(None))
            .values(fault=problem, not_before=now + dt.timedelta(minutes=1))
        )


def _work_on(
    database: Database,
    lease: Lease,
    sender: Sender,
    *,
    stop: Callable[[], bool],
    between: Callable[[], None],
) -> bool:
    """Send group after group; true if the batch is closed, false if it was handed back."""
    problem, has_served = "", False
    while lease.holds() and clock.monotonic() < lease.work_until and not stop():
        with database.read() as session:
            people = people_of(
                session,
                lease.edition_id,
                lease.batch_id,
                limit=GROUP_PEOPLE,
                shuffled=lease.faults_in_a_row > 0,
            )
        if not people:
            break
        group = Group(sender, lease, functools.partial(_look_again, database))
        try:
            group.hand_over(people)
        except UnreachableError as error:
            group.trouble = Reply(0, "", str(error))
        finally:
            # Whatever ended the group, what is known of it goes into the ledger first.
            done = _record_group(database, lease, group)
        if done:
            return True
        has_served = has_served or bool(group.results)
        if group.trouble is not None:
            problem = group.trouble.text or "The connection to the mail service ended."
            break
        between()
    return _release(database, lease, problem, faults_before=0 if has_served else lease.faults_in_a_row)


def _look_again(database: Database, person: Person) -> bool:
    with database.read() as session:
        return is_still_wanted(session, person)


def _claim(database: Database, batch_id: int, journal_id: int, *, lease_seconds: int) -> Lease | None:
    # Taken before the claim is written, so that our idea of its end is never later than the database's.
    start, now = clock.monotonic(), clock.utc_now()
    is_sending = sa.exists().where(Edition.id == Batch.edition_id, Edition.state.in_(SENDABLE))
    with database.write() as session:
        row = session.execute(
            sa.update(Batch)
            .where(
                Batch.id == batch_id,
                Batch.closed_at.is_(None),
                Batch.not_before <= now,
                # A batch whose journal is not folded in stays with it: only the journal knows what went out.
                Batch.journal_id.is_(None),
                is_sending,
            )
            .values(
                lease=Batch.lease + 1,
                leased_until=now + dt.timedelta(seconds=lease_seconds),
                journal_id=journal_id,
            )
            .returning(Batch.edition_id, Batch.lease, Batch.faults_in_a_row),
            execution_options={"synchronize_session": False},
        ).one_or_none()
    if row is None:
        return None
    return Lease(
        batch_id=batch_id,
        edition_id=row.edition_id,
        number=row.lease,
        until=start + lease_seconds,
        work_until=start + TASK_SECONDS,
        faults_in_a_row=row.faults_in_a_row,
    )


def _record_group(database: Database, lease: Lease, group: Group) -> bool:
    """Write a group to the ledger; the batch closes in the transaction of its last group."""
    now = clock.utc_now()
    with database.write() as session:
        record(session, lease.edition_id, group.results)
        defer(session, lease.edition_id, group.deferred, now=now)
        return close_if_done(session, lease.batch_id, now=now)


def _release(database: Database, lease: Lease, problem: str, *, faults_before: int) -> bool:
    """Hand a batch back: at once for whoever is free, or later if the mail service is not to be reached."""
    now = clock.utc_now()
    with database.write() as session:
        if close_if_done(session, lease.batch_id, now=now):
            return True
        if not problem:
            if _hand_back(session, lease, fault="", faults_in_a_row=0):
                enqueue(session, TaskName.SEND_BATCH, lease.batch_id)
            return False
        wait = _UNREACHABLE_AFTER[min(faults_before, len(_UNREACHABLE_AFTER) - 1)]
        log.warning("mail service fails", batch=lease.batch_id, problem=problem, again_in=wait)
        _hand_back(
            session,
            lease,
            fault=problem[:500],
            faults_in_a_row=faults_before + 1,
            not_before=now + dt.timedelta(seconds=wait),
        )
    return False


def _hand_back(session: Session, lease: Lease, **values: object) -> bool:
    """Give up the lease if it is still ours."""
    ours = sa.update(Batch).where(
        Batch.id == lease.batch_id, Batch.lease == lease.number, Batch.closed_at.is_(None)
    )
    changed = session.execute(
        ours.values(leased_until=None, journal_id=None, **values),
        execution_options={"synchronize_session": False},
    )
    return bool(getattr(changed, "rowcount", 0))

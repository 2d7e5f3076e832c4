"""A mail service, a disk or a reader that does the unexpected in the middle of a batch."""

from __future__ import annotations

import datetime as dt
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from digest import clock
from digest.db import Database
from digest.deliveries.group import GROUP_SECONDS, Sender
from digest.deliveries.ledger import RESENT_MARK, Result, defer, record
from digest.deliveries.recover import fold_abandoned
from digest.deliveries.retry import WAITS
from digest.lists.status import Origin
from digest.lists.subscribe import end
from digest.mail.journal import JournalError
from digest.mail.transport import Outcome, Reply
from digest.models import (
    Batch,
    Delivery,
    DeliveryStatus,
    Security,
    Subscriber,
    Subscription,
)
from digest.pacing.transports import add_transport
from digest.tasks import work
from digest.tasks.runtime import close_runtime
from tests.integration.disks import files_at_most
from tests.integration.planned import Desk, let_go, make_desk
from tests.servers.smtp import JudgeServer
from tests.servers.smtp_script import Fault, Script
from tests.servers.waiting import HANG, wait_until

HOUR = dt.timedelta(hours=1)


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Desk:
    """A newsroom with one list and nobody on it yet."""
    return make_desk(database, tmp_path)


@pytest.fixture
def judge() -> Iterator[JudgeServer]:
    """A mail service that takes everything."""
    with JudgeServer() as server:
        yield server


def _clear_waits(desk: Desk) -> None:
    """As if the time until the next try had passed."""
    with desk.database.write() as session:
        session.execute(sa.update(Batch).values(not_before=clock.utc_now() - HOUR))


def _fill(sender: Sender, *, bytes_at_least: int) -> None:
    """Records of another edition, long in the ledger."""
    while sender.journal.path.stat().st_size < bytes_at_least:
        sender.journal.outcome(
            batch_id=1,
            edition_id=1_000_000,
            subscriber_id=1,
            attempt=0,
            at=clock.utc_now(),
            outcome=Outcome.ACCEPTED,
            transport_id=1,
            reply=Reply(250, "", "ok " * 150),
        )


def test_serves_the_others_though_one_breaks_the_connection_every_time(desk: Desk) -> None:
    """A relay that closes at one address keeps nobody else waiting, wherever that one stands in the batch."""
    now = clock.utc_now()
    desk.add_people(5)
    edition_id = desk.sending(now)
    first = min(desk.statuses(edition_id))
    with JudgeServer(Script(faults=(Fault("rcpt", action="drop", match=first, times=0),))) as judge:
        sender = desk.sender(judge.port, now=now)
        for _ in range(60):  # each serves at least one with a chance of a half: 60 in vain is 1 in 10 ** 18
            desk.send(edition_id, sender)
            _clear_waits(desk)
            if len(judge.messages) == 4:
                break
        let_go(sender)
        assert len(judge.messages) == 4
    statuses = desk.statuses(edition_id)
    assert statuses.pop(first) is DeliveryStatus.PENDING
    assert set(statuses.values()) == {DeliveryStatus.SENT}
    (batch,) = desk.batches(edition_id)
    assert batch.fault != ""


def test_obeys_a_sign_off_that_came_while_the_message_was_held_up(desk: Desk) -> None:
    """Who left while the mail service took its time over RCPT gets nothing; the one after is served."""
    now = clock.utc_now()
    desk.add_people(2)
    edition_id = desk.sending(now)
    with JudgeServer(Script(faults=(Fault("rcpt", action="hold"),))) as judge:
        sender = desk.sender(judge.port, now=now)
        leaves, stays = sorted(desk.statuses(edition_id))

        def leave() -> None:
            wait_until(lambda: judge.holding, what="RCPT")
            with desk.database.write() as session:
                found = session.scalars(
                    sa.select(Subscription)
                    .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
                    .where(Subscriber.address == leaves)
                ).one()
                end(session, found, source=Origin.ONE_CLICK, now=clock.utc_now(), reason="unsubscribed")
            time.sleep(GROUP_SECONDS)  # what was read of the group is too old now
            judge.let_go()

        thread = threading.Thread(target=leave)
        thread.start()
        desk.send(edition_id, sender)
        thread.join(HANG)
        for _ in range(20):
            if judge.messages:
                break
            desk.send(edition_id, sender)  # where the second look at the other took too long
        let_go(sender)
        assert [message.recipients for message in judge.messages] == [(stays,)]
    assert desk.statuses(edition_id) == {leaves: DeliveryStatus.SKIPPED, stays: DeliveryStatus.SENT}


def test_records_what_was_answered_though_the_journal_is_full(desk: Desk, judge: JudgeServer) -> None:
    """The disk fills up between dot and reply: that person is `sent`, the next one is not begun."""
    now = clock.utc_now()
    desk.add_people(2)
    edition_id = desk.sending(now)
    sender = desk.sender(judge.port, now=now)
    _fill(sender, bytes_at_least=2_000_000)
    # Room for one intent, none for its outcome: what a full disk is, for the largest file alone.
    size = sender.journal.path.stat().st_size
    with files_at_most(size + 60), pytest.raises(JournalError):
        desk.send(edition_id, sender)
    let_go(sender)
    assert sorted(desk.statuses(edition_id).values()) == [DeliveryStatus.PENDING, DeliveryStatus.SENT]

    fold_abandoned(desk.database, host=socket.gethostname(), now=clock.utc_now())
    again = desk.sender(judge.port, now=now)
    desk.send(edition_id, again)
    let_go(again)
    assert len(judge.messages) == 2
    assert set(desk.statuses(edition_id).values()) == {DeliveryStatus.SENT}


def test_records_replies_that_differ_by_a_queue_id_in_one_statement(desk: Desk) -> None:
    """A mail service numbers what it takes; the ledger asks as often for a hundred as for two."""
    now = clock.utc_now()
    people = desk.add_people(100)
    edition_id = desk.sending(now)
    asked: list[str] = []
    sa.event.listen(desk.database.engine, "before_cursor_execute", lambda *args: asked.append(args[2]))
    counts = []
    for some in (people[:1], people[1:3], people[3:]):
        results = [
            Result(
                person, 0, DeliveryStatus.SENT, now, Reply(250, "2.0.0", f"Ok: queued as 4Xy{person:05}Z"), 1
            )
            for person in some
        ]
        asked.clear()
        with desk.database.write() as session:
            record(session, edition_id, results)
        counts.append(len(asked))
    assert counts[1] == counts[2] < counts[0]  # the first time it is stored
    assert set(desk.statuses(edition_id).values()) == {DeliveryStatus.SENT}


def test_tries_a_person_who_is_sent_to_again_as_often_as_others(desk: Desk) -> None:
    """ "Later" to the second mail of an uncertain person is no failure yet; after the last try it is."""
    now = clock.utc_now()
    (person,) = desk.add_people(1)
    edition_id = desk.sending(now)
    later = Reply(451, "4.7.1", "Try again later")
    with desk.database.write() as session:
        session.execute(sa.update(Delivery).values(attempt=RESENT_MARK))
    desk.make_useful_for(dt.timedelta(hours=5))
    for number in range(len(WAITS)):
        assert set(desk.statuses(edition_id).values()) == {DeliveryStatus.PENDING}
        result = Result(person, RESENT_MARK + number, DeliveryStatus.PENDING, now, later, 1)
        with desk.database.write() as session:
            defer(session, edition_id, [result], now=now)
    assert set(desk.statuses(edition_id).values()) == {DeliveryStatus.FAILED}


def test_tells_why_nothing_is_sent_where_no_journal_can_be_written(
    desk: Desk, judge: JudgeServer, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing goes out unjournalled, and the batch says what to mend instead of failing again and again."""
    now = clock.utc_now()
    desk.add_people(1)
    edition_id = desk.sending(now)
    (batch,) = desk.batches(edition_id)
    blocked = desk.folder / "blocked"
    blocked.write_text("a file where the folder should be")
    for name, value in {
        "DATABASE_URL": database_url,
        "SECRETS_DIR": desk.folder / "secrets",
        "JOURNAL_DIR": blocked,
    }.items():
        monkeypatch.setenv(f"DIGEST_{name}", str(value))
    with desk.database.write() as session:
        made = add_transport(
            session, name="judge", host="127.0.0.1", port=judge.port, security=Security.NONE, now=now
        )
        made.accepted_at = now
    try:
        work.send_one_batch(batch.id)
    finally:
        close_runtime()
    (batch,) = desk.batches(edition_id)
    assert "journal" in batch.fault
    assert batch.not_before > now
    assert judge.messages == []
    assert set(desk.statuses(edition_id).values()) == {DeliveryStatus.PENDING}

"""After a crash: what the journal says goes into the ledger, once, and nobody is lost or guessed."""

from __future__ import annotations

import datetime as dt
import shutil
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa

from digest import clock
from digest.db import Database
from digest.deliveries.journals import open_journal, retire_journal
from digest.deliveries.ledger import RESENT_MARK
from digest.deliveries.recover import fold_abandoned
from digest.deliveries.retry import next_try
from digest.mail import journal as files
from digest.mail.journal_records import JournalHeader, header_bytes, record_bytes
from digest.mail.transport import Outcome, Reply
from digest.models import (
    Batch,
    Delivery,
    DeliveryStatus,
    Journal,
    Settlement,
    UncertainCase,
    UncertainCause,
)
from digest.queueing.names import TaskName
from tests.integration import hints
from tests.integration.planned import Desk, make_desk
from tests.servers.waiting import HANG

HOST = socket.gethostname()
SENT, FAILED, PENDING = DeliveryStatus.SENT, DeliveryStatus.FAILED, DeliveryStatus.PENDING
UNCERTAIN = DeliveryStatus.UNCERTAIN
YES = Reply(250, "2.0.0", "Ok")


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Desk:
    """A newsroom with one list and nobody on it yet."""
    return make_desk(database, tmp_path)


@dataclass
class Crash:
    """An edition under way, and the journal of the worker that held its batch."""

    desk: Desk
    people: list[int]
    edition_id: int
    batch_id: int
    journal: files.Journal
    journal_id: int
    at: dt.datetime

    def intent(self, person: int, *, attempt: int = 0) -> None:
        """The final dot was about to leave."""
        self.journal.intent(
            batch_id=self.batch_id,
            edition_id=self.edition_id,
            subscriber_id=person,
            attempt=attempt,
            at=self.at,
        )

    def outcome(self, person: int, outcome: Outcome, reply: Reply | None = YES, *, attempt: int = 0) -> None:
        """And this came of it."""
        self.journal.outcome(
            batch_id=self.batch_id,
            edition_id=self.edition_id,
            subscriber_id=person,
            attempt=attempt,
            at=self.at,
            outcome=outcome,
            transport_id=1,
            reply=reply,
        )

    def fold(self, *, host: str = HOST) -> int:
        return fold_abandoned(self.desk.database, host=host, now=clock.utc_now())

    def gone(self) -> None:
        """Another machine gives this one up, hours after its lease ended."""
        late = clock.utc_now() + dt.timedelta(hours=2)
        fold_abandoned(self.desk.database, host="another-machine", now=late)

    def rows(self) -> dict[int, Delivery]:
        with self.desk.database.read() as session:
            found = session.scalars(sa.select(Delivery).where(Delivery.edition_id == self.edition_id))
            return {row.subscriber_id: row for row in found}

    def cases(self) -> dict[int, UncertainCase]:
        """The evidence of those who are uncertain."""
        with self.desk.database.read() as session:
            return {case.subscriber_id: case for case in session.scalars(sa.select(UncertainCase))}

    def statuses(self) -> list[DeliveryStatus]:
        rows = self.rows()
        return [rows[person].status for person in self.people]

    def batch(self) -> Batch:
        with self.desk.database.read() as session:
            return session.get_one(Batch, self.batch_id)


@pytest.fixture
def crash(desk: Desk) -> Iterator[Crash]:
    """Seven people in one leased batch; the test closes the journal when the worker is to be gone."""
    now = clock.utc_now()
    people = desk.add_people(7)
    edition_id = desk.sending(now)
    (batch,) = desk.batches(edition_id)
    journal, journal_id = open_journal(desk.database, desk.folder / "journals", worker="gone", now=now)
    with desk.database.write() as session:
        session.execute(
            sa.update(Batch).values(
                lease=1, leased_until=now + dt.timedelta(minutes=2), journal_id=journal_id
            )
        )
    yield Crash(desk, people, edition_id, batch.id, journal, journal_id, now)
    journal.close()


def test_every_record_has_its_meaning(crash: Crash) -> None:
    """Taken, refused, later, not sent, unknown, unheard, not begun: each person ends where they are."""
    taken, refused, later, unsent, unknown, unheard, not_begun = crash.people
    for person in (taken, refused, later, unknown, unheard):
        crash.intent(person)
    crash.outcome(taken, Outcome.ACCEPTED)
    crash.outcome(refused, Outcome.REFUSED, Reply(554, "5.7.1", "We do not like it"))
    crash.outcome(later, Outcome.DEFERRED, Reply(451, "4.7.1", "Come back"))
    crash.outcome(unsent, Outcome.UNSENT, None)
    crash.outcome(unknown, Outcome.UNKNOWN, None)
    crash.journal.close()

    assert crash.fold() == 1
    assert crash.statuses() == [SENT, FAILED, PENDING, PENDING, UNCERTAIN, UNCERTAIN, PENDING]
    rows = crash.rows()
    assert rows[taken].sent_at == rows[unheard].sent_at == crash.at
    assert rows[taken].reply_id != rows[refused].reply_id
    assert rows[later].attempt == 1
    assert (rows[unsent].attempt, rows[not_begun].attempt) == (0, 0)
    assert rows[unsent].batch_id == rows[not_begun].batch_id == crash.batch_id != rows[later].batch_id


def test_each_doubt_has_its_evidence(crash: Crash) -> None:
    """Exactly those without an answer: the cause, the moment, the journal, and the service if it is known."""
    taken, unknown, unheard, *_ = crash.people
    for person in (taken, unknown, unheard):
        crash.intent(person)
    crash.outcome(taken, Outcome.ACCEPTED)
    crash.outcome(unknown, Outcome.UNKNOWN, None)
    crash.journal.close()
    crash.fold()
    cases = crash.cases()
    assert set(cases) == {unknown, unheard}
    assert cases[unknown].cause is UncertainCause.CONNECTION_ENDED
    assert cases[unheard].cause is UncertainCause.WORKER_ENDED
    assert {(case.journal_id, case.since, case.settled_at) for case in cases.values()} == {
        (crash.journal_id, crash.at, None)
    }
    assert (cases[unknown].transport_id, cases[unheard].transport_id) == (1, None)


def test_a_lost_journal_is_the_evidence_of_all_it_held(crash: Crash) -> None:
    """Whoever was pending in its batch, by one statement; nobody of whom the ledger knows."""
    sent, *others = crash.people
    with crash.desk.database.write() as session:
        session.execute(sa.update(Delivery).where(Delivery.subscriber_id == sent).values(status=SENT))
    crash.journal.close()
    crash.journal.path.unlink()
    crash.fold()
    cases = crash.cases()
    assert set(cases) == set(others)
    assert {(case.cause, case.journal_id) for case in cases.values()} == {
        (UncertainCause.JOURNAL_LOST, crash.journal_id)
    }


def test_a_host_that_comes_back_settles_what_was_written_off(crash: Crash) -> None:
    """Its journal says more after all: who was taken is sent, whose reply is missing has better evidence."""
    taken, refused, unheard, not_begun, *_ = crash.people
    for person in (taken, refused, unheard):
        crash.intent(person)
    crash.outcome(taken, Outcome.ACCEPTED)
    crash.outcome(refused, Outcome.REFUSED, Reply(554, "5.7.1", "We do not like it"))
    crash.journal.close()
    kept = crash.journal.path.rename(crash.desk.folder / "kept")
    crash.gone()
    assert set(crash.statuses()) == {UNCERTAIN}
    kept.rename(crash.journal.path)

    crash.fold()
    assert crash.statuses() == [SENT, FAILED, *[UNCERTAIN] * 5]
    cases = crash.cases()
    heard = {person for person, case in cases.items() if case.settlement is Settlement.HEARD}
    assert heard == {taken, refused}
    assert (cases[unheard].cause, cases[unheard].since) == (UncertainCause.WORKER_ENDED, crash.at)
    assert (cases[not_begun].cause, cases[not_begun].settled_at) == (UncertainCause.JOURNAL_LOST, None)


def test_the_batch_is_free_again_and_hinted_at(crash: Crash) -> None:
    """Whoever is left of it can be sent at once, by any worker."""
    crash.journal.close()
    hints.taken()
    crash.fold()
    batch = crash.batch()
    assert (batch.journal_id, batch.leased_until, batch.closed_at) == (None, None, None)
    assert (TaskName.SEND_BATCH, [crash.batch_id]) in hints.taken()


def test_a_batch_of_which_nobody_is_left_closes(crash: Crash) -> None:
    """The journal's last records were the batch's last people."""
    for person in crash.people:
        crash.intent(person)
        crash.outcome(person, Outcome.ACCEPTED)
    crash.journal.close()
    hints.taken()
    crash.fold()
    assert crash.batch().closed_at is not None
    assert hints.taken() == []


def test_what_the_ledger_has_is_not_changed(crash: Crash) -> None:
    """The group was recorded, then the worker died: folding says the same once more, to no effect."""
    one, two, *_ = crash.people
    for person in (one, two):
        crash.intent(person)
        crash.outcome(person, Outcome.ACCEPTED)
    with crash.desk.database.write() as session:
        session.execute(
            sa.update(Delivery)
            .where(Delivery.subscriber_id == one)
            .values(status=SENT, sent_at=crash.at, reply_id=99)
        )
    crash.journal.close()
    crash.fold()
    rows = crash.rows()
    assert rows[one].reply_id == 99
    assert rows[two].status is SENT


def test_folding_a_second_time_changes_nothing(crash: Crash, tmp_path: Path) -> None:
    """Even if the same file came back with its row, as from a copy of the folder."""
    taken, later, unheard, *_ = crash.people
    for person in (taken, later, unheard):
        crash.intent(person)
    crash.outcome(taken, Outcome.ACCEPTED)
    crash.outcome(later, Outcome.DEFERRED, Reply(451, "4.7.1", "Come back"))
    crash.journal.close()
    shutil.copyfile(crash.journal.path, tmp_path / "copy")
    assert crash.fold() == 1
    assert not crash.journal.path.exists()
    before = _plain(crash.rows())
    assert crash.fold() == 0

    shutil.copyfile(tmp_path / "copy", crash.journal.path)
    with crash.desk.database.write() as session:
        session.execute(sa.update(Journal).values(folded_at=None))
    assert crash.fold() == 1
    assert _plain(crash.rows()) == before
    assert set(crash.cases()) == {unheard}
    with crash.desk.database.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Batch)) == 2


def _plain(rows: dict[int, Delivery]) -> dict[int, tuple[object, ...]]:
    return {
        person: (row.status, row.attempt, row.batch_id, row.reply_id, row.sent_at)
        for person, row in rows.items()
    }


def test_a_journal_that_is_written_is_left_alone(crash: Crash) -> None:
    """The worker lives: its lock says so."""
    crash.intent(crash.people[0])
    assert crash.fold() == 0
    assert set(crash.statuses()) == {PENDING}
    assert crash.batch().journal_id == crash.journal_id


def test_two_workers_fold_a_journal_once(crash: Crash) -> None:
    """They start at the same moment after a crash; one folds, the other leaves it or finds it folded."""
    taken, later, *_ = crash.people
    crash.intent(taken)
    crash.outcome(taken, Outcome.ACCEPTED)
    crash.intent(later)
    crash.outcome(later, Outcome.DEFERRED, Reply(451, "4.7.1", "Come back"))
    crash.journal.close()
    barrier = threading.Barrier(3, timeout=HANG)
    failed: list[BaseException] = []

    def run() -> None:
        try:
            barrier.wait()
            crash.fold()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(HANG)
    assert failed == []
    assert crash.statuses() == [SENT, *[PENDING] * 6]
    assert crash.rows()[later].attempt == 1
    with crash.desk.database.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Batch)) == 2
        assert session.scalars(sa.select(Journal.folded_at)).one() is not None


@pytest.mark.parametrize("loss", ["no file", "no header"])
def test_a_lost_journal_makes_the_rest_uncertain(crash: Crash, loss: str) -> None:
    """What is recorded stays; of the others of its batch nobody can know. The batch is closed by that."""
    sent, *others = crash.people
    with crash.desk.database.write() as session:
        session.execute(sa.update(Delivery).where(Delivery.subscriber_id == sent).values(status=SENT))
    crash.journal.close()
    if loss == "no file":
        crash.journal.path.unlink()
    else:
        crash.journal.path.write_bytes(b"what is this")
    assert crash.fold() == 1
    assert crash.statuses() == [SENT, *[UNCERTAIN] * len(others)]
    assert crash.batch().closed_at is not None
    assert all(crash.rows()[person].sent_at is not None for person in others)


def test_after_a_restart_of_the_machine_only_records_count(crash: Crash) -> None:
    """Another boot id: the tail may never have reached the disk; nobody without a record is sent to."""
    taken, later, unheard, *rest = crash.people
    header = JournalHeader(HOST, "another start of this machine", 1, crash.at)
    crash.intent(taken)
    crash.outcome(taken, Outcome.ACCEPTED)
    crash.intent(later)
    crash.outcome(later, Outcome.DEFERRED, Reply(451, "4.7.1", "Come back"))
    crash.intent(unheard)
    records = files.read(crash.journal.path).records
    crash.journal.close()
    crash.journal.path.write_bytes(header_bytes(header) + b"".join(map(record_bytes, records)))

    crash.fold()
    assert crash.statuses() == [SENT, PENDING, UNCERTAIN, *[UNCERTAIN] * len(rest)]
    assert crash.rows()[later].attempt == 1


def test_other_batches_of_a_lost_journal_stay_as_they_are(crash: Crash) -> None:
    """A journal of many tasks: only the batch that it still holds is in doubt."""
    other = crash.desk.sending(crash.at + dt.timedelta(minutes=1))
    crash.journal.close()
    crash.journal.path.unlink()
    crash.fold()
    assert set(crash.desk.statuses(other).values()) == {PENDING}


def test_a_torn_tail_loses_nobody(crash: Crash) -> None:
    """The process died while it wrote a record: what was before it counts, the mail of it had not left."""
    taken, unheard, *rest = crash.people
    crash.intent(taken)
    crash.outcome(taken, Outcome.ACCEPTED)
    crash.intent(unheard)
    size = crash.journal.path.stat().st_size
    crash.intent(rest[0])
    crash.journal.close()
    with crash.journal.path.open("r+b") as file:
        file.truncate(size + 5)
    crash.fold()
    assert crash.statuses() == [SENT, UNCERTAIN, *[PENDING] * len(rest)]


def test_another_machines_journal_is_left_to_it(crash: Crash) -> None:
    """Its lock cannot be seen from here, nor its file."""
    crash.intent(crash.people[0])
    crash.journal.close()
    crash.journal.path.unlink()
    assert crash.fold(host="another-machine") == 0
    assert set(crash.statuses()) == {PENDING}


def test_a_new_name_of_this_machine_finds_its_journals(crash: Crash) -> None:
    """A container that is made anew has another host name and the same folder: it folds what lies there."""
    crash.intent(crash.people[0])
    crash.outcome(crash.people[0], Outcome.ACCEPTED)
    crash.journal.close()
    assert crash.fold(host="container-made-anew") == 1
    assert crash.statuses() == [SENT, *[PENDING] * 6]


def test_a_held_batch_is_sent_by_nobody_else(crash: Crash) -> None:
    """Until its journal is folded in, another hint at it sends nothing: only the journal knows who has it."""
    sender = crash.desk.sender(1, worker="other", now=clock.utc_now())
    assert crash.desk.send(crash.edition_id, sender) == [False]
    assert crash.batch().lease == 1
    sender.journal.close()


def test_a_clean_end_leaves_nothing_to_fold(desk: Desk) -> None:
    """A retired journal is gone, file and all; one that a batch still names stays to be folded."""
    now = clock.utc_now()
    desk.add_people(1)
    edition_id = desk.sending(now)
    (batch,) = desk.batches(edition_id)
    done, done_id = open_journal(desk.database, desk.folder / "journals", worker="one", now=now)
    used, used_id = open_journal(desk.database, desk.folder / "journals", worker="two", now=now)
    with desk.database.write() as session:
        session.execute(sa.update(Batch).where(Batch.id == batch.id).values(journal_id=used_id))
    retire_journal(desk.database, done, done_id, now=now)
    retire_journal(desk.database, used, used_id, now=now)
    assert (done.path.exists(), used.path.exists()) == (False, True)
    assert desk.journal(done_id).folded_at == now
    assert fold_abandoned(desk.database, host=HOST, now=now) == 1
    assert desk.batches(edition_id)[0].journal_id is None


def test_the_ladder_of_retries_never_reaches_the_mark() -> None:
    """An attempt number tells a second sending from a retry, however long an edition is worth having."""
    tries, now = 0, clock.utc_now()
    longest = now + dt.timedelta(days=7)
    while (later := next_try(tries, now=now, useful_until=longest)) is not None:
        now, tries = later, tries + 1
    assert 5 < tries < RESENT_MARK

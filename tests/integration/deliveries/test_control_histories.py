"""Random interleavings of pause, resume, cancel and retry with a running send.

The workers here claim, read, record and let go by the same rows as the real ones, but one step at a time, so
that a person's command falls between any two of them. What was handed over is kept by the test: whatever the
order, nobody is handed an edition twice, nobody is left out, and every delivery ends in a final status.
"""

from __future__ import annotations

import datetime as dt
import random
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from digest import clock
from digest.db import Database
from digest.deliveries import control, plan
from digest.deliveries.handover import go_on
from digest.deliveries.ledger import Result, close_if_done, defer, record
from digest.deliveries.people import Person, pending_of, people_of
from digest.deliveries.send import send_batch
from digest.errors import StateError
from digest.models import Batch, Delivery, DeliveryReason, DeliveryStatus, Edition, EditionState
from tests.integration.planned import Desk, let_go, make_desk
from tests.servers.smtp import JudgeServer
from tests.servers.smtp_script import Fault, Script

PEOPLE, GROUP, BATCH = 9, 2, 4
SENT, FAILED, PENDING = DeliveryStatus.SENT, DeliveryStatus.FAILED, DeliveryStatus.PENDING
SKIPPED, UNCERTAIN = DeliveryStatus.SKIPPED, DeliveryStatus.UNCERTAIN
COMMANDS = ("pause", "resume", "cancel", "retry")

steps = st.lists(
    st.tuples(
        st.sampled_from(
            [
                *("claim", "claim", "read", "read", "read", "record", "record", "record", "let_go"),
                *("pause", "resume", "resume", "retry", "retry", "again", "tick", "due"),
                "cancel",
            ]
        ),
        st.integers(0, 1),  # which worker
        st.sampled_from([SENT, SENT, FAILED, PENDING, UNCERTAIN]),  # what becomes of its next person
    ),
    min_size=12,
    max_size=50,
)


class Worker:
    """One that sends, step by step: it claims a batch, reads a group, hands it over, records, lets go."""

    def __init__(self, desk: Desk, edition_id: int, journal_id: int) -> None:
        self.accepted: Counter[int] = Counter()
        self._desk = desk
        self._edition_id = edition_id
        self._journal_id = journal_id
        self._batch_id: int | None = None
        self._group: list[Person] = []
        self._said: list[Result] = []

    def claim(self) -> None:
        if self._batch_id is not None:
            return
        is_sending = sa.exists().where(
            Edition.id == Batch.edition_id, Edition.state.in_((EditionState.SENDING, EditionState.SENT))
        )
        with self._desk.database.write() as session:
            free = sa.select(Batch.id).where(
                Batch.edition_id == self._edition_id,
                Batch.closed_at.is_(None),
                Batch.journal_id.is_(None),
                Batch.not_before <= clock.utc_now(),
                is_sending,
            )
            self._batch_id = session.scalars(free.order_by(Batch.id)).first()
            if self._batch_id is not None:
                values = {"lease": Batch.lease + 1, "journal_id": self._journal_id}
                session.execute(sa.update(Batch).where(Batch.id == self._batch_id).values(values))

    def read(self) -> None:
        if self._batch_id is None or self._group:
            return
        with self._desk.database.read() as session:
            ids = pending_of(session, self._edition_id, self._batch_id)[:GROUP]
            self._group = people_of(session, self._edition_id, self._batch_id, ids)

    def record(self, status: DeliveryStatus) -> None:
        """Hand the group over: the first person meets `status`, the others are accepted."""
        if self._batch_id is None or not self._group:
            return
        now, results = clock.utc_now(), []
        for person in self._group:
            met = status if person is self._group[0] else SENT
            if met in (SENT, UNCERTAIN):
                self.accepted[person.subscriber_id] += 1
            results.append(Result(person.subscriber_id, person.attempt, met, now))
        self._group = []
        self._said += [one for one in results if one.status is not PENDING]
        with self._desk.database.write() as session:
            record(session, self._edition_id, [one for one in results if one.status is not PENDING])
            defer(session, self._edition_id, [one for one in results if one.status is PENDING], now=now)
            if close_if_done(session, self._batch_id, now=now):
                self._batch_id = None

    def again(self) -> None:
        """Say once more all that was said, as a journal does that is folded in afterwards."""
        with self._desk.database.write() as session:
            record(session, self._edition_id, self._said)

    def let_go(self) -> None:
        self.record(SENT)
        if self._batch_id is None:
            return
        with self._desk.database.write() as session:
            if not close_if_done(session, self._batch_id, now=clock.utc_now()):
                free = {"journal_id": None, "leased_until": None}
                session.execute(sa.update(Batch).where(Batch.id == self._batch_id).values(free))
        self._batch_id = None
        with self._desk.database.write() as session:
            go_on(session, now=clock.utc_now(), hints=1)


def _command(desk: Desk, edition_id: int, what: str) -> None:
    try:
        with desk.database.write() as session:
            edition = session.get_one(Edition, edition_id)
            getattr(control, what)(session, edition, actor="cli:test", now=clock.utc_now())
    except StateError:
        pass


def _tick(desk: Desk) -> None:
    with desk.database.write() as session:
        go_on(session, now=clock.utc_now())


def _make_due(desk: Desk) -> None:
    with desk.database.write() as session:
        session.execute(sa.update(Batch).values(not_before=clock.utc_now() - dt.timedelta(seconds=1)))


def _finish(desk: Desk, edition_id: int, workers: list[Worker]) -> None:
    """Let everything come to its end, as the clock and the workers would."""
    for worker in workers:
        worker.let_go()
    _command(desk, edition_id, "resume")
    for _ in range(200):
        _make_due(desk)
        _tick(desk)
        if not any(batch.closed_at is None for batch in desk.batches(edition_id)):
            return
        workers[0].claim()
        workers[0].read()
        workers[0].let_go()
    raise AssertionError("it does not end")


@pytest.fixture
def desk(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A newsroom with a list of a few people, sent to by small batches."""
    monkeypatch.setattr(plan, "BATCH_SIZE", BATCH)
    monkeypatch.setattr(control, "BATCH_SIZE", BATCH)
    desk = make_desk(database, tmp_path)
    desk.add_people(PEOPLE)
    return desk


@settings(
    max_examples=max(1, settings().max_examples // 2),  # as many again on the other database
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),  # a history is short enough to read as it is
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(history=steps)
def test_whatever_the_order_nobody_is_lost_or_served_twice(
    desk: Desk, history: list[tuple[str, int, DeliveryStatus]]
) -> None:
    """No repeat, no gap, every delivery final, and a cancelled edition has begun nothing afterwards."""
    edition_id = desk.sending(clock.utc_now())
    senders = [desk.sender(1, worker=f"w{number}", now=clock.utc_now()) for number in range(2)]
    workers = [Worker(desk, edition_id, sender.journal_id) for sender in senders]
    at_cancel: Counter[int] | None = None
    for what, who, status in history:
        if what in COMMANDS:
            _command(desk, edition_id, what)
        elif what == "record":
            workers[who].record(status)
        elif what in ("claim", "read", "let_go", "again"):
            getattr(workers[who], what)()
        else:
            (_tick if what == "tick" else _make_due)(desk)
        if at_cancel is None and desk.edition(edition_id).state is EditionState.CANCELLED:
            on_the_wire = sum(len(worker._group) for worker in workers)
            at_cancel = sum((worker.accepted for worker in workers), Counter())
            most = at_cancel.total() + on_the_wire
    _finish(desk, edition_id, workers)
    for sender in senders:
        let_go(sender)
    accepted = sum((worker.accepted for worker in workers), Counter())
    with desk.database.read() as session:
        rows = session.execute(
            sa.select(Delivery.subscriber_id, Delivery.status, Delivery.reason).where(
                Delivery.edition_id == edition_id
            )
        ).all()
    assert len(rows) == PEOPLE
    assert max(accepted.values(), default=0) <= 1
    assert {row.subscriber_id for row in rows if row.status in (SENT, UNCERTAIN)} == set(accepted)
    assert all(row.status is not PENDING for row in rows)
    state = desk.edition(edition_id).state
    if at_cancel is None:
        assert state is EditionState.SENT
        assert not any(row.status is SKIPPED for row in rows)
    else:
        assert state is EditionState.CANCELLED
        assert accepted.total() <= most
        assert {row.reason for row in rows if row.status is SKIPPED} <= {DeliveryReason.CANCELLED}


@pytest.mark.parametrize("seed", range(2))
def test_commands_in_the_middle_of_a_real_send(database: Database, tmp_path: Path, seed: int) -> None:
    """Two workers at a mail service and a person who cannot make up their mind, all at the same time.

    By the mail service's record nobody gets it twice and nothing comes after the cancel; the ledger says
    the same.
    """
    desk, rolled = make_desk(database, tmp_path), random.Random(seed)
    desk.add_people(350)
    edition_id = desk.sending(clock.utc_now())
    refused = Fault("rcpt", reply="550 5.1.1 no such user", match="7@", times=20)
    with JudgeServer(Script(faults=(refused,), fsync=False, delay=0.0005)) as judge:
        done = threading.Event()

        def work(name: str) -> None:
            sender = desk.sender(judge.port, worker=name, now=clock.utc_now())
            while not done.is_set():
                for batch in desk.batches(edition_id):
                    send_batch(database, batch.id, sender, lease_seconds=60, stop=done.is_set)
                time.sleep(0.01)
            let_go(sender)

        workers = [threading.Thread(target=work, args=(f"w{number}",)) for number in range(2)]
        for worker in workers:
            worker.start()
        while len(judge.messages) < 200:
            time.sleep(rolled.uniform(0, 0.08))
            _command(desk, edition_id, rolled.choice(("pause", "resume", "resume", "retry")))
        _command(desk, edition_id, "pause")
        time.sleep(0.3)
        _command(desk, edition_id, rolled.choice(("pause", "resume")))
        _command(desk, edition_id, "cancel")
        # A group is at most a hundred people or two seconds; these are quick.
        deadline = time.monotonic() + 60
        while PENDING in desk.statuses(edition_id).values():
            assert time.monotonic() < deadline
            _tick(desk)
            time.sleep(0.05)
        count = len(judge.messages)
        time.sleep(0.3)
        done.set()
        for worker in workers:
            worker.join(20)
    served = Counter(one.recipients[0] for one in judge.messages)
    statuses = desk.statuses(edition_id)
    assert len(judge.messages) == count
    assert max(served.values()) == 1
    assert set(served) == {address for address, status in statuses.items() if status is SENT}
    assert set(statuses.values()) <= {SENT, FAILED, SKIPPED}
    assert desk.edition(edition_id).state in (EditionState.CANCELLED, EditionState.SENT)

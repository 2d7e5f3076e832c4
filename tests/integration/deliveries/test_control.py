"""Pause, resume, cancel and retry: what each changes, what it refuses, and that twice is once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from digest import clock
from digest.db import Database
from digest.deliveries import control, sweep
from digest.deliveries.control import Failed
from digest.deliveries.group import Sender
from digest.deliveries.handover import finish_served, go_on, settle_cancelled, take_back_plans
from digest.deliveries.ledger import Result, record
from digest.errors import StateError
from digest.models import (
    AuditEntry,
    Batch,
    Delivery,
    DeliveryReason,
    DeliveryStatus,
    Edition,
    EditionState,
    EditionTotals,
    Reason,
    Reply,
    SentItem,
    Subscriber,
)
from digest.queueing.names import TaskName
from tests.integration import hints
from tests.integration.planned import Desk, let_go, make_desk, make_post
from tests.servers.smtp import JudgeServer
from tests.servers.smtp_script import Fault, Script

S = EditionState
SENT, FAILED, PENDING = DeliveryStatus.SENT, DeliveryStatus.FAILED, DeliveryStatus.PENDING
SKIPPED, UNCERTAIN = DeliveryStatus.SKIPPED, DeliveryStatus.UNCERTAIN
ACTOR = "cli:test"
BATCH_SIZE = 20


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Desk:
    """A newsroom with one list and nobody on it yet."""
    return make_desk(database, tmp_path)


@pytest.fixture
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """An edition of a few people has several batches."""
    monkeypatch.setattr("digest.deliveries.plan.BATCH_SIZE", BATCH_SIZE)
    monkeypatch.setattr(control, "BATCH_SIZE", BATCH_SIZE)


@pytest.fixture
def judge() -> Iterator[JudgeServer]:
    """A mail service without faults."""
    with JudgeServer(Script(fsync=False)) as running:
        yield running


@pytest.fixture
def sender(desk: Desk, judge: JudgeServer) -> Iterator[Sender]:
    """A worker that sends to it."""
    made = desk.sender(judge.port, now=clock.utc_now())
    yield made
    let_go(made)


def _do(desk: Desk, edition_id: int, what: str, **options: object) -> object:
    """One step of the control in a transaction of its own."""
    with desk.database.write() as session:
        edition = session.get_one(Edition, edition_id)
        return getattr(control, what)(session, edition, actor=ACTOR, now=clock.utc_now(), **options)


def _settle(desk: Desk) -> None:
    with desk.database.write() as session:
        settle_cancelled(session, now=clock.utc_now())


def _set(desk: Desk, edition_id: int, people: list[int], **values: object) -> None:
    """Change what the ledger says of people."""
    with desk.database.write() as session:
        session.execute(
            sa.update(Delivery)
            .where(Delivery.edition_id == edition_id, Delivery.subscriber_id.in_(people))
            .values(**values)
        )


def _close(desk: Desk, edition_id: int, state: EditionState = S.SENT) -> None:
    """As if a worker had served it to the end."""
    with desk.database.write() as session:
        now = clock.utc_now()
        session.execute(sa.update(Batch).where(Batch.edition_id == edition_id).values(closed_at=now))
        session.execute(sa.update(Edition).where(Edition.id == edition_id).values(state=state))


def _audit(desk: Desk) -> list[str]:
    with desk.database.read() as session:
        return list(session.scalars(sa.select(AuditEntry.action).order_by(AuditEntry.id)))


def test_paused_edition_is_sent_to_nobody_and_goes_on_where_it_was(
    desk: Desk, judge: JudgeServer, sender: Sender
) -> None:
    """Pause, look, resume, send: each person once, and each change is on record once."""
    desk.add_people(5)
    edition_id = desk.sending(clock.utc_now())
    assert _do(desk, edition_id, "pause", detail="a wrong name in the headline") is True
    assert _do(desk, edition_id, "pause") is False
    paused = desk.edition(edition_id)
    assert (paused.state, paused.reason) == (S.PAUSED, Reason.BY_PERSON)
    assert paused.reason_detail == "a wrong name in the headline"
    assert desk.send(edition_id, sender) == [False]
    assert judge.messages == []
    assert _do(desk, edition_id, "resume") is True
    assert _do(desk, edition_id, "resume") is False
    assert desk.send(edition_id, sender) == [True]
    assert desk.edition(edition_id).state is S.SENT
    assert sorted(one.recipients[0] for one in judge.messages) == sorted(desk.statuses(edition_id))
    assert _audit(desk) == ["edition.pause", "edition.resume"]


def test_resume_tries_the_mail_service_at_once(desk: Desk) -> None:
    """What it had done wrong is forgotten, the batches are due and hinted at; retries of people wait on."""
    desk.add_people(2)
    edition_id = desk.sending(clock.utc_now())
    later = clock.utc_now() + dt.timedelta(minutes=5)
    with desk.database.write() as session:
        session.execute(sa.update(Batch).values(fault="no route", faults_in_a_row=6, not_before=later))
        session.add(Batch(edition_id=edition_id, not_before=later))
        control.pause_for_transport(session, edition_id, "no route", now=clock.utc_now())
    hints.taken()
    _do(desk, edition_id, "resume")
    faulty, deferred = desk.batches(edition_id)
    assert (faulty.fault, faulty.faults_in_a_row) == ("", 0)
    assert faulty.not_before <= clock.utc_now()
    assert deferred.not_before == later
    assert hints.taken() == [(TaskName.SEND_BATCH, [faulty.id])]


def test_last_group_recorded_while_paused_ends_the_edition_at_the_resume(desk: Desk) -> None:
    """Nothing is open then: it does not stand as `sending` with nobody to send to."""
    desk.add_people(1)
    edition_id = desk.sending(clock.utc_now())
    _do(desk, edition_id, "pause")
    _close(desk, edition_id, S.PAUSED)
    with desk.database.write() as session:
        assert finish_served(session, now=clock.utc_now()) == 0
    assert _do(desk, edition_id, "resume") is True
    assert desk.edition(edition_id).state is S.SENT


def test_a_failing_mail_service_pauses_with_its_words(desk: Desk) -> None:
    """Once; an edition that a person paused, cancelled or that was served meanwhile stays as it is."""
    desk.add_people(1)
    edition_id = desk.sending(clock.utc_now())
    with desk.database.write() as session:
        now = clock.utc_now()
        assert control.pause_for_transport(session, edition_id, "535 wrong password " * 99, now=now)
        assert not control.pause_for_transport(session, edition_id, "again", now=now)
    paused = desk.edition(edition_id)
    assert (paused.state, paused.reason) == (S.PAUSED, Reason.TRANSPORT_FAILING)
    assert paused.reason_detail.startswith("535 wrong password")
    assert len(paused.reason_detail) == 500
    _do(desk, edition_id, "cancel")
    with desk.database.write() as session:
        assert not control.pause_for_transport(session, edition_id, "again", now=clock.utc_now())
    assert desk.edition(edition_id).state is S.CANCELLED


@pytest.mark.parametrize("state", [S.FROZEN, S.SENDING, S.PAUSED])
@pytest.mark.usefixtures("_small_batches")
def test_cancelled_edition_leaves_nobody_pending(desk: Desk, state: EditionState) -> None:
    """Its people are skipped with the reason, its batches closed; the plan is not taken back."""
    desk.add_people(BATCH_SIZE + 1)
    now = clock.utc_now()
    edition_id = desk.planned(now) if state is S.FROZEN else desk.sending(now)
    if state is S.PAUSED:
        _do(desk, edition_id, "pause")
    assert _do(desk, edition_id, "cancel") is True
    assert _do(desk, edition_id, "cancel") is False
    with desk.database.write() as session:
        take_back_plans(session)
        go_on(session, now=clock.utc_now())
    with desk.database.read() as session:
        rows = session.execute(sa.select(Delivery.status, Delivery.reason)).all()
    assert set(rows) == {(SKIPPED, DeliveryReason.CANCELLED)}
    assert len(rows) == BATCH_SIZE + 1
    assert all(batch.closed_at for batch in desk.batches(edition_id))
    assert desk.edition(edition_id).state is S.CANCELLED


@pytest.mark.usefixtures("_small_batches")
@pytest.mark.both_databases
def test_cancel_waits_for_what_a_worker_holds(desk: Desk) -> None:
    """Its batch stays open until it lets go, for only it knows who was handed the edition."""
    desk.add_people(BATCH_SIZE + 1)
    edition_id = desk.sending(clock.utc_now())
    held = desk.batches(edition_id)[0]
    sender = desk.sender(1, now=clock.utc_now())
    with desk.database.write() as session:
        taken = {"journal_id": sender.journal_id, "leased_until": clock.utc_now(), "lease": 1}
        session.execute(sa.update(Batch).where(Batch.id == held.id).values(taken))
    _do(desk, edition_id, "cancel")
    _settle(desk)
    assert [batch.closed_at is not None for batch in desk.batches(edition_id)] == [False, True]
    statuses = list(desk.statuses(edition_id).values())
    assert (statuses.count(PENDING), statuses.count(SKIPPED)) == (BATCH_SIZE, 1)
    with desk.database.write() as session:
        session.execute(sa.update(Batch).values(journal_id=None, leased_until=None))
    times = sweep.SweepSettings(plan_lead=dt.timedelta(0), settle_uncertain_after=dt.timedelta(days=1))
    sweep.tick(desk.database, times, now=clock.utc_now())
    assert set(desk.statuses(edition_id).values()) == {SKIPPED}
    assert all(batch.closed_at for batch in desk.batches(edition_id))
    let_go(sender)


def test_worker_that_lets_go_settles_the_cancelled_edition(
    desk: Desk, judge: JudgeServer, sender: Sender
) -> None:
    """Cancelled from within a running task: the next group does not begin, and nobody is left pending."""
    desk.add_people(250)
    edition_id = desk.sending(clock.utc_now())
    cancelled = []

    def cancel_once() -> None:
        # Called after each group: the second is on its way by then.
        cancelled.append(len(judge.messages))
        if len(cancelled) == 1:
            _do(desk, edition_id, "cancel")

    from digest.deliveries.send import send_batch

    (batch,) = desk.batches(edition_id)
    send_batch(desk.database, batch.id, sender, lease_seconds=60, stop=lambda: False, between=cancel_once)
    statuses = list(desk.statuses(edition_id).values())
    assert 100 <= statuses.count(SENT) == len(judge.messages) <= 200
    assert statuses.count(SKIPPED) == 250 - len(judge.messages)
    assert desk.edition(edition_id).state is S.CANCELLED
    assert desk.batches(edition_id)[0].closed_at is not None


@pytest.mark.parametrize("status", [None, SENT, UNCERTAIN, FAILED])
def test_stories_are_free_again_if_nobody_was_handed_them(desk: Desk, status: DeliveryStatus | None) -> None:
    """Where one person has it or may have it, the cadence has sent them."""
    people = desk.add_people(2)
    now = clock.utc_now()
    with desk.database.write() as session:
        post_id = make_post(session, now)
    edition_id = desk.planned(now, posts=(post_id,))
    with desk.database.write() as session:
        go_on(session, now=now)
        assert session.scalars(sa.select(SentItem.post_id)).all() == [post_id]
    if status is not None:
        _set(desk, edition_id, people[:1], status=status, sent_at=now)
    _do(desk, edition_id, "cancel")
    _settle(desk)
    with desk.database.read() as session:
        kept = session.scalars(sa.select(SentItem.post_id)).all()
    assert kept == ([post_id] if status in (SENT, UNCERTAIN) else [])


def test_retry_sends_once_more_to_who_failed_and_nobody_else(
    desk: Desk, judge: JudgeServer, sender: Sender
) -> None:
    """In a new batch, at the next hundred of attempts; the edition stays `sent`, and twice is once."""
    people = desk.add_people(4)
    edition_id = desk.sending(clock.utc_now())
    now = clock.utc_now()
    _set(desk, edition_id, people, status=SENT, sent_at=now)
    _set(desk, edition_id, people[:2], status=FAILED, sent_at=None)
    _set(desk, edition_id, people[1:2], attempt=105)
    _close(desk, edition_id)
    hints.taken()
    assert _do(desk, edition_id, "retry") == 2
    assert _do(desk, edition_id, "retry") == 0
    assert _audit(desk) == ["edition.retry"]
    _, batch = desk.batches(edition_id)
    assert hints.taken() == [(TaskName.SEND_BATCH, [batch.id])]
    with desk.database.read() as session:
        moved = session.execute(
            sa.select(Delivery.subscriber_id, Delivery.attempt, Delivery.batch_id).where(
                Delivery.status == PENDING
            )
        ).all()
    assert sorted(moved) == [(people[0], 100, batch.id), (people[1], 200, batch.id)]
    assert desk.send(edition_id, sender) == [True]
    assert len(judge.messages) == 2
    assert desk.edition(edition_id).state is S.SENT
    assert set(desk.statuses(edition_id).values()) == {SENT}


@pytest.mark.usefixtures("_small_batches")
def test_retry_of_many_people_makes_several_batches(desk: Desk) -> None:
    """None larger than a batch of the plan, all of them due and none left empty."""
    people = desk.add_people(2 * BATCH_SIZE + 1)
    edition_id = desk.sending(clock.utc_now())
    _set(desk, edition_id, people, status=FAILED)
    _close(desk, edition_id)
    assert _do(desk, edition_id, "retry") == len(people)
    with desk.database.read() as session:
        sizes = session.execute(
            sa.select(Delivery.batch_id, sa.func.count())
            .join(Batch, Batch.id == Delivery.batch_id)
            .where(Delivery.status == PENDING, Batch.closed_at.is_(None))
            .group_by(Delivery.batch_id)
            .order_by(Delivery.batch_id)
        ).all()
    assert [size for _, size in sizes] == [BATCH_SIZE, BATCH_SIZE, 1]


@pytest.mark.parametrize(
    ("which", "expected"),
    [
        (Failed(codes=(550,)), [0, 1]),
        (Failed(enhanced=("5.7.1",)), [1]),
        (Failed(providers=("Google",)), [0, 2]),
        (Failed(providers=("other",)), [1]),
        (Failed(providers=("other", "Google")), [0, 1, 2]),
        (Failed(codes=(550,), providers=("Google",)), [0]),
        (Failed(codes=(450,)), []),
        (Failed(), [0, 1, 2]),
    ],
)
def test_retry_can_be_for_some_replies_and_some_providers(
    desk: Desk, which: Failed, expected: list[int]
) -> None:
    """The count that is told beforehand is the count that is moved."""
    people = desk.add_people(4)
    edition_id = desk.sending(clock.utc_now())
    replies = (("550", "5.1.1"), ("550", "5.7.1"), ("554", "5.4.6"))
    with desk.database.write() as session:
        for number, (code, enhanced) in enumerate(replies):
            session.add(Reply(id=number + 1, fingerprint=str(number), code=int(code), enhanced=enhanced))
        for number, domain in enumerate(("gmail.com", "mail.test", "googlemail.com")):
            session.get_one(Subscriber, people[number]).domain = domain
    for number in range(3):
        _set(desk, edition_id, [people[number]], status=FAILED, reply_id=number + 1)
    _set(desk, edition_id, people[3:], status=SENT, reply_id=1)
    _close(desk, edition_id)
    with desk.database.read() as session:
        assert control.count_failed(session, edition_id, which) == len(expected)
    assert _do(desk, edition_id, "retry", which=which) == len(expected)
    with desk.database.read() as session:
        pending = session.scalars(
            sa.select(Delivery.subscriber_id)
            .where(Delivery.status == PENDING)
            .order_by(Delivery.subscriber_id)
        ).all()
    assert pending == [people[number] for number in expected]


@pytest.mark.both_databases
def test_retry_while_it_is_being_handed_over_keeps_it_so(desk: Desk) -> None:
    """The new batch is one of its batches: it is `sent` when that is closed too."""
    people = desk.add_people(2)
    edition_id = desk.sending(clock.utc_now())
    _set(desk, edition_id, people[:1], status=FAILED)
    assert _do(desk, edition_id, "retry") == 1
    with desk.database.write() as session:
        (first, second) = desk.batches(edition_id)
        session.execute(sa.update(Batch).where(Batch.id == first.id).values(closed_at=clock.utc_now()))
        assert finish_served(session, now=clock.utc_now()) == 0
        session.execute(sa.update(Batch).where(Batch.id == second.id).values(closed_at=clock.utc_now()))
        assert finish_served(session, now=clock.utc_now()) == 1


ALLOWED = {
    "pause": {S.SENDING, S.PAUSED},
    "resume": {S.PAUSED, S.SENDING},
    "cancel": {S.FROZEN, S.SENDING, S.PAUSED, S.CANCELLED},
    "retry": {S.SENDING, S.SENT},
}


@pytest.mark.parametrize("what", ALLOWED)
def test_what_cannot_be_done_is_a_sentence_and_changes_nothing(desk: Desk, what: str) -> None:
    """In each state that does not allow it: no row changes, and the sentence names edition and state."""
    desk.add_people(1)
    edition_id = desk.sending(clock.utc_now())
    for state in set(S) - ALLOWED[what]:
        with desk.database.write() as session:
            session.execute(sa.update(Edition).values(state=state))
        with pytest.raises(StateError, match=rf"^[A-Z].+\. Edition {edition_id} is {state}\.$"):
            _do(desk, edition_id, what)
        assert desk.edition(edition_id).state is state
    assert set(desk.statuses(edition_id).values()) == {PENDING}
    assert _audit(desk) == []


def test_an_edition_whose_people_are_dropped_is_not_retried(desk: Desk) -> None:
    """It says so instead of finding nobody."""
    desk.add_people(1)
    edition_id = desk.sending(clock.utc_now())
    _close(desk, edition_id)
    with desk.database.write() as session:
        counts = {"sent": 1, "failed": 1, "skipped": 0, "uncertain": 0}
        session.add(EditionTotals(edition_id=edition_id, dropped_at=clock.utc_now(), **counts))
    with pytest.raises(StateError, match="no longer on record"):
        _do(desk, edition_id, "retry")


def test_failed_by_a_reply_then_retried_is_judged_anew(desk: Desk) -> None:
    """A mailbox that was full is not any more: the same person, a second message, one row."""
    desk.add_people(1)
    edition_id = desk.sending(clock.utc_now())
    fault = Fault("rcpt", reply="552 5.2.2 mailbox full")
    with JudgeServer(Script(faults=(fault,), fsync=False)) as judge:
        sender = desk.sender(judge.port, now=clock.utc_now())
        desk.send(edition_id, sender)
        assert set(desk.statuses(edition_id).values()) == {FAILED}
        assert desk.edition(edition_id).state is S.SENT
        assert _do(desk, edition_id, "retry", which=Failed(codes=(552,))) == 1
        desk.send(edition_id, sender)
        let_go(sender)
        assert len(judge.messages) == 1
    assert set(desk.statuses(edition_id).values()) == {SENT}


def test_a_late_word_on_an_earlier_round_changes_nothing(desk: Desk) -> None:
    """A journal that is folded in after the retry says once more that it failed: that is known."""
    (person,) = desk.add_people(1)
    edition_id = desk.sending(clock.utc_now())
    said = Result(person, 0, FAILED, clock.utc_now())
    with desk.database.write() as session:
        record(session, edition_id, [said])
    _close(desk, edition_id)
    assert _do(desk, edition_id, "retry") == 1
    with desk.database.write() as session:
        record(session, edition_id, [said])
    assert set(desk.statuses(edition_id).values()) == {PENDING}

"""Sending a batch: whoever may be mailed gets one mail, and the mail service's troubles are its own."""

from __future__ import annotations

import datetime as dt
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import clock
from digest.db import Database
from digest.deliveries import overlap, turn
from digest.deliveries.control import pause
from digest.deliveries.group import Sender
from digest.deliveries.leases import postpone
from digest.deliveries.people import Person
from digest.deliveries.retry import WAITS
from digest.deliveries.send import send_batch
from digest.errors import ConfigError
from digest.models import (
    Batch,
    Delivery,
    DeliveryStatus,
    Edition,
    EditionState,
    Reply,
    Subscriber,
    Subscription,
    SubscriptionStatus,
    Transport,
)
from digest.queueing.names import TaskName
from tests.integration import hints
from tests.integration.planned import Desk, let_go, make_desk
from tests.servers.smtp import JudgeServer
from tests.servers.smtp_script import Fault, Script
from tests.servers.waiting import HANG

SENT, FAILED, PENDING = DeliveryStatus.SENT, DeliveryStatus.FAILED, DeliveryStatus.PENDING
SKIPPED, UNCERTAIN = DeliveryStatus.SKIPPED, DeliveryStatus.UNCERTAIN


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Desk:
    """A newsroom with one list and nobody on it yet."""
    return make_desk(database, tmp_path)


@pytest.fixture
def _small_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    """Groups of four people instead of a hundred, one at a time."""
    monkeypatch.setattr(turn, "GROUP_PEOPLE", 4)
    monkeypatch.setattr(overlap, "_USUAL", 1)


@contextmanager
def _judged(desk: Desk, *faults: Fault) -> Iterator[tuple[JudgeServer, Sender]]:
    """A mail service with these faults, and a worker that sends to it."""
    with JudgeServer(Script(faults=faults, fsync=False)) as judge:
        sender = desk.sender(judge.port, now=clock.utc_now())
        try:
            yield judge, sender
        finally:
            let_go(sender)


def _send(
    desk: Desk,
    batch_id: int,
    sender: Sender,
    *,
    lease_seconds: int = 60,
    stop: Callable[[], bool] = lambda: False,
    between: Callable[[], None] = lambda: None,
) -> bool:
    return send_batch(
        desk.database, batch_id, sender, lease_seconds=lease_seconds, stop=stop, between=between
    )


def _batch(desk: Desk, batch_id: int) -> Batch:
    with desk.database.read() as session:
        return session.get_one(Batch, batch_id)


def _make_due(desk: Desk) -> None:
    """As if the time had passed that a batch or the mail service waits for."""
    with desk.database.write() as session:
        session.execute(sa.update(Batch).values(not_before=clock.utc_now()))
        session.execute(sa.update(Transport).values(rests_until=clock.utc_now()))


def _recipients(judge: JudgeServer) -> list[str]:
    return [recipient for message in judge.messages for recipient in message.recipients]


def test_everybody_gets_one_mail_and_the_batch_is_closed(desk: Desk) -> None:
    """And a second hint at the same batch sends nothing."""
    desk.add_people(5)
    edition_id = desk.sending(clock.utc_now())
    (batch,) = desk.batches(edition_id)
    with _judged(desk) as (judge, sender):
        assert _send(desk, batch.id, sender)
        assert not _send(desk, batch.id, sender)
        assert sorted(_recipients(judge)) == sorted(desk.statuses(edition_id))
    assert set(desk.statuses(edition_id).values()) == {SENT}
    closed = _batch(desk, batch.id)
    assert closed.closed_at is not None
    assert (closed.journal_id, closed.leased_until, closed.lease) == (None, None, 1)


def test_a_batch_closes_with_its_last_group(desk: Desk) -> None:
    """In the transaction of its results: there is no moment at which all are served and it is open."""
    desk.add_people(3)
    (batch,) = desk.batches(desk.sending(clock.utc_now()))
    closed_after_the_group: list[bool] = []

    def look() -> None:
        closed_after_the_group.append(_batch(desk, batch.id).closed_at is not None)

    with _judged(desk) as (_, sender):
        assert _send(desk, batch.id, sender, between=look)
    assert closed_after_the_group == [True]


def test_nothing_is_sent_before_its_time(desk: Desk) -> None:
    """A batch whose slot has not come, and one of an edition that is not being sent, are left alone."""
    desk.add_people(1)
    now = clock.utc_now()
    early, paused = desk.sending(now), desk.sending(now + dt.timedelta(microseconds=1))
    with desk.database.write() as session:
        later = now + dt.timedelta(minutes=1)
        session.execute(sa.update(Batch).where(Batch.edition_id == early).values(not_before=later))
        session.execute(sa.update(Edition).where(Edition.id == paused).values(state=EditionState.PAUSED))
    with _judged(desk) as (judge, sender):
        for edition_id in (early, paused):
            assert desk.send(edition_id, sender) == [False]
        assert judge.connections == 0


@pytest.mark.usefixtures("_small_groups")
@pytest.mark.parametrize("way", ["ends", "pauses", "is barred", "is erased"])
def test_who_leaves_between_two_groups_is_not_mailed(desk: Desk, way: str) -> None:
    """Who may be mailed is asked anew before each group, not once at the start."""
    people = desk.add_people(7)
    edition_id = desk.sending(clock.utc_now())
    (batch,) = desk.batches(edition_id)
    gone = people[-1]

    def leave() -> None:
        with desk.database.write() as session:
            if way == "is erased":
                _change(session, Subscriber, Subscriber.id == gone, erased_at=clock.utc_now())
            elif way == "is barred":
                from digest.lists.status import Origin
                from digest.lists.suppress import suppress_domain

                _change(session, Subscriber, Subscriber.id == gone, domain="barred.test")
                suppress_domain(
                    session, "barred.test", reason="asked", source=Origin.CLI, now=clock.utc_now()
                )
            else:
                status = SubscriptionStatus.ENDED if way == "ends" else SubscriptionStatus.PAUSED
                _change(session, Subscription, Subscription.subscriber_id == gone, status=status)

    with _judged(desk) as (judge, sender):
        assert _send(desk, batch.id, sender, between=leave)
        assert len(judge.messages) == 6
    with desk.database.read() as session:
        rows = dict(session.execute(sa.select(Delivery.subscriber_id, Delivery.status)).all())
    assert rows[gone] is SKIPPED
    assert [status for status in rows.values() if status is not SENT] == [SKIPPED]


def _change(session: sa.orm.Session, table: type, where: sa.ColumnElement[bool], **values: object) -> None:
    session.execute(
        sa.update(table).where(where).values(**values), execution_options={"synchronize_session": False}
    )


@pytest.mark.usefixtures("_small_groups")
def test_a_paused_edition_stops_after_the_group(desk: Desk) -> None:
    """Those of the group that was under way have it, the rest are pending, and nothing is in doubt."""
    desk.add_people(7)
    edition_id = desk.sending(clock.utc_now())
    (batch,) = desk.batches(edition_id)

    def pause() -> None:
        with desk.database.write() as session:
            _change(session, Edition, Edition.id == edition_id, state=EditionState.PAUSED)

    with _judged(desk) as (judge, sender):
        assert not _send(desk, batch.id, sender, between=pause)
        assert len(judge.messages) == 4
    statuses = list(desk.statuses(edition_id).values())
    assert (statuses.count(SENT), statuses.count(PENDING)) == (4, 3)
    left = _batch(desk, batch.id)
    assert (left.journal_id, left.leased_until, left.closed_at, left.fault) == (None, None, None, "")


@pytest.mark.parametrize("why", ["told to stop", "lease is over"])
def test_what_is_not_begun_is_handed_back(desk: Desk, why: str) -> None:
    """A worker that must end sends nothing more and hints at what is left; the next one sends it."""
    desk.add_people(2)
    edition_id = desk.sending(clock.utc_now())
    (batch,) = desk.batches(edition_id)
    hints.taken()
    with _judged(desk) as (judge, sender):
        if why == "told to stop":
            assert not _send(desk, batch.id, sender, stop=lambda: True)
        else:
            assert not _send(desk, batch.id, sender, lease_seconds=0)
        assert judge.messages == []
        assert (TaskName.SEND_BATCH, [batch.id]) in hints.taken()
        assert _send(desk, batch.id, sender)
    assert set(desk.statuses(edition_id).values()) == {SENT}


def test_a_worker_that_is_told_to_stop_waits_for_no_answer_for_ever(desk: Desk) -> None:
    """The server is silent after one final dot: that person is uncertain, and the others go back at once.

    No single mail is looked for any more, and nothing is held against the mail service.
    """
    desk.add_people(8)
    edition_id = desk.sending(clock.utc_now())
    (batch,) = desk.batches(edition_id)
    silent = sorted(desk.statuses(edition_id))[3]
    looked: list[bool] = []
    with _judged(desk, Fault("accepted", action="silence", match=silent)) as (judge, sender):

        def is_told() -> bool:
            return silent in _recipients(judge)

        assert not send_batch(
            desk.database,
            batch.id,
            sender,
            lease_seconds=60,
            stop=is_told,
            waits_until=lambda: clock.monotonic() if is_told() else clock.monotonic() + HANG,
            between=lambda: looked.append(is_told()),
        )
        taken = _recipients(judge)
    assert len(taken) < 8
    expected = {who: SENT if who in taken else PENDING for who in desk.statuses(edition_id)}
    assert desk.statuses(edition_id) == expected | {silent: UNCERTAIN}
    assert True not in looked
    left = _batch(desk, batch.id)
    assert (left.journal_id, left.leased_until, left.fault) == (None, None, "")
    assert left.not_before <= clock.utc_now()


def test_a_mail_service_that_is_away_burns_nobodys_attempt(desk: Desk) -> None:
    """The batch goes back with the fault in words, and is tried again ever more rarely, for ever."""
    desk.add_people(3)
    edition_id = desk.sending(clock.utc_now())
    (batch,) = desk.batches(edition_id)
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: a connection is refused
        sender = desk.sender(taken.getsockname()[1], now=clock.utc_now())
        waits = []
        for number in range(1, 9):
            before = clock.utc_now()
            assert not _send(desk, batch.id, sender)
            left = _batch(desk, batch.id)
            assert left.faults_in_a_row == number
            assert left.fault.startswith("The mail service ")
            assert left.fault.endswith(".")
            # In whole tens: the machine may be slow, and a wait begins when the failure is noted.
            waits.append(int((left.not_before - before).total_seconds()) // 10 * 10)
            _make_due(desk)
        assert waits == [10, 20, 40, 80, 160, 300, 300, 300]
        let_go(sender)
    with desk.database.read() as session:
        assert {(row.status, row.attempt) for row in session.scalars(sa.select(Delivery))} == {(PENDING, 0)}

    with _judged(desk) as (judge, back):
        assert _send(desk, batch.id, back)
        assert len(judge.messages) == 3
    done = _batch(desk, batch.id)
    assert done.closed_at is not None
    assert done.fault == ""
    assert set(desk.statuses(edition_id).values()) == {SENT}


@pytest.mark.parametrize(
    "fault",
    [
        Fault("connect", reply="421 4.3.2 Too busy", times=1),
        Fault("mail", reply="451 4.3.0 Disk full", times=1),
        Fault("rcpt", reply="421 4.7.0 Closing", times=1, skip=1),
        Fault("data", action="drop", times=1),
    ],
    ids=["greeting", "mail", "closing", "dropped"],
)
def test_a_host_that_fails_fails_no_person(desk: Desk, fault: Fault) -> None:
    """What the service says of itself is the batch's trouble; the next try sends to everybody, once."""
    desk.add_people(3)
    edition_id = desk.sending(clock.utc_now())
    (batch,) = desk.batches(edition_id)
    with _judged(desk, fault) as (judge, sender):
        if not _send(desk, batch.id, sender):
            assert _batch(desk, batch.id).fault
            _make_due(desk)
            assert _send(desk, batch.id, sender)
        assert sorted(_recipients(judge)) == sorted(desk.statuses(edition_id))
    with desk.database.read() as session:
        assert {(row.status, row.attempt) for row in session.scalars(sa.select(Delivery))} == {(SENT, 0)}


def test_a_connection_that_ends_after_the_final_dot_leaves_one_in_doubt(desk: Desk) -> None:
    """The mail was taken, the reply was not heard: that person alone is uncertain, and gets no second one."""
    desk.add_people(4)
    edition_id = desk.sending(clock.utc_now())
    (batch,) = desk.batches(edition_id)
    with _judged(desk, Fault("accepted", action="drop", skip=1)) as (judge, sender):
        _send(desk, batch.id, sender)
        _make_due(desk)
        _send(desk, batch.id, sender)
        assert sorted(_recipients(judge)) == sorted(desk.statuses(edition_id))
    statuses = list(desk.statuses(edition_id).values())
    assert (statuses.count(SENT), statuses.count(UNCERTAIN)) == (3, 1)


def test_a_person_who_is_deferred_for_ever_fails_alone(desk: Desk) -> None:
    """451 each time: four tries more within five hours, then failed; the others have it at once."""
    desk.add_people(3)
    desk.make_useful_for(dt.timedelta(hours=5))
    now = clock.utc_now()
    edition_id = desk.sending(now)
    slow = sorted(desk.statuses(edition_id))[1]
    fault = Fault("rcpt", reply="451 4.7.1 Greylisted", match=slow, times=0)
    with _judged(desk, fault) as (judge, sender):
        for _ in range(len(WAITS)):
            desk.send(edition_id, sender)
            _make_due(desk)
        assert len(judge.messages) == 2
        assert len([line for line in judge.commands if slow in line]) == len(WAITS)
    assert desk.statuses(edition_id)[slow] is FAILED
    assert sorted(desk.statuses(edition_id).values()) == [FAILED, SENT, SENT]
    assert all(batch.closed_at for batch in desk.batches(edition_id))
    with desk.database.read() as session:
        failed = session.scalars(sa.select(Delivery).where(Delivery.status == FAILED)).one()
        assert session.get_one(Reply, failed.reply_id).text == "Greylisted"


def test_a_refused_person_fails_alone(desk: Desk) -> None:
    """550 is final: one try, the reply kept, the others go on over the same connection."""
    desk.add_people(3)
    edition_id = desk.sending(clock.utc_now())
    gone = min(desk.statuses(edition_id))
    with _judged(desk, Fault("rcpt", reply=f"550 5.1.1 <{gone}> unknown", match=gone)) as (judge, sender):
        assert desk.send(edition_id, sender) == [True]
        assert len(judge.messages) == 2
    with desk.database.read() as session:
        failed = session.scalars(sa.select(Delivery).where(Delivery.status == FAILED)).one()
        reply = session.get_one(Reply, failed.reply_id)
    assert (reply.code, reply.enhanced) == (550, "5.1.1")
    assert gone.partition("@")[0] not in reply.text


@pytest.mark.parametrize(
    "values", [{"address": "no address"}, {"address": "x" * 80 + "@mail.test"}, {"address": None}]
)
def test_whose_data_cannot_be_mailed_fails_alone(desk: Desk, values: dict[str, object]) -> None:
    """One row that no mail can be made of stops nobody else, and the ledger says why."""
    people = desk.add_people(3)
    edition_id = desk.sending(clock.utc_now())
    with desk.database.write() as session:
        _change(session, Subscriber, Subscriber.id == people[1], **values)
    with _judged(desk) as (judge, sender):
        assert desk.send(edition_id, sender) == [True]
        assert len(judge.messages) == 2
    with desk.database.read() as session:
        failed = session.scalars(sa.select(Delivery).where(Delivery.status == FAILED)).one()
        assert failed.subscriber_id == people[1]
        assert session.get_one(Reply, failed.reply_id).text.endswith(".")


def test_a_batch_without_a_mail_service_waits_with_its_reason(desk: Desk) -> None:
    """`postpone` writes why and looks again in a minute; a batch that somebody holds is left alone."""
    desk.add_people(1)
    (batch,) = desk.batches(desk.sending(clock.utc_now()))
    before = clock.utc_now()
    postpone(desk.database, batch.id, "No mail service is set up.")
    waiting = _batch(desk, batch.id)
    assert waiting.fault == "No mail service is set up."
    assert 59 <= (waiting.not_before - before).total_seconds() <= 65
    with desk.database.write() as session:
        _change(session, Batch, Batch.id == batch.id, leased_until=before + dt.timedelta(minutes=2))
    postpone(desk.database, batch.id, "Something else.")
    assert _batch(desk, batch.id).fault == "No mail service is set up."


@pytest.mark.usefixtures("_small_groups")
def test_a_paused_edition_takes_nobody_in_hand_any_more(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first group that finds it paused is the last: at a pace each further one would take permits."""
    desk.add_people(40)
    edition_id = desk.sending(clock.utc_now())
    (batch,) = desk.batches(edition_id)
    read: list[int] = []
    people_of = turn.people_of

    def counted(session: Session, edition: int, batch_id: int, ids: list[int]) -> list[Person]:
        read.append(len(ids))
        return people_of(session, edition, batch_id, ids)

    monkeypatch.setattr(turn, "people_of", counted)
    with _judged(desk) as (judge, sender):

        def rest() -> None:
            with desk.database.write() as session:
                pause(session, session.get_one(Edition, edition_id), actor="test", now=clock.utc_now())

        assert not _send(desk, batch.id, sender, between=rest)
        assert 0 < len(judge.messages) < 40
    assert len(read) <= 3
    left = _batch(desk, batch.id)
    assert (left.closed_at, left.journal_id) == (None, None)


def test_a_sender_without_a_key_holds_up_nobody_else(desk: Desk) -> None:
    """Its batch waits with the words for it; the mail service has no fault, and other editions go out."""
    desk.add_people(2)
    now = clock.utc_now()
    keyless, other = desk.sending(now - dt.timedelta(seconds=1)), desk.sending(now)
    (batch,) = desk.batches(keyless)
    words = "courier.example has no DKIM key; `digest dkim keygen courier.example` makes one."

    asked: list[int] = []

    def signer_for(_session: Session, _domain: str) -> None:
        asked.append(1)
        if len(asked) == 1:  # the batch that the task is for comes first
            raise ConfigError(words)

    with _judged(desk) as (judge, sender):
        signing = replace(sender, signer_for=signer_for)
        send_batch(desk.database, batch.id, signing, lease_seconds=60, stop=lambda: False, others=True)
        assert len(judge.messages) == 2
    assert set(desk.statuses(other).values()) == {SENT}
    assert set(desk.statuses(keyless).values()) == {PENDING}
    waiting = _batch(desk, batch.id)
    assert (waiting.fault, waiting.journal_id) == (words, None)
    assert waiting.not_before > now + dt.timedelta(seconds=30)
    with desk.database.read() as session:
        service = session.scalars(sa.select(Transport)).one()
        assert (service.fault, service.rests_until) == ("", None)

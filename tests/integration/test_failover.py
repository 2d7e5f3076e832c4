"""Several mail services: where the first fails the next goes on, and where all fail the edition waits."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from digest import clock
from digest.db import Database
from digest.models import DeliveryStatus, EditionState, Transport
from digest.queueing.names import TaskName
from digest.tasks import work
from tests.integration import hints
from tests.integration.planned import Desk, make_desk
from tests.integration.worker_here import add_service, make_due, send_what_is_due, worker_here
from tests.servers.smtp import JudgeServer
from tests.servers.smtp_script import Fault, Script
from tests.servers.waiting import wait_until

PEOPLE = 15
TAKEN = 6  # by the first service, before it fails
BUSY = "421 4.3.2 Too busy"


@pytest.fixture
def desk(database: Database, tmp_path: Path, database_url: str) -> Iterator[Desk]:
    """A newsroom with one list and nobody on it yet, and its worker in this process."""
    made = make_desk(database, tmp_path)
    with pytest.MonkeyPatch.context() as settings, worker_here(made, database_url, settings):
        yield made


def _judge(*faults: Fault) -> JudgeServer:
    return JudgeServer(Script(faults=faults, fsync=False))


def _recipients(judge: JudgeServer) -> list[str]:
    return [who for message in judge.messages for who in message.recipients]


def _service(desk: Desk, service_id: int) -> Transport:
    with desk.database.read() as session:
        return session.get_one(Transport, service_id)


@pytest.mark.parametrize("how", ["it says 421", "it refuses connections"])
def test_the_next_service_goes_on_in_the_middle_of_an_edition(desk: Desk, how: str) -> None:
    """The first takes six and fails: the second is given the others at once, and everybody has it once.

    The first rests with its fault in words; nobody's attempt is burnt.
    """
    desk.add_people(PEOPLE)
    edition_id = desk.sending(clock.utc_now())
    refuses = how == "it refuses connections"
    # The seventh MAIL waits, with nothing on its way, until the server is gone and its port closed.
    fails = (
        Fault("mail", action="hold", skip=TAKEN, times=0)
        if refuses
        else Fault("mail", reply=BUSY, skip=TAKEN, times=0)
    )
    with ExitStack() as ends, _judge() as second:
        first = _judge(fails)
        close_first = ExitStack()
        close_first.enter_context(first)
        ends.callback(close_first.close)

        def go_away() -> None:
            wait_until(lambda: first.holding, what="the seventh mail")
            close_first.close()

        service = add_service(desk, "first", first.port)
        add_service(desk, "second", second.port, rank=1)
        (batch,) = desk.batches(edition_id)
        leaves = threading.Thread(target=go_away)
        if refuses:
            leaves.start()
        hints.taken()
        work.send_one_batch(batch.id)
        if refuses:
            leaves.join()
        assert len(first.messages) == TAKEN
        assert second.messages == []
        assert (TaskName.SEND_BATCH, [batch.id]) in hints.taken()
        send_what_is_due(desk, edition_id)
        assert len(second.messages) == PEOPLE - TAKEN
        taken = Counter(_recipients(first) + _recipients(second))
    assert taken == Counter(desk.statuses(edition_id).keys())
    assert set(desk.statuses(edition_id).values()) == {DeliveryStatus.SENT}
    assert desk.edition(edition_id).state is EditionState.SENT
    failed = _service(desk, service)
    assert failed.rests_until is not None
    assert failed.faults_in_a_row == 1
    assert failed.fault if refuses else "Too busy" in failed.fault


def test_an_edition_waits_while_all_services_rest(desk: Desk) -> None:
    """It keeps its people and says why in words; once the first service is back, it goes on by that one."""
    desk.add_people(3)
    edition_id = desk.sending(clock.utc_now())
    with (
        _judge(Fault("connect", reply=BUSY, times=1)) as first,
        _judge(Fault("connect", reply="421 4.3.2 Shutting down", times=1)) as second,
    ):
        services = [add_service(desk, "first", first.port), add_service(desk, "second", second.port, rank=1)]
        send_what_is_due(desk, edition_id)
        send_what_is_due(desk, edition_id)
        rests = [_service(desk, each).rests_until for each in services]
        assert None not in rests
        (batch,) = desk.batches(edition_id)
        work.send_one_batch(batch.id)  # by a hint that came late
        (batch,) = desk.batches(edition_id)
        assert batch.not_before == rests[0]
        assert "Too busy" in batch.fault
        assert [first.connections, second.connections] == [1, 1]
        assert desk.edition(edition_id).state is EditionState.SENDING
        assert set(desk.statuses(edition_id).values()) == {DeliveryStatus.PENDING}

        make_due(desk)
        send_what_is_due(desk, edition_id)
        assert Counter(_recipients(first)) == Counter(desk.statuses(edition_id).keys())
        assert second.messages == []
    assert set(desk.statuses(edition_id).values()) == {DeliveryStatus.SENT}
    assert desk.edition(edition_id).state is EditionState.SENT
    works = _service(desk, services[0])
    assert (works.fault, works.faults_in_a_row, works.rests_until) == ("", 0, None)

"""Acts of one person at the same moment wait for each other; none is the victim of a circle."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from digest import clock, keys
from digest.config import Settings
from digest.db import Database
from digest.lists import consent
from digest.lists.erase import erase_subscriber
from digest.lists.status import Origin
from digest.models import Digest, MailingList, Subscriber, Subscription, SubscriptionStatus
from digest.tokens import Claim, Purpose
from tests.factories import make_list, make_subscription
from tests.factories.audience import make_readers
from tests.integration.web.rows import Scene
from tests.integration.web.test_sign_off import ONE_CLICK
from tests.servers.waiting import HANG, wait_until

pytestmark = pytest.mark.both_databases

# Some rounds each time, and as many as it takes to be sure by `make proof`.
ROUNDS = pytest.mark.parametrize("rounds", [10, pytest.param(200, marks=pytest.mark.slow)])


@dataclass(frozen=True, slots=True)
class Crowd:
    """People who are on two lists each, with a link of either."""

    list_id: int
    people: Sequence[int]
    links: Sequence[tuple[str, str]]


@pytest.fixture
def rounds() -> int:
    """How many people there are, where a test does not say it."""
    return 1


@pytest.fixture
def crowd(database: Database, settings: Settings, scene: Scene, rounds: int) -> Crowd:
    signer = keys.load(settings.secrets_folder).signer
    with database.write() as session:
        first = session.get_one(MailingList, scene.list_id)
        second = make_list(session, session.get_one(Digest, first.digest_id))
        people = make_readers(session, first, [f"reader-{number}@mail.test" for number in range(rounds)])
        for person in people:
            make_subscription(session, second, person)
        claims = [
            [signer.sign(Claim(Purpose.UNSUBSCRIBE, each.id, person.id)) for each in (first, second)]
            for person in people
        ]
        return Crowd(first.id, [person.id for person in people], [(one, other) for one, other in claims])


def race(rounds: int, *runners: Callable[[int], int]) -> list[int]:
    """Each runner does every round in a thread of its own, all at once; the answers that are no good."""
    gate = threading.Barrier(len(runners), timeout=HANG)
    bad: list[int] = []

    def run(runner: Callable[[int], int]) -> None:
        for number in range(rounds):
            gate.wait()
            try:
                status = runner(number)
            except Exception:
                status = 500
            if status not in (200, 303):
                bad.append(status)

    threads = [threading.Thread(target=run, args=(runner,)) for runner in runners]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return bad


def everything_has_ended(database: Database, crowd: Crowd) -> None:
    with database.read() as session:
        assert [fault for _, faults in consent.verify_all(session) for fault in faults] == []
        of_crowd = sa.select(Subscription.status).where(Subscription.subscriber_id.in_(crowd.people))
        assert set(session.scalars(of_crowd)) == {SubscriptionStatus.ENDED}


@ROUNDS
def test_stopping_all_and_one_click_wait_for_each_other(
    client: TestClient, database: Database, crowd: Crowd, rounds: int
) -> None:
    """One click on the last of somebody's lists while they stop all: both are answered, and all has ended."""

    def stop_all(number: int) -> int:
        page = f"/u/{crowd.links[number][0]}/page"
        return client.post(page, data={"do": "stop_all"}).status_code

    def one_click(number: int) -> int:
        return client.post(f"/u/{crowd.links[number][1]}", data=ONE_CLICK).status_code

    assert race(rounds, stop_all, one_click) == []
    everything_has_ended(database, crowd)


@ROUNDS
def test_a_press_and_an_erasure_wait_for_each_other(
    client: TestClient, database: Database, crowd: Crowd, rounds: int
) -> None:
    """Whoever comes second finds what the first has done; after it all are erased."""

    def pause(number: int) -> int:
        found = client.post(f"/u/{crowd.links[number][1]}/page", data={"do": "pause"}).status_code
        return 200 if found == 404 else found  # erased already

    def erase(number: int) -> int:
        with database.write() as session:
            person = session.get_one(Subscriber, crowd.people[number])
            done = erase_subscriber(session, person, source=Origin.CLI, now=clock.utc_now())
        return 200 if done else 500

    assert race(rounds, pause, erase) == []
    everything_has_ended(database, crowd)


@pytest.mark.parametrize("kept", ["postgresql"], indirect=True)  # on SQLite all writers wait for each other
@pytest.mark.parametrize("act", ["pause", "text", "ask", "leave", "stop_all", "one-click", "undo"])
def test_an_act_holds_the_person_before_any_subscription(
    client: TestClient, database: Database, crowd: Crowd, settings: Settings, act: str
) -> None:
    """While somebody else holds the person it waits outside, and keeps nobody from their subscriptions."""
    person_id, link = crowd.people[0], crowd.links[0][0]
    path, form = f"/u/{link}/page", {"do": act, "value": "data"}
    if act == "one-click":
        path, form = f"/u/{link}", ONE_CLICK
    elif act == "undo":
        signer = keys.load(settings.secrets_folder).signer
        path, form = f"/undo/{signer.sign(Claim(Purpose.UNDO, crowd.list_id, person_id))}", {}
    with database.write() as holder:
        holder.get_one(Subscriber, person_id, with_for_update=True)
        press = threading.Thread(target=client.post, args=(path,), kwargs={"data": form})
        press.start()
        wait_until(lambda: somebody_waits(database), what="the press")
        mine = sa.select(Subscription.id).where(Subscription.subscriber_id == person_id)
        assert len(holder.scalars(mine.with_for_update(nowait=True)).all()) == 2
    press.join(HANG)
    assert not press.is_alive()


def somebody_waits(database: Database) -> bool:
    with database.read() as session:
        waiting = sa.text(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return bool(session.scalar(waiting))

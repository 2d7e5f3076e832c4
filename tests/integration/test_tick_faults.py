"""One thing that is wrong, a hint that is lost, a time that was missed: the tick does the rest."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from digest import clock
from digest.db import Database
from digest.deliveries.handover import go_on
from digest.deliveries.ledger import add_batch
from digest.deliveries.send import send_batch
from digest.deliveries.sweep import SweepSettings, tick
from digest.editions.cadences import send_now
from digest.editions.progress import enqueue_freezes
from digest.editions.slots import make_next_editions
from digest.models import (
    Edition,
    EditionState,
    Reason,
)
from digest.queueing.names import TaskName
from digest.sources.catalogue import add_source
from tests.factories import make_cadence, make_digest
from tests.integration import hints
from tests.integration.planned import Desk, let_go, make_desk, make_post
from tests.servers.smtp import JudgeServer

HOUR = dt.timedelta(hours=1)
TIMES = SweepSettings(plan_lead=dt.timedelta(minutes=2), settle_uncertain_after=dt.timedelta(days=1))


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Desk:
    """A newsroom with one list and nobody on it yet."""
    return make_desk(database, tmp_path)


@pytest.fixture
def judge() -> Iterator[JudgeServer]:
    """A mail service that takes everything."""
    with JudgeServer() as server:
        yield server


def test_sends_an_edition_at_once_that_was_planned_for_later(desk: Desk, judge: JudgeServer) -> None:
    """`send now` in the minutes between plan and slot moves its batches too."""
    now = clock.utc_now()
    desk.add_people(1)
    edition_id = desk.planned(now + dt.timedelta(minutes=2))
    with desk.database.write() as session:
        send_now(session, session.get_one(Edition, edition_id), actor="test", now=now)
    with desk.database.write() as session:
        go_on(session, now=now)
    sender = desk.sender(judge.port, now=now)
    desk.send(edition_id, sender)
    let_go(sender)
    assert len(judge.messages) == 1
    assert desk.edition(edition_id).state is EditionState.SENT


def test_finds_a_held_edition_that_a_person_sends_though_the_hint_is_lost(desk: Desk) -> None:
    """The rows say that it is wanted: the next tick tells a worker."""
    now = clock.utc_now()
    edition_id = desk.frozen(now)
    with desk.database.write() as session:
        session.execute(sa.update(Edition).values(state=EditionState.HELD, reason=Reason.NO_POSTAL_ADDRESS))
    with desk.database.write() as session:
        send_now(session, session.get_one(Edition, edition_id), actor="test", now=now)
    with desk.database.write() as session:
        assert enqueue_freezes(session, now=now) == [edition_id]


def test_takes_back_the_plan_of_an_edition_that_was_skipped(desk: Desk) -> None:
    """The system was down over the slot and its grace: nobody stays pending, no batch stays open."""
    now = clock.utc_now()
    desk.add_people(2)
    edition_id = desk.planned(now)
    later = now + dt.timedelta(hours=4)
    tick(desk.database, TIMES, now=later)
    edition = desk.edition(edition_id)
    assert (edition.state, edition.reason) == (EditionState.SKIPPED, Reason.PAST_GRACE)
    assert desk.statuses(edition_id) == {}
    assert desk.batches(edition_id) == []


def test_does_the_rest_of_a_tick_though_one_step_fails(desk: Desk) -> None:
    """A plan that contradicts itself stops neither the sources nor the other editions, and is not hidden."""
    now = clock.utc_now()
    with desk.database.write() as session:
        post = make_post(session, now)
        add_source(session, "https://courier.example/feed/", backlog=HOUR, actor="test", now=now - HOUR)
    desk.add_people(1)
    desk.planned(now, posts=(post, post))  # one story twice: its claim can never be written
    hints.taken()
    with pytest.raises(sa.exc.IntegrityError):
        tick(desk.database, TIMES, now=now)
    assert (TaskName.COLLECT_DUE, []) in hints.taken()


def test_makes_the_next_edition_of_the_others_though_one_zone_is_unknown(desk: Desk) -> None:
    """A machine that does not know a cadence's zone goes on with the cadences that it knows."""
    now = clock.utc_now()
    with desk.database.write() as session:
        digest = make_digest(session)
        for name, zone in (("lost", "Mars/Olympus"), ("well", "Asia/Yerevan")):
            make_cadence(session, digest, name, zone=zone, slots_after=now)
    with desk.database.write() as session:
        assert make_next_editions(session, now=now) == 1


def test_gives_one_hint_for_each_task_that_has_worked(desk: Desk, judge: JudgeServer) -> None:
    """However many batches are due, a task adds one hint, and one that finds its batch taken adds none."""
    now = clock.utc_now()
    desk.add_people(1)
    edition_id = desk.sending(now)
    with desk.database.write() as session:
        for _ in range(100):
            add_batch(session, edition_id, not_before=now)
    first = desk.batches(edition_id)[0].id
    sender = desk.sender(judge.port, now=now)
    hints.taken()

    assert send_batch(desk.database, first, sender, lease_seconds=60, stop=lambda: False)
    assert [task for task, _ in hints.taken()] == [TaskName.SEND_BATCH]
    assert not send_batch(desk.database, first, sender, lease_seconds=60, stop=lambda: False)
    assert hints.taken() == []
    with desk.database.write() as session:
        go_on(session, now=clock.utc_now())
    assert 1 < len(hints.taken()) < 100
    let_go(sender)

"""People who leave while an edition is on its way: no mail to them begins later than 5 s after the answer.

The judge's record is held against the moments of the answers. A mail counts by when the last of its content
had come, which is later than its beginning.
"""

from __future__ import annotations

import contextlib
import os
import random
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from digest import clock
from digest.config import Settings
from digest.db import Database
from digest.deliveries import group
from digest.deliveries.control import pause, resume
from digest.lists.queries import subscriber_by_address
from digest.lists.status import Origin
from digest.lists.suppress import suppress_subscriber
from digest.models import DeliveryReason, DeliveryStatus, Edition
from tests.integration.deliveries.live_changes import Change, Judgement, Live, live_send
from tests.integration.deliveries.live_edition import (
    RECORD,
    address_of,
    housemates,
    judge_process,
    make_edition,
    make_sender,
)
from tests.integration.planned import let_go
from tests.integration.web.rows import make_settings
from tests.servers.databases import Kept
from tests.servers.smtp import JudgeServer
from tests.servers.smtp_script import Fault, Script
from tests.servers.waiting import HANG, wait_until

KINDS = ("one click", "button", "address", "domain", "pause", "end")
POSTGRESQL = pytest.mark.parametrize("kept", ["postgresql"], indirect=True)


@pytest.fixture
def settings(kept: Kept, tmp_path: Path) -> Settings:
    """Of the installation whose edition is sent."""
    return make_settings(tmp_path, kept.url)


@pytest.fixture
def dice() -> random.Random:
    """Other numbers in each run; a test that fails shows which, and the variable SEED brings them back."""
    seed = int(os.environ.get("SEED") or random.randrange(1_000_000))
    sys.stderr.write(f"SEED={seed}\n")
    return random.Random(seed)


def random_changes(dice: random.Random, count: int, *, among: range, until: float) -> list[Change]:
    """Changes of so many people, of all kinds, at random moments of the first `until` seconds."""
    changes = []
    for number, who in enumerate(dice.sample(among, count)):
        kind = KINDS[number % len(KINDS)]
        addresses = housemates(who) if kind == "domain" else (address_of(who),)
        changes.append(Change(dice.uniform(0.0, until), kind, addresses))
    return changes


def judged(live: Live, *, spared: int, bodies: bool = True) -> Judgement:
    """What came of it; AssertionError unless the promise held, and so many would else have seen it broken."""
    found = live.judgement(bodies=bodies)
    assert found.report.is_clean(), found.text()
    assert found.wrong == [], found.text()
    assert found.report.uncertain == 0
    assert found.spared >= spared, found.text()
    sys.stderr.write(found.text() + "\n")
    return found


@pytest.mark.waits
@POSTGRESQL
def test_100_changes_in_a_send_of_1200(database: Database, settings: Settings, dice: random.Random) -> None:
    """At full speed, over 8 connections, with a pause of the edition that outlasts the grace: nobody who left
    before is mailed after it, nobody at all within it, the others get theirs once.
    """
    with (
        judge_process(settings.data, Script(delay=0.001)) as port,
        live_send(database, settings, port, people=1_200) as live,
    ):
        live.make(random_changes(dice, 100, among=range(1_200), until=0.5))
        live.pause_edition(seconds=5.3)
        live.finish(seconds=HANG)
    judged(live, spared=3, bodies=False)


@pytest.mark.waits
@POSTGRESQL
def test_changes_at_5_messages_a_second(database: Database, settings: Settings, dice: random.Random) -> None:
    """A mail service's pace makes people wait for long: each is asked for when it is their turn."""
    with (
        judge_process(settings.data, Script(raw=True)) as port,
        live_send(database, settings, port, people=48, per_second=5) as live,
    ):
        # Of those whose turn comes late: each has neighbours who are mailed long after they have left.
        live.make(random_changes(dice, 12, among=range(28, 46), until=0.3))
        live.finish(seconds=HANG)
    judged(live, spared=1)


@pytest.mark.slow
def test_200_changes_in_a_send_without_a_break(
    database: Database, settings: Settings, dice: random.Random
) -> None:
    """5,000 people in about half a minute, changes all the while."""
    with (
        judge_process(settings.data, Script(delay=0.04, raw=True)) as port,
        live_send(database, settings, port, people=5_000) as live,
    ):
        live.make(random_changes(dice, 200, among=range(5_000), until=18.0))
        live.finish(seconds=HANG)
    judged(live, spared=20)


@pytest.mark.slow
@POSTGRESQL
def test_200_changes_at_5_messages_a_second(
    database: Database, settings: Settings, dice: random.Random
) -> None:
    """An edition of 5,000 for a minute and a half at that pace, paused for a while, and cancelled then."""
    with (
        judge_process(settings.data, Script(raw=True)) as port,
        live_send(database, settings, port, people=5_000, per_second=5) as live,
    ):
        # Those whose turn comes in this time, and some more.
        changes = random_changes(dice, 200, among=range(600), until=78.0)
        early = [change for change in changes if change.at < 40]
        live.make(early)
        live.pause_edition(seconds=9.0)
        live.make([change for change in changes if change not in early])
        time.sleep(max(0.0, live.began + 90.0 - time.monotonic()))
        live.cancel_edition()
        time.sleep(8.0)
        live.finish(seconds=HANG)
    found = judged(live, spared=20)
    assert found.report.accepted > 200


@pytest.mark.waits
@pytest.mark.parametrize(
    "kept", [pytest.param("sqlite", marks=pytest.mark.slow), "postgresql"], indirect=True
)
def test_who_leaves_while_the_server_has_yet_to_ask_for_the_message(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their DATA is said, its answer comes when they have left: they are looked at again.

    The one who stays is mailed over one of those slow connections too, once.
    """
    usual = group.GROUP_SECONDS
    monkeypatch.setattr(group, "GROUP_SECONDS", HANG)
    held = {"domain": 0, "one click": 4, "button": 5, "address": 6, "pause": 7, "end": 8, "stays": 9}
    slow = tuple(Fault("data", action="hold", match=address_of(who)) for who in held.values())
    with (
        JudgeServer(Script(faults=slow, raw=True, fsync=False), record=settings.data / RECORD) as judge,
        live_send(database, settings, judge.port, people=40) as live,
    ):
        _wait_for_data(judge, held.values())
        waited_for = time.monotonic()  # by then all of them were read
        live.make([Change(0.0, way, (address_of(who),)) for way, who in held.items() if way in KINDS])
        time.sleep(max(0.0, waited_for + usual - time.monotonic()))
        # The groups have lasted for longer than this.
        monkeypatch.setattr(group, "GROUP_SECONDS", time.monotonic() - waited_for)
        judge.let_go()
        live.finish(seconds=HANG)
    found = judged(live, spared=0)
    left = {address_of(who) for way, who in held.items() if way in KINDS}
    assert found.stopped == dict.fromkeys(left, DeliveryReason.NOT_WANTED)


@pytest.mark.parametrize("what", ["the group", "the second look"])
def test_an_answer_of_the_database_that_comes_late_does_not_count(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """It was true when it was read: whoever has left before it came through is not mailed."""
    monkeypatch.setattr(group, "GROUP_SECONDS", 1.0)
    desk, edition_id = make_edition(database, settings.data, people=3)
    leaves = address_of(1)
    slow = Fault("data", action="slow", seconds=1.5, match=leaves if what == "the second look" else "nobody")
    starts = "SELECT subscriptions.id" if what == "the second look" else "SELECT deliveries.edition_id"

    def leave() -> None:
        with database.write() as session:
            person = subscriber_by_address(session, leaves)
            suppress_subscriber(session, person, reason="asked", source=Origin.CLI, now=clock.utc_now())
        time.sleep(1.5)

    with JudgeServer(Script(faults=(slow,), fsync=False)) as judge:
        sender = make_sender(desk, judge.port)
        with once_after(database, starts, leave) as have_left:
            desk.send(edition_id, sender)
        let_go(sender)
        assert have_left == [True]
        recipients = sorted(message.recipients[0] for message in judge.messages)
    assert recipients == [address_of(0), address_of(2)]
    statuses = desk.statuses(edition_id)
    assert statuses.pop(leaves) is DeliveryStatus.SKIPPED
    assert set(statuses.values()) == {DeliveryStatus.SENT}


def test_an_edition_paused_while_the_server_has_yet_to_ask_for_the_messages(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None of them leaves; once it is resumed everybody has it once, and nobody is in doubt."""
    monkeypatch.setattr(group, "GROUP_SECONDS", 1.0)
    desk, edition_id = make_edition(database, settings.data, people=4)
    slow = [Fault("data", action="slow", seconds=1.5, match=address_of(who)) for who in range(2)]
    with JudgeServer(Script(faults=tuple(slow), fsync=False)) as judge:
        sender = make_sender(desk, judge.port)
        with ThreadPoolExecutor(1) as worker:
            sent = worker.submit(desk.send, edition_id, sender)
            _wait_for_data(judge, range(2))
            with database.write() as session:
                pause(session, session.get_one(Edition, edition_id), actor="cli:test", now=clock.utc_now())
            assert sent.result(HANG) == [False]
        assert {address_of(0), address_of(1)}.isdisjoint(one.recipients[0] for one in judge.messages)
        with database.write() as session:
            resume(session, session.get_one(Edition, edition_id), actor="cli:test", now=clock.utc_now())
        assert desk.send(edition_id, sender) == [True]
        let_go(sender)
    recipients = sorted(message.recipients[0] for message in judge.messages)
    assert recipients == [address_of(who) for who in range(4)]
    assert set(desk.statuses(edition_id).values()) == {DeliveryStatus.SENT}


@contextlib.contextmanager
def once_after(database: Database, starts: str, act: Callable[[], None]) -> Iterator[list[bool]]:
    """Do something right after the first statement that begins so: its answer is there, nobody has it yet."""
    done: list[bool] = []

    def look(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if not done and statement.startswith(starts):
            done.append(True)
            act()

    sa.event.listen(database.engine, "after_cursor_execute", look)
    try:
        yield done
    finally:
        sa.event.remove(database.engine, "after_cursor_execute", look)


def _wait_for_data(judge: JudgeServer, people: Iterable[int]) -> None:
    """Until a server that is slow at it has the DATA of all of them before it."""
    recipients = [f"RCPT TO:<{address_of(who)}>" for who in people]

    def have_come() -> bool:
        return all(any(line.startswith(one) for line in judge.commands) for one in recipients)

    wait_until(have_come, what="the DATA of all")

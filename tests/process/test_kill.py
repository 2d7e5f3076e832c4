"""SIGKILL in the middle of an edition: nobody is lost, and nobody gets it twice who should not."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from pathlib import Path

import pytest
import sqlalchemy as sa

from digest import clock
from digest.models import Delivery, DeliveryStatus, Edition, EditionState, Subscriber
from tests.feeds import FeedPost, rss
from tests.process.newsroom import Newsroom, kill_group, newsroom
from tests.servers.news_site import Page
from tests.servers.waiting import wait_until

pytestmark = [pytest.mark.process, pytest.mark.waits]

PEOPLE = 300
KILL_AFTER = 50


def edition_for(room: Newsroom, count: int, *, policy: str) -> set[str]:
    """An extra edition for so many people, under way; their addresses."""
    site = room.site.url("").rstrip("/")
    post = FeedPost(1, "A bridge is mended", clock.utc_now() - dt.timedelta(hours=2))
    room.site.put("/feed/", Page(body=rss([post], site=site)))
    room.set_up(lists=[("readers", policy)])
    room.command("cadence", "add", "courier", "daily", "--cron", "0 7 * * *", "--zone", "UTC", "--lead", "0")
    room.command("cadence", "set", "courier", "daily", "--stopped")
    people = [f"reader{number:03}@mail.test" for number in range(count)]
    room.import_readers(people)
    room.command("edition", "extra", "courier")
    return set(people)


def _statuses(room: Newsroom) -> dict[str, DeliveryStatus]:
    """What the ledger says of each person."""
    with room.database.read() as session:
        rows = session.execute(
            sa.select(Subscriber.address, Delivery.status).join(
                Delivery, Delivery.subscriber_id == Subscriber.id
            )
        )
        return {str(address): status for address, status in rows}


def _is_sent(room: Newsroom) -> bool:
    with room.database.read() as session:
        return session.scalars(sa.select(Edition.state)).all() == [EditionState.SENT]


@pytest.mark.parametrize(
    ("kind", "policy"),
    [
        pytest.param("sqlite", "hold", marks=pytest.mark.slow),  # many kills of such: `test_crash_points`
        ("postgresql", "resend"),
        pytest.param("sqlite", "resend", marks=pytest.mark.slow),
        pytest.param("postgresql", "hold", marks=pytest.mark.slow),
    ],
)
def test_loses_and_doubles_nobody_when_a_worker_is_killed(
    kind: str, policy: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGKILL after the 50th of 300 mails, over one connection.

    Under `hold` nobody is in the server's record twice, and whoever is not in it is listed as uncertain: one
    person at the most. Under `resend` everybody is in it, one person at the most twice.
    """
    database_url = (
        f"sqlite:///{tmp_path / 'digest.db'}" if kind == "sqlite" else request.getfixturevalue("postgres_url")
    )
    with newsroom(
        tmp_path,
        monkeypatch,
        database_url=database_url,
        broker_url=request.getfixturevalue("redis_url"),
        # On record at once, answered 10 ms later: the time in which a kill leaves its person uncertain.
        faults=[{"stage": "accepted", "action": "slow", "seconds": 0.01, "times": 0}],
        settle_uncertain_after="0",
    ) as room:
        people = edition_for(room, PEOPLE, policy=policy)
        room.start_beat()
        worker = room.start_worker()
        wait_until(lambda: len(room.taken()) >= KILL_AFTER, what="the moment of the kill")
        kill_group(worker)
        at_kill = len(room.taken())
        assert at_kill < PEOPLE

        room.start_worker()
        wait_until(lambda: _is_sent(room), seconds=180, what="the end of the edition")
        if policy == "resend":
            wait_until(
                lambda: DeliveryStatus.UNCERTAIN not in _statuses(room).values(),
                what="the second try",
            )

        taken = Counter(entry["rcpt"][0] for entry in room.taken())
        ledger = _statuses(room)
        uncertain = {address for address, status in ledger.items() if status is DeliveryStatus.UNCERTAIN}
        assert set(ledger) == people
        assert set(taken) <= people
        assert set(ledger.values()) <= {DeliveryStatus.SENT, DeliveryStatus.UNCERTAIN}
        twice = [address for address, times in taken.items() if times > 1]
        if policy == "hold":
            assert twice == []
            assert people - set(taken) <= uncertain
            assert len(uncertain) <= 1
        else:
            assert set(taken) == people
            assert len(twice) <= 1
            assert max(taken.values()) <= 2
            assert not uncertain

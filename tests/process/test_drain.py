"""SIGTERM to a worker amid an edition: it ends by itself, and leaves everybody in a state that is known."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
import sqlalchemy as sa

from digest.models import Batch, DeliveryStatus, Journal
from tests.process.newsroom import Newsroom, newsroom
from tests.process.sends import Send, begin, prepare
from tests.servers.waiting import HANG, wait_until

pytestmark = [pytest.mark.process, pytest.mark.waits]

SENT, PENDING, UNCERTAIN = DeliveryStatus.SENT, DeliveryStatus.PENDING, DeliveryStatus.UNCERTAIN
PEOPLE = 300
SIGNAL_AFTER = 50
# On record at once, answered 10 ms later: so the signal meets mails that are on their way.
SLOW = {"stage": "accepted", "action": "slow", "seconds": 0.01, "times": 0}


def _database_url(kind: str, request: pytest.FixtureRequest, folder: Path) -> str:
    return (
        f"sqlite:///{folder / 'digest.db'}" if kind == "sqlite" else request.getfixturevalue("postgres_url")
    )


def _start(room: Newsroom, pool: str) -> subprocess.Popen[bytes]:
    """A worker as `digest up` runs it, its tasks in its own process; or as Celery does, in a child."""
    if pool == "solo":
        return room.start(sys.executable, "-m", "digest.tasks.run", "worker")
    return room.start_worker()


def _terminate(room: Newsroom, worker: subprocess.Popen[bytes]) -> None:
    """SIGTERM to the process itself, as systemd and Docker send it; it ends with status 0."""
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(HANG) == 0, room.words_of(worker)[-3000:]
    room.running.remove(worker)


def _check_handed_back(send: Send) -> None:
    """No batch is held, none has to wait, and no journal is left for others to fold."""
    with send.room.database.read() as session:
        held = sa.select(Batch.id).where(Batch.leased_until.is_not(None) | Batch.journal_id.is_not(None))
        assert session.scalars(held).all() == []
        now = time.time()
        assert all(each.timestamp() <= now for each in session.scalars(sa.select(Batch.not_before)))
        assert session.scalars(sa.select(Journal.id).where(Journal.folded_at.is_(None))).all() == []


@pytest.mark.parametrize(
    ("kind", "pool"),
    [
        ("postgresql", "solo"),
        pytest.param("sqlite", "prefork", marks=pytest.mark.slow),
        pytest.param("postgresql", "prefork", marks=pytest.mark.slow),
        pytest.param("sqlite", "solo", marks=pytest.mark.slow),
    ],
)
def test_hands_back_what_it_has_not_begun(
    kind: str, pool: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGTERM after the 50th of 300 mails: whoever the server took is sent, everybody else is pending.

    Nobody is in doubt, and a second worker mails the others, each once.
    """
    with newsroom(
        tmp_path,
        monkeypatch,
        database_url=_database_url(kind, request, tmp_path),
        broker_url=request.getfixturevalue("redis_url"),
        faults=[SLOW],
    ) as room:
        room.start_beat()
        people = prepare(room, people=PEOPLE, connections=2)
        worker = _start(room, pool)
        send = begin(room, people)
        send.wait_for(SIGNAL_AFTER)
        _terminate(room, worker)
        taken = {line["rcpt"][0] for line in send.taken()}
        assert SIGNAL_AFTER <= len(taken) < PEOPLE
        assert send.statuses() == {who: SENT if who in taken else PENDING for who in people}
        _check_handed_back(send)

        _start(room, pool)
        send.wait_for_the_end()
        send.check_once_each()


@pytest.mark.slow  # each run has it within a process: `tests/integration/test_sending.py`
@pytest.mark.parametrize(
    "app",
    [
        pytest.param("tests.process.hurried_worker", id="hurried"),
        pytest.param("worker", id="real times"),
    ],
)
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_waits_for_no_answer_for_ever(
    kind: str, app: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGTERM while the server is silent after one final dot: that person is uncertain, the others are not.

    With the real times it ends within 30 seconds of the signal. In the hurried one a task itself would wait
    for hours.
    """
    silent = f"reader{SIGNAL_AFTER:05}@mail.test"
    with newsroom(
        tmp_path,
        monkeypatch,
        database_url=_database_url(kind, request, tmp_path),
        broker_url=request.getfixturevalue("redis_url"),
        faults=[{"stage": "accepted", "action": "silence", "match": silent}, SLOW],
    ) as room:
        room.start_beat()
        people = prepare(room, people=PEOPLE, connections=2)
        worker = room.start_worker(app=app)
        send = begin(room, people)
        wait_until(lambda: any(line["rcpt"] == [silent] for line in send.taken()), what="the silence")
        began = time.monotonic()
        _terminate(room, worker)
        assert app != "worker" or time.monotonic() - began < 30
        taken = {line["rcpt"][0] for line in send.taken()}
        assert len(taken) < PEOPLE
        assert send.statuses() == {who: SENT if who in taken else PENDING for who in people} | {
            silent: UNCERTAIN
        }
        _check_handed_back(send)

        room.start_worker()
        send.wait_for_the_end()
        assert Counter(line["rcpt"][0] for line in send.taken()) == Counter(people)  # the silent one as well
        assert send.statuses() == dict.fromkeys(people, SENT) | {silent: UNCERTAIN}

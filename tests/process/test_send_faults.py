"""The broker or the database fails in the middle of a send: it ends by itself, with one mail each.

The processes are started once, and go through one fault after another.
"""

from __future__ import annotations

import contextlib
import random
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.process.newsroom import Newsroom, newsroom
from tests.process.sends import Send, begin, prepare
from tests.servers.postgres import PrivatePostgres
from tests.servers.redis import PrivateRedis, private
from tests.servers.waiting import wait_until

pytestmark = [pytest.mark.process, pytest.mark.waits]

PEOPLE = 440  # three batches of `small_batches`
SPREAD = "3s"  # the second and the third are due one and two seconds after the first
CONNECTIONS = 4  # of each of the four processes that send
ANSWER = 0.01  # seconds from a mail to its answer
SWEEP = 0.5  # seconds from one to the next
# What sending takes by itself, on one process's connections, and so many times that on a busy machine.
SENDING, BUSY = PEOPLE * ANSWER / CONNECTIONS, 4
FOUND_AGAIN = 4.0  # kombu looks for a broker that is away after two seconds, and after four more
TRIALS = 24  # of the slow test


@dataclass
class House:
    """A newsroom, the servers that it stands on, and who reads it."""

    room: Newsroom
    broker: PrivateRedis
    postgres: PrivatePostgres
    people: frozenset[str]

    def lose_hints(self) -> float:
        """Have the broker forget all; when it had."""
        self.broker.forget()
        return time.time()

    def lose_broker(self, *, away: float = 1.5) -> float:
        """Kill the broker; an empty one takes its place after so many seconds; when it had."""
        self.broker.kill()
        time.sleep(away)
        self.broker.restart(is_empty=True)
        return time.time()

    def restart_database(self, number: int = signal.SIGINT) -> None:
        self.room.database.close()  # the test's own sessions would end with the others
        self.postgres.stop(number)
        self.postgres.restart()

    def end_sessions(self) -> None:
        self.room.database.close()
        assert self.postgres.end_sessions() >= 2


@pytest.fixture(scope="module")
def running(private_postgres: PrivatePostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Beat and two workers of two processes each, on a broker and a database of their own."""
    folder: Path = tmp_path_factory.mktemp("send_faults")
    with (
        pytest.MonkeyPatch.context() as settings,
        private(folder / "redis") as broker,
        newsroom(
            folder,
            settings,
            database_url=private_postgres.url,
            broker_url=broker.url,
            # Each mail takes a moment, so that a fault meets some on each connection.
            faults=[{"stage": "accepted", "action": "slow", "seconds": ANSWER, "times": 0}],
            tick_seconds=str(SWEEP),
        ) as room,
    ):
        room.start_beat()
        for _ in range(2):
            room.start_worker(concurrency=2, app="tests.process.small_batches")
        people = prepare(room, people=PEOPLE, connections=CONNECTIONS, spread=SPREAD)
        room.wait_for_workers()
        yield House(room, broker, private_postgres, people)


@pytest.fixture
def house(running: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """The running newsroom, with its settings in this test's environment; its processes outlive the fault."""
    for name, value in running.room.env.items():
        monkeypatch.setenv(name, value)
    yield running
    running.room.check_all_run()


def _begun(house: House, *, taken: int = 40) -> Send:
    """An edition of which so many are handed over."""
    send = begin(house.room, house.people)
    send.wait_for(taken)
    return send


def _check_needed_one_sweep(send: Send, since: float) -> None:
    """From then on it took no longer to the end than one sweep and the sending itself."""
    assert send.seconds_to_the_end(since=since) <= SWEEP + BUSY * SENDING


@contextlib.contextmanager
def _pace(house: House, per_second: int) -> Iterator[None]:
    """All workers together hand over so many a second, as long as the block lasts."""
    house.room.command("transport", "set", "judge", "--per-second", str(per_second))
    yield
    house.room.command("transport", "set", "judge", "--per-second", "0")


def test_hints_that_the_broker_forgot_are_given_again(house: House) -> None:
    """FLUSHALL amid the first batch: the others, which are due later, begin at their time by the sweep.

    One sweep, and no more than the sending takes, after the last was due the edition has ended.
    """
    send = _begun(house)
    lost_at = house.lose_hints()
    assert len(set(send.due().values())) == 3  # else there were no others
    send.wait_for_the_end()
    send.check_begins()
    send.check_once_each()
    _check_needed_one_sweep(send, lost_at)


def test_a_broker_that_was_killed_may_come_back_empty(house: House) -> None:
    """SIGKILL amid the first batch, an empty one a moment later: the rest goes out by the sweep.

    By one, once the workers have found the broker again.
    """
    send = _begun(house)
    back_at = house.lose_broker()
    send.wait_for_the_end()
    send.check_once_each()
    _check_needed_one_sweep(send, back_at + FOUND_AGAIN)


def test_a_database_that_is_restarted_leaves_nobody_in_doubt(house: House) -> None:
    """Every session is ended, then the server restarted: the workers live on, and know what was answered."""
    send = _begun(house)
    house.end_sessions()
    send.wait_for(PEOPLE // 2)
    house.restart_database()
    send.wait_for_the_end()
    send.check_once_each()


def test_a_task_that_is_handed_out_twice_mails_nobody_twice(house: House) -> None:
    """A broker that takes a task back after one second, whatever worker is still at it."""
    house.room.start_worker(app="tests.process.impatient_worker")
    with _pace(house, 60):  # so that a task lasts for seconds
        send = begin(house.room, house.people)
        wait_until(lambda: max(house.room.times_received("deliveries.send_batch").values(), default=0) >= 2)
    send.wait_for_the_end()
    send.check_once_each()


def test_a_pace_is_kept_though_the_broker_forgets(house: House) -> None:
    """40 a second by all workers together, and never more, with a FLUSHALL amid them."""
    with _pace(house, 40):
        send = _begun(house, taken=120)
        house.lose_hints()
        send.wait_for(260)
        send.cancel()
    send.check_pace(40)


@pytest.mark.slow
def test_faults_at_any_moment(house: House) -> None:
    """One fault of each kind after the other, each at a moment of its own in an edition of its own."""
    seed = random.randrange(1 << 30)
    chance = random.Random(seed)
    faults = {
        "hints lost": house.lose_hints,
        "broker away": lambda: house.lose_broker(away=5),
        "fast restart": house.restart_database,
        "crash": lambda: house.restart_database(signal.SIGQUIT),
        "sessions ended": house.end_sessions,
    }
    for trial in range(TRIALS):
        name = list(faults)[trial % len(faults)]
        taken = chance.randrange(1, PEOPLE - 50)
        send = _begun(house, taken=taken)
        over_at = faults[name]()
        send.wait_for_the_end()
        try:
            send.check_once_each()
            if name == "hints lost":
                _check_needed_one_sweep(send, over_at or time.time())
        except AssertionError as error:
            raise AssertionError(f"seed {seed}, trial {trial}: {name} after {taken} mails") from error

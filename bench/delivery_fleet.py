"""What only real Celery processes show: its own share, several workers at once, the moment after the slot."""

from __future__ import annotations

import contextlib
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis
from celery import Celery

from bench import effort
from bench.delivery_mail import small_mail
from bench.delivery_peers import recorded, smtp_sink
from bench.delivery_room import ROOT, Room, Servers, Work, child_env, room
from bench.delivery_sending import AREA, unsigned_sender
from bench.figures import Figure, Series, Target, load, repeat
from bench.memory import tree
from digest.config import load as load_settings
from digest.deliveries.plan import BATCH_SIZE
from digest.queueing.app import make_app
from digest.queueing.names import QueueName, TaskName
from tests.process.newsroom import kill_group
from tests.servers.smtp import JudgeServer
from tests.servers.smtp_script import Script
from tests.servers.waiting import wait_until

NOOP = "bench.noop"
_PEOPLE = 12_000
_RUNS = 3  # rounds: each run starts its processes anew
_AUDIENCE = 100_000
_TASKS = 1000
_TICKS = os.sysconf("SC_CLK_TCK")
# Seconds from the making of an edition to its slot: a tick and the planning fit in.
_SLOT_IN = (9.0, 14.0)


@dataclass(frozen=True, slots=True)
class Run:
    """What so many workers did with one edition."""

    workers: int
    people: int
    taken: int  # messages, by the server's record
    distinct: int  # people, by the server's record
    seconds: float  # from the first message to the last one
    tasks: int  # that were begun for batches
    batches: int

    @property
    def is_exact(self) -> bool:
        """Whether each had it once."""
        return self.taken == self.distinct == self.people

    @property
    def rate(self) -> float:
        return self.people / self.seconds if self.seconds else 0.0


@dataclass(frozen=True, slots=True)
class TaskCost:
    """CPU microseconds of a task that does nothing: in the worker's two processes, and in who sends it."""

    worker: float
    publisher: float

    @property
    def each(self) -> float:
        return self.worker + self.publisher


def workers(at: Servers) -> Iterator[Figure]:
    """One, two and four workers by turns, each with an edition of its own."""
    yield from worker_figures([_run(at, count) for _ in range(effort.rounds(_RUNS)) for count in (1, 2, 4)])


def share(at: Servers) -> Iterator[Figure]:
    """Celery's part, from what a task, a batch and a message were measured to cost, by turns."""
    run = _run(at, 1)
    with unsigned_sender(at) as send, _nothing_done(at) as task_cost:
        task_cost(), send()  # the first time is no measure
        rounds = [(task_cost(), send()) for _ in range(effort.rounds())]
    yield share_figure(rounds, run)


def first_message(at: Servers) -> Iterator[Figure]:
    """The moment after the slot."""
    yield _first_message(at)


def worker_figures(runs: Sequence[Run]) -> Iterator[Figure]:
    """Whether every run was exact, and the sum of each number of workers."""
    wrong = sum(not each.is_exact for each in runs)
    found = "; ".join(
        f"{each.workers}: {each.taken:,} mails to {each.distinct:,} people, {each.rate:,.0f}/s"
        for each in runs
    )
    yield Figure(
        AREA,
        "runs of 1, 2 and 4 workers with anybody left out or mailed twice",
        wrong,
        "runs",
        target=Target("<=", 0),
        note=f"Celery workers on PostgreSQL and Redis, {runs[0].people:,} small mails a run, by the record "
        f"of smtp-sink; {found}; {load()}",
    )
    for count in dict.fromkeys(each.workers for each in runs):
        same = [each for each in runs if each.workers == count]
        rates = Series(tuple(each.rate for each in same))
        tasks, batches = (", ".join(str(getattr(one, part)) for one in same) for part in ("tasks", "batches"))
        yield Figure(
            AREA,
            f"{count} worker{'s' if count > 1 else ''} together",
            rates.median,
            "1/s",
            note=f"small mails; first to last in the ledger; {tasks} tasks for {batches} batches; sink, "
            f"database and broker share the cores; by turns with the other numbers, {rates.spread}",
        )


def share_figure(rounds: Sequence[tuple[TaskCost, Work]], run: Run) -> Figure:
    """Celery's part of the CPU of a batch: the median of the rounds' own."""
    tasks = run.tasks / run.batches
    one_task = Series(tuple(100 * cost.each / (BATCH_SIZE * work.cpu_us) for cost, work in rounds))
    shares = Series(tuple(tasks * each for each in one_task.values))
    worker, publisher = (
        statistics.median(getattr(cost, part) for cost, _ in rounds) for part in ("worker", "publisher")
    )
    batch = BATCH_SIZE * statistics.median(work.cpu_us for _, work in rounds)
    return Figure(
        AREA,
        "Celery's share of the cost of a batch",
        shares.median,
        "%",
        target=Target("<=", 2),
        note=f"a task that does nothing takes {worker:,.0f} us in a prefork worker and "
        f"{publisher:,.0f} us to send; {run.tasks} tasks were begun for {run.batches} batches by one "
        f"worker; a batch of {BATCH_SIZE} takes {batch / 1000:,.0f} ms (unsigned, 70 kB); shares of rounds "
        f"by turns {shares.spread}; with one task for each batch it would be {one_task.median:.1f} %; "
        f"{load()}",
    )


def _run(at: Servers, count: int) -> Run:
    """One edition by so many workers."""
    people = effort.people(_PEOPLE)
    with contextlib.ExitStack() as stack:
        made = stack.enter_context(room(at, tick_seconds="1"))
        _empty_broker(at)
        dump = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=at.folder)))
        dump.chmod(0o777)  # the sink writes as another user
        port = stack.enter_context(smtp_sink("-D", f"{dump}/%Y%m%d%H%M"))
        made.add_people(people)
        made.point_to(port)
        app = _app(made)
        for number in range(count):
            stack.enter_context(_celery(made, *_worker(number)))
        _wait_for(app, count)
        stack.enter_context(_celery(made, *_beat(made)))
        edition_id = made.edition(small_mail(), due_in=1.0)
        wait_until(lambda: _is_sent(made, edition_id), seconds=240, what="the end of the edition")
        tasks = _tasks_of(app, TaskName.SEND_BATCH.value)
        seconds = made.execute(
            "SELECT extract(epoch FROM max(sent_at) - min(sent_at)) FROM deliveries "
            "WHERE edition_id = :edition",
            edition=edition_id,
        )
        batches = made.execute("SELECT count(*) FROM batches WHERE edition_id = :edition", edition=edition_id)
        taken = recorded(dump)
    return Run(count, people, len(taken), len(set(taken)), float(seconds), tasks, int(batches))


@contextlib.contextmanager
def _nothing_done(at: Servers) -> Iterator[Callable[[], TaskCost]]:
    """What has a worker with our settings do nothing, many times, and says the cost of once."""
    with room(at) as made, contextlib.ExitStack() as stack:
        _empty_broker(at)
        app = _app(made)
        worker = stack.enter_context(_celery(made, *_worker(0, app="bench.delivery_noop")))
        _wait_for(app, 1)
        broker = stack.enter_context(redis.Redis.from_url(at.broker_url))

        def measured() -> TaskCost:
            before, publishing = _cpu_of_tree(worker.pid), time.thread_time()
            _publish(app, _TASKS)
            published = time.thread_time() - publishing
            wait_until(lambda: _is_empty(broker), seconds=60, what="the end of the tasks")
            used = _cpu_of_tree(worker.pid) - before
            return TaskCost(worker=1e6 * used / _TASKS, publisher=1e6 * published / _TASKS)

        yield measured


def _first_message(at: Servers) -> Figure:
    """How long after its slot the first message of an edition is begun, planning included."""
    people = effort.people(_AUDIENCE)
    with contextlib.ExitStack() as stack:
        made = stack.enter_context(room(at))
        _empty_broker(at)
        judge = stack.enter_context(JudgeServer(Script(keep=False)))
        made.add_people(people)
        made.point_to(judge.port)
        stack.enter_context(_celery(made, *_worker(0)))
        _wait_for(_app(made), 1)
        stack.enter_context(_celery(made, *_beat(made)))
        delays = repeat(lambda: _delay(made, judge), rounds=effort.rounds())
    return Figure(
        AREA,
        f"first message after the slot, {people:,} people",
        delays.median,
        "s",
        target=Target("<=", 10),
        note=f"real beat (a tick every 5 s) and one real worker, which plans the edition before the slot; "
        f"{delays.spread}; {load()}",
    )


def _delay(made: Room, judge: JudgeServer) -> float:
    due_in = random.uniform(*_SLOT_IN)
    edition_id = made.edition(small_mail(), due_in=due_in, is_planned=False)
    slot = time.monotonic() + due_in  # a few milliseconds late at most, to our favour
    heard = len(judge.commands)
    wait_until(
        lambda: any(command.startswith("MAIL") for command in judge.commands[heard:]),
        seconds=due_in + 60,
        what="the first message",
    )
    delay = time.monotonic() - slot
    made.execute("UPDATE editions SET state = 'cancelled' WHERE id = :edition", edition=edition_id)
    held = "SELECT count(*) FROM batches WHERE edition_id = :edition AND journal_id IS NOT NULL"
    wait_until(lambda: not made.execute(held, edition=edition_id), seconds=60, what="the end of the work")
    return delay


def _app(made: Room) -> Celery:
    return make_app(load_settings(broker_url=made.env["DIGEST_BROKER_URL"]))


def _worker(number: int, app: str = "worker") -> tuple[str, ...]:
    name = f"bench{number}@%h"
    return ("-A", app, "worker", "--concurrency", "1", "--loglevel", "ERROR", "-n", name)


def _beat(made: Room) -> tuple[str, ...]:
    return (
        "-A",
        "worker",
        "beat",
        "--schedule",
        str(made.folder / "beat"),
        "--pidfile=",
        "--loglevel",
        "ERROR",
    )


@contextlib.contextmanager
def _celery(made: Room, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """A Celery process in a group of its own, killed at the end."""
    with (made.folder / "celery.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "celery", *words],
            cwd=ROOT,
            env=child_env(made.env),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        kill_group(process)


def _wait_for(app: Celery, count: int) -> None:
    """Until so many workers answer."""
    wait_until(lambda: len(app.control.ping(timeout=0.5)) >= count, seconds=60, what="the workers' answer")


def _tasks_of(app: Celery, name: str) -> int:
    """How many tasks of this name all workers have done."""
    answers: dict[str, Any] = app.control.inspect(timeout=2.0).stats() or {}
    return sum(int(answer["total"].get(name, 0)) for answer in answers.values())


def _publish(app: Celery, count: int) -> None:
    for number in range(count):
        app.send_task(NOOP, args=[number], queue=QueueName.UPKEEP.value, retry=False)


def _is_empty(broker: redis.Redis) -> bool:
    return not broker.llen(QueueName.UPKEEP.value) and not broker.hlen("unacked")


def _empty_broker(at: Servers) -> None:
    with redis.Redis.from_url(at.broker_url) as broker:
        broker.flushdb()


def _is_sent(made: Room, edition_id: int) -> bool:
    found = made.execute("SELECT state FROM editions WHERE id = :edition", edition=edition_id)
    time.sleep(0.1)
    return bool(found == "sent")


def _cpu_of_tree(process: int) -> float:
    """CPU seconds of a process and all below it."""
    used = 0
    for each in tree(process):
        with contextlib.suppress(FileNotFoundError):
            fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
            used += int(fields[11]) + int(fields[12])
    return used / _TICKS

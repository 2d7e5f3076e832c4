"""The names in `queueing` against the worker that answers to them, as `celery -A worker` loads it."""

from __future__ import annotations

import ast
import inspect
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from kombu import Connection, Consumer, Queue
from kombu.exceptions import ContentDisallowed

from digest import config
from digest.deliveries import turn
from digest.editions import fresh_look
from digest.queueing import app as queueing
from digest.queueing.enqueue import enqueue, hint
from digest.queueing.names import QueueName, TaskName
from tests.architecture import reading
from tests.servers.waiting import HANG

_ASK = """
import json
from worker import app
from digest.tasks.process import load_tasks
load_tasks()
print(json.dumps({
    "tasks": {
        name: {"limits": [task.soft_time_limit, task.time_limit], "ignores": task.ignore_result}
        for name, task in app.tasks.items() if not name.startswith("celery.")
    },
    "consumed": sorted(app.amqp.queues.consume_from),
    "visibility": app.conf.broker_transport_options["visibility_timeout"],
    "accepts": list(app.conf.accept_content),
    "beat": [entry["task"] for entry in app.conf.beat_schedule.values()],
}))
"""


@pytest.fixture(scope="module")
def worker() -> dict[str, Any]:
    """What a worker of this checkout registers and consumes; nothing is connected."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("DIGEST_")}
    done = subprocess.run(
        [sys.executable, "-c", _ASK],
        env=clean | {"DIGEST_BROKER_URL": "redis://127.0.0.1:1/0"},
        cwd=reading.ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=HANG,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Iterator[Connection]:
    """This process's app on a broker in its memory."""
    monkeypatch.setenv("DIGEST_BROKER_URL", "memory://")
    config.settings.cache_clear()
    queueing.app.cache_clear()
    with queueing.app().connection_for_read() as connection:
        yield connection
    queueing.app.cache_clear()


def test_every_name_is_a_task_and_every_task_has_a_name(worker: dict[str, Any]) -> None:
    """No hint leads to nothing, and no task is out of reach."""
    assert set(worker["tasks"]) == {name.value for name in TaskName}
    assert all(task["ignores"] for task in worker["tasks"].values())


def test_every_queue_is_consumed(worker: dict[str, Any]) -> None:
    """A worker started without -Q takes from every queue, and every queue has a task."""
    assert worker["consumed"] == sorted(name.value for name in QueueName)
    assert {task.queue for task in TaskName} == set(QueueName)


def test_what_the_clock_starts_is_a_task(worker: dict[str, Any]) -> None:
    """Beat sends the tick and nothing else."""
    assert worker["beat"] == [TaskName.TICK.value]


def test_no_task_outlasts_its_message(worker: dict[str, Any]) -> None:
    """The broker hands a message out again only after the longest task could have ended.

    The longest are a turn at sending, a freeze with slow sources, and whatever has a hard limit.
    """
    lease = config.Settings.model_fields["lease_seconds"].default
    limits = [limit for task in worker["tasks"].values() for limit in task["limits"] if limit]
    longest = max(turn.TASK_SECONDS, fresh_look.COLLECT_SECONDS + 30, lease, *limits)
    assert worker["visibility"] > longest
    assert queueing.TASK_SECONDS == turn.TASK_SECONDS


def test_only_ids_travel(memory: Connection) -> None:
    """A hint is JSON with whole numbers in it: no address, no content."""
    taken: list[tuple[Any, str]] = []
    queue = Queue(QueueName.DELIVERIES.value)
    queue(memory.channel()).purge()  # of what other tests of this process have hinted at
    hint(TaskName.SEND_BATCH, 7)
    with Consumer(
        memory, [queue], callbacks=[lambda body, message: taken.append((body, message.content_type))]
    ):
        memory.drain_events(timeout=HANG)
    ((arguments, keywords, _), kind) = taken[0]
    assert (arguments, keywords, kind) == ([7], {}, "application/json")


def test_whoever_enqueues_names_ids() -> None:
    """Each call in the code hands over what is called an id, and the signature takes whole numbers only."""
    for function in (enqueue, hint):
        assert inspect.signature(function).parameters["ids"].annotation == "int"
    calls = {
        f"{place}:{node.lineno}": [ast.unparse(each) for each in node.args]
        for place, path in reading.our_files()
        for node in ast.walk(reading.parsed(path))
        if isinstance(node, ast.Call) and reading.called(node) in {"enqueue", "hint"}
    }
    assert len(calls) >= 10
    for place, arguments in calls.items():
        start = next(i for i, word in enumerate(arguments) if word.split(".")[0] in {"TaskName", "task"})
        for word in arguments[start + 1 :]:
            assert word.split(".")[-1].strip("*") in {"id", "ids"} or word.endswith("_id"), (place, word)


def test_a_pickled_message_is_refused(memory: Connection, worker: dict[str, Any]) -> None:
    """Nobody who can write to the broker can make a worker run code of theirs."""
    assert worker["accepts"] == ["json"]
    app = queueing.app()
    queue = Queue(QueueName.UPKEEP.value)
    with memory.Producer(serializer="pickle") as producer:
        producer.publish({"any": "thing"}, routing_key=queue.name, declare=[queue])
    refused: list[Exception] = []
    got: list[Any] = []
    with app.amqp.TaskConsumer(
        memory.default_channel,
        on_decode_error=lambda message, error: refused.append(error),
        callbacks=[lambda body, message: got.append(body)],
    ):
        memory.drain_events(timeout=HANG)
    assert got == []
    assert isinstance(refused[0], ContentDisallowed)

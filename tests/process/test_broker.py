"""The embedded broker keeps its messages, and neither outlives nor blocks a run."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from celery import Celery

from digest.embedded import broker, probes, processes
from digest.embedded.supervisor import Event, EventKind, Limits, Supervisor
from digest.errors import ConfigError, StateError, UnreachableError
from tests.process.supervised import Supervised
from tests.servers.waiting import HANG, group_members, process_lives, wait_until

pytestmark = pytest.mark.process


@pytest.fixture
def places(tmp_path: Path) -> dict[str, Path]:
    """Where a test's broker has its socket and its file."""
    return {"socket": tmp_path / "run" / "broker.sock", "folder": tmp_path / "broker"}


@pytest.fixture
def leftover(places: dict[str, Path]) -> Iterator[subprocess.Popen[bytes]]:
    """A broker that nobody looks after, as a killed run leaves one where there is no death signal."""
    broker.prepare(**places)
    with subprocess.Popen(broker.argv(broker.find_binary(), **places), stdout=subprocess.DEVNULL) as process:
        wait_until(lambda: probes.ping_broker(places["socket"]))
        yield process
        process.kill()


def _client(places: dict[str, Path]) -> redis.Redis:
    return redis.Redis(unix_socket_path=str(places["socket"]))


def test_settings_are_those_of_a_safe_queue(places: dict[str, Path]) -> None:
    """No network, no eviction, every message to disk, and nobody else may open socket or folder."""
    with broker.running(**places), _client(places) as client:
        wanted = ("port", "appendonly", "appendfsync", "save", "maxmemory-policy")
        found = {name: client.config_get(name)[name] for name in wanted}
        assert found == dict(zip(wanted, ("0", "yes", "everysec", "", "noeviction"), strict=True))
        assert places["socket"].stat().st_mode & 0o777 == 0o700
        assert places["folder"].stat().st_mode & 0o777 == 0o700


def test_messages_survive_kill_9(places: dict[str, Path]) -> None:
    """What was written a second before a crash is there after the next start."""
    with broker.running(**places) as process, _client(places) as client:
        client.rpush("queue", "a message")
        wait_until(lambda: client.info("persistence")["aof_pending_bio_fsync"] == 0)
        process.kill()
        process.wait()
    with broker.running(**places), _client(places) as client:
        assert client.lrange("queue", 0, -1) == [b"a message"]


def test_broker_ends_when_its_block_is_left(places: dict[str, Path]) -> None:
    """Nothing listens after the block, and the socket answers no ping."""
    with broker.running(**places) as process:
        assert probes.ping_broker(places["socket"])
        assert probes.broker_process(places["socket"]) == process.pid
    assert not probes.listens(places["socket"])
    assert not process_lives(process.pid)


def test_stale_socket_does_not_block_the_start(places: dict[str, Path]) -> None:
    """A socket file that nobody listens on is taken away."""
    places["socket"].parent.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(places["socket"]))
    assert places["socket"].exists()
    with broker.running(**places):
        assert probes.ping_broker(places["socket"])


def test_leftover_broker_is_taken_over_with_its_messages(
    places: dict[str, Path], leftover: subprocess.Popen[bytes]
) -> None:
    """A broker of an earlier run writes its file and ends; the new one has the messages."""
    with _client(places) as client:
        client.rpush("queue", "kept")
    with broker.running(**places) as process, _client(places) as client:
        assert leftover.wait(HANG) == 0
        assert process.pid != leftover.pid
        assert client.lrange("queue", 0, -1) == [b"kept"]


def test_leftover_that_does_not_end_is_one_sentence(
    places: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A socket held by something that does not shut down stops the start; its file is not touched."""
    monkeypatch.setattr(broker, "_STOP_GRACE", 0.2)
    places["socket"].parent.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(str(places["socket"]))
        deaf.listen(16)
        with pytest.raises(StateError, match="does not stop"):
            broker.prepare(**places)
        assert places["socket"].exists()


def test_missing_program_is_one_sentence(tmp_path: Path) -> None:
    """A program that is named and not there, or does not run, is refused before anything starts."""
    broken = tmp_path / "valkey-server"
    broken.write_text("not a program")
    broken.chmod(0o755)
    for path in (tmp_path / "nowhere", broken):
        with pytest.raises(ConfigError, match="is missing or does not run"):
            broker.find_binary(path)


def test_no_program_at_all_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without the package's program and without one on PATH, the sentence names both ways out."""
    monkeypatch.setattr(broker, "_packaged", lambda: iter(()))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match=r"Install valkey-server or redis-server, or set DIGEST_BROKER_URL"):
        broker.find_binary()


def test_program_on_path_is_the_second_choice(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where the package has no program that runs, redis-server on PATH is taken."""
    packaged = broker.find_binary()
    (tmp_path / "redis-server").symlink_to(packaged)
    monkeypatch.setattr(broker, "_packaged", lambda: iter((tmp_path / "built-for-another-system",)))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert broker.find_binary() == tmp_path / "redis-server"
    assert broker.version(broker.find_binary()) is not None


def test_program_that_ends_at_once_is_unreachable(places: dict[str, Path], tmp_path: Path) -> None:
    """A program that passes the version question but does not serve ends in a sentence, not in a hang."""
    pretender = tmp_path / "pretender"
    pretender.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "Server v=9.9.9" || exit 7\n')
    pretender.chmod(0o755)
    with (
        pytest.raises(UnreachableError, match="ended with status 7 at its start"),
        broker.running(**places, binary=pretender),
    ):
        pass


@pytest.mark.skipif(sys.platform != "linux", reason="the death signal is Linux's")
def test_broker_ends_with_an_owner_that_is_killed(places: dict[str, Path]) -> None:
    """kill -9 of the process that started it does not leave a server behind."""
    code = (
        "import sys, time, pathlib\nfrom digest.embedded import broker\n"
        "socket, folder = map(pathlib.Path, sys.argv[1:])\n"
        "with broker.running(socket=socket, folder=folder) as process:\n"
        "    print(process.pid, flush=True)\n    time.sleep(600)\n"
    )
    command = [sys.executable, "-c", code, str(places["socket"]), str(places["folder"])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        pid = int(owner.stdout.readline())
        owner.kill()
    wait_until(lambda: not process_lives(pid), what="the end of the broker")
    assert not probes.listens(places["socket"])


def test_supervised_broker_comes_back_with_its_messages(places: dict[str, Path]) -> None:
    """A killed broker is started again, answers, and has what was on disk."""
    events: list[Event] = []
    with Supervisor([broker.child(**places)], on_event=events.append) as supervisor:
        supervisor.start()
        with _client(places) as client:
            client.rpush("queue", "kept")
            wait_until(lambda: client.info("persistence")["aof_pending_bio_fsync"] == 0)
        first = supervisor.process_of("broker")
        assert first is not None
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: supervisor.step(0.05) or _count(events, EventKind.READY) == 2)
        assert supervisor.process_of("broker") != first
        with _client(places) as client:
            assert client.lrange("queue", 0, -1) == [b"kept"]


def test_unreadable_file_is_set_aside(places: dict[str, Path]) -> None:
    """A broken file does not keep the broker from starting; it is kept beside the folder."""
    with broker.running(**places), _client(places) as client:
        for number in range(200):
            client.rpush("queue", f"message {number}")
    (file,) = (places["folder"] / "appendonlydir").glob("*.incr.aof")
    content = bytearray(file.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 40] = b"\xff" * 40
    file.write_bytes(content)
    with Supervisor([broker.child(**places)], limits=Limits(first_pause=0.01)) as supervisor:
        supervisor.start()
        assert probes.ping_broker(places["socket"])
    (aside,) = places["folder"].parent.glob("broker.unreadable-*")
    assert (aside / "appendonlydir" / file.name).read_bytes() == bytes(content)


_CELERY_APP = """
import pathlib, sys, time
import celery
app = celery.Celery("sample", broker="redis+socket://{socket}?virtual_host=0")
app.conf.update(
    task_acks_late=True, task_reject_on_worker_lost=True, worker_prefetch_multiplier=1,
    task_ignore_result=True, broker_connection_retry_on_startup=True,
    broker_transport_options=dict(
        visibility_timeout=3, unacked_restore_interval=1, unacked_restore_throttle=1, socket_timeout=30
    ),
)
MARKS = pathlib.Path({marks!r})

@app.task(name="sample.slow")
def slow(seconds):
    (MARKS / ("started-%d" % time.time_ns())).touch()
    time.sleep(seconds)
    (MARKS / ("done-%d" % time.time_ns())).touch()
"""


@pytest.fixture
def celery_run(tmp_path: Path) -> Iterator[tuple[Supervised, Path]]:
    """A supervisor with a real broker and a real Celery worker of two processes, busy with a task."""
    marks = tmp_path / "marks"
    marks.mkdir()
    folder = tmp_path / "var"
    code = _CELERY_APP.format(socket=folder / "broker.sock", marks=str(marks))
    (tmp_path / "sample_app.py").write_text(code)
    env = {"PYTHONPATH": str(tmp_path), "PYTHONWARNINGS": "ignore"}
    worker = [sys.executable, "-m", "celery", "-A", "sample_app", "worker", "-c", "2", "-l", "WARNING"]
    children = [{"name": "worker", "argv": worker, "env": env, "stop_grace": 15.0}]
    run = Supervised(tmp_path, {"children": children, "broker": str(folder), "data": str(tmp_path / "data")})
    run.pid("worker")
    with Celery(
        broker=f"redis+socket://{folder / 'broker.sock'}?virtual_host=0", set_as_current=False
    ) as app:
        app.send_task("sample.slow", args=[1.5])
    wait_until(lambda: any(marks.glob("started-*")), what="the start of the task")
    yield run, marks
    run.clean()


def test_stop_lets_a_running_task_finish(celery_run: tuple[Supervised, Path]) -> None:
    """SIGTERM to the supervisor ends the worker after its task, and the broker after the worker."""
    run, marks = celery_run
    pids = [run.pid("worker"), run.pid("broker"), *group_members(run.pid("worker"))]
    assert len(pids) >= 4
    assert run.end() == 0
    assert len(list(marks.glob("done-*"))) == 1
    assert not any(map(process_lives, pids))
    stopped = [line for line in run.lines if line.startswith(("stopped", "killed"))]
    assert [line.split()[:2] for line in stopped] == [["stopped", "worker"], ["stopped", "broker"]]


def test_kill_9_of_the_supervisor_ends_a_busy_worker(celery_run: tuple[Supervised, Path]) -> None:
    """Celery's own children end too, within the worker's grace, though the broker is gone as well."""
    run, _ = celery_run
    pids = [run.pid("worker"), run.pid("broker"), run.warden(), *group_members(run.pid("worker"))]
    assert len(pids) >= 5
    run.end(signal.SIGKILL)
    wait_until(lambda: not any(map(process_lives, pids)), what="the end of all")


def test_kill_9_of_the_worker_brings_its_task_back(celery_run: tuple[Supervised, Path]) -> None:
    """The worker's processes end, another worker is started, and the task that was lost runs again."""
    run, marks = celery_run
    old = group_members(run.pid("worker"))
    processes.signal_group(run.pid("worker"), signal.SIGKILL)
    run.wait_for("ready worker", 2)
    wait_until(lambda: any(marks.glob("done-*")), what="the end of the task in the new worker")
    assert len(list(marks.glob("started-*"))) == 2
    assert not any(map(process_lives, old))


def _count(events: list[Event], kind: EventKind) -> int:
    return sum(event.kind == kind for event in events)

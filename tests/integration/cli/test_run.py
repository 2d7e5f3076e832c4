"""`digest up`, `digest web` and `digest catcher` as processes: they start, answer, and stop when told."""

from __future__ import annotations

import os
import signal
import smtplib
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from digest.mail.mailbox import list_messages
from tests.integration.cli.commands import Cli
from tests.servers.waiting import wait_until

pytestmark = pytest.mark.process


@pytest.fixture(autouse=True)
def _own_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    """These processes talk to one another: the broker inside a test process would not do."""
    monkeypatch.delenv("DIGEST_BROKER_URL", raising=False)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


class Started:
    """A command in a process of its own, and what it has said so far."""

    def __init__(self, process: subprocess.Popen[bytes], output: Path) -> None:
        self.process = process
        self._output = output

    @property
    def said(self) -> str:
        return self._output.read_text()

    def wait_for(self, words: str) -> None:
        wait_until(
            lambda: words in self.said or self.process.poll() is not None,
            seconds=180,
            what=f"{words!r} in what it says",
        )
        assert words in self.said, self.said

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(180)


@contextmanager
def started(tmp_path: Path, *args: object, **settings: object) -> Iterator[Started]:
    env = os.environ | {f"DIGEST_{name.upper()}": str(value) for name, value in settings.items()}
    output = tmp_path / f"{args[0]}.txt"
    with output.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "digest.cli", *map(str, args)],
            env=env,
            cwd=tmp_path,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        yield Started(process, output)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(180)


def run(tmp_path: Path, *args: object, **settings: object) -> subprocess.CompletedProcess[str]:
    env = os.environ | {f"DIGEST_{name.upper()}": str(value) for name, value in settings.items()}
    command = [sys.executable, "-m", "digest.cli", *map(str, args)]
    return subprocess.run(
        command, env=env, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300
    )


def answer(url: str) -> int:
    with urllib.request.urlopen(url, timeout=60) as response:
        return int(response.status)


def test_up_makes_everything_runs_it_and_stops_clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One command on an empty folder: keys, schema, broker, worker, beat, web; a signal ends all of it."""
    port = free_port()
    mine = {"data_dir": tmp_path / "data", "web_port": port}
    with started(tmp_path, "up", "--quiet", **mine) as up:
        up.wait_for("Digest runs.")
        assert f"http://127.0.0.1:{port}/" in up.said
        assert answer(f"http://127.0.0.1:{port}/health") == 200
        second = run(tmp_path, "up", **mine)
        assert second.returncode == 1
        assert "already runs" in second.stderr
        logs = tmp_path / "data" / "logs"
        # The worker answers to the name of its host once it has connected.
        wait_until(lambda: "ready" in (logs / "worker.log").read_text(), seconds=180, what="the worker")
        with monkeypatch.context() as settings:
            for name, value in mine.items():
                settings.setenv(f"DIGEST_{name.upper()}", str(value))
            checked = Cli(tmp_path / "data").run("doctor")
        assert checked.exit_code == 0, checked.output
        assert "celery@" in checked.stdout
        assert up.stop() == 0
    assert "Digest has stopped." in up.said
    assert {path.name for path in logs.iterdir()} == {"broker.log", "worker.log", "beat.log", "web.log"}
    with pytest.raises(OSError, match=r"refused"):
        answer(f"http://127.0.0.1:{port}/health")


def test_up_on_a_database_it_cannot_use_says_why(tmp_path: Path) -> None:
    """The upgrade's own sentence, and nothing is started."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "digest.db").write_bytes(b"something else entirely " * 100)
    ended = run(tmp_path, "up", data_dir=tmp_path / "data")
    assert ended.returncode == 2
    assert "not a database" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "Starting" not in ended.stdout


def test_web_on_a_port_in_use_is_one_sentence(tmp_path: Path, cli: Cli) -> None:
    """It says which port and which setting."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = run(tmp_path, "web", data_dir=cli.data, web_port=taken.getsockname()[1])
    assert ended.returncode == 2
    assert "DIGEST_WEB_PORT" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_catcher_keeps_mail_until_it_is_told_to_stop(tmp_path: Path) -> None:
    """It says where it listens, keeps what comes, and ends with code 0."""
    port = free_port()
    folder = tmp_path / "caught"
    with started(tmp_path, "catcher", "--port", port, "--dir", folder, data_dir=tmp_path / "data") as catcher:
        catcher.wait_for("Catching mail")
        with smtplib.SMTP("127.0.0.1", port, timeout=60) as client:
            client.sendmail(
                "news@courier.example", ["anna@mail.test"], "Subject: Hello\r\nPrecedence: bulk\r\n\r\nHi"
            )
        assert catcher.stop() == 0
    (mail,) = list_messages(folder / "inbox")
    assert mail.subject == "Hello"
    assert mail.recipient == "anna@mail.test"

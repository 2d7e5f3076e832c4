"""A newsroom of real processes: judge, site, worker and beat, set up by the commands an admin types."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from digest import config
from digest.cli.demo import run_command
from digest.db import Database
from digest.queueing.app import app
from tests.servers.news_site import NewsSite
from tests.servers.waiting import group_members, wait_until

ROOT = Path(__file__).resolve().parents[2]
STAFF = "desk@courier.example"  # whom the test mail goes to


@dataclass
class Newsroom:
    """Where everything is, and what runs."""

    folder: Path
    env: dict[str, str]
    site: NewsSite
    judge_port: int
    database: Database
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)
    logs: dict[int, Path] = field(default_factory=dict)  # by the process that writes it
    _taken: list[dict[str, Any]] = field(default_factory=list)
    _read: int = 0  # bytes of the record, which grows only

    @property
    def record(self) -> Path:
        return self.folder / "judge.jsonl"

    def taken(self) -> list[dict[str, Any]]:
        """What the mail server took for readers, by its own record, one entry a message."""
        if self.record.exists():
            with self.record.open("rb") as file:
                file.seek(self._read)
                lines = [line for line in file if line.endswith(b"\n")]
            self._read += sum(map(len, lines))
            found = [entry for entry in map(json.loads, lines) if "rcpt" in entry]
            self._taken += [entry for entry in found if entry["rcpt"] != [STAFF]]
        return list(self._taken)

    def command(self, *words: str) -> None:
        """Give one command, in this process."""
        run_command(words)

    def start(self, *argv: str) -> subprocess.Popen[bytes]:
        """Start a process in a group of its own; its words go to a file in the folder."""
        path = self.folder / f"{argv[-1].strip('-')}-{len(self.logs)}.log"
        with path.open("wb") as log:
            process = subprocess.Popen(
                argv,
                cwd=ROOT,
                env=os.environ | self.env,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.running.append(process)
        self.logs[process.pid] = path
        return process

    def words_of(self, process: subprocess.Popen[bytes]) -> str:
        """What a process has said."""
        return self.logs[process.pid].read_text(errors="replace")

    def check_all_run(self) -> None:
        """Nothing that was started has ended by itself."""
        for process in self.running:
            assert process.poll() is None, self.words_of(process)[-3000:]

    def start_worker(self, *, concurrency: int = 1, app: str = "worker") -> subprocess.Popen[bytes]:
        celery = (sys.executable, "-m", "celery", "-A", app, "worker")
        return self.start(*celery, "--concurrency", str(concurrency), "--loglevel", "INFO")

    def wait_for_workers(self) -> None:
        """Wait until each worker that was started is ready for tasks."""
        wait_until(lambda: all(" ready." in words for words in self._words_of_workers()), what="the workers")

    def times_received(self, task: str) -> Counter[str]:
        """How often the workers were handed each task of this name, by its id."""
        received = re.compile(re.escape(task) + r"\[([\w-]+)\] received")
        return Counter(found for words in self._words_of_workers() for found in received.findall(words))

    def _words_of_workers(self) -> list[str]:
        """What each worker that was started, and not killed by the test, has said."""
        return [self.words_of(each) for each in self.running if "INFO" in self.logs[each.pid].name]

    def start_beat(self) -> subprocess.Popen[bytes]:
        schedule = str(self.folder / "beat")
        return self.start(
            *(sys.executable, "-m", "celery", "-A", "worker", "beat", "--schedule", schedule, "--pidfile=")
        )

    def set_up(
        self,
        *,
        lists: Sequence[tuple[str, str]] = (("readers", "hold"),),
        backlog: str = "7d",
        connections: int = 1,
    ) -> None:
        """A mail service that took a test mail, a digest with the site's feed, its lists; no rhythm yet."""
        self.command(
            *("transport", "add", "judge", "--host", "127.0.0.1", "--port", str(self.judge_port)),
            *("--security", "none", "--connections", str(connections)),
        )
        self.command(
            *("digest", "create", "courier", "--title", "The Courier", "--language", "en"),
            *("--sender", "news@courier.example", "--postal-address", "1 Mill Lane, Springdale"),
            *("--featured", "category:Commentary", "--recent-least", "0"),
        )
        self.command("account", "add", STAFF, "--name", "The Desk")
        self.command("transport", "test", "judge", "--to", STAFF)
        self.command(
            *("source", "add", self.site.url("/feed/"), "--include-backlog", backlog, "--digest", "courier")
        )
        for name, policy in lists:
            self.command(
                *("list", "create", name, "--digest", "courier", "--title", name, "--uncertain", policy)
            )

    def import_readers(self, addresses: Sequence[str], *, into: str = "readers") -> None:
        file = self.folder / f"{into}.csv"
        file.write_text("\n".join(["address", *addresses]) + "\n", encoding="utf-8")
        self.command("subscriber", "import", str(file), "--list", into, "--consent", "signed a card")

    def stop_all(self) -> None:
        for process in self.running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self.running.clear()


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL to a process and its children at one go; returns once they are gone."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    wait_until(lambda: not group_members(process.pid), what="the end of the process group")


@contextlib.contextmanager
def newsroom(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    database_url: str,
    broker_url: str,
    delay_ms: float = 0.0,
    faults: Sequence[dict[str, Any]] = (),
    is_migrated: bool = True,
    **settings: str,
) -> Iterator[Newsroom]:
    """A newsroom on a database that is migrated at first, with an SMTP judge in a process of its own."""
    port_file = folder / "judge.port"
    judge = subprocess.Popen(
        [
            *(sys.executable, "-m", "tests.servers.smtp", "--port-file", str(port_file)),
            *("--record", str(folder / "judge.jsonl"), "--delay-ms", str(delay_ms)),
            *(word for fault in faults for word in ("--fault", json.dumps(fault))),
        ],
        cwd=ROOT,
    )
    with NewsSite() as site:
        try:
            wait_until(lambda: port_file.exists() and port_file.read_text(), what="the judge's port")
            env = {
                "DIGEST_DATA_DIR": str(folder / "data"),
                "DIGEST_DATABASE_URL": database_url,
                "DIGEST_BROKER_URL": broker_url,
                "DIGEST_PRIVATE_HOSTS": site.host,
                "DIGEST_TICK_SECONDS": "0.5",
                "DIGEST_PUBLIC_URL": "https://digest.courier.example",
                "DIGEST_LOG_JSON": "false",
                **{f"DIGEST_{name.upper()}": value for name, value in settings.items()},
            }
            for name, value in env.items():
                monkeypatch.setenv(name, value)
            config.settings.cache_clear()
            app.cache_clear()
            if is_migrated:
                run_command(["db", "upgrade"])
            database = Database(config.settings().database)
            room = Newsroom(folder, env, site, int(port_file.read_text()), database)
            try:
                yield room
            finally:
                room.stop_all()
                database.close()
        finally:
            judge.kill()
            judge.wait()
            app.cache_clear()

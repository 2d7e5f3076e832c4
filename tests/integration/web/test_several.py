"""Several web processes on one socket: who serves, who takes the place of whom, and how they all end."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from digest.config import Settings
from digest.embedded.standard import settings_env
from digest.web.several import processes_of
from tests.integration.web.test_busy import ask
from tests.integration.web.test_serve import refuses
from tests.servers.databases import Kept
from tests.servers.waiting import wait_until


@pytest.fixture
def kept(kept_sqlite: Kept) -> Iterator[Kept]:
    """SQLite alone: how processes start and end has nothing to do with their database."""
    yield kept_sqlite
    kept_sqlite.empty()


@dataclass(frozen=True, slots=True)
class Several:
    """A parent, and what it and its children said."""

    process: subprocess.Popen[bytes]
    log: Path

    @property
    def port(self) -> int:
        found = re.search(r"\"port\": (\d+)", self.log.read_text())
        return int(found[1]) if found else 0

    @property
    def children(self) -> set[int]:
        """The processes that serve at this moment."""
        text = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return {int(each) for each in text.split()}

    def is_up(self, count: int) -> bool:
        """Whether so many children have said that they listen."""
        return self.log.read_text().count("a process listens") >= count


@contextlib.contextmanager
def several(settings: Settings, folder: Path, count: int = 2) -> Iterator[Several]:
    """A server by so many processes; its parent is killed at the end if it still runs."""
    log = folder / "several.log"
    env = {**os.environ, **settings_env(settings), "DIGEST_LOG_JSON": "true"}
    with log.open("w") as said:
        process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "digest.cli", "web", "--processes", str(count)],
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
        )
    try:
        yield Several(process, log)
    finally:
        process.kill()
        process.wait()


def test_several_serve_one_port_and_stop_together(settings: Settings, tmp_path: Path) -> None:
    """Both listen, a child that is killed is followed by another, and a stop signal ends them all."""
    with several(settings, tmp_path) as server:
        wait_until(lambda: server.is_up(2), seconds=180, what="two processes")
        before = server.children
        assert len(before) == 2
        assert ask(f"http://127.0.0.1:{server.port}/health") == 200
        os.kill(min(before), signal.SIGKILL)
        assert ask(f"http://127.0.0.1:{server.port}/health") == 200  # the other one
        wait_until(lambda: server.is_up(3), seconds=180, what="the one in its place")
        assert len(server.children) == 2
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=180) == 0
        assert refuses(("127.0.0.1", server.port))
        assert not any(is_alive(each) for each in before)
    assert "web: stopped" in server.log.read_text()


def test_children_do_not_outlive_their_parent(settings: Settings, tmp_path: Path) -> None:
    """A parent that is killed leaves nobody behind who holds the port."""
    with several(settings, tmp_path) as server:
        wait_until(lambda: server.is_up(2), seconds=180, what="two processes")
        children = server.children
        server.process.kill()
        server.process.wait()
        wait_until(lambda: not any(map(is_alive, children)), seconds=180, what="the end of the children")
        assert refuses(("127.0.0.1", server.port))


@pytest.mark.slow  # two processes for one sentence
def test_what_keeps_a_child_from_starting_is_said(settings: Settings, tmp_path: Path) -> None:
    """Without keys nobody can serve: the sentence of the child, status 2, and no endless starting."""
    without = settings.model_copy(update={"secrets_dir": tmp_path / "none"})
    with several(Settings(**without.model_dump()), tmp_path) as server:
        assert server.process.wait(timeout=180) == 2
    said = server.log.read_text()
    assert "keys" in said
    assert "A web process could not start" in said
    assert "Traceback" not in said


def test_how_many_there_are(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """One on SQLite; on PostgreSQL one for each core, four at most; and as many as are asked for."""
    postgres = {"database_url": "postgresql://digest.test/digest"}
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: set(range(3)))
    assert processes_of(settings) == 1
    assert processes_of(Settings(**postgres)) == 3  # type: ignore[arg-type]
    assert processes_of(Settings(**postgres, web_processes=7)) == 7  # type: ignore[arg-type]
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: set(range(64)))
    assert processes_of(Settings(**postgres)) == 4  # type: ignore[arg-type]


def is_alive(process: int) -> bool:
    """Whether it runs; one that has ended and that nobody has waited for does not."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"

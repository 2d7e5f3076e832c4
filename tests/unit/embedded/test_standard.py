"""What `digest up` runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from digest import config
from digest.embedded.standard import settings_env, standard_children


def test_broker_comes_first_and_stops_last(tmp_path: Path) -> None:
    """The order of start is the reverse of the order of stop: nobody loses the broker while at work."""
    children = standard_children(config.load(data_dir=tmp_path))
    assert [child.name for child in children] == ["broker", "worker", "beat", "web"]
    assert all(child.restart for child in children)
    assert children[1].stop_grace > 30  # a task has 30 s to end after a stop signal


def test_no_broker_of_our_own_beside_a_given_one(tmp_path: Path) -> None:
    """With a broker elsewhere none is started, and no program for one is needed."""
    settings = config.load(data_dir=tmp_path, broker_url="redis://broker.test/0")
    children = standard_children(settings, binary=tmp_path / "nowhere")
    assert [child.name for child in children] == ["worker", "beat", "web"]


def test_children_read_the_settings_of_their_starter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was given as an argument reaches a child through its environment, unchanged."""
    given = config.load(
        data_dir=Path(os.path.relpath(tmp_path)),
        broker_url="redis://:secret@broker.test/0",
        private_hosts="a.test, b.test",
        log_json=True,
        tick_seconds=5.0,
        contact="desk@example.org",
    )
    for name, value in settings_env(given).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir("/")
    read = config.load()
    assert read.data.resolve() == tmp_path.resolve()
    for name in ("broker", "private_hosts", "log_json", "tick_seconds", "contact"):
        assert getattr(read, name) == getattr(given, name)


def test_quiet_children_write_lines_for_machines(tmp_path: Path) -> None:
    """Away from a terminal the lines are JSON, unless a setting says otherwise."""
    children = standard_children(config.load(data_dir=tmp_path), quiet=True)
    assert children[-1].env["DIGEST_LOG_JSON"] == "true"
    told = standard_children(config.load(data_dir=tmp_path, log_json=False), quiet=True)
    assert told[-1].env["DIGEST_LOG_JSON"] == "false"


def test_web_on_a_port_of_the_systems_choice_is_not_waited_for(tmp_path: Path) -> None:
    """Nobody could know where to ask; elsewhere the web is asked until it answers."""
    assert standard_children(config.load(data_dir=tmp_path, web_port=0))[-1].ready is None
    assert standard_children(config.load(data_dir=tmp_path, web_port=8025))[-1].ready is not None


def test_supervisor_stays_small() -> None:
    """The process that only watches loads none of the big libraries."""
    code = (
        "import digest.embedded.supervisor, digest.embedded.broker, digest.embedded.lock, sys\n"
        "big = set('sqlalchemy celery kombu fastapi starlette pydantic redis structlog asyncio'.split())\n"
        "print(sorted(big & set(sys.modules)))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"

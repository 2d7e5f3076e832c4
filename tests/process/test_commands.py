"""The compose file's commands as plain processes: each gets well by its own health check, and ends well."""

from __future__ import annotations

import contextlib
import os
import pickle
import re
import shutil
import signal
import smtplib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from celery import Celery

from tests.architecture import plain_yaml
from tests.servers.ports import free_port
from tests.servers.waiting import HANG, wait_until

pytestmark = pytest.mark.process

ROOT = Path(__file__).resolve().parents[2]
_LONG_RUNNING = ("web", "worker", "beat", "catcher")
_VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?::(?P<kind>[-?])(?P<rest>[^}]*))?\}")


class Touch:
    """Executes something when it is unpickled."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path(self.path),))


@dataclass
class Composition:
    """The services of the compose file, with this run's places in them."""

    services: dict[str, Any]
    places: dict[str, str]
    values: dict[str, str]
    folder: Path
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def argv(self, name: str) -> list[str]:
        return [self.adapted(word) for word in self.services[name]["command"]]

    def adapted(self, text: str) -> str:
        """A word of the file: variables filled in, the image's places replaced by this run's."""
        filled = _VARIABLE.sub(self._value, text).replace("$$", "$")
        for place, own in self.places.items():
            filled = filled.replace(place, own)
        return filled

    def _value(self, found: re.Match[str]) -> str:
        return self.values.get(found["name"], (found["rest"] or "") if found["kind"] == "-" else "")

    def env(self, name: str) -> dict[str, str]:
        """What the container would see, the image's own variables among it."""
        image = dict(re.findall(r"^\s+(DIGEST_\w+|PYTHON\w+)=(\S+?)(?: \\)?$", _dockerfile(), re.MULTILINE))
        given = {
            key: value if value is not None else self.values.get(key)
            for key, value in self.services[name]["environment"].items()
        }
        clean = {key: value for key, value in os.environ.items() if not key.startswith("DIGEST_")}
        own = {key: self.adapted(value) for key, value in {**image, **given}.items() if value is not None}
        return clean | own | {"PATH": f"{Path(sys.executable).parent}:{clean['PATH']}"}

    def start(self, name: str) -> None:
        with (self.folder / f"{name}.log").open("wb") as log:
            self.running[name] = subprocess.Popen(
                self.argv(name), cwd=self.folder, env=self.env(name), stdout=log, stderr=subprocess.STDOUT
            )

    def is_healthy(self, name: str) -> bool:
        """What the service's own health check says."""
        kind, *words = [self.adapted(word) for word in self.services[name]["healthcheck"]["test"]]
        argv = ["sh", "-c", words[0]] if kind == "CMD-SHELL" else words
        done = subprocess.run(
            argv, cwd=self.folder, env=self.env(name), capture_output=True, check=False, timeout=HANG
        )
        return done.returncode == 0

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(encoding="utf-8")

    def end_all(self) -> None:
        for process in self.running.values():
            process.kill()
            process.wait()


def _dockerfile() -> str:
    return (ROOT / "Dockerfile").read_text(encoding="utf-8")


@pytest.fixture
def composition(postgres_url: str, redis_url: str, tmp_path: Path) -> Iterator[Composition]:
    """The file's services on a real PostgreSQL and Redis, in a folder that holds what the image's does."""
    web_port, mail_port = str(free_port()), str(free_port())
    document = plain_yaml.read((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    services = {name: document["services"][name] for name in ("migrate", *_LONG_RUNNING)}
    for service in services.values():
        environment = service["environment"]
        for name, url in (("DIGEST_DATABASE_URL", postgres_url), ("DIGEST_BROKER_URL", redis_url)):
            if name in environment:
                environment[name] = url
    services["catcher"]["command"] += ["--port", mail_port]
    work = tmp_path / "srv"
    work.mkdir()
    shutil.copyfile(ROOT / "worker.py", work / "worker.py")
    made = Composition(
        services,
        places={
            "/var/lib/digest": str(tmp_path / "data"),
            "/tmp/beat": str(tmp_path / "beat"),
            "127.0.0.1:8025": f"127.0.0.1:{web_port}",
            "0.0.0.0": "127.0.0.1",
        },
        values={
            "DIGEST_PUBLIC_URL": "https://digest.courier.example",
            "DIGEST_CATCHER_DIR": "/var/lib/digest/caught",
            "DIGEST_CONCURRENCY": "1",
            "MAIL_PORT": mail_port,
        },
        folder=work,
    )
    services["web"]["environment"]["DIGEST_WEB_PORT"] = web_port
    yield made
    made.end_all()


def test_each_service_gets_well_and_stops(composition: Composition, redis_url: str, tmp_path: Path) -> None:
    """migrate ends with 0; the others become healthy, take no pickle, and end with 0 on SIGTERM."""
    composition.start("migrate")
    assert composition.running["migrate"].wait(HANG) == 0, composition.log("migrate")
    for name in _LONG_RUNNING:
        composition.start(name)

    for name in ("web", "beat"):
        wait_until(
            lambda name=name: _lives(composition, name) and _may_be_well(composition, name),
            what=name,
        )
    _hand_in_a_mail(composition)

    wait_until(lambda: "ready." in composition.log("worker"), what="the worker")
    victim = tmp_path / "touched"
    _send_pickle(redis_url, victim)
    wait_until(lambda: "untrusted content" in composition.log("worker"), what="the refusal")
    wait_until(lambda: composition.is_healthy("worker"), what="the health of the worker")
    assert not victim.exists()
    assert pickle.loads(pickle.dumps(Touch(str(victim)))) is None  # it would have done it
    assert victim.exists()

    for name in _LONG_RUNNING:
        composition.running[name].send_signal(signal.SIGTERM)
    ends = {name: composition.running[name].wait(HANG) for name in _LONG_RUNNING}
    assert ends == dict.fromkeys(_LONG_RUNNING, 0), {name: composition.log(name)[-2000:] for name in ends}
    assert not composition.is_healthy("web")
    _age(tmp_path)
    assert not composition.is_healthy("beat")


def _lives(composition: Composition, name: str) -> bool:
    assert composition.running[name].poll() is None, composition.log(name)
    return True


def _may_be_well(composition: Composition, name: str) -> bool:
    """Whether its own health check is content; asked no sooner than it can be, for each look is a process."""
    if name == "web":
        port = int(composition.services["web"]["environment"]["DIGEST_WEB_PORT"])
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return composition.is_healthy(name)
        return False
    return any(composition.folder.parent.glob("beat*")) and composition.is_healthy(name)


def _hand_in_a_mail(composition: Composition) -> None:
    """The catcher has no health check of its own: it is well if it takes a mail."""
    port = int(composition.values["MAIL_PORT"])

    def answers() -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return _lives(composition, "catcher")
        return False

    wait_until(answers, what="the catcher")
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "news@courier.example", "ani@mail.test", "A bridge is mended"
    mail.set_content("It is mended.\n")
    with smtplib.SMTP("127.0.0.1", port, timeout=HANG) as client:
        client.send_message(mail)
    caught = Path(composition.places["/var/lib/digest"]) / "caught"
    assert len(list(caught.rglob("*.eml"))) == 1


def _send_pickle(redis_url: str, victim: Path) -> None:
    with Celery(broker=redis_url, set_as_current=False) as stranger:
        stranger.send_task("upkeep.tick", args=[Touch(str(victim))], queue="upkeep", serializer="pickle")


def _age(folder: Path) -> None:
    """As if beat had not written its schedule for an hour."""
    for path in folder.glob("beat*"):
        os.utime(path, (time.time() - 3600, time.time() - 3600))

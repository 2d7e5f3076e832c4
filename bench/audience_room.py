"""A newsroom to measure the public pages with, on SQLite and on PostgreSQL, and its real web server."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.delivery_mail import SENDER
from bench.delivery_room import ROOT, Room, child_env
from bench.memory import tree
from digest import keys
from digest.db import Database
from digest.db.schema import upgrade
from tests.factories import make_cadence, make_digest, make_list
from tests.servers import postgres, redis
from tests.servers.ports import free_port
from tests.servers.postgres import PostgresServer
from tests.servers.waiting import wait_until

LIST = "readers"
CADENCES = ("morning", "sunday")
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Place:
    """What every room needs: a folder, a broker, and PostgreSQL (fsync on) if there is one."""

    folder: Path
    broker_url: str
    postgres: PostgresServer | None

    @property
    def kinds(self) -> tuple[str, ...]:
        """The databases that can be measured on."""
        return ("SQLite", "PostgreSQL") if self.postgres else ("SQLite",)


@dataclass(frozen=True, slots=True)
class Web:
    """A web server of ours: `digest web`, as operators run it."""

    port: int
    process: int

    @property
    def cpu(self) -> float:
        """CPU seconds of it so far."""
        return cpu_of(self.process)


@contextlib.contextmanager
def place() -> Iterator[Place]:
    """The servers for the length of a block."""
    with tempfile.TemporaryDirectory(prefix="digest-bench-") as temporary, contextlib.ExitStack() as stack:
        folder = Path(temporary)
        folder.chmod(0o755)  # the database server runs as another user
        service = stack.enter_context(postgres.serve(folder, is_durable=True))
        broker = stack.enter_context(redis.private(folder / "broker"))
        server = PostgresServer(service.url, service.text) if service.url else None
        yield Place(folder, broker.url, server)


@contextlib.contextmanager
def room(at: Place, kind: str) -> Iterator[Room]:
    """A newsroom in a database of its own; its list has a choice of two cadences, as most have."""
    with contextlib.ExitStack() as stack:
        temporary = stack.enter_context(tempfile.TemporaryDirectory(dir=at.folder))
        url = f"sqlite:///{temporary}/digest.db"
        if kind == "PostgreSQL":
            assert at.postgres
            url = stack.enter_context(at.postgres.database())
        env = {
            "DIGEST_DATA_DIR": temporary,
            "DIGEST_DATABASE_URL": url,
            "DIGEST_BROKER_URL": at.broker_url,
            "DIGEST_PUBLIC_URL": "https://digest.courier.example",
            # The generator stands where a proxy would: each of its people has a network.
            "DIGEST_TRUSTED_PROXIES": "127.0.0.1",
            "DIGEST_LOG_LEVEL": "WARNING",
            "DIGEST_CONFIG": os.devnull,
        }
        keys.make_missing(Path(temporary) / "secrets")
        database = Database(url.replace("postgresql://", "postgresql+psycopg://"))
        stack.callback(database.close)
        upgrade(database)
        with database.write() as session:
            digest = make_digest(session, sender_address=SENDER)
            # At full speed, and by nobody's clock but ours.
            cadences = [
                make_cadence(session, digest, name, spread_seconds=0, is_running=True) for name in CADENCES
            ]
            mailing_list = make_list(session, digest, LIST)
            mailing_list.is_open = True
        yield Room(database, Path(temporary), env, cadences[0].id, mailing_list.id)


@contextlib.contextmanager
def web(made: Room) -> Iterator[Web]:
    """The room's web server, once it answers; stopped as a supervisor stops it."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "digest.cli", "web"],
        cwd=ROOT,
        env={**child_env(made.env), "DIGEST_WEB_PORT": str(port)},
    )
    try:
        wait_until(lambda: _is_well(port) or process.poll() is not None, seconds=60, what="the web server")
        if process.poll() is not None:
            raise ChildProcessError(f"the web server ended with {process.returncode}")
        yield Web(port, process.pid)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def cpu_of(process: int) -> float:
    """CPU seconds of a process and of all below it that runs still."""
    used = 0
    for each in tree(process):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
            used += int(fields[11]) + int(fields[12])
    return used / _TICKS


def _is_well(port: int) -> bool:
    with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/health") as answer:
        return bool(answer.status == 200)
    return False

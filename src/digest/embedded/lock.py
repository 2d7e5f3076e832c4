"""One `digest up` on a data folder at a time."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from digest.errors import ConfigError, StateError

_NAME = "up.lock"
_LOOK_AGAIN = 0.1


@contextlib.contextmanager
def sole_use(data: Path, *, patience: float = 60.0) -> Iterator[int]:
    """Hold the data folder; gives the lock's file descriptor, for the supervisor to share with its warden.

    The system lets go of the lock when its last holder ends, however it ends. If the first holder is gone and
    its warden still cleans up, we wait for it for `patience` seconds. Raises StateError if another process
    holds the folder, ConfigError if the folder cannot be written.
    """
    folder = data / "run"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = os.open(folder / _NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ConfigError(f"The data folder {data} cannot be written: {error.strerror}.") from None
    try:
        until = time.monotonic() + patience
        while not _taken(file):
            holder = _holder(file)
            if _lives(holder) or time.monotonic() > until:
                raise StateError(
                    f"Digest already runs on the data folder {data} (process {holder}); "
                    "stop it first or give another data folder."
                )
            time.sleep(_LOOK_AGAIN)
        os.ftruncate(file, 0)
        os.pwrite(file, f"{os.getpid()}\n".encode("ascii"), 0)
        yield file
    finally:
        os.close(file)


def _taken(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(file: int) -> int:
    """Who took the lock last; 0 in the moment before it has said so."""
    text = os.pread(file, 20, 0).strip()
    return int(text) if text.isdigit() else 0


def _lives(process: int) -> bool:
    if process == 0:
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True

"""Several web processes on one socket: one Python process works on one core, whatever it is asked.

The parent listens and serves nothing; each child takes connections from the same socket, so a child that is
busy leaves them to the others, and one that ends takes none with it that it had not taken. The parent starts
a child that ends anew. If the parent itself ends, however it ends, its children see that and stop.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import FrameType
from typing import Final, Self

from digest.config import Settings
from digest.errors import ConfigError, StateError
from digest.logs import get_logger, set_up
from digest.web.listener import listen

log = get_logger(__name__)

MOST_BY_DEFAULT: Final = 4
_LOOK_SECONDS: Final = 0.1
_STOP_SECONDS: Final = 9.0  # a child itself takes 8 at the most
_QUICK_SECONDS: Final = 10.0
_DEATHS: Final = 5  # soon after each start: it is given up
_PAUSE_SECONDS: Final = 0.5
_REFUSED: Final = 2  # the status of a child that cannot start, however long that took; it has said why


def processes_of(settings: Settings) -> int:
    """How many there are to be: as the settings say; else one on SQLite, and one for each core elsewhere.

    On SQLite one process at a time writes, and turns between threads are quicker than between processes.
    """
    if settings.web_processes:
        return settings.web_processes
    if settings.database.startswith("sqlite"):
        return 1
    return max(1, min(_cores(), MOST_BY_DEFAULT))


def serve_by_several(settings: Settings, count: int) -> None:
    """Serve until SIGTERM or SIGINT. Call it in the main thread.

    Raises ConfigError if the address cannot be used or a child cannot start, StateError if one keeps ending.
    """
    set_up(level=settings.log_level, json=settings.log_json)
    read, write = os.pipe()  # the children hold one end: at our end they read the end of it
    try:
        with listen(settings.web_host, settings.web_port) as listener, _StopSignals() as stop:
            children = [_Child((listener.fileno(), read)) for _ in range(count)]
            try:
                for child in children:
                    child.start()
                log.info(
                    "web: listening",
                    host=settings.web_host,
                    port=listener.getsockname()[1],
                    processes=count,
                )
                while not stop.has_come:
                    time.sleep(_LOOK_SECONDS)
                    for child in children:
                        child.look()
            finally:
                _stop_all(children)
    finally:
        os.close(read)
        os.close(write)
    log.info("web: stopped")


@dataclass(slots=True)
class _Child:
    """One process, and the next one in its place when it ends."""

    held: tuple[int, int]  # the socket, and our end of the pipe
    process: subprocess.Popen[bytes] | None = None
    started_at: float = field(default=0.0)
    deaths: int = 0

    def start(self) -> None:
        self.started_at = time.monotonic()
        argv = [sys.executable, "-m", "digest.web.run", *map(str, self.held)]
        self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, pass_fds=self.held)  # noqa: S603

    def look(self) -> None:
        """Start it anew if it has ended. Raises ConfigError or StateError if that has no sense."""
        if self.process is None:
            if time.monotonic() - self.started_at > _PAUSE_SECONDS:
                self.start()
            return
        status = self.process.poll()
        if status is None:
            return
        if status == _REFUSED:
            raise ConfigError("A web process could not start; it says why above.")
        is_quick = time.monotonic() - self.started_at < _QUICK_SECONDS
        self.deaths = self.deaths + 1 if is_quick else 1
        if self.deaths >= _DEATHS:
            raise StateError(f"A web process ended {self.deaths} times in a row, soon after each start.")
        log.error("web: a process has ended and is started anew", status=status)
        self.process, self.started_at = None, time.monotonic()


class _StopSignals:
    """Takes note of SIGTERM and SIGINT for the length of a block."""

    def __init__(self) -> None:
        self.has_come = False

    def __enter__(self) -> Self:
        numbers = (signal.SIGTERM, signal.SIGINT)
        self._before = {number: signal.signal(number, self._note) for number in numbers}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.has_come = True


def _stop_all(children: Sequence[_Child]) -> None:
    """Have them finish what they have begun; kill those that take too long."""
    running = [child.process for child in children if child.process is not None]
    for process in running:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
    until = time.monotonic() + _STOP_SECONDS
    for process in running:
        try:
            process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # only Linux has it
        return os.cpu_count() or 1

"""The supervisor's end of the lifeline: it keeps the warden running and its list true."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass

from digest.embedded import warden


@dataclass(frozen=True, slots=True)
class Entry:
    """A process group that must not outlive us: how it is asked to end, and for how long it may take."""

    group: int
    stop_signal: int
    stop_grace: float


class Lifeline:
    """Starts the warden, tells it what to end if we are killed, and starts another if it is gone.

    `lock` is a file descriptor that the warden holds open until it is done.
    """

    def __init__(self, lock: int | None = None) -> None:
        self._lock = lock
        self._entries: dict[int, Entry] = {}
        self._warden = self._start()

    def add(self, entry: Entry) -> None:
        """Put a group that was just started on the list."""
        self._entries[entry.group] = entry
        self._write(_start_line(entry))

    def remove(self, group: int) -> None:
        """Take a group that has ended off the list."""
        if self._entries.pop(group, None) is not None:
            self._write(f"end {group}\n")

    def check(self) -> None:
        """Start another warden, with the whole list, if somebody ended the one we had."""
        if self._warden.poll() is not None:
            _close(self._warden)
            self._warden = self._start()
            self._write("".join(map(_start_line, self._entries.values())))

    def close(self) -> None:
        """Let the warden end; it stops whatever is still on the list."""
        _close(self._warden)
        self._warden.wait()

    @property
    def process(self) -> int:
        """The warden's process id."""
        return self._warden.pid

    def _start(self) -> subprocess.Popen[bytes]:
        keep: Iterable[int] = () if self._lock is None else (self._lock,)
        return subprocess.Popen(  # noqa: S603  (our own interpreter and file)
            [sys.executable, "-I", "-S", str(warden.__file__)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=tuple(keep),
            start_new_session=True,
        )

    def _write(self, text: str) -> None:
        if self._warden.stdin is not None:
            with contextlib.suppress(OSError):  # it was killed: `check` hands the whole list to the next one
                os.write(self._warden.stdin.fileno(), text.encode("ascii"))


def _start_line(entry: Entry) -> str:
    return f"start {entry.group} {int(entry.stop_signal)} {entry.stop_grace:g}\n"


def _close(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        with contextlib.suppress(OSError):
            process.stdin.close()

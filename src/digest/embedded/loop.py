"""One wait for all that can happen to the supervisor: a signal, a line of output, the end of a child."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
from types import FrameType

from digest.embedded.output import Output

_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Loop:
    """Takes over the signals of the process until it is closed; only for the main thread.

    `signals` counts the stop signals that came. The end of a child wakes `wait`, and so does `wake`.
    """

    def __init__(self) -> None:
        self.signals = 0
        self._selector = selectors.DefaultSelector()
        self._read, self._write = os.pipe()
        for end in (self._read, self._write):
            os.set_blocking(end, False)
        self._selector.register(self._read, selectors.EVENT_READ)
        self._wakeup_before = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        self._before = {number: signal.signal(number, self._on_signal) for number in _STOP_SIGNALS}
        # With no handler at all, the end of a child would not be written to the wakeup descriptor.
        self._before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda _number, _frame: None)

    def wait(self, seconds: float) -> None:
        """Wait until something happens, at most so long, and pass on what the children printed."""
        for key, _ in self._selector.select(seconds):
            if key.data is None:
                with contextlib.suppress(BlockingIOError):
                    os.read(key.fd, 4096)
            else:
                self._read_from(key)

    def wake(self) -> None:
        """Make `wait` return; from any thread."""
        with contextlib.suppress(OSError):
            os.write(self._write, b"\0")

    def add(self, pipe: int, output: Output) -> None:
        """Read from this pipe from now on, and close it at its end."""
        os.set_blocking(pipe, False)
        self._selector.register(pipe, selectors.EVENT_READ, output)

    def drain(self, output: Output) -> None:
        """Take the last words of a child that has ended; what it started may hold the pipe for longer."""
        for key in list(self._selector.get_map().values()):
            if key.data is output:
                self._read_from(key)

    def close(self) -> None:
        """Give the signals back and close every pipe."""
        signal.set_wakeup_fd(self._wakeup_before)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        for key in list(self._selector.get_map().values()):
            os.close(key.fd)
        os.close(self._write)
        self._selector.close()

    def _read_from(self, key: selectors.SelectorKey) -> None:
        if not key.data.read_from(key.fd):
            self._selector.unregister(key.fd)
            os.close(key.fd)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.signals += 1

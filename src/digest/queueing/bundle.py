"""Hints that come close together, given as one.

A hint to send single mails carries no ids: one says as much as a hundred. A web process that takes a hundred
sign-ups a second would spend a tenth of its time on saying the same thing to the broker.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

REST_SECONDS: Final = 0.1
_CLOSING_SECONDS: Final = 5.0


class Bundle:
    """Gives a hint a moment after it was asked for, once for all who have asked by then.

    It is given after the last of them asked, so the rows of each are there for whoever takes it. Whoever asks
    never waits for the broker. If the process dies in between the hint is lost, and the next sweep finds the
    rows, as with any hint. To be made after a fork.
    """

    def __init__(self, give: Callable[[], None], *, rest: float = REST_SECONDS) -> None:
        self._give = give
        self._rest = rest
        self._lock = threading.Lock()
        self._is_wanted = False
        self._thread: threading.Thread | None = None
        self._is_closing = threading.Event()

    def ask(self) -> None:
        """Have the hint given soon."""
        with self._lock:
            self._is_wanted = True
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="hints", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Give at once what was asked for, and wait for it; a broker that hangs is not waited for long."""
        self._is_closing.set()
        with self._lock:
            thread = self._thread
        if thread is not None:
            thread.join(_CLOSING_SECONDS)

    def _run(self) -> None:
        while self._goes_on():
            self._is_closing.wait(self._rest)
            with self._lock:
                self._is_wanted = False
            self._give()

    def _goes_on(self) -> bool:
        """Whether somebody has asked since; if not, the next who asks starts a thread."""
        with self._lock:
            if not self._is_wanted:
                self._thread = None
            return self._is_wanted

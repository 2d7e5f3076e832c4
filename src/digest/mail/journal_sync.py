"""Bring a journal onto the disk every few milliseconds, in a thread of its own.

A record written by `write()` survives the death of its process, not that of the machine. One `fdatasync` for
each would cost a fifth of a millisecond of waiting a message (measured); one every 50 ms costs nothing that
can be measured, and leaves open what was written in that time.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

SYNC_SECONDS = 0.05
# macOS has no fdatasync.
_sync = getattr(os, "fdatasync", os.fsync)


class Syncer:
    """Syncs a descriptor while `is_due` is set by whoever writes; tells once if the disk fails."""

    def __init__(self, descriptor: int, on_failure: Callable[[], None]) -> None:
        self._descriptor = descriptor
        self._on_failure = on_failure
        self._end = threading.Event()
        self.is_due = True
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Sync once more and end."""
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        has_ended = False
        while not has_ended:
            has_ended = self._end.wait(SYNC_SECONDS)
            if not self.is_due:
                continue
            self.is_due = False  # before the sync: what is written during it is due again
            try:
                _sync(self._descriptor)
            except OSError:
                self._on_failure()
                return

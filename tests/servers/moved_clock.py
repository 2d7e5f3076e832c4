"""A clock that the processes of a test share: days go by as soon as the test says so.

    moved = MovedClock(folder / "clock", begin)
    monkeypatch.setattr(clock, "utc_now", moved.now)     # in the test's own process
    follow(path)                                         # in another one

It goes on like the machine's own; what it is ahead or behind stands in a file.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from digest import clock

_machine = clock.utc_now


class MovedClock:
    """What time it is for whoever follows the file."""

    def __init__(self, path: Path, moment: dt.datetime) -> None:
        self.path = path
        self.move_to(moment)

    def now(self) -> dt.datetime:
        return _machine() + dt.timedelta(seconds=float(self.path.read_text()))

    def move_to(self, moment: dt.datetime) -> None:
        """Let it be this moment for all at once."""
        part = self.path.with_suffix(".part")
        part.write_text(repr((moment - _machine()).total_seconds()))
        part.rename(self.path)


def follow(path: Path) -> None:
    """Let everything in this process ask the clock of a file."""
    moved = MovedClock.__new__(MovedClock)
    moved.path = path
    clock.utc_now = moved.now

"""The process that makes the workers of trials (`crashing_worker`), and what is to happen in each of them."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.servers.smtp_script import Fault, Script
from tests.servers.waiting import HANG

ROOT = Path(__file__).resolve().parents[2]
# How a worker ended that was killed, and one that stands still.
KILLED, STOPPED = -signal.SIGKILL, -signal.SIGSTOP
# Among the passes of a worker that was told to end before it had.
TOLD = "told to end"
_TOO_SHORT = 0.02


@dataclass(frozen=True, slots=True)
class Ending:
    """How the workers of a trial are ended: killed, or told to end (SIGTERM), which some have no time for."""

    action: str = "kill"
    drain: float = 0.0

    @property
    def is_told(self) -> bool:
        return self.action == "end"

    @classmethod
    def at_random(cls, numbers: random.Random) -> Ending:
        """One in three is told to end, every other of these with too little time for answers."""
        if numbers.randrange(3):
            return cls()
        return cls("end", numbers.choice((0.0, _TOO_SHORT)))

    def after(self, seconds: float) -> Crash:
        """It at this moment."""
        return Crash(after=seconds, action=self.action, drain=self.drain)

    def script(self, numbers: random.Random, *, people: int, connections: int) -> Script:
        """A mail server that answers 10 ms after it has put a mail on record: some are then on their way.

        Where there is no time for answers, it keeps some of them to itself until the worker has ended.
        """
        slow = Fault("accepted", action="slow", seconds=0.01, times=0)
        if not self.drain:
            return Script(faults=(slow,))
        skip, times = numbers.randrange(people // 2), numbers.randint(1, connections)
        return Script(faults=(Fault("accepted", action="hold", skip=skip, times=times), slow))


KILL = Ending()


@dataclass(frozen=True, slots=True)
class Crash:
    """Kill at the so-many-th pass of a point, or after so many seconds; without either it comes to its end.

    `without` is a function of the product that does nothing in this worker. `action` is what happens instead
    of the kill: `stop`, `fail`, or `end` (SIGTERM, only at a moment); `drain` for how many seconds it then
    waits for answers, 0 for as long as the product does.
    """

    point: str = ""
    at_pass: int = 0
    after: float = 0.0
    without: str = ""
    action: str = "kill"
    drain: float = 0.0

    @property
    def is_told(self) -> bool:
        return self.action == "end"


class Workers:
    """The process that makes the workers of trials, one after another."""

    def __init__(self, log: Path) -> None:
        with log.open("wb") as file:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.process.crashing_worker"],
                cwd=ROOT,
                env={**os.environ, "DIGEST_BROKER_URL": "memory://"},  # read when the tasks are loaded
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=file,
                text=True,
                # A session of its own: where whoever began the run goes away, the system wakes every process
                # of its group that was stopped, and one of ours is to stand still.
                start_new_session=True,
            )
        self.log = log

    def run(
        self,
        folder: Path,
        env: dict[str, str],
        crash: Crash,
        *,
        seconds: float = HANG,
        warm: bool = False,
        under: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Run one worker to its end; its status and its passes. `under` is what it lives under."""
        job = {
            "env": env,
            "kept": str(folder / "kept"),
            "point": crash.point,
            "pass": crash.at_pass,
            "seconds": seconds,
            "warm": warm,
            "kill_after": crash.after,
            "without": crash.without,
            "action": crash.action,
            "drain": crash.drain,
            **(under or {}),
        }
        return self._asked(job)

    def go_on(self, pid: int, *, seconds: float = 30) -> dict[str, Any]:
        """Let a worker that was stopped run to its end."""
        return self._asked({"go_on": pid, "seconds": seconds})

    @staticmethod
    def stands_still(pid: int) -> bool:
        """Whether a worker that was stopped was woken by nobody."""
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].startswith("T")

    def _asked(self, job: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, self.log.read_text(errors="replace")[-3000:]
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(HANG)
        finally:
            self._process.kill()
            self._process.stdout.close()


@contextlib.contextmanager
def workers(folder: Path) -> Iterator[Workers]:
    made = Workers(folder / "workers.log")
    try:
        yield made
    finally:
        made.close()

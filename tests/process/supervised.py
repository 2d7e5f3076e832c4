"""A supervisor in a process of its own, as tests see it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from tests.servers.waiting import HANG, wait_until


class Supervised:
    """A supervisor in its own process, and the lines that it printed."""

    def __init__(self, folder: Path, spec: dict[str, Any]) -> None:
        file = folder / f"spec{len(list(folder.glob('spec*')))}.json"
        file.write_text(json.dumps(spec))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.process.supervised_main", str(file)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.lines: list[str] = []
        self.errors: list[str] = []
        self._readers = [
            threading.Thread(target=_collect, args=(stream, kept))
            for stream, kept in ((self.process.stdout, self.lines), (self.process.stderr, self.errors))
        ]
        for reader in self._readers:
            reader.start()

    def wait_for(self, start: str, count: int = 1) -> str:
        """The count-th line that starts so."""

        def found() -> list[str]:
            return [line for line in self.lines if line.startswith(start)]

        wait_until(lambda: len(found()) >= count or self.process.poll() is not None, what=f"line {start!r}")
        assert len(found()) >= count, (self.lines, self.errors)
        return found()[count - 1]

    def pid(self, name: str) -> int:
        return int(self.wait_for(f"pid {name} ").split()[-1])

    def warden(self) -> int:
        return int(self.wait_for("warden ").split()[-1])

    def end(self, number: int = signal.SIGTERM) -> int:
        """Signal it, wait for it, and return its status."""
        self.process.send_signal(number)
        return self.finish()

    def finish(self) -> int:
        status = self.process.wait(HANG)
        for reader in self._readers:
            reader.join(HANG)
        return status

    def clean(self) -> None:
        if self.process.poll() is None:
            self.end()
        self.finish()
        for stream in (self.process.stdout, self.process.stderr):
            stream.close()


def _collect(stream: Any, kept: list[str]) -> None:
    kept.extend(iter(stream.readline, ""))

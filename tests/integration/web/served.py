"""The web server as a process of its own, as `digest web` runs it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from digest.config import Settings
from digest.embedded.standard import settings_env

_PROGRAM = """
import sys
from digest import config
from digest.web.serve import serve
serve(config.load(), on_ready=lambda port: print(port, flush=True))
"""


@dataclass(frozen=True, slots=True)
class Served:
    """A running server; `log` is the file that holds what it said."""

    url: str
    log: Path
    process: subprocess.Popen[str]

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End it by a signal; its exit status."""
        self.process.send_signal(number)
        return self.process.wait(timeout=120)


@contextlib.contextmanager
def served(settings: Settings, folder: Path) -> Iterator[Served]:
    """A server with these settings, taking connections; killed at the end if it still runs."""
    log = folder / "web.log"
    env = {**os.environ, **settings_env(settings), "DIGEST_LOG_LEVEL": "DEBUG"}
    with log.open("w") as said:
        process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", _PROGRAM],
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
        )
    assert process.stdout is not None
    try:
        port = process.stdout.readline().strip()
        assert port, log.read_text()
        yield Served(f"http://127.0.0.1:{port}", log, process)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()

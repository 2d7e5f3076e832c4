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
from tests.servers.waiting import HANG

_ROOT = Path(__file__).resolve().parents[3]
_PROGRAM = """
import sys
from pathlib import Path
from digest import config
from digest.web.serve import serve
if sys.argv[1:]:
    from tests.servers.moved_clock import follow
    follow(Path(sys.argv[1]))
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
        return self.process.wait(timeout=HANG)


@contextlib.contextmanager
def served(settings: Settings, folder: Path, *, clock_file: Path | None = None) -> Iterator[Served]:
    """A server with these settings, taking connections; killed at the end if it still runs.

    With `clock_file` it is the time there that a test has said (`tests.servers.moved_clock`).
    """
    log = folder / "web.log"
    env = {**os.environ, **settings_env(settings), "DIGEST_LOG_LEVEL": "DEBUG"}
    if clock_file is not None:
        env["PYTHONPATH"] = os.pathsep.join([str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    with log.open("w") as said:
        process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", _PROGRAM, *map(str, filter(None, [clock_file]))],
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

"""`python -m tests.servers.keeper NAME FOLDER`: start one service of a test run, and end it with the run."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from tests.servers import postgres, redis, run

_STARTERS = {"postgres": postgres.serve, "redis": redis.serve}


def main() -> None:
    name, folder = sys.argv[1], Path(sys.argv[2])
    lock = run.hold_as_keeper(folder, name)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda _number, _frame: sys.exit(1))
    with _STARTERS[name](folder) as service:
        run.announce(folder, service)
        if service.url:
            run.wait_for_the_end(folder)
    assert lock  # held until here


if __name__ == "__main__":
    main()

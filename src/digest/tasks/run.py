"""The worker and the beat: the same app as `celery -A worker ...`, without Celery's shell.

That shell loads an interactive prompt (8 to 9 MB a process). A worker asks no other one for anything, so none
greets the others at its start (1 s). With one task at a time, the tasks run in the worker's own process.
"""

from __future__ import annotations

import argparse
import sys

from digest.tasks import app


def main(argv: list[str] | None = None) -> int:
    """Run until a stop signal; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m digest.tasks.run")
    parser.add_argument("role", choices=("worker", "beat"))
    parser.add_argument("--concurrency", type=int, default=1, help="tasks at a time")
    parser.add_argument("--name", help="what it is called at the broker; else celery@HOST")
    parser.add_argument("--schedule", default="celerybeat-schedule", help="beat's own file")
    parser.add_argument("--loglevel", default="INFO")
    given = parser.parse_args(argv)
    if given.role == "beat":
        app.Beat(loglevel=given.loglevel, schedule=given.schedule, pidfile=None, quiet=True).run()
        return 0
    worker = app.Worker(
        loglevel=given.loglevel,
        concurrency=given.concurrency,
        hostname=given.name,
        pool="solo" if given.concurrency == 1 else "prefork",
        without_mingle=True,
        without_gossip=True,
        quiet=True,
    )
    worker.start()
    return int(worker.exitcode or 0)


if __name__ == "__main__":
    sys.exit(main())

"""`python -m bench.delivery_worker`: a process that sends editions as a worker child does, and says its cost.

It runs the body of the task that Celery would run, so that journal, ledger, pace, signing and connections are
those of a real worker. An edition's id on a line of standard input begins the work; a line of JSON on
standard output ends it. With `--profile FILE` every thread is profiled (and slowed down by that).
"""

from __future__ import annotations

import argparse
import cProfile
import json
import os
import resource
import sys
import threading
import time
from pathlib import Path

import sqlalchemy as sa

from bench.memory import pss_of_tree
from digest import clock, logs
from digest.deliveries.leases import is_due
from digest.mail.loop_thread import shared_loop
from digest.models import Batch, DeliveryStatus, Edition
from digest.queueing.app import app
from digest.tasks.process import load_tasks
from digest.tasks.runtime import Runtime, close_runtime, runtime
from digest.tasks.work import send_one_batch

_TICKS = os.sysconf("SC_CLK_TCK")
_WAIT_SECONDS = 60.0


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.delivery_worker")
    parser.add_argument("--profile", type=Path)
    options = parser.parse_args()
    logs.set_up(level="WARNING")
    load_tasks()  # as a worker does before it forks
    # And a worker has long spoken with its broker. Else the first hint would load all that, at the end of the
    # first task: a long edition has one, a short one has not.
    with app().producer_or_acquire() as producer:
        producer.connection.ensure_connection(max_retries=1)
    here = runtime()
    profiles = _start_profiles() if options.profile else []
    for line in sys.stdin:
        print(json.dumps(_send(here, int(line))), flush=True)
    for number, profile in enumerate(profiles):
        profile.disable()
        profile.dump_stats(f"{options.profile}.{number}")
    close_runtime()


def _send(here: Runtime, edition_id: int) -> dict[str, object]:
    before, cpu, started = _threads(), _cpu(), time.perf_counter()
    while (batch_id := _next_batch(here, edition_id)) is not None:
        send_one_batch(batch_id)
    taken = {"cpu": _cpu() - cpu, "wall": time.perf_counter() - started}
    threads = {name: used - before.get(name, 0.0) for name, used in _threads().items()}
    counted = {"sent": _sent(here, edition_id), "peak": _peak(), "pss": pss_of_tree(os.getpid())}
    return taken | counted | {"threads": threads}


def _next_batch(here: Runtime, edition_id: int) -> int | None:
    """A batch of the edition that nobody holds; waits for those that somebody does, though not for ever."""
    query = sa.select(Batch.id).join(Edition, Edition.id == Batch.edition_id)
    of_edition = query.where(Batch.edition_id == edition_id)
    until = time.monotonic() + _WAIT_SECONDS
    while True:
        with here.database.read() as session:
            found = session.scalar(of_edition.where(is_due(clock.utc_now())).order_by(Batch.id).limit(1))
            is_open = session.scalar(of_edition.where(Batch.closed_at.is_(None)).limit(1)) is not None
        if found is not None or not is_open:
            return found
        if time.monotonic() > until:
            raise TimeoutError(f"edition {edition_id} has open batches, and none came due in time")
        time.sleep(0.01)


def _sent(here: Runtime, edition_id: int) -> int:
    query = "SELECT count(*) FROM deliveries WHERE edition_id = :edition AND status = :sent"
    with here.database.read() as session:
        found = session.scalar(sa.text(query), {"edition": edition_id, "sent": DeliveryStatus.SENT.value})
    return int(found or 0)


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _peak() -> int:
    """The most memory that the process has had at a time, in bytes.

    Not by getrusage: its figure outlives exec, and would be that of whoever started us.
    """
    status = Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM:")).split()[1]) * 1024


def _threads() -> dict[str, float]:
    """CPU seconds of each living thread by its name (to a hundredth of a second)."""
    found: dict[str, float] = {}
    for thread in threading.enumerate():
        fields = Path(f"/proc/self/task/{thread.native_id}/stat").read_text().rpartition(")")[2].split()
        found[thread.name] = (int(fields[11]) + int(fields[12])) / _TICKS
    return found


def _start_profiles() -> list[cProfile.Profile]:
    """One for this thread, one for the loop's."""
    ours, loops = cProfile.Profile(time.thread_time), cProfile.Profile(time.thread_time)
    shared_loop().call(loops.enable)
    ours.enable()
    return [ours, loops]


if __name__ == "__main__":
    main()

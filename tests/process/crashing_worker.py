"""A worker that kills itself at a named point; and one that goes on where it stopped.

    python -m tests.process.crashing_worker

It reads one job a line and answers each with a line. The process itself only forks: everything is loaded
once and each job is a child of its own. A first job may be marked `warm`: it is done by the process itself,
so that its children find statements compiled and modules loaded. There is no broker: the tasks'
functions are called one after another, and what they hint at is found by looking at the rows, as the sweep
does.

    {"env": {...}, "kept": FOLDER, "point": NAME or "", "pass": 3, "seconds": 20, "warm": false,
     "kill_after": 0.05 or 0, "without": TARGET or ""}
    {"status": -9, "passes": {"intent written": 20, ...}}

`passes` are counted in children that were not killed. `kept` gets a hard link of every journal that is begun:
the file outlives its unlinking, whatever the worker does with it. `kill_after` kills the worker after so many
seconds, wherever it is. `without` makes a function of the product do nothing: to see that the rig sees it.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import threading
import time
import traceback
from collections import Counter
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.util import LRUCache

from digest import clock, config, logs
from digest.db import Database
from digest.deliveries.ledger import RESENT_MARK
from digest.mail.journal import Journal
from digest.models import (
    Batch,
    Delivery,
    DeliveryStatus,
    Edition,
    EditionState,
    MailingList,
    Transport,
    UncertainPolicy,
)
from digest.tasks import runtime, work
from tests.process.crash_points import POINTS, install, make_smaller, take_out

_OPEN = (EditionState.FROZEN, EditionState.SENDING)


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what is logged is not for the one who asks
    _share_compiled_statements()
    make_smaller()
    for line in sys.stdin:
        job = json.loads(line)
        answers.write(json.dumps(_warmed(job) if job["warm"] else _in_a_child(job)) + "\n")
        answers.flush()


def _warmed(job: dict[str, Any]) -> dict[str, Any]:
    _set_up(job["env"])
    drive(until=time.monotonic() + job["seconds"])
    runtime.close_runtime()
    # The collector of garbage would write into every page that a child shares with this process.
    gc.collect()
    gc.freeze()
    return {"status": 0, "passes": {}}


def _in_a_child(job: dict[str, Any]) -> dict[str, Any]:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        status = 1
        try:
            passes = _work(job)
            os.write(writing, json.dumps(passes).encode())
            status = 0
        except BaseException:
            traceback.print_exc()
        os._exit(status)
    os.close(writing)
    after = job["kill_after"] or job["seconds"]
    killer = threading.Timer(after, os.kill, (child, signal.SIGKILL if job["kill_after"] else signal.SIGABRT))
    killer.start()
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    killer.cancel()
    killer.join()
    return {"status": os.waitstatus_to_exitcode(status), "passes": json.loads(said or b"{}")}


def _set_up(env: dict[str, str]) -> None:
    os.environ.update(env)
    config.settings.cache_clear()
    logs.set_up(level="WARNING", json=False)


def _share_compiled_statements() -> None:
    """One store of compiled statements for all engines of this process and its children.

    Its keys hold the engine's dialect: two of one kind must count as the same.
    """
    make, store = sa.create_engine, LRUCache(2000)
    DefaultDialect.__hash__ = lambda dialect: hash(type(dialect))  # type: ignore[method-assign,misc]
    DefaultDialect.__eq__ = lambda one, other: type(one) is type(other)  # type: ignore[method-assign]

    def create_engine(*args: Any, **kwargs: Any) -> sa.Engine:
        engine = make(*args, **kwargs)
        engine._compiled_cache = store
        return engine

    sa.create_engine = create_engine


def _work(job: dict[str, Any]) -> dict[str, int]:
    _set_up(job["env"])
    passes: Counter[str] = Counter()

    def on_pass(name: str) -> None:
        passes[name] += 1
        if name == job["point"] and passes[name] == job["pass"]:
            os.kill(os.getpid(), signal.SIGKILL)

    _keep_journals(Path(job["kept"]))
    if job["without"]:
        take_out(job["without"])
    _stopping.reset()
    work.is_stopping = _stopping
    install(POINTS, on_pass)
    drive(until=time.monotonic() + job["seconds"] - 1)
    runtime.close_runtime()
    return dict(passes)


def drive(*, until: float) -> None:
    """Call the tasks as a worker would be told to, until every edition is served and nothing is open."""
    database = Database(config.settings().database)
    while not _is_served(database):
        if time.monotonic() > until:
            raise TimeoutError("the edition does not come to its end")
        with database.write() as session:
            # What waits for a mail service or a retry waits no longer: the trial is about order, not time.
            session.execute(
                sa.update(Batch)
                .where(Batch.closed_at.is_(None), Batch.not_before > clock.utc_now())
                .values(not_before=clock.utc_now())
            )
            session.execute(sa.update(Transport).values(rests_until=None))
        work.run_tick()
        for edition_id in _unplanned(database):
            work.plan_edition(edition_id)
        for batch_id in _open_batches(database):
            _stopping.begin()
            work.send_one_batch(batch_id)
    database.close()


def _is_served(database: Database) -> bool:
    with database.read() as session:
        if session.scalar(sa.select(Edition.id).where(Edition.state.in_(_OPEN)).limit(1)):
            return False
        if _open_batches(database):
            return False
        resends = sa.exists().where(MailingList.uncertain_policy == UncertainPolicy.RESEND)
        waits = sa.select(Delivery.subscriber_id).where(
            Delivery.status == DeliveryStatus.UNCERTAIN, Delivery.attempt < RESENT_MARK, resends
        )
        return session.scalar(waits.limit(1)) is None


def _unplanned(database: Database) -> list[int]:
    with database.read() as session:
        frozen = sa.select(Edition.id).where(
            Edition.state == EditionState.FROZEN, Edition.planned_at.is_(None)
        )
        return list(session.scalars(frozen))


def _open_batches(database: Database) -> list[int]:
    with database.read() as session:
        due = (
            sa.select(Batch.id)
            .join(Edition, Edition.id == Batch.edition_id)
            .where(Batch.closed_at.is_(None), Edition.state.in_((EditionState.SENDING, EditionState.SENT)))
        )
        return list(session.scalars(due.order_by(Batch.id)))


def _keep_journals(folder: Path) -> None:
    create = Journal.create

    def kept(journals: Path) -> Journal:
        journal = create(journals)
        os.link(journal.path, folder / journal.path.name)
        return journal

    Journal.create = kept  # type: ignore[method-assign,assignment]


class _Stopping:
    """Every other task is told to stop in its middle, and stays told: so that batches are handed back too."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self._tasks = self._asked = 0

    def begin(self) -> None:
        self._tasks, self._asked = self._tasks + 1, 0

    def __call__(self) -> bool:
        self._asked += 1
        return self._tasks % 2 == 1 and self._asked > 8


_stopping = _Stopping()


if __name__ == "__main__":
    main()

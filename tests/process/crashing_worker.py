"""A worker that kills itself at a named point; and one that goes on where it stopped.

    python -m tests.process.crashing_worker

It reads one job a line and answers each with a line. The process itself only forks: everything is loaded
once and each job is a child of its own. A first job may be marked `warm`: it is done by the process itself,
so that its children find statements compiled and modules loaded. There is no broker: the tasks'
functions are called one after another, and what they hint at is found by looking at the rows, as the sweep
does.

    {"env": {...}, "kept": FOLDER, "point": NAME or "", "pass": 3, "seconds": 20, "warm": false,
     "kill_after": 0.05 or 0, "action": "kill", "without": TARGET or ""}
    {"status": -9, "passes": {"intent written": 13, ...}, "pid": 4711}

`passes` are counted in children that were not killed. `kept` gets a hard link of every journal that is begun:
the file outlives its unlinking, whatever the worker does with it. `kill_after` kills the worker after so many
seconds, wherever it is. `without` makes a function of the product do nothing: to see that the rig sees it.

`action` is what happens at the point or the moment: `kill`, `stop` (SIGSTOP; the status is -19 then, and
`{"go_on": PID, "seconds": 20}` lets it go on), `end` (SIGTERM at the moment: it begins no other task, hands
back what it holds, waits for answers at most `drain` seconds where that is said, and ends with status 0
within 30 seconds), or `fail`: the database says that it has no room, `fails_times` in a row. A job may say
more of its worker (`tests.process.conditions`): on which `host` it lives and since which start (`boot`) of
it, for how many seconds it holds a `lease`, how large its files may be (`file_limit`), after what time the
database ends a transaction that stands still (`idle_limit`), into which file its syncs are noted
(`notes_syncs`); that it begins with a tick even if nothing is open (`looks_first`), goes home after some
seconds (`leaves_after`), and after an error to the next task (`survives`).
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sqlite3
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable
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
from tests.process import conditions
from tests.process.crash_points import POINTS, install, make_smaller, take_out
from tests.process.crash_workers import TOLD

_NUMBERS = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP, "end": signal.SIGTERM}
_END_SECONDS = 30.0  # in which a worker that is told to end has ended
_OPEN = (EditionState.FROZEN, EditionState.SENDING)


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what is logged is not for the one who asks
    _share_compiled_statements()
    make_smaller()
    try:
        for line in sys.stdin:
            answers.write(json.dumps(_answer(json.loads(line))) + "\n")
            answers.flush()
    finally:
        for child in _stopped:
            os.kill(child, signal.SIGKILL)


def _answer(job: dict[str, Any]) -> dict[str, Any]:
    if "go_on" in job:
        child = job["go_on"]
        reading = _stopped.pop(child)
        os.kill(child, signal.SIGCONT)
        return _waited(child, reading, _timer(child, job["seconds"], signal.SIGABRT))
    return _warmed(job) if job["warm"] else _in_a_child(job)


def _warmed(job: dict[str, Any]) -> dict[str, Any]:
    _set_up(job["env"])
    _stopping.reset()
    work.is_stopping = _stopping
    drive(until=time.monotonic() + job["seconds"])
    runtime.close_runtime()
    # The collector of garbage would write into every page that a child shares with this process; what a
    # child leaves behind goes with it.
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    gc.disable()
    return {"status": 0, "passes": {}}


def _in_a_child(job: dict[str, Any]) -> dict[str, Any]:
    reading, writing = os.pipe()
    runtime._STOPPED_AT.value = 0.0  # shared with all children: the last one may have been told to end
    # As Celery's signal does; in place before the fork, so that no moment is too early for it.
    usual = signal.signal(signal.SIGTERM, lambda *_: runtime.stop_children())
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
    signal.signal(signal.SIGTERM, usual)
    os.close(writing)
    if not job["kill_after"]:
        return _waited(child, reading, _timer(child, job["seconds"], signal.SIGABRT))
    moment = _timer(child, job["kill_after"], _NUMBERS[job["action"]])
    if job["action"] != "end":
        return _waited(child, reading, moment)
    return _waited(child, reading, moment, _timer(child, job["kill_after"] + _END_SECONDS, signal.SIGABRT))


def _timer(child: int, seconds: float, number: int) -> threading.Timer:
    timer = threading.Timer(seconds, os.kill, (child, number))
    timer.start()
    return timer


# Children that stand still, each with the pipe it answers by.
_stopped: dict[int, int] = {}


def _waited(child: int, reading: int, *timers: threading.Timer) -> dict[str, Any]:
    _, status = os.waitpid(child, os.WUNTRACED)
    for timer in timers:
        timer.cancel()
        timer.join()
    if os.WIFSTOPPED(status):
        _stopped[child] = reading
        return {"status": -os.WSTOPSIG(status), "passes": {}, "pid": child}
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read()
    return {"status": os.waitstatus_to_exitcode(status), "passes": json.loads(said or b"{}"), "pid": child}


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
        if name == job["point"] and 0 <= passes[name] - job["pass"] < job.get("fails_times", 1):
            _act(job["action"])

    conditions.put_in_place(job)
    _keep_journals(Path(job["kept"]))
    if job["without"]:
        take_out(job["without"])
    _stopping.reset()
    work.is_stopping = _stopping
    install(POINTS, on_pass)
    if job.get("looks_first"):
        work.run_tick()
    call = _survived if job.get("survives") else _called
    drive(
        until=time.monotonic() + job["seconds"] - 1,
        leaves_after=job.get("leaves_after", 0.0),
        call=call,
        nap=0.02 if job.get("lease") or job.get("survives") else 0.0,
    )
    call(runtime.close_runtime)
    if runtime.is_stopping():
        passes[TOLD] += 1
    return dict(passes)


def _act(action: str) -> None:
    if action == "fail":
        # As SQLite says it; SQLAlchemy takes it for the driver's own.
        raise sqlite3.OperationalError("database or disk is full")
    # To this very thread: it goes no further than here.
    signal.pthread_kill(threading.get_ident(), signal.SIGSTOP if action == "stop" else signal.SIGKILL)


def _called(task: Any, *args: Any) -> None:
    task(*args)


def _survived(task: Any, *args: Any) -> None:
    """As Celery does: an error ends its task, and the worker takes the next one."""
    try:
        task(*args)
    except Exception:
        traceback.print_exc()


def drive(
    *, until: float, leaves_after: float = 0.0, call: Callable[..., None] = _called, nap: float = 0.0
) -> None:
    """Call the tasks as a worker would be told to, until every edition is served and nothing is open."""
    database = Database(config.settings().database)
    leaves_at = time.monotonic() + leaves_after if leaves_after else until
    while not runtime.is_stopping() and not _is_served(database):
        if time.monotonic() > leaves_at:
            if leaves_after:
                break
            raise TimeoutError("the edition does not come to its end")
        time.sleep(nap)
        call(_hurry, database)
        call(work.run_tick)
        for edition_id in _unplanned(database):
            call(work.plan_edition, edition_id)
        for batch_id in _open_batches(database):
            if runtime.is_stopping():  # Celery begins no other task then
                break
            _stopping.begin()
            call(work.send_one_batch, batch_id)
    database.close()


def _hurry(database: Database) -> None:
    """What waits for a mail service or a retry waits no longer: the trial is about order, not time."""
    with database.write() as session:
        session.execute(
            sa.update(Batch)
            .where(Batch.closed_at.is_(None), Batch.not_before > clock.utc_now())
            .values(not_before=clock.utc_now())
        )
        session.execute(sa.update(Transport).values(rests_until=None))


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
        return runtime.is_stopping() or (self._tasks % 2 == 1 and self._asked > 8)


_stopping = _Stopping()


if __name__ == "__main__":
    main()

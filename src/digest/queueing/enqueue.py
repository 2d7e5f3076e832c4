"""Start background work: by name, with ids, after the commit.

A message is a hint that there may be work; the rows say what it is. So a broker that is down loses
nothing: the hint is dropped with a line in the log, and the next sweep finds the rows.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from kombu.exceptions import OperationalError
from sqlalchemy.orm import Session

from digest.db import after_commit
from digest.logs import get_logger
from digest.queueing.app import app
from digest.queueing.bundle import Bundle
from digest.queueing.names import TaskName

log = get_logger(__name__)

# A hint that nobody took in this time is worth nothing: the sweep has given it again long since. So the queue
# does not grow without end where workers cannot keep up; and clocks may differ by this much.
_HINT_SECONDS = 300
_bundles: dict[TaskName, Bundle] = {}


def enqueue(session: Session, task: TaskName, *ids: int) -> None:
    """Hint at work once `session`'s write scope has committed; nothing happens if it rolls back."""
    after_commit(session, lambda: hint(task, *ids))


def hint(task: TaskName, *ids: int) -> None:
    """Hint at work now. Only for callers whose rows are committed already."""
    if not ids and (bundle := _bundles.get(task)) is not None:
        bundle.ask()
        return
    _give(task, *ids)


@contextlib.contextmanager
def bundled(task: TaskName) -> Iterator[None]:
    """For the length of a block this process gives the hints of a task without ids by the bundle."""
    _bundles[task] = Bundle(lambda: _give(task))
    try:
        yield
    finally:
        _bundles.pop(task).close()


def _give(task: TaskName, *ids: int) -> None:
    try:
        app().send_task(
            task.value, args=list(ids), queue=task.queue.value, retry=False, expires=_HINT_SECONDS
        )
    except (OperationalError, OSError) as error:
        log.warning("hint dropped: the broker does not answer", task=task.value, ids=ids, error=str(error))

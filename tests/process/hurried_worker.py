"""The worker's app that waits half a second for answers once it is told to stop, and for hours without that.

`celery -A tests.process.hurried_worker worker`. Values, not behaviour: how soon it ends cannot be owed to the
end of a task's own time, and no test waits for the real seconds.
"""

from digest.deliveries import turn
from digest.tasks import app, runtime

turn.TASK_SECONDS = 10_000.0
runtime.DRAIN_SECONDS = 0.5

__all__ = ["app"]

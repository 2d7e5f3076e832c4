"""The worker's app on a broker that hands a task out again if it is not done within a second.

`celery -A tests.process.impatient_worker worker`. Whatever consumer is impatient, it takes back the tasks of
all the others as well.
"""

from tests.process.small_batches import app

app.conf.broker_transport_options = {
    **app.conf.broker_transport_options,
    "visibility_timeout": 1,
    "unacked_restore_interval": 0.5,
}

__all__ = ["app"]

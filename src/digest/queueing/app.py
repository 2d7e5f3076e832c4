"""The bare Celery app: broker, queues, limits. It knows no task; `digest.tasks` registers them."""

from __future__ import annotations

import functools
from typing import Any

from celery import Celery
from kombu.entity import Queue
from kombu.transport import TRANSPORT_ALIASES

from digest.config import Settings, settings
from digest.queueing.names import QueueName, TaskName

# A message that is not acknowledged in this time is handed out again: well above the longest task, a freeze.
# A turn at sending ends after 30 s, whatever a server that may take ten minutes over a final dot does.
VISIBILITY_SECONDS = 900
_TICK_EXPIRES = 60
# The longest a task works on before it hands back what is left.
TASK_SECONDS = 30
# By name: it is loaded by whoever connects.
_REDIS = "digest.queueing.lost_broker:Transport"


@functools.cache
def app() -> Celery:
    """The Celery app of this process, from its settings."""
    return make_app(settings())


def make_app(config: Settings) -> Celery:
    """A Celery app; nothing is connected until it is used."""
    TRANSPORT_ALIASES.update(redis=_REDIS, rediss=_REDIS)
    made = Celery("digest", broker=config.broker, set_as_current=False)
    made.conf.update(
        # The database is the truth and results are rows there; nothing is kept in the broker.
        task_ignore_result=True,
        accept_content=["json"],
        task_serializer="json",
        enable_utc=True,
        task_queues=[Queue(name.value) for name in QueueName],
        task_default_queue=QueueName.UPKEEP.value,
        task_routes={task.value: {"queue": task.queue.value} for task in TaskName},
        # A task may run twice without harm, so that it may be handed out again when its worker dies.
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_enable_remote_control=True,
        broker_connection_retry_on_startup=True,
        broker_connection_timeout=5,
        # For ever. By itself Celery gives up after 100 times, which are 47 minutes, and its process ends.
        broker_connection_max_retries=None,
        broker_transport_options=_transport_options(config.broker),
        beat_schedule={
            "tick": {
                "task": TaskName.TICK.value,
                "schedule": config.tick_seconds,
                # Ticks that waited are worth nothing: the next one sees the same rows. The limit is above
                # what the clocks of two machines may differ by, or none would ever be taken.
                "options": {"expires": _TICK_EXPIRES},
            }
        },
    )
    return made


def _transport_options(url: str) -> dict[str, Any]:
    # A hint is tried once and dropped if the broker is away: nobody waits for it (kombu waits 6 s by itself).
    once = {"max_retries": 1, "interval_start": 0, "interval_step": 0, "interval_max": 0}
    if not url.startswith(("redis", "rediss")):
        return once
    return once | {
        "visibility_timeout": VISIBILITY_SECONDS,
        # kombu's defaults look for lost messages only every 100 s (10 x 10).
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
        "socket_timeout": 30,
        "socket_connect_timeout": 5,
        "socket_keepalive": not url.startswith("redis+socket"),
    }

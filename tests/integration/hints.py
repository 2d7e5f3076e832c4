"""The hints that were given in this process's memory, as a worker would find them."""

from __future__ import annotations

from typing import Any

from digest.queueing.app import app
from digest.queueing.names import QueueName, TaskName


def taken() -> list[tuple[TaskName, list[int]]]:
    """Take every hint out of the queues: the task and its ids, queue by queue."""
    found: list[tuple[TaskName, list[int]]] = []
    with app().connection_for_read() as connection:
        channel: Any = connection.default_channel
        for queue in QueueName:
            app().amqp.queues[queue.value].bind(channel).declare()
            while (message := channel.basic_get(queue.value, no_ack=True)) is not None:
                found.append((TaskName(message.headers["task"]), message.payload[0]))
    return found

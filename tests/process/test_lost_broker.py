"""What a worker does with its messages when its broker is gone, as Celery has kombu do it."""

from __future__ import annotations

from pathlib import Path

import pytest
from kombu import Connection
from kombu.transport import TRANSPORT_ALIASES

from digest.config import load
from digest.queueing.app import make_app
from tests.servers.redis import private
from tests.servers.waiting import HANG, wait_until

pytestmark = pytest.mark.process


def test_messages_of_a_lost_connection_are_let_go(tmp_path: Path) -> None:
    """Neither the closing of it nor an acknowledgement or a return that comes late is an error.

    Celery takes one for a fault of its own, and the worker ends.
    """
    with private(tmp_path / "redis") as server:
        app = make_app(load(broker_url=server.url))
        connection: Connection = app.connection_for_read()
        queue = connection.SimpleQueue("deliveries")
        for _ in range(3):
            queue.put({})
        first, second, _third = (queue.get(timeout=HANG) for _ in range(3))
        server.kill()
        connection.collect(socket_timeout=1)  # the order of celery's on_connection_error_after_connected
        connection.close()
        first.ack()
        second.requeue()
        server.restart()
        with app.connection_for_read() as again:
            wait_until(
                lambda: again.default_channel.client.hlen("unacked") == 3, what="what was kept for later"
            )
    assert (
        TRANSPORT_ALIASES["redis"] == TRANSPORT_ALIASES["rediss"] == "digest.queueing.lost_broker:Transport"
    )

"""What the app tells Celery about its broker."""

from __future__ import annotations

import pytest

from digest.config import load
from digest.queueing.app import make_app
from tests.servers.ports import free_port


class EnoughError(Exception):
    """The test has seen what it wanted to see."""


def test_a_broker_that_stays_away_is_looked_for_for_ever() -> None:
    """Celery by itself gives up after a hundred times, and its process ends: that would be 47 minutes."""
    app = make_app(load(broker_url=f"redis://127.0.0.1:{free_port()}/0"))
    times = 0

    def count(_error: Exception, _interval: float) -> None:
        nonlocal times
        times += 1
        if times > 150:
            raise EnoughError

    # As a worker and beat do it, without the pauses in between.
    with app.connection_for_read() as connection, pytest.raises(EnoughError):
        connection.ensure_connection(
            count,
            app.conf.broker_connection_max_retries,
            interval_start=0,
            interval_step=0,
            interval_max=0,
        )

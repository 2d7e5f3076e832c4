"""A database server that vanishes without a word."""

from __future__ import annotations

from digest.db import Database


def test_a_dead_server_is_noticed_within_a_minute(postgres_url: str) -> None:
    """Each connection asks the system to look: no worker holds its batch for hours over a dead line."""
    database = Database(postgres_url.replace("postgresql://", "postgresql+psycopg://"))
    try:
        with database.engine.connect() as connection:
            driver = connection.connection.driver_connection
            assert driver is not None
            given = driver.info.get_parameters()
    finally:
        database.close()
    probes = int(given["keepalives_interval"]) * int(given["keepalives_count"])
    assert int(given["keepalives_idle"]) + probes <= 60
    assert int(given["tcp_user_timeout"]) <= 60_000

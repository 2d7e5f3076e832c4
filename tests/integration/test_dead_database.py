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


def test_a_dead_client_is_noticed_by_the_server(postgres_url: str) -> None:
    """Each session asks for it: a lost machine's locks do not hold up the others for the two hours of TCP."""
    database = Database(postgres_url.replace("postgresql://", "postgresql+psycopg://"))
    try:
        with database.engine.connect() as connection:
            found = {
                name: connection.exec_driver_sql(f"SHOW {name}").scalar_one()
                for name in ("TimeZone", "tcp_keepalives_idle", "idle_in_transaction_session_timeout")
            }
    finally:
        database.close()
    assert found == {
        "TimeZone": "UTC",
        "tcp_keepalives_idle": "30",
        "idle_in_transaction_session_timeout": "10min",
    }

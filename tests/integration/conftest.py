"""A migrated database for each test, once on SQLite and once on PostgreSQL.

Each kind is migrated once per worker; a test gets a copy of the file, or the emptied database.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from digest.db import Database
from digest.db.schema import head, upgrade
from digest.queueing.app import app
from tests.servers.postgres import PostgresServer


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    database = Database(f"sqlite:///{path}")
    upgrade(database)
    database.close()  # the last connection folds the write-ahead log into the file
    return path


@pytest.fixture(scope="session")
def postgres_migrated(postgres_server: PostgresServer) -> Iterator[str]:
    """The URL of this worker's migrated PostgreSQL database, which its tests use one after another.

    Emptying it takes a fifth of the time of a copy.
    """
    with postgres_server.database() as url:
        migrated = url.replace("postgresql://", "postgresql+psycopg://")
        database = Database(migrated)
        upgrade(database)
        database.close()
        yield migrated


def _empty(url: str) -> None:
    """Take all rows out and count from one again; sessions that a test has left open are ended."""
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        tables = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
        ).fetchall()
        names = sql.SQL(", ").join(sql.Identifier(name) for (name,) in tables)
        connection.execute(sql.SQL("TRUNCATE {} RESTART IDENTITY CASCADE").format(names))
        connection.execute("UPDATE alembic_version SET version_num = %s", (head(),))


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty migrated database, for tests that start processes or read settings."""
    if request.param == "sqlite":
        path = tmp_path / "digest.db"
        shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    url: str = request.getfixturevalue("postgres_migrated")
    yield url
    _empty(url)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An empty migrated database."""
    opened = Database(database_url)
    yield opened
    opened.close()


@pytest.fixture(autouse=True)
def _hints_go_nowhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Background work is hinted at in this process's memory: no broker is needed, and none is waited for."""
    monkeypatch.setenv("DIGEST_BROKER_URL", "memory://")
    yield
    app.cache_clear()

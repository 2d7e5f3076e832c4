"""A migrated database for each test, once on SQLite and once on PostgreSQL.

Each kind is migrated once per worker; a test gets a copy.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from digest.db import Database
from digest.db.schema import upgrade
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
def postgres_template(postgres_server: PostgresServer) -> Iterator[str]:
    """The name of a migrated PostgreSQL database."""
    name = postgres_server.create_database()
    database = Database(postgres_server.url(name).replace("postgresql://", "postgresql+psycopg://"))
    upgrade(database)
    database.close()  # a database that somebody is connected to cannot be copied
    yield name
    postgres_server.drop_database(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty migrated database, for tests that start processes or read settings."""
    if request.param == "sqlite":
        path = tmp_path / "digest.db"
        shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    with server.database(template=request.getfixturevalue("postgres_template")) as url:
        yield url.replace("postgresql://", "postgresql+psycopg://")


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

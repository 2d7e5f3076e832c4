"""A migrated database for each test, once on SQLite and once on PostgreSQL.

Each kind is copied once per worker and emptied after each test (`tests/servers/databases.py`).

What a fixture needs is imported by it: the controller of a run reads this file too, and waits for no more.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from digest.db import Database
    from tests.servers.databases import Kept, KeptPostgres, KeptSqlite
    from tests.servers.postgres import PostgresServer


@pytest.fixture(scope="session")
def kept_sqlite(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeptSqlite]:
    """This worker's SQLite file."""
    from tests.servers.databases import KeptSqlite

    kept = KeptSqlite(sqlite_template, tmp_path_factory.mktemp("kept") / "digest.db")
    yield kept
    kept.database.close()


@pytest.fixture(scope="session")
def kept_postgres(postgres_server: PostgresServer, migrated_postgres: str) -> Iterator[KeptPostgres]:
    """This worker's PostgreSQL database."""
    from tests.servers.databases import KeptPostgres

    with postgres_server.database(template=migrated_postgres) as url:
        kept = KeptPostgres(url)
        yield kept
        kept.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def kept(request: pytest.FixtureRequest) -> Iterator[Kept]:
    """A worker's database, empty."""
    name = "kept_sqlite" if request.param == "sqlite" else "kept_postgres"
    taken: Kept = request.getfixturevalue(name)
    yield taken
    taken.empty()


@pytest.fixture
def database_url(kept: Kept) -> str:
    """The URL of an empty migrated database, for tests that start processes or read settings."""
    return kept.url


@pytest.fixture
def database(kept: Kept) -> Database:
    """An empty migrated database."""
    return kept.database


@pytest.fixture(autouse=True)
def _hints_go_nowhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Background work is hinted at in this process's memory: no broker is needed, and none is waited for."""
    from digest.queueing.app import app

    monkeypatch.setenv("DIGEST_BROKER_URL", "memory://")
    app.cache_clear()
    yield
    app.cache_clear()

"""Databases that are migrated once in a run and then copied: a migration from nothing takes seconds."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from tests.servers import run

if TYPE_CHECKING:
    from digest.db import Database
    from tests.servers.postgres import PostgresServer


_of_this_run: list[Path] = []  # the folder, where there is a run


def keep_in(folder: Path) -> None:
    """What is migrated in this process is kept in that folder, and taken from there."""
    _of_this_run.append(folder)


def sqlite_file(folder: Path) -> Path:
    """A migrated SQLite file without rows, in the run's folder; the first worker to ask makes it."""
    from digest.db import Database
    from digest.db.schema import upgrade

    made = folder / "migrated.db"
    with run.locked(folder / "migrated-sqlite.start"):
        if not made.exists():
            unfinished = folder / "unfinished.db"
            unfinished.unlink(missing_ok=True)
            database = Database(f"sqlite:///{unfinished}")
            upgrade(database)
            database.close()  # the last connection folds the write-ahead log into the file
            unfinished.rename(made)
    return made


def postgres_name(folder: Path, server: PostgresServer) -> str:
    """The name of a migrated PostgreSQL database without rows; the first worker to ask makes it."""
    from digest.db import Database
    from digest.db.schema import upgrade

    said = folder / "migrated-postgres.name"
    with run.locked(folder / "migrated-postgres.start"):
        if not said.exists():
            name = server.create_database()
            database = Database(server.url(name).replace("postgresql://", "postgresql+psycopg://"))
            upgrade(database)
            database.close()  # nobody may be connected to what is copied
            unfinished = said.with_suffix(".part")
            unfinished.write_text(name)
            unfinished.replace(said)
        return said.read_text()


def migrate(database: Database) -> None:
    """Bring a new database to the newest schema: a new SQLite file of a test run by copying the run's."""
    from digest.db.schema import upgrade

    path = Path(database.engine.url.database or "")
    if _of_this_run and database.is_sqlite and not path.exists():
        shutil.copyfile(sqlite_file(_of_this_run[-1]), path)
    else:
        upgrade(database)

"""Bring the schema to this version's head, and refuse to work with any other.

There is no way back: a migration first only adds (expand) and a later release removes (contract), so
that processes of two releases can run side by side.

Alembic is loaded by an upgrade alone: every process asks at its start whether the schema is at its head, and
needs no more for that than the migrations' names and one row (8 MB less in each).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from digest.db.engine import Database
from digest.errors import SchemaError

if TYPE_CHECKING:
    from alembic.config import Config

_HERE = Path(__file__).parent / "migrations"
_LOCK = 0x6469676573742031  # "digest 1": any number, as long as it stays the same
_LOCK_TIMEOUT = "5s"  # an upgrade waits no longer for a table: behind it every query would queue


def configuration(connection: sa.Connection | None = None) -> Config:
    """Alembic's configuration, made in code: there is no alembic.ini to find."""
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_HERE))
    config.set_main_option("path_separator", "os")
    if connection is not None:
        config.attributes["connection"] = connection
    return config


def head() -> str:
    """The revision that this version of the code works with."""
    return max(_revisions())


def current(database: Database) -> str | None:
    """The revision that the database is at; None for an empty one."""
    with database.engine.connect() as connection:
        return _revision(connection)


def upgrade(database: Database) -> tuple[str | None, str]:
    """Bring the database to head, alone, in one transaction; returns (from, to)."""
    from alembic import command  # noqa: PLC0415

    with (
        database.engine.execution_options(digest_write=True).connect() as connection,
        _without_foreign_keys(connection),
        connection.begin(),
    ):
        if not database.is_sqlite:
            connection.execute(sa.text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
            connection.execute(sa.text(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'"))
        before = _revision(connection)
        command.upgrade(configuration(connection), "head")
        if database.is_sqlite:
            _check_foreign_keys(connection)
    return before, head()


@contextlib.contextmanager
def _without_foreign_keys(connection: sa.Connection) -> Iterator[None]:
    """On SQLite a table that is made anew is dropped: with its foreign keys on, all that hangs on it too."""
    if connection.dialect.name != "sqlite":
        yield
        return
    cursor = connection.connection.cursor()
    cursor.execute("PRAGMA foreign_keys = OFF")  # without effect inside a transaction
    try:
        yield
    finally:
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()


def _check_foreign_keys(connection: sa.Connection) -> None:
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if broken is not None:
        raise SchemaError(
            f"The upgrade would leave rows of {broken[0]} that point to nothing in {broken[2]}; nothing was "
            "changed. Restore the database from a backup, or report this with the version you come from."
        )


def require_head(database: Database) -> None:
    """Raise SchemaError unless the database is exactly at this version's head."""
    database.check()
    found, wanted = current(database), head()
    if found == wanted:
        return
    if found is None:
        raise SchemaError("The database has no tables yet; run `digest db upgrade`.")
    if found in _revisions():
        raise SchemaError(
            f"The database is at {found}, this version needs {wanted}; run `digest db upgrade`."
        )
    raise SchemaError(
        f"The database is at {found}, which a newer Digest made; start that version, not this one."
    )


def _revisions() -> set[str]:
    """The revisions there are: a migration's file is named by its own, four digits that count up."""
    return {file.name[:4] for file in (_HERE / "versions").glob("[0-9][0-9][0-9][0-9]_*.py")}


def _revision(connection: sa.Connection) -> str | None:
    """What Alembic noted in its table."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
    return found

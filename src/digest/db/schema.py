"""Bring the schema to this version's head, and refuse to work with any other.

There is no way back: a migration first only adds (expand) and a later release removes (contract), so
that processes of two releases can run side by side.
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from digest.db.engine import Database
from digest.errors import SchemaError

_HERE = Path(__file__).parent / "migrations"
_LOCK = 0x6469676573742031  # "digest 1": any number, as long as it stays the same
_LOCK_TIMEOUT = "5s"  # an upgrade waits no longer for a table: behind it every query would queue


def configuration(connection: sa.Connection | None = None) -> Config:
    """Alembic's configuration, made in code: there is no alembic.ini to find."""
    config = Config()
    config.set_main_option("script_location", str(_HERE))
    config.set_main_option("path_separator", "os")
    if connection is not None:
        config.attributes["connection"] = connection
    return config


def head() -> str:
    """The revision that this version of the code works with."""
    found = ScriptDirectory.from_config(configuration()).get_current_head()
    assert found is not None
    return found


def current(database: Database) -> str | None:
    """The revision that the database is at; None for an empty one."""
    with database.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def upgrade(database: Database) -> tuple[str | None, str]:
    """Bring the database to head, alone, in one transaction; returns (from, to)."""
    with database.engine.execution_options(digest_write=True).begin() as connection:
        if not database.is_sqlite:
            connection.execute(sa.text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
            connection.execute(sa.text(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'"))
        before = MigrationContext.configure(connection).get_current_revision()
        command.upgrade(configuration(connection), "head")
    return before, head()


def require_head(database: Database) -> None:
    """Raise SchemaError unless the database is exactly at this version's head."""
    database.check()
    found, wanted = current(database), head()
    if found == wanted:
        return
    if found is None:
        raise SchemaError("The database has no tables yet; run `digest db upgrade`.")
    known = {script.revision for script in ScriptDirectory.from_config(configuration()).walk_revisions()}
    if found in known:
        raise SchemaError(
            f"The database is at {found}, this version needs {wanted}; run `digest db upgrade`."
        )
    raise SchemaError(
        f"The database is at {found}, which a newer Digest made; start that version, not this one."
    )

"""One migrated database of each kind for all tests of a worker, emptied between them.

What a test asks of a database costs less than what every new one costs: a copy of the migrated schema, new
connections, and, for SQLAlchemy, each statement compiled anew for each new engine. So a worker keeps its
engine, and a test gets it over a database without rows.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, Protocol

import psycopg
import sqlalchemy as sa
from psycopg import sql

from digest.db import Database
from digest.db.schema import head
from digest.deliveries import replies

# Above this a table is truncated: a DELETE leaves its pages to be read by the tests that follow.
_SMALL = 512 * 1024


class Kept(Protocol):
    """A database that a worker keeps for its tests."""

    url: str
    database: Database

    def empty(self) -> None:
        """Make it as it was after its migration, whatever the test has left open."""


class KeptSqlite:
    """A file that is copied anew from the migrated one."""

    def __init__(self, template: Path, path: Path) -> None:
        self._template = template
        self._path = path
        self.url = f"sqlite:///{path}"
        self.database = Database(self.url)
        self.empty()

    def empty(self) -> None:
        _forget_listeners(self.database)
        self.database.close()
        # A new file, not new bytes in the old one: who still has that open sees nothing of it.
        for path in (self._path, Path(f"{self._path}-wal"), Path(f"{self._path}-shm")):
            path.unlink(missing_ok=True)
        shutil.copyfile(self._template, self._path)


class KeptPostgres:
    """A migrated database whose rows are deleted and whose counters begin again.

    DELETE, because emptying a table by TRUNCATE makes new files, and makes each connection look the table up
    anew: for small tables that is ten times the work.
    """

    def __init__(self, url: str) -> None:
        self.url = url.replace("postgresql://", "postgresql+psycopg://")
        self.database = Database(self.url)
        self._own: set[int] = set()
        sa.event.listen(self.database.engine, "connect", self._note)
        self._head = head()
        self._admin = psycopg.connect(url, autocommit=True)
        with self._admin.cursor() as cursor:
            # Foreign keys are no help here, and would cost a look at each row.
            cursor.execute("SET session_replication_role = replica")
            tables = cursor.execute(
                "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition"
                " AND relnamespace = 'public'::regnamespace AND relname <> 'alembic_version'"
            ).fetchall()
        self._truncate = sql.SQL("TRUNCATE {} RESTART IDENTITY CASCADE").format(
            sql.SQL(", ").join(sql.Identifier(name) for (name,) in tables)
        )
        self._delete = sql.SQL("; ").join(
            sql.SQL("DELETE FROM {}").format(sql.Identifier(name)) for (name,) in tables
        )

    def _note(self, connection: Any, _record: object) -> None:
        self._own.add(connection.info.backend_pid)

    def empty(self) -> None:
        _forget_listeners(self.database)
        if self.database.engine.pool.checkedout():  # type: ignore[attr-defined]
            self.database.close()
        with self._admin.cursor() as cursor:
            ended = cursor.execute(_END, (sorted(self._own),)).fetchall()
            self._own -= {pid for (pid,) in ended}
            (largest,) = cursor.execute(_LARGEST).fetchone() or (0,)
            if largest > _SMALL:
                cursor.execute(self._truncate)
            else:
                cursor.execute(self._delete)
                cursor.execute(_RESTART)
            cursor.execute("UPDATE alembic_version SET version_num = %s", (self._head,))

    def close(self) -> None:
        self.database.close()
        self._admin.close()


def _forget_listeners(database: Database) -> None:
    """What a test hangs on its engine, to count statements or to make one fail, ends with the test.

    So does what the product remembers of rows that it never removes.
    """
    dispatch = database.engine.dispatch
    dispatch.before_cursor_execute.for_modify(dispatch).clear()
    replies._known.pop(database.engine.pool, None)


# Whoever is in the middle of something, and whoever is no connection of the kept engine. In two steps: the
# server may ask the conditions of one in any order, and would end this session too.
_END = """
WITH others AS MATERIALIZED (
    SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
      AND (xact_start IS NOT NULL OR pid <> ALL (%s::int[]))
)
SELECT pid FROM others WHERE pg_terminate_backend(pid, 5000)
"""
_LARGEST = """
SELECT coalesce(max(pg_relation_size(oid)), 0) FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
"""
_RESTART = """
SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)
FROM pg_sequences WHERE schemaname = 'public' AND last_value IS NOT NULL
"""

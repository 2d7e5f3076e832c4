"""Statements that are compiled once for all engines of a process.

A command opens an engine of its own, as it should: in life it is a process of its own. But SQLAlchemy
compiles each statement anew for each engine, and where hundreds of commands are given in one process that was
a third of their work.
"""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import util
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

# As an engine's own, which holds 500: some tests make statements without end.
_COMPILED: Final[util.LRUCache[Any, Any]] = util.LRUCache(1500)


class _Alike:
    """Is the same as any other of its kind to those who keep compiled statements by their dialect."""

    supports_statement_cache = True

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    def __hash__(self) -> int:
        return hash(type(self))

    @classmethod
    def engine_created(cls, engine: sa.Engine) -> None:
        engine.update_execution_options(compiled_cache=_COMPILED)


class Sqlite(_Alike, SQLiteDialect_pysqlite):
    """SQLite as the engines of a process share it."""

    supports_statement_cache = True


class Postgres(_Alike, PGDialect_psycopg):
    """PostgreSQL as the engines of a process share it; a run has one version of it."""

    supports_statement_cache = True


def share() -> None:
    """From now on the engines that this process makes share what they compile."""
    registry.register("sqlite", __name__, "Sqlite")
    registry.register("postgresql.psycopg", __name__, "Postgres")

"""Steps that migrations share. They import no models: a migration says what the schema was then.

SQLite changes a table by making it anew, as its documentation lays down (lang_altertable, "Making Other Kinds
Of Table Schema Changes"). `schema.upgrade` switches its foreign keys off, and checks them before the commit.
"""

import re
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from alembic import op


def is_in(column: str, *values: str) -> str:
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


def choice(*values: str, name: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=24)


def add_column(
    table: str,
    column: str,
    kind: sa.types.TypeEngine[Any],
    *,
    default: str | None = None,
    check: str | None = None,
    name: str | None = None,
    references: str | None = None,
) -> None:
    """Add a column with its constraints in one statement: SQLite cannot add a constraint to it later."""
    written = f"ALTER TABLE {table} ADD COLUMN {column} {kind.compile(op.get_bind().dialect)}"
    if default is not None:
        written += f" DEFAULT {default} NOT NULL"
    if check is not None:
        written += f" CONSTRAINT ck_{table}_{name or column} CHECK ({check})"
    if references is not None:
        written += f" CONSTRAINT fk_{table}_{column} REFERENCES {references} (id)"
    op.execute(written)


def change_check(table: str, name: str, condition: str) -> None:
    """Put another condition into the table's CHECK constraint `ck_TABLE_NAME`."""
    constraint = f"ck_{table}_{name}"
    if op.get_bind().dialect.name != "sqlite":
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {constraint}")
        op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {constraint} CHECK ({condition})")
        return
    # Its present condition holds no brackets but those of a list of values.
    present = re.compile(rf"(CONSTRAINT {constraint} CHECK )\((?:[^()]|\([^()]*\))*\)")

    def changed(written: str) -> str:
        new, count = present.subn(rf"\1({condition})", written)
        if count != 1:
            raise ValueError(f"{table} has no constraint {constraint}")
        return new

    _recreate(table, changed)


def change_type(table: str, column: str, kind: sa.types.TypeEngine[Any]) -> None:
    """Give a column a wider type."""
    if op.get_bind().dialect.name != "sqlite":
        op.alter_column(table, column, type_=kind)
        return
    wide = kind.compile(op.get_bind().dialect)
    _recreate(
        table, lambda written: re.sub(rf"\b{column} \w+(?:\(\d+\))?", f"{column} {wide}", written, count=1)
    )


def add_reference(table: str, column: str, to: str, *, ondelete: str) -> None:
    """Have a column refer to another table's id."""
    name = f"fk_{table}_{column}_{to}"
    if op.get_bind().dialect.name != "sqlite":
        op.create_foreign_key(name, table, to, [column], ["id"], ondelete=ondelete)
        return
    reference = f"CONSTRAINT {name} FOREIGN KEY({column}) REFERENCES {to} (id) ON DELETE {ondelete}"
    _recreate(table, lambda written: f"{written.rstrip().removesuffix(')')}, {reference})")


def _recreate(table: str, changed: Callable[[str], str]) -> None:
    """Make a table anew from its own CREATE statement, with its rows and its indexes."""
    connection = op.get_bind()
    found = sa.text("SELECT type, sql FROM sqlite_master WHERE tbl_name = :table AND sql IS NOT NULL")
    parts = connection.execute(found, {"table": table}).all()
    (written,) = (sql for kind, sql in parts if kind == "table")
    body = changed(written[written.index("(") :])
    op.execute(f"CREATE TABLE {table}_new {body}")
    op.execute(f"INSERT INTO {table}_new SELECT * FROM {table}")  # nosec B608 # noqa: S608
    op.execute(f"DROP TABLE {table}")
    op.execute(f"ALTER TABLE {table}_new RENAME TO {table}")
    for kind, sql in parts:
        if kind != "table":
            op.execute(sql)

"""Many rows at once: INSERT ... SELECT from one JSON parameter, or COPY where the ids are taken before.

A thousand rows are then one value to bind and one short statement to parse, not nine thousand values: on
PostgreSQL this takes a fifth of the time of an insert of many VALUES, and COPY half of that again.
"""

from __future__ import annotations

import datetime as dt
import enum
import itertools
import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from digest.db.dialect import dialect_insert
from digest.db.types import Json, UtcDateTime

_GROUP = 500  # rows of one statement on SQLite
_EPOCH, _MICROSECOND = dt.datetime(2000, 1, 1, tzinfo=dt.UTC), dt.timedelta(microseconds=1)


def insert_rows(
    session: Session,
    table: sa.Table,
    rows: Sequence[Mapping[str, Any]],
    *,
    same: Mapping[str, Any],
    returning: Sequence[str] = (),
    if_new: bool = False,
) -> list[Any]:
    """Insert rows of plain JSON values (texts, numbers, None); `same` holds what all of them share.

    Returns the wanted columns of the new rows, in no order that could be relied on. Defaults of the models
    are not applied. A JSON column takes its value as a finished JSON text. With `if_new`, rows whose keys
    are there already are left out.
    """
    if not rows:
        return []
    given = _columns(session, table, list(rows[0]), json.dumps(rows, ensure_ascii=False))
    shared = {name: sa.literal(value, table.c[name].type) for name, value in same.items()}
    chosen = {**given, **shared}
    # SQLite's parser takes ON CONFLICT after a SELECT for a join unless that SELECT has a WHERE.
    select = sa.select(*chosen.values()).where(sa.true())
    statement = dialect_insert(session, table).from_select(list(chosen), select, include_defaults=False)
    if if_new:
        statement = statement.on_conflict_do_nothing()
    if not returning:
        session.execute(statement)
        return []
    return list(session.execute(statement.returning(*(table.c[name] for name in returning))))


def insert_or_add(
    session: Session,
    table: Any,
    rows: Sequence[Mapping[str, Any]],
    *,
    key: Sequence[str],
    names: Sequence[str],
) -> None:
    """Insert rows in one statement; where a key is there, add the numbers under `names` to those it holds."""
    statement = dialect_insert(session, table).values(list(rows))
    sums = {name: getattr(table, name) + statement.excluded[name] for name in names}
    added = statement.on_conflict_do_update(index_elements=list(key), set_=sums)
    session.execute(added, execution_options={"synchronize_session": False})


def _columns(
    session: Session, table: sa.Table, names: Sequence[str], text: str
) -> dict[str, sa.ColumnElement[Any]]:
    """The columns of the JSON rows as each database reads them."""
    document = sa.literal(text, sa.Text)
    if session.get_bind().dialect.name == "sqlite":
        each = sa.func.json_each(document).table_valued("value", name="given")
        return {name: sa.func.json_extract(each.c.value, f"$.{name}") for name in names}
    types = {name: sa.Text() if table.c[name].type is Json else table.c[name].type for name in names}
    records = (
        sa.func.jsonb_to_recordset(sa.cast(document, JSONB))
        .table_valued(*(sa.column(name, _plain(kind)) for name, kind in types.items()), name="given")
        .render_derived(with_types=True)
    )
    return {
        name: sa.cast(records.c[name], JSONB) if table.c[name].type is Json else records.c[name]
        for name in names
    }


def _plain(kind: Any) -> Any:
    """The type as the column definition list of a function may spell it."""
    return sa.Text() if isinstance(kind, sa.String | sa.Enum) else kind


# The sequence is looked up once: for each number anew, that takes longer than all the rest.
_TAKE_IDS = """
WITH taken AS MATERIALIZED (
    SELECT nextval(name) AS id
    FROM (SELECT pg_get_serial_sequence(:table, 'id')::regclass AS name OFFSET 0) AS sequence,
        generate_series(1, :count)
)
SELECT min(id), max(id), CASE WHEN max(id) - min(id) >= :count THEN array_agg(id) END FROM taken
"""


def take_ids(session: Session, table: sa.Table, count: int) -> Sequence[int]:
    """Ids for rows to come, in a transaction that writes; ids that are not used stay unused."""
    if not count:
        return []
    if session.get_bind().dialect.name == "sqlite":
        last = session.scalar(sa.select(sa.func.max(table.c.id))) or 0
        return range(last + 1, last + 1 + count)
    first, last, scattered = session.execute(sa.text(_TAKE_IDS), {"table": table.name, "count": count}).one()
    return list(scattered) if scattered else range(first, last + 1)


def load_rows(
    session: Session,
    table: sa.Table,
    names: Sequence[str],
    rows: Iterable[tuple[Any, ...]],
    *,
    same: Mapping[str, Any],
) -> None:
    """Write rows whose values stand in the order of `names`: texts, numbers, None, moments, JSON as text.

    By COPY on PostgreSQL, by one prepared statement on SQLite; rows may be made while those before them are
    written. `same` holds what all share, as the models have it. No default is applied. Raises IntegrityError
    as an INSERT does.
    """
    connection = session.connection()
    columns = [*names, *same]
    types = [table.c[name].type for name in columns]
    is_sqlite = connection.dialect.name == "sqlite"
    as_stored = _stored_sqlite if is_sqlite else _stored_postgres
    changed = [place for place, kind in enumerate(types[: len(names)]) if isinstance(kind, UtcDateTime)]
    if not is_sqlite:
        changed += [place for place, kind in enumerate(types[: len(names)]) if kind is Json]
    shared = tuple(as_stored(value, table.c[name].type) for name, value in same.items())
    full = _as_stored(rows, shared, changed, types, as_stored)
    driver: Any = connection.connection.driver_connection
    if is_sqlite:
        _insert_many(driver, table.name, columns, full)
    else:
        _copy(driver, table.name, columns, types, full)


def _as_stored(
    rows: Iterable[tuple[Any, ...]],
    shared: tuple[Any, ...],
    changed: Sequence[int],
    types: Sequence[Any],
    as_stored: Callable[[Any, Any], Any],
) -> Iterator[tuple[Any, ...]]:
    """The rows with what they share; the values at the places in `changed` as the driver takes them."""
    for row in rows:
        stored = row
        for place in changed:
            if row[place] is not None:
                value = as_stored(row[place], types[place])
                stored = (*stored[:place], value, *stored[place + 1 :])
        yield stored + shared


def _insert_many(driver: Any, table: str, columns: Sequence[str], rows: Iterator[tuple[Any, ...]]) -> None:
    """Statements of many rows: while one runs another thread can work, which it cannot between short ones."""
    places = f"({', '.join('?' * len(columns))})"
    head = f"INSERT INTO {table} ({', '.join(columns)}) VALUES "  # nosec B608 # noqa: S608  (our own names)
    statement = head + ", ".join([places] * _GROUP)
    try:
        while group := list(itertools.islice(rows, _GROUP)):
            if len(group) == _GROUP:
                driver.execute(statement, list(itertools.chain.from_iterable(group)))
            else:
                driver.executemany(head + places, group)
    except sqlite3.Error as error:
        raise sa.exc.DBAPIError.instance(head, None, error, sqlite3.Error) from None


def _copy(
    driver: Any, table: str, columns: Sequence[str], types: Sequence[Any], rows: Iterator[tuple[Any, ...]]
) -> None:
    """In COPY's binary format: the server need not read numbers and moments from texts."""
    import psycopg  # noqa: PLC0415  (not there where SQLite alone is used)

    statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT binary)"
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            copy.set_types([_wire_type(kind) for kind in types])
            for row in rows:
                copy.write_row(row)
    except psycopg.Error as error:
        raise sa.exc.DBAPIError.instance(statement, None, error, psycopg.Error) from None


def _wire_type(kind: Any) -> str:
    """The type whose binary form a value of a column has as we give it; see `_stored_postgres`."""
    if kind is Json:
        return "bytea"
    if isinstance(kind, UtcDateTime | sa.BigInteger):
        return "int8"
    return "int4" if isinstance(kind, sa.Integer) else "text"


def _stored_postgres(value: Any, kind: Any) -> Any:
    """A moment as its microseconds since 2000 and JSON as its text after a version: their binary forms."""
    if isinstance(value, dt.datetime):
        return (value - _EPOCH) // _MICROSECOND
    if kind is Json:
        return b"\x01" + (value if isinstance(value, str) else json.dumps(value)).encode()
    return _plain_value(value)


def _stored_sqlite(value: Any, kind: Any) -> Any:  # noqa: ARG001  (as its sibling)
    if isinstance(value, dt.datetime):  # as the column type writes it
        return value.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    return json.dumps(value) if isinstance(value, list | dict) else _plain_value(value)


def _plain_value(value: Any) -> Any:
    return value.value if isinstance(value, enum.Enum) else value

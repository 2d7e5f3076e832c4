"""The few statements that SQLite and PostgreSQL spell differently, in one place."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.dml import ReturningInsert
from sqlalchemy.sql.functions import FunctionElement

_LOCKING = sa.select(sa.func.pg_advisory_xact_lock(sa.bindparam("number", type_=sa.BigInteger)))
# Without it SQLAlchemy may forget how many rows an INSERT has made.
_COUNTED = {"preserve_rowcount": True}


def dialect_insert(session: Session, table: Any) -> postgresql.Insert | sqlite.Insert:
    """An INSERT that can say what is to be done where a key is there already."""
    if session.get_bind().dialect.name == "sqlite":
        return sqlite.insert(table)
    return postgresql.insert(table)


def insert_if_new(session: Session, table: Any, values: Mapping[str, Any]) -> int | None:
    """Insert one row unless a unique key already holds it; its id, or None if it was there.

    This is how "only once" is decided: by the key, never by looking first.
    """
    session.flush()  # what the session holds back comes first, as before any statement about mapped classes
    statement = _inserting_if_new(session.get_bind().dialect.name, table)
    found: int | None = session.execute(statement, dict(values)).scalar_one_or_none()
    return found


@functools.cache
def _inserting_if_new(dialect: str, table: Any) -> ReturningInsert[Any]:
    """Built once: to build it takes five times as long as to run it, and a sign-up runs four."""
    rows = table.__table__
    insert = sqlite.insert(rows) if dialect == "sqlite" else postgresql.insert(rows)
    return insert.on_conflict_do_nothing().returning(rows.c.id)


def insert_new_rows(session: Session, table: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert the rows whose keys are not there yet."""
    if rows:
        session.flush()
        session.execute(_inserting_new(session.get_bind().dialect.name, table), list(rows))


@functools.cache
def _inserting_new(dialect: str, table: Any) -> sa.Insert:
    insert = sqlite.insert(table.__table__) if dialect == "sqlite" else postgresql.insert(table.__table__)
    return insert.on_conflict_do_nothing()


def insert_or_refine(
    session: Session,
    table: Any,
    rows: Sequence[Mapping[str, Any]],
    *,
    key: Sequence[str],
    names: Sequence[str],
    where: sa.ColumnElement[bool],
) -> None:
    """Insert rows in one statement; where a key is there, take over `names` if `where` holds of it."""
    statement = dialect_insert(session, table).values(list(rows))
    taken = {name: statement.excluded[name] for name in names}
    session.execute(
        statement.on_conflict_do_update(index_elements=list(key), set_=taken, where=where),
        execution_options={"synchronize_session": False},
    )


def insert_select_if_new(
    session: Session, table: Any, columns: Sequence[str], select: sa.Select[*tuple[Any, ...]]
) -> int:
    """INSERT ... SELECT, leaving out rows whose keys are there already; returns how many came in."""
    # SQLite's parser takes ON CONFLICT after a SELECT for a join unless that SELECT has a WHERE.
    statement = dialect_insert(session, table).from_select(list(columns), select.where(sa.true()))
    result = session.execute(statement.on_conflict_do_nothing(), execution_options=_COUNTED)
    return int(getattr(result, "rowcount", 0))


def among(session: Session, column: Any, values: Sequence[int]) -> sa.ColumnElement[bool]:
    """Whether a column's value is one of these whole numbers, however many: they are one parameter.

    A list of parameters is written into the statement anew each time, which costs more than the statement's
    work where there are hundreds (measured: an UPDATE of 100 rows by one array takes a sixth of the time).
    """
    name = session.get_bind().dialect.name
    return among_bound(name, column, sa.literal(ids_text(name, values), sa.Text))


def among_bound(dialect: str, column: Any, ids: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """The same of a parameter that is given at each execution, as `ids_text` writes it."""
    if dialect == "sqlite":
        each = sa.func.json_each(ids).table_valued("value", name="among")
        return column.in_(sa.select(each.c.value))  # type: ignore[no-any-return]
    # As text: the driver takes five times as long over a list of numbers.
    return _among_unnested(column, sa.cast(ids, postgresql.ARRAY(sa.BigInteger)))


def ids_text(dialect: str, values: Sequence[int]) -> str:
    """Whole numbers as `among_bound` reads them."""
    numbers = ",".join(map(str, values))
    return f"[{numbers}]" if dialect == "sqlite" else f"{{{numbers}}}"


def among_texts(session: Session, column: Any, values: Iterable[str]) -> sa.ColumnElement[bool]:
    """Whether a column's value is one of these texts, however many: they are one parameter."""
    given = list(values)
    if session.get_bind().dialect.name == "sqlite":
        each = sa.func.json_each(sa.literal(json.dumps(given), sa.Text)).table_valued("value", name="among")
        return column.in_(sa.select(each.c.value))  # type: ignore[no-any-return]
    # As text: the driver takes ten times as long over a list.
    listed = sa.cast(sa.literal(_array_text(given), sa.Text), postgresql.ARRAY(sa.Text))
    return _among_unnested(column, listed)


def _among_unnested(column: Any, listed: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """A join with the values of an array, and not `= ANY`, whose array is read anew for every row of a scan.

    PostgreSQL takes any array that it has not seen yet for one of ten values: with four thousand of them it
    preferred such a scan in the order of the ids, at 0.1 ms a row (measured: an import of a million took five
    times as long).
    """
    each = sa.func.unnest(listed).column_valued("among")
    return column.in_(sa.select(each))  # type: ignore[no-any-return]


def _array_text(values: Sequence[str]) -> str:
    """Texts as PostgreSQL reads an array: each in quotes, with a backslash before quotes and backslashes."""
    joined = '","'.join(values)
    if "\\" in joined or joined.count('"') != 2 * max(len(values) - 1, 0):
        joined = '","'.join(value.replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return f'{{"{joined}"}}' if values else "{}"


def looked_up(session: Session, values: Mapping[str, int], name: str) -> sa.CTE:
    """Texts with a whole number each as rows (`key`, `value`) to join with, however many: one parameter.

    Written out once: SQLite reads a JSON text anew for each row that it joins (50,000 with 500: 10 s).
    Within the SELECT, for its driver does not count the rows of an INSERT that begins with WITH.
    """
    text, dialect = sa.literal(json.dumps(dict(values)), sa.Text), session.get_bind().dialect.name
    given = text if dialect == "sqlite" else sa.cast(text, postgresql.JSONB)
    pairs = (sa.func.json_each if dialect == "sqlite" else sa.func.jsonb_each_text)(given)
    each = pairs.table_valued("key", "value", name="each_pair")
    rows = sa.select(each.c.key, sa.cast(each.c.value, sa.BigInteger).label("value"))
    return rows.cte(name, nesting=True).prefix_with("MATERIALIZED")


def skip_locked(select: sa.Select[Any], *, of: Any = None) -> sa.Select[Any]:
    """Lock the rows (those `of` one table, of several), passing over those another transaction holds.

    On SQLite nothing is added: a `write()` scope is alone in the database.
    """
    return select.with_for_update(skip_locked=True, of=of)


def without_key(session: Session, table: Any, column: Any, name: str) -> int:
    """Take a name out of every row's JSON object; returns how many rows had it."""
    if session.get_bind().dialect.name == "sqlite":
        shorter: Any = sa.func.json_remove(column, sa.literal("$.") + sa.func.json_quote(name, type_=sa.Text))
    else:
        shorter = column.op("-", return_type=column.type)(sa.cast(name, sa.Text))
    statement = sa.update(table).where(json_kind(column, name) != "").values({column: shorter})
    options = {"synchronize_session": False, **_COUNTED}
    return int(getattr(session.execute(statement, execution_options=options), "rowcount", 0))


def lock_alone(session: Session, name: str) -> None:
    """Wait until no other transaction holds the lock `name`; held until this one ends.

    On SQLite nothing is done: a `write()` scope is alone in the database.
    """
    if session.get_bind().dialect.name == "postgresql":
        number = int.from_bytes(hashlib.sha256(f"digest {name}".encode()).digest()[:8], "big", signed=True)
        session.execute(_LOCKING, {"number": number})


def seconds_between(dialect: str, earlier: Any, later: Any) -> sa.ColumnElement[float]:
    """How many seconds lie between two moments of the database; on SQLite to the millisecond."""
    if dialect == "sqlite":
        # A day of this era, as a float, is exact to a twentieth of a millisecond.
        return sa.func.round((sa.func.julianday(later) - sa.func.julianday(earlier)) * 86_400.0, 3)
    return sa.func.extract("epoch", later - earlier).cast(sa.Float)


def size_of(session: Session, column: Any) -> sa.ColumnElement[int]:
    """About how long a text is: bytes on PostgreSQL, which need not unpack it for that; letters on SQLite."""
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    return sa.func.length(column) if is_sqlite else sa.func.octet_length(column)


def smaller(dialect: str, one: Any, other: Any) -> sa.ColumnElement[Any]:
    """The smaller of two values of one row."""
    return sa.func.min(one, other) if dialect == "sqlite" else sa.func.least(one, other)


def larger(dialect: str, one: Any, other: Any) -> sa.ColumnElement[Any]:
    """The larger of two values of one row."""
    return sa.func.max(one, other) if dialect == "sqlite" else sa.func.greatest(one, other)


def insert_or_change(
    dialect: str,
    table: Any,
    select: sa.Select[Any],
    *,
    names: Sequence[str],
    key: str,
    change: Mapping[str, Any],
    where: sa.ColumnElement[bool],
) -> ReturningInsert[Any]:
    """Insert selected rows; each whose key is there is changed if `where` holds of it: one atomic statement.

    It returns the keys of the rows that were inserted or changed. On SQLite `select` must have a WHERE.
    """
    rows = table.__table__
    insert = sqlite.insert(rows) if dialect == "sqlite" else postgresql.insert(rows)
    chosen = insert.from_select(list(names), select)
    changed = chosen.on_conflict_do_update(index_elements=[key], set_=dict(change), where=where)
    return changed.returning(rows.c[key])


class _OfJson(FunctionElement[Any]):
    """Something about a value in a JSON column; written by `@compiles` for each database."""

    type: sa.types.TypeEngine[Any] = sa.Text()


class json_kind(_OfJson):  # noqa: N801  (a function, as in `sa.func`)
    """What a JSON object holds under a name: string, number, true, false, null, array, object, or ""."""

    name = "json_kind"
    inherit_cache = True


class json_text(_OfJson):  # noqa: N801
    """What a JSON object holds under a name, as text: a string or a number as it is."""

    name = "json_text"
    inherit_cache = True


class json_array_has(_OfJson):  # noqa: N801
    """Whether a JSON array holds a text."""

    name = "json_array_has"
    inherit_cache = True
    type = sa.Boolean()


def _parts(element: _OfJson, compiler: SQLCompiler, options: Any) -> tuple[str, str]:
    column, value = element.clauses
    return compiler.process(column, **options), compiler.process(value, **options)


@compiles(json_kind, "postgresql")
def _(element: json_kind, compiler: SQLCompiler, **options: Any) -> str:
    column, name = _parts(element, compiler, options)
    value = f"jsonb_extract_path({column}, {name})"
    kind = f"jsonb_typeof({value})"
    return f"coalesce(CASE {kind} WHEN 'boolean' THEN {value}::text ELSE {kind} END, '')"


@compiles(json_kind, "sqlite")
def _(element: json_kind, compiler: SQLCompiler, **options: Any) -> str:
    column, name = _parts(element, compiler, options)
    kind = f"json_type({column}, '$.' || json_quote({name}))"
    return (
        f"coalesce(CASE {kind} WHEN 'text' THEN 'string' WHEN 'integer' THEN 'number' "
        f"WHEN 'real' THEN 'number' ELSE {kind} END, '')"
    )


@compiles(json_text, "postgresql")
def _(element: json_text, compiler: SQLCompiler, **options: Any) -> str:
    column, name = _parts(element, compiler, options)
    # Letters by their code points, as SQLite compares them.
    return f'(jsonb_extract_path_text({column}, {name}) COLLATE "C")'


@compiles(json_text, "sqlite")
def _(element: json_text, compiler: SQLCompiler, **options: Any) -> str:
    column, name = _parts(element, compiler, options)
    return f"json_extract({column}, '$.' || json_quote({name}))"


@compiles(json_array_has, "postgresql")
def _(element: json_array_has, compiler: SQLCompiler, **options: Any) -> str:
    column, value = _parts(element, compiler, options)
    return f"jsonb_exists({column}, {value})"


@compiles(json_array_has, "sqlite")
def _(element: json_array_has, compiler: SQLCompiler, **options: Any) -> str:
    column, value = _parts(element, compiler, options)
    # Both are what the compiler has written: a column's name and a parameter.
    return f"EXISTS (SELECT 1 FROM json_each({column}) AS one WHERE one.value = {value})"  # nosec B608 # noqa: S608

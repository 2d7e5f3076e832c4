"""The migrated schema is the models', on both databases, and no process works with another one."""

from __future__ import annotations

import itertools
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from digest.db import Base, Database, schema
from digest.deliveries.partitions import make_partitions, rows_out_of_range
from digest.errors import SchemaError, UnreachableError
from digest.models import (
    ChangeKind,
    Delivery,
    DeliveryStatus,
    Edition,
    EditionChange,
    Settlement,
    UncertainCase,
    UncertainCause,
)
from tests.factories import make_cadence, make_digest
from tests.factories.moments import NOW
from tests.servers.waiting import HANG

_NEXT = '''"""A later revision, as a release after this one would bring it"""

import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = "{head}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table("later", sa.Column("id", sa.Integer(), primary_key=True))
'''


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without tables."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'empty.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url.replace("postgresql://", "postgresql+psycopg://")


@pytest.fixture
def empty(empty_url: str) -> Iterator[Database]:
    """A database without tables."""
    opened = Database(empty_url)
    yield opened
    opened.close()


@pytest.fixture
def own(empty: Database) -> Database:
    """A migrated database that a test may change the tables of."""
    schema.upgrade(empty)
    return empty


@pytest.fixture
def with_later_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Puts a release with one more migration in this one's place, until `monkeypatch.undo()`."""
    folder = tmp_path / "migrations"
    shutil.copytree(schema._HERE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "versions" / "9999_later.py").write_text(_NEXT.format(head=schema.head()), encoding="utf-8")
    return lambda: monkeypatch.setattr(schema, "_HERE", folder)


_DAY = "2026-11-23"
_ROWS_OF_0004: dict[str, dict[str, object]] = {
    "digests": {
        "id": 1,
        "name": "courier",
        "language": "en",
        "featured_by": "newest",
        "recent_most": 12,
        "recent_least": 1,
        "recent_days": 7,
        "look": "{}",
        "created_at": _DAY,
        **dict.fromkeys(("title", "home_url", "sender_name", "sender_address", "postal_address"), ""),
        **dict.fromkeys(("featured_value", "intro", "sign_off"), ""),
    },
    "cadences": {
        "id": 1,
        "digest_id": 1,
        "name": "morning",
        "cron": "0 7 * * *",
        "zone": "Asia/Yerevan",
        "selection": "latest",
        "lead_seconds": 600,
        "grace_seconds": 10800,
        "is_running": True,
        "slots_after": _DAY,
        "created_at": _DAY,
    },
    "editions": {
        "id": 7,
        "public_id": "edition-7",
        "cadence_id": 1,
        "kind": "scheduled",
        "state": "upcoming",
        **dict.fromkeys(("due_local", "reason_detail"), ""),
        **dict.fromkeys(("due_at", "send_at", "state_since", "created_at"), _DAY),
    },
    "revisions": {
        "edition_id": 7,
        "number": 1,
        "subject": "Rivers",
        **dict.fromkeys(("preheader", "web_html", "fingerprint"), ""),
        "created_at": _DAY,
        "approved_at": _DAY,
        "approved_by": "cli:ara",
    },
}


def _is_partition(name: str) -> bool:
    return name == "deliveries_default" or name.startswith("deliveries_from_")


def test_migrated_schema_is_that_of_the_models(database: Database) -> None:
    """Autogenerate finds nothing to do: tables, columns, types, keys, indexes."""

    def ours(thing: Any, name: str | None, kind: str, *_: object) -> bool:
        table = name if kind == "table" else thing.table.name
        return not _is_partition(str(table))

    with database.engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True, "include_object": ours}
        )
        assert compare_metadata(context, Base.metadata) == []


def test_a_difference_would_be_found(own: Database) -> None:
    """The comparison sees a column that only the database has, and one that only the models have."""
    with own.engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE posts ADD COLUMN planted INTEGER"))
        connection.execute(sa.text("ALTER TABLE sources DROP COLUMN oddities"))
        found = compare_metadata(MigrationContext.configure(connection), Base.metadata)
    assert {
        (change[0], change[3].name) for change in found if isinstance(change, tuple) and "column" in change[0]
    } == {
        ("remove_column", "planted"),
        ("add_column", "oddities"),
    }


def test_every_check_constraint_is_there(database: Database) -> None:
    """Alembic does not compare CHECKs: each of the models is in the database, with the same values."""
    found = sa.inspect(database.engine)
    for table in Base.metadata.sorted_tables:
        there = {str(each["name"]): str(each["sqltext"]) for each in found.get_check_constraints(table.name)}
        wanted = {
            str(each.name): str(
                each.sqltext.compile(dialect=database.engine.dialect, compile_kwargs={"literal_binds": True})
            )
            for each in (
                *table.constraints,
                *itertools.chain(*(column.constraints for column in table.columns)),
            )
            if isinstance(each, sa.CheckConstraint)
        }
        assert set(there) == set(wanted), table.name
        for name, text in wanted.items():
            assert _words(there[name]) == _words(text), name


def _words(condition: str) -> set[str]:
    """The values and numbers of a condition, however the database writes it."""
    quoted = set(re.findall(r"'([^']*)'", condition))
    return quoted or set(re.findall(r"\d+", condition))


def test_a_value_that_is_none_is_refused(database: Database) -> None:
    """The database itself keeps out a status that no code knows."""
    with database.engine.begin() as connection, pytest.raises(sa.exc.IntegrityError, match=r"(?i)check"):
        connection.execute(
            sa.text(
                "INSERT INTO deliveries "
                "(edition_id, subscriber_id, variant_id, subscription_id, status, attempt) "
                "VALUES (1, 1, 1, 1, 'delivered', 0)"
            )
        )


def test_what_was_uncertain_before_the_upgrade_has_a_case(empty: Database) -> None:
    """So that its list's policy settles it; whoever was sent it again already is known as such."""
    with empty.engine.begin() as connection:
        command.upgrade(schema.configuration(connection), "0001")
        row = (
            "INSERT INTO deliveries (edition_id, subscriber_id, variant_id, subscription_id, status, "
            "attempt, transport_id, sent_at) VALUES (1, {0}, 1, {0}, '{1}', {3}, {2}, '2026-11-23 13:30:00')"
        )
        before = ((1, "uncertain", 7, 0), (2, "uncertain", "NULL", 0), (3, "sent", 7, 0), (4, "sent", 7, 101))
        for values in before:
            connection.execute(sa.text(row.format(*values)))
    schema.upgrade(empty)
    with empty.read() as session:
        cases = session.scalars(sa.select(UncertainCase).order_by(UncertainCase.subscriber_id)).all()
    assert [(case.subscriber_id, case.cause, case.transport_id, case.settlement) for case in cases] == [
        (1, UncertainCause.CONNECTION_ENDED, 7, None),
        (2, UncertainCause.WORKER_ENDED, None, None),
        (4, UncertainCause.CONNECTION_ENDED, None, Settlement.RESENT),
    ]
    assert {case.since for case in cases[:2]} == {NOW}


def test_a_table_that_is_made_anew_keeps_what_hangs_on_it(empty: Database) -> None:
    """SQLite drops it on the way: its rows, its indexes and the rows that name it are there as before."""
    with empty.engine.begin() as connection:
        command.upgrade(schema.configuration(connection), "0004")
    _insert(empty, _ROWS_OF_0004)
    indexes = {each["name"] for each in sa.inspect(empty.engine).get_indexes("editions")}
    schema.upgrade(empty)
    with empty.read() as session:
        edition = session.get_one(Edition, 7)
        assert (edition.public_id, edition.explanation, edition.remarks) == ("edition-7", [], [])
        assert session.scalar(sa.text("SELECT subject FROM revisions WHERE edition_id = 7")) == "Rivers"
        # Whoever approved it before there were rows of approvals has one.
        assert session.execute(sa.text("SELECT made_by, way FROM approvals")).all() == [
            ("cli:ara", "command")
        ]
    assert {each["name"] for each in sa.inspect(empty.engine).get_indexes("editions")} >= indexes
    with empty.engine.begin() as connection, pytest.raises(sa.exc.IntegrityError):
        connection.execute(sa.text("DELETE FROM cadences"))  # its editions still hold it


def _insert(database: Database, rows: dict[str, dict[str, object]]) -> None:
    """Rows as a release before this one wrote them."""
    with database.engine.begin() as connection:
        for name, row in rows.items():
            table = sa.table(name, *(sa.column(each) for each in row))
            values = {
                each: sa.literal_column(repr(value)) if isinstance(value, str) else value
                for each, value in row.items()
            }
            connection.execute(sa.insert(table).values(values))


def test_what_editors_changed_is_kept_where_a_kind_is_added(empty: Database) -> None:
    """A sign-off is refused before the upgrade and taken after it; what was there stays, with its index."""
    with empty.engine.begin() as connection:
        command.upgrade(schema.configuration(connection), "0009")
    change = {"edition_id": 7, "details": "{}", "made_by": "cli:ara", "made_at": _DAY}
    _insert(empty, _ROWS_OF_0004 | {"edition_changes": change | {"kind": "intro"}})
    with pytest.raises(sa.exc.IntegrityError, match=r"(?i)check"):
        _insert(empty, {"edition_changes": change | {"kind": "sign_off"}})
    indexes = sa.inspect(empty.engine).get_indexes("edition_changes")
    schema.upgrade(empty)
    _insert(empty, {"edition_changes": change | {"kind": "sign_off"}})
    with empty.read() as session:
        kinds = session.scalars(sa.select(EditionChange.kind).order_by(EditionChange.id)).all()
    assert kinds == [ChangeKind.INTRO, ChangeKind.SIGN_OFF]
    assert sa.inspect(empty.engine).get_indexes("edition_changes") == indexes


def test_an_empty_database_is_refused(empty: Database) -> None:
    """A process that finds no tables says what to do."""
    with pytest.raises(SchemaError, match="no tables yet; run `digest db upgrade`"):
        schema.require_head(empty)


def test_a_database_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """One sentence, without the password."""
    gone = Database("postgresql+psycopg://ani:sesame@127.0.0.1:1/nowhere")
    with pytest.raises(UnreachableError, match="The database does not answer") as caught:
        schema.require_head(gone)
    assert "sesame" not in str(caught.value)
    gone.close()


def test_a_release_with_a_new_migration(
    own: Database, with_later_release: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It refuses to work before the migration has run, and the old release refuses afterwards.

    An upgrade that fails leaves the database where it was; one that succeeds keeps what is there.
    """
    head = schema.head()
    schema.require_head(own)
    with own.write() as session:
        make_digest(session, "courier")
        session.execute(sa.text("CREATE TABLE later (id INTEGER)"))  # in the migration's way
    with_later_release()
    with pytest.raises(SchemaError, match=f"is at {head}, this version needs 9999; run `digest db upgrade`"):
        schema.require_head(own)
    with pytest.raises(sa.exc.DBAPIError):
        schema.upgrade(own)
    assert schema.current(own) == head

    with own.write() as session:
        session.execute(sa.text("DROP TABLE later"))
    assert schema.upgrade(own) == (head, "9999")
    schema.require_head(own)
    with own.read() as session:
        assert session.scalar(sa.text("SELECT name FROM digests")) == "courier"
        assert session.scalar(sa.text("SELECT count(*) FROM later")) == 0

    monkeypatch.undo()
    with pytest.raises(SchemaError, match="is at 9999, which a newer Digest made; start that version"):
        schema.require_head(own)


def test_two_upgrades_at_once_do_no_harm(empty_url: str) -> None:
    """Two machines that start together: one makes the tables, the other finds them made."""
    barrier = threading.Barrier(2)
    done: list[tuple[str | None, str]] = []
    failed: list[BaseException] = []

    def run() -> None:
        own = Database(empty_url)
        try:
            barrier.wait(HANG)
            done.append(schema.upgrade(own))
        except BaseException as error:
            failed.append(error)
        finally:
            own.close()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(HANG)
    assert failed == []
    assert sorted(done, key=str) == [(schema.head(), schema.head()), (None, schema.head())]
    fresh = Database(empty_url)
    schema.require_head(fresh)
    fresh.close()


def _deliver(database: Database, *editions: int) -> None:
    with database.write() as session:
        session.execute(
            sa.insert(Delivery),
            [
                {
                    "edition_id": edition,
                    "subscriber_id": 1,
                    "variant_id": 1,
                    "subscription_id": 1,
                    "status": DeliveryStatus.PENDING,
                    "attempt": 0,
                }
                for edition in editions
            ],
        )


def _edition(database: Database, edition_id: int) -> None:
    """An edition with this id, as if all before it had been."""
    with database.write() as session:
        cadence = make_cadence(session, make_digest(session))
        session.execute(
            sa.insert(Edition).values(
                id=edition_id,
                public_id=f"edition-{edition_id}",
                cadence_id=cadence.id,
                kind="extra",
                due_at=NOW,
                due_local="",
                send_at=NOW,
                state="upcoming",
                reason_detail="",
                state_since=NOW,
                created_at=NOW,
            )
        )


def _places(database: Database) -> dict[int, str]:
    """Which partition each edition's deliveries lie in."""
    with database.read() as session:
        rows = session.execute(sa.text("SELECT edition_id, tableoid::regclass::text FROM deliveries")).all()
    return {row[0]: row[1] for row in rows}


_ON_POSTGRESQL = pytest.mark.parametrize("kept", ["postgresql"], indirect=True)


@pytest.fixture
def postgres(database: Database) -> Iterator[Database]:
    """A migrated PostgreSQL database, for `_ON_POSTGRESQL`, with the ranges it begins with.

    The tick of another test may have made more of them.
    """
    _drop_ranges(database)
    yield database
    _drop_ranges(database)


def _drop_ranges(database: Database) -> None:
    with database.engine.begin() as connection:
        for name in sa.inspect(connection).get_table_names():
            if _is_partition(name) and name not in {"deliveries_default", "deliveries_from_0"}:
                connection.execute(sa.text(f"DROP TABLE {name}"))


@_ON_POSTGRESQL
def test_ranges_are_made_ahead(postgres: Database) -> None:
    """The first range is there from the start, the tick makes the next; none falls into the default one."""
    with postgres.write() as session:
        assert make_partitions(session) == ["deliveries_from_1000"]
        assert make_partitions(session) == []
    _edition(postgres, 1000)
    with postgres.write() as session:
        assert make_partitions(session) == ["deliveries_from_2000"]
    _deliver(postgres, 1, 999, 1000, 2999)
    assert _places(postgres) == {
        1: "deliveries_from_0",
        999: "deliveries_from_0",
        1000: "deliveries_from_1000",
        2999: "deliveries_from_2000",
    }
    with postgres.read() as session:
        assert rows_out_of_range(session) == 0


@_ON_POSTGRESQL
def test_two_ticks_make_a_range_once(postgres: Database) -> None:
    """Two beats at once: one makes it, the other waits and finds it."""
    barrier = threading.Barrier(2)
    made: list[list[str]] = []

    def run() -> None:
        with postgres.write() as session:
            barrier.wait(HANG)
            made.append(make_partitions(session))

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(HANG)
    assert sorted(made) == [[], ["deliveries_from_1000"]]


@_ON_POSTGRESQL
def test_what_no_range_takes_is_kept_and_counted(postgres: Database) -> None:
    """If the tick did not run for long, deliveries go into the default partition and are reported."""
    _deliver(postgres, 5_000)
    assert _places(postgres) == {5_000: "deliveries_default"}
    with postgres.read() as session:
        assert rows_out_of_range(session) == 1


@_ON_POSTGRESQL
def test_a_range_whose_rows_lie_in_the_default_is_made_all_the_same(postgres: Database) -> None:
    """Rows that came before their range do not stop the tick: they move into it when it is made."""
    _deliver(postgres, 5_000, 5_001, 9_000)
    _edition(postgres, 5_000)
    with postgres.write() as session:
        assert make_partitions(session) == ["deliveries_from_5000", "deliveries_from_6000"]
    assert _places(postgres) == {
        5_000: "deliveries_from_5000",
        5_001: "deliveries_from_5000",
        9_000: "deliveries_default",
    }


def test_sqlite_has_one_plain_table(tmp_path: Path, sqlite_template: Path) -> None:
    """There are no ranges and the steps do nothing."""
    shutil.copyfile(sqlite_template, tmp_path / "digest.db")
    database = Database(f"sqlite:///{tmp_path / 'digest.db'}")
    _deliver(database, 5_000)
    with database.write() as session:
        assert make_partitions(session) == []
        assert rows_out_of_range(session) == 0
    database.close()

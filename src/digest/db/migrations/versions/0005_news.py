"""What the choice of news rests on: sources in full, rules, schedules, editors' changes, own items, alerts

New columns have defaults in the database, so that processes of the release before can go on writing.
"""

import re
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
JSON = sa.JSON().with_variant(sa.dialects.postgresql.JSONB(), "postgresql")
ANY = "'{}'"
NONE = "'[]'"
_REASONS = (
    "nothing_new",
    "too_few_stories",
    "no_readers",
    "past_grace",
    "sources_down",
    "no_postal_address",
    "no_sign_off_link",
    "too_large",
    "no_transport",
    "transport_failing",
    "rendering_failed",
    "unusual_news",
    "no_featured",
    "thin_news",
    "wants_approval",
    "merged",
    "missed",
    "deadline",
    "by_person",
    "all_served",
)
_CHANGES = ("pin", "drop", "include", "rewrite", "intro", "subject", "preheader", "accept", "own_item")


def upgrade() -> None:
    _widen_sources()
    _widen_rhythms()
    _make_desk_tables()
    _make_alert_tables()
    _widen_editions()


def _widen_sources() -> None:
    _change_check("sources", "kind", _in("kind", "feed", "wordpress"))
    _add("sources", "api_url", sa.Text())
    _add("sources", "query", JSON, default=ANY)
    _add("sources", "last_new_at", MOMENT)
    _add("sources", "full_check_at", MOMENT)
    _add("sources", "alarms", JSON, default=NONE)
    _add("posts", "picture_asset_id", ID)
    _add_reference("posts", "picture_asset_id", "assets", ondelete="SET NULL")
    op.create_index("ix_posts_picture_asset_id", "posts", ["picture_asset_id"])
    for name in ("picture_tried_at", "modified_at", "embargo_until", "checked_at"):
        _add("posts", name, MOMENT)
    withdrawn = _in("withdrawn", "gone", "forbidden", "unpublished", "protected", "kept_out")
    _add("posts", "withdrawn", sa.String(24), check=withdrawn)
    op.create_table(
        "fetches",
        sa.Column("id", ID, nullable=False),
        sa.Column("source_id", ID, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("status", sa.Integer()),
        sa.Column("fault_code", sa.String(40)),
        *(_count(name) for name in ("posts", "new", "changed", "size", "milliseconds")),
        sa.PrimaryKeyConstraint("id", name="pk_fetches"),
        _reference("fetches", "source_id", "sources"),
    )
    op.create_index("ix_fetches_source_id", "fetches", ["source_id", "id"])


def _widen_rhythms() -> None:
    _add("digests", "rules", JSON, default=ANY)
    _add("digests", "subject_pattern", sa.Text(), default="''")
    _add("digests", "preheader_pattern", sa.Text(), default="''")
    _change_type("cadences", "cron", sa.Text())
    _add("cadences", "preset", JSON)
    _add("cadences", "starts_on", sa.Date())
    _add("cadences", "ends_on", sa.Date())
    _add("cadences", "rules", JSON, default=ANY)
    _add("cadences", "missed", sa.String(24), default="'late'", check=_in("missed", "late", "merge", "skip"))
    no = str(sa.false().compile(op.get_bind()))
    _add("cadences", "wants_approval", sa.Boolean(), default=no)
    most = "hold_seconds between 0 and 604800"
    _add("cadences", "hold_seconds", sa.Integer(), default="10800", check=most, name="hold_seconds_range")
    outcome = _in("hold_outcome", "send", "skip")
    _add("cadences", "hold_outcome", sa.String(24), default="'skip'", check=outcome)
    op.create_table(
        "cadence_dates",
        sa.Column("cadence_id", ID, nullable=False),
        sa.Column("kind", _choice("skip", "extra", name="kind"), nullable=False),
        sa.Column("local", sa.String(16), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("made_by", sa.String(120), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("cadence_id", "kind", "local", name="pk_cadence_dates"),
        _reference("cadence_dates", "cadence_id", "cadences"),
    )


def _make_desk_tables() -> None:
    op.create_table(
        "own_items",
        sa.Column("id", ID, nullable=False),
        sa.Column("digest_id", ID, nullable=False),
        sa.Column("kind", _choice("obituary", "appeal", "event", "note", name="kind"), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("title", "text", "url", "section")),
        sa.Column("picture", JSON),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("until_on", sa.Date(), nullable=False),
        sa.Column("may_repeat", sa.Boolean(), nullable=False),
        sa.Column("position", sa.Integer()),
        sa.Column("made_by", sa.String(120), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("withdrawn_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_own_items"),
        _reference("own_items", "digest_id", "digests"),
    )
    op.create_index("ix_own_items_digest_id", "own_items", ["digest_id"])
    op.create_table(
        "own_item_uses",
        sa.Column("own_item_id", ID, nullable=False),
        sa.Column("edition_id", ID, nullable=False),
        sa.PrimaryKeyConstraint("own_item_id", "edition_id", name="pk_own_item_uses"),
        _reference("own_item_uses", "own_item_id", "own_items"),
        _reference("own_item_uses", "edition_id", "editions"),
    )
    op.create_index("ix_own_item_uses_edition_id", "own_item_uses", ["edition_id"])
    op.create_table(
        "edition_changes",
        sa.Column("id", ID, nullable=False),
        sa.Column("edition_id", ID, nullable=False),
        sa.Column("kind", _choice(*_CHANGES, name="kind"), nullable=False),
        sa.Column("post_id", ID),
        sa.Column("own_item_id", ID),
        sa.Column("details", JSON, nullable=False),
        sa.Column("made_by", sa.String(120), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("undone_by", sa.String(120)),
        sa.Column("undone_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_edition_changes"),
        _reference("edition_changes", "edition_id", "editions"),
        _reference("edition_changes", "post_id", "posts"),
        _reference("edition_changes", "own_item_id", "own_items"),
    )
    for name in ("edition_id", "post_id", "own_item_id"):
        op.create_index(f"ix_edition_changes_{name}", "edition_changes", [name])


def _make_alert_tables() -> None:
    op.create_table(
        "alert_receivers",
        sa.Column("digest_id", ID, nullable=False),
        sa.Column("account_id", ID, nullable=False),
        sa.PrimaryKeyConstraint("digest_id", "account_id", name="pk_alert_receivers"),
        _reference("alert_receivers", "digest_id", "digests"),
        _reference("alert_receivers", "account_id", "accounts"),
    )
    op.create_index("ix_alert_receivers_account_id", "alert_receivers", ["account_id"])
    kinds = ("edition_held", "edition_skipped", "source_down", "approval_wanted", "sending_stopped")
    op.create_table(
        "alerts",
        sa.Column("id", ID, nullable=False),
        sa.Column("key", sa.String(120), nullable=False),
        sa.Column("kind", _choice(*kinds, name="kind"), nullable=False),
        sa.Column("digest_id", ID, nullable=False),
        sa.Column("edition_id", ID),
        sa.Column("source_id", ID),
        sa.Column("facts", JSON, nullable=False),
        sa.Column("raised_at", MOMENT, nullable=False),
        sa.Column("told_at", MOMENT),
        sa.Column("silenced_at", MOMENT),
        sa.Column("silenced_by", sa.String(120)),
        sa.Column("ended_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_alerts"),
        sa.UniqueConstraint("key", name="uq_alerts_key"),
        _reference("alerts", "digest_id", "digests"),
        _reference("alerts", "edition_id", "editions"),
        _reference("alerts", "source_id", "sources"),
    )
    for name in ("digest_id", "edition_id", "source_id"):
        op.create_index(f"ix_alerts_{name}", "alerts", [name])


def _widen_editions() -> None:
    _change_check("editions", "reason", _in("reason", *_REASONS))
    _add("editions", "explanation", JSON, default=NONE)
    _add("editions", "remarks", JSON, default=NONE)
    _add("editions", "deadline_at", MOMENT)
    _add("items", "own_item_id", ID)
    _add_reference("items", "own_item_id", "own_items", ondelete="SET NULL")
    op.create_index("ix_items_own_item_id", "items", ["own_item_id"])


def _in(column: str, *values: str) -> str:
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


def _choice(*values: str, name: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=24)


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False)


def _reference(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{to}.id"], name=f"fk_{table}_{column}_{to}", ondelete="CASCADE"
    )


def _add(
    table: str,
    column: str,
    kind: sa.types.TypeEngine[Any],
    *,
    default: str | None = None,
    check: str | None = None,
    name: str | None = None,
) -> None:
    """Add a column with its constraints in one statement: SQLite cannot add a constraint to a column later."""
    written = f"ALTER TABLE {table} ADD COLUMN {column} {kind.compile(op.get_bind().dialect)}"
    if default is not None:
        written += f" DEFAULT {default} NOT NULL"
    if check is not None:
        written += f" CONSTRAINT ck_{table}_{name or column} CHECK ({check})"
    op.execute(written)


# SQLite changes a table by making it anew, as its documentation lays down (lang_altertable, "Making Other Kinds
# Of Table Schema Changes"). `schema.upgrade` has switched its foreign keys off, and checks them before the commit.


def _change_check(table: str, name: str, condition: str) -> None:
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


def _change_type(table: str, column: str, kind: sa.types.TypeEngine[Any]) -> None:
    """Give a column a wider type."""
    if op.get_bind().dialect.name != "sqlite":
        op.alter_column(table, column, type_=kind)
        return
    wide = kind.compile(op.get_bind().dialect)
    _recreate(
        table, lambda written: re.sub(rf"\b{column} \w+(?:\(\d+\))?", f"{column} {wide}", written, count=1)
    )


def _add_reference(table: str, column: str, to: str, *, ondelete: str) -> None:
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
    op.execute(f"INSERT INTO {table}_new SELECT * FROM {table}")  # noqa: S608
    op.execute(f"DROP TABLE {table}")
    op.execute(f"ALTER TABLE {table}_new RENAME TO {table}")
    for kind, sql in parts:
        if kind != "table":
            op.execute(sql)

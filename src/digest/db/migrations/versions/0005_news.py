"""What the choice of news rests on: sources in full, rules, schedules, editors' changes, own items, alerts

New columns have defaults in the database, so that processes of the release before can go on writing.
"""

import sqlalchemy as sa
from alembic import op

from digest.db.migrations.alter import add_column, add_reference, change_check, change_type, choice, is_in

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
    change_check("sources", "kind", is_in("kind", "feed", "wordpress"))
    add_column("sources", "api_url", sa.Text())
    add_column("sources", "query", JSON, default=ANY)
    add_column("sources", "last_new_at", MOMENT)
    add_column("sources", "full_check_at", MOMENT)
    add_column("sources", "alarms", JSON, default=NONE)
    add_column("posts", "picture_asset_id", ID)
    add_reference("posts", "picture_asset_id", "assets", ondelete="SET NULL")
    op.create_index("ix_posts_picture_asset_id", "posts", ["picture_asset_id"])
    for name in ("picture_tried_at", "modified_at", "embargo_until", "checked_at"):
        add_column("posts", name, MOMENT)
    withdrawn = is_in("withdrawn", "gone", "forbidden", "unpublished", "protected", "kept_out")
    add_column("posts", "withdrawn", sa.String(24), check=withdrawn)
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
    add_column("digests", "rules", JSON, default=ANY)
    add_column("digests", "subject_pattern", sa.Text(), default="''")
    add_column("digests", "preheader_pattern", sa.Text(), default="''")
    change_type("cadences", "cron", sa.Text())
    add_column("cadences", "preset", JSON)
    add_column("cadences", "starts_on", sa.Date())
    add_column("cadences", "ends_on", sa.Date())
    add_column("cadences", "rules", JSON, default=ANY)
    add_column(
        "cadences", "missed", sa.String(24), default="'late'", check=is_in("missed", "late", "merge", "skip")
    )
    no = str(sa.false().compile(op.get_bind()))
    add_column("cadences", "wants_approval", sa.Boolean(), default=no)
    most = "hold_seconds between 0 and 604800"
    add_column(
        "cadences", "hold_seconds", sa.Integer(), default="10800", check=most, name="hold_seconds_range"
    )
    outcome = is_in("hold_outcome", "send", "skip")
    add_column("cadences", "hold_outcome", sa.String(24), default="'skip'", check=outcome)
    op.create_table(
        "cadence_dates",
        sa.Column("cadence_id", ID, nullable=False),
        sa.Column("kind", choice("skip", "extra", name="kind"), nullable=False),
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
        sa.Column("kind", choice("obituary", "appeal", "event", "note", name="kind"), nullable=False),
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
        sa.Column("kind", choice(*_CHANGES, name="kind"), nullable=False),
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
        sa.Column("kind", choice(*kinds, name="kind"), nullable=False),
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
    change_check("editions", "reason", is_in("reason", *_REASONS))
    add_column("editions", "explanation", JSON, default=NONE)
    add_column("editions", "remarks", JSON, default=NONE)
    add_column("editions", "deadline_at", MOMENT)
    add_column("items", "own_item_id", ID)
    add_reference("items", "own_item_id", "own_items", ondelete="SET NULL")
    op.create_index("ix_items_own_item_id", "items", ["own_item_id"])


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False)


def _reference(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{to}.id"], name=f"fk_{table}_{column}_{to}", ondelete="CASCADE"
    )

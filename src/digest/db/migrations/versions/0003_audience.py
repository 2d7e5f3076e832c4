"""What the audience rests on: sign-up, topics, fresh links, imports, segments, files

New columns have defaults in the database, so that processes of the release before can go on writing.
"""

import sqlalchemy as sa
from alembic import op

from digest.db.migrations.alter import add_column, choice

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
JSON = sa.JSON().with_variant(sa.dialects.postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    _make_tables_of_the_public_pages()
    _make_tables_of_admins()
    no = str(sa.false().compile(op.get_bind()))
    add_column("mailing_lists", "is_open", sa.Boolean(), default=no)
    add_column(
        "mailing_lists", "opt_in", sa.String(24), default="'double'", check="opt_in IN ('double', 'single')"
    )
    add_column("mailing_lists", "welcomes_with_latest", sa.Boolean(), default=no)
    add_column(
        "mailing_lists",
        "network_record",
        sa.String(24),
        default="'truncated'",
        check="network_record IN ('full', 'truncated', 'none')",
    )
    add_column(
        "mailing_lists",
        "network_days",
        sa.Integer(),
        default="365",
        check="network_days between 1 and 3650",
        name="network_days_range",
    )
    add_column("mailing_lists", "form_origins", JSON, default="'[]'")
    add_column("subscriptions", "import_id", ID, references="imports")
    op.create_index("ix_subscriptions_import_id", "subscriptions", ["import_id"])
    add_column(
        "suppressions",
        "cause",
        sa.String(24),
        default="'never'",
        check="cause IN ('bounce', 'complaint', 'never', 'legal')",
    )
    add_column("cadences", "segment_id", ID, references="segments")
    add_column("editions", "segment_id", ID, references="segments")


def _make_tables_of_the_public_pages() -> None:
    op.create_table(
        "topics",
        sa.Column("id", ID, nullable=False),
        sa.Column("digest_id", ID, nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("sections", JSON, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_topics"),
        sa.UniqueConstraint("digest_id", "name", name="uq_topics_digest_id_name"),
        _reference("topics", "digest_id", "digests", ondelete="CASCADE"),
    )
    op.create_table(
        "consent_texts",
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("language", sa.String(35)),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("fingerprint", name="pk_consent_texts"),
    )
    op.create_table(
        "consent_networks",
        sa.Column("event_id", ID, nullable=False),
        sa.Column("salt", sa.String(32), nullable=False),
        sa.Column("network", sa.String(64), nullable=False),
        sa.Column("erase_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("event_id", name="pk_consent_networks"),
        _reference("consent_networks", "event_id", "consent_events", ondelete="CASCADE"),
    )
    op.create_index("ix_consent_networks_erase_at", "consent_networks", ["erase_at"])
    op.create_table(
        "confirmations",
        sa.Column("id", ID, nullable=False),
        sa.Column("list_id", ID, nullable=False),
        sa.Column("address_hash", sa.String(64), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_confirmations"),
        _reference("confirmations", "list_id", "mailing_lists", ondelete="CASCADE"),
    )
    op.create_index("ix_confirmations_address", "confirmations", ["list_id", "address_hash", "at"])
    op.create_index("ix_confirmations_at", "confirmations", ["at"])
    op.create_table(
        "token_buckets",
        sa.Column("key", sa.String(80), nullable=False),
        sa.Column("tokens", sa.Float(), nullable=False),
        sa.Column("filled_at", MOMENT, nullable=False),
        sa.CheckConstraint("tokens >= 0", name="tokens_not_negative"),
        sa.PrimaryKeyConstraint("key", name="pk_token_buckets"),
    )
    op.create_index("ix_token_buckets_filled_at", "token_buckets", ["filled_at"])
    op.create_table(
        "fresh_links",
        sa.Column("id", ID, nullable=False),
        sa.Column("subscriber_id", ID, nullable=False),
        sa.Column("purpose", sa.String(24), nullable=False),
        sa.Column("details", JSON, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_fresh_links"),
        _reference("fresh_links", "subscriber_id", "subscribers"),
    )
    op.create_index("ix_fresh_links_subscriber_id", "fresh_links", ["subscriber_id"])
    op.create_index("ix_fresh_links_expires_at", "fresh_links", ["expires_at"])


def _make_tables_of_admins() -> None:
    op.create_table(
        "permission_runs",
        sa.Column("id", ID, nullable=False),
        sa.Column("list_id", ID, nullable=False),
        sa.Column("silent_since", MOMENT, nullable=False),
        sa.Column("answer_until", MOMENT, nullable=False),
        sa.Column("actor", sa.String(120), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("closed_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_permission_runs"),
        _reference("permission_runs", "list_id", "mailing_lists"),
    )
    op.create_index("ix_permission_runs_list_id", "permission_runs", ["list_id"])
    op.create_table(
        "permission_asks",
        sa.Column("run_id", ID, nullable=False),
        sa.Column("subscription_id", ID, nullable=False),
        sa.Column("asked_at", MOMENT),
        sa.Column("answered_at", MOMENT),
        sa.PrimaryKeyConstraint("run_id", "subscription_id", name="pk_permission_asks"),
        _reference("permission_asks", "run_id", "permission_runs", ondelete="CASCADE"),
        _reference("permission_asks", "subscription_id", "subscriptions"),
    )
    op.create_index("ix_permission_asks_subscription_id", "permission_asks", ["subscription_id"])
    op.create_table(
        "assets",
        sa.Column("id", ID, nullable=False),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("media_type", sa.String(120), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_assets"),
    )
    op.create_index("ix_assets_fingerprint", "assets", ["fingerprint"])
    op.create_index("ix_assets_expires_at", "assets", ["expires_at"])
    op.create_table(
        "asset_chunks",
        sa.Column("asset_id", ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("asset_id", "number", name="pk_asset_chunks"),
        _reference("asset_chunks", "asset_id", "assets", ondelete="CASCADE"),
    )
    op.create_table(
        "imports",
        sa.Column("id", ID, nullable=False),
        sa.Column("list_id", ID, nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("file_fingerprint", sa.String(64), nullable=False),
        sa.Column("mapping", JSON, nullable=False),
        sa.Column("consent", sa.Text(), nullable=False),
        sa.Column("actor", sa.String(120), nullable=False),
        sa.Column("leavers_only", sa.Boolean(), nullable=False),
        sa.Column("state", choice("running", "done", "failed", "undone", name="state"), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("counts", JSON, nullable=False),
        sa.Column("report_id", ID),
        sa.Column("fault", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.Column("undone_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_imports"),
        _reference("imports", "list_id", "mailing_lists"),
        _reference("imports", "report_id", "assets", ondelete="SET NULL"),
    )
    op.create_index("ix_imports_list_id", "imports", ["list_id"])
    op.create_table(
        "attributes",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("kind", choice("text", "number", "date", "yes_no", name="kind"), nullable=False),
        sa.Column("fallback", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_attributes"),
        sa.UniqueConstraint("name", name="uq_attributes_name"),
    )
    op.create_table(
        "segments",
        sa.Column("id", ID, nullable=False),
        sa.Column("digest_id", ID, nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("rule", JSON, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_segments"),
        sa.UniqueConstraint("digest_id", "name", name="uq_segments_digest_id_name"),
        _reference("segments", "digest_id", "digests", ondelete="CASCADE"),
    )


def _reference(table: str, column: str, to: str, *, ondelete: str | None = None) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=f"fk_{table}_{column}", ondelete=ondelete)

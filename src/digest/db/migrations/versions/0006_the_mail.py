"""What the mail itself rests on: counted links, topic sets, checks, the archive, and what is put right later

New columns have defaults in the database, so that processes of the release before can go on writing.
"""

import sqlalchemy as sa
from alembic import op

from digest.db.migrations.alter import add_column, change_check, choice, is_in

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
JSON = sa.JSON().with_variant(sa.dialects.postgresql.JSONB(), "postgresql")
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
    "blocked",
    "no_featured",
    "thin_news",
    "wants_approval",
    "merged",
    "missed",
    "deadline",
    "by_person",
    "all_served",
)
_CHANGES = (
    *("pin", "drop", "include", "rewrite", "intro", "subject", "preheader", "accept", "own_item"),
    "note",
)
_SKIPPED = ("not_wanted", "cancelled", "ramp_up", "too_late", "unmailable", "too_few_stories")


def upgrade() -> None:
    _widen_digests()
    _widen_editions()
    _make_tables_of_links()
    _make_amendments()
    change_check("deliveries", "reason", is_in("reason", *_SKIPPED))


def _widen_digests() -> None:
    add_column(
        "digests", "links", sa.String(24), default="'direct'", check=is_in("links", "direct", "counted")
    )
    add_column(
        "digests", "has_archive", sa.Boolean(), default=str(sa.true().compile(dialect=op.get_bind().dialect))
    )
    most = "variants_most between 1 and 200"
    add_column("digests", "variants_most", sa.Integer(), default="24", check=most, name="variants_most_range")


def _widen_editions() -> None:
    change_check("editions", "reason", is_in("reason", *_REASONS))
    change_check("edition_changes", "kind", is_in("kind", *_CHANGES))
    add_column("editions", "corrects_id", ID, references="editions")
    op.create_index("ix_editions_corrects_id", "editions", ["corrects_id"])
    add_column("editions", "corrects_position", sa.Integer())
    add_column("editions", "web_html", sa.Text())
    add_column("revisions", "findings", JSON, default=NONE)
    add_column("variants", "positions", JSON)


def _make_tables_of_links() -> None:
    op.create_table(
        "links",
        sa.Column("code", sa.String(24), nullable=False),
        sa.Column("edition_id", ID, nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("changed_by", sa.String(120)),
        sa.Column("changed_at", MOMENT),
        sa.PrimaryKeyConstraint("code", name="pk_links"),
        _reference("links", "edition_id", "editions.id"),
    )
    op.create_index("ix_links_edition_id", "links", ["edition_id"])
    op.create_table(
        "link_counts",
        sa.Column("code", sa.String(24), nullable=False),
        sa.Column("hour", MOMENT, nullable=False),
        sa.Column("people", sa.BigInteger(), nullable=False),
        sa.Column("bots", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("code", "hour", name="pk_link_counts"),
        _reference("link_counts", "code", "links.code"),
    )


def _make_amendments() -> None:
    op.create_table(
        "amendments",
        sa.Column("id", ID, nullable=False),
        sa.Column("edition_id", ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", choice("note", "taken_down", name="kind"), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("made_by", sa.String(120), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("undone_by", sa.String(120)),
        sa.Column("undone_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_amendments"),
        _reference("amendments", "edition_id", "editions.id"),
    )
    op.create_index("ix_amendments_edition_id", "amendments", ["edition_id"])


def _reference(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [to], name=f"fk_{table}_{column}", ondelete="CASCADE")

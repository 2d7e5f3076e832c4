"""Approval: who approved which content, until when it is wanted, and what becomes of it if nobody has

New columns may be left out by processes of the release before.
"""

import sqlalchemy as sa
from alembic import op

from digest.db.migrations.alter import add_column, change_check, choice, is_in

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
_REASONS = (
    *("nothing_new", "too_few_stories", "no_readers", "past_grace", "sources_down", "no_postal_address"),
    *("no_sign_off_link", "too_large", "no_transport", "transport_failing", "rendering_failed"),
    *("unusual_news", "blocked", "no_featured", "thin_news", "wants_approval", "not_approved", "merged"),
    *("missed", "deadline", "by_person", "all_served"),
)
_OUTCOMES = ("send", "without_featured", "skip")


def upgrade() -> None:
    change_check("editions", "reason", is_in("reason", *_REASONS))
    seconds = "approval_seconds between 0 and 86400"
    add_column("cadences", "approval_seconds", sa.Integer(), check=seconds, name="approval_seconds_range")
    add_column("cadences", "approval_outcome", sa.String(24), check=is_in("approval_outcome", *_OUTCOMES))
    add_column("revisions", "proofs_at", MOMENT)
    _make_approvals()
    # What persons have approved before stays approved; what the freeze approved has no row.
    op.execute(
        "INSERT INTO approvals (edition_id, revision_id, fingerprint, made_by, way, made_at)"
        " SELECT edition_id, id, fingerprint, approved_by,"
        " CASE WHEN approved_by = 'deadline' THEN 'deadline' ELSE 'command' END, approved_at"
        " FROM revisions WHERE approved_at IS NOT NULL AND approved_by NOT IN ('', 'freeze')"
    )


def _make_approvals() -> None:
    op.create_table(
        "approvals",
        sa.Column("id", ID, nullable=False),
        sa.Column("edition_id", ID, nullable=False),
        sa.Column("revision_id", ID, nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("account_id", ID),
        sa.Column("made_by", sa.String(120), nullable=False),
        sa.Column("way", choice("desk", "mail", "command", "deadline", name="way"), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("voided_at", MOMENT),
        sa.Column("voided_by", sa.String(120)),
        sa.Column("void_cause", choice("unlocked", "edited", "stopped", "withdrawn", name="void_cause")),
        sa.PrimaryKeyConstraint("id", name="pk_approvals"),
        sa.CheckConstraint("(voided_at IS NULL) = (void_cause IS NULL)", name="void_has_cause"),
        _reference("edition_id", "editions.id", ondelete="CASCADE"),
        _reference("revision_id", "revisions.id", ondelete="CASCADE"),
        _reference("account_id", "accounts.id"),
    )
    op.create_index("ix_approvals_edition_id", "approvals", ["edition_id"])
    standing = sa.text("voided_at IS NULL")
    op.create_index(
        "ix_approvals_standing",
        "approvals",
        ["revision_id"],
        unique=True,
        sqlite_where=standing,
        postgresql_where=standing,
    )


def _reference(column: str, to: str, *, ondelete: str | None = None) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [to], name=f"fk_approvals_{column}", ondelete=ondelete)

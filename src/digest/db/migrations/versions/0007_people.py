"""The people of the desk: how they sign in, from where, by which links, and which digests they work on

New columns have defaults in the database, so that processes of the release before can go on writing.
"""

import sqlalchemy as sa
from alembic import op

from digest.db.migrations.alter import add_column, choice, is_in

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _widen_accounts()
    _make_sessions()
    _make_links()
    op.create_table(
        "recovery_codes",
        sa.Column("account_id", ID, nullable=False),
        sa.Column("code_hash", sa.String(64), nullable=False),
        sa.Column("used_at", MOMENT),
        sa.PrimaryKeyConstraint("account_id", "code_hash", name="pk_recovery_codes"),
        _reference("recovery_codes", "account_id", "accounts.id"),
    )
    op.create_table(
        "account_digests",
        sa.Column("account_id", ID, nullable=False),
        sa.Column("digest_id", ID, nullable=False),
        sa.PrimaryKeyConstraint("account_id", "digest_id", name="pk_account_digests"),
        _reference("account_digests", "account_id", "accounts.id"),
        _reference("account_digests", "digest_id", "digests.id"),
    )
    op.create_index("ix_account_digests_digest_id", "account_digests", ["digest_id"])


def _widen_accounts() -> None:
    add_column("accounts", "password_hash", sa.Text())
    add_column("accounts", "credentials_at", MOMENT)
    add_column("accounts", "signed_in_at", MOMENT)
    add_column("accounts", "totp_secret", sa.Text())
    add_column("accounts", "totp_offered", sa.Text())
    add_column("accounts", "totp_step", sa.BigInteger(), default="0")
    add_column("accounts", "language", sa.String(35), default="''")
    add_column("accounts", "zone", sa.String(64), default="''")
    schemes = is_in("scheme", "auto", "light", "dark")
    add_column("accounts", "scheme", sa.String(24), default="'auto'", check=schemes)


def _make_sessions() -> None:
    op.create_table(
        "account_sessions",
        sa.Column("id", ID, nullable=False),
        sa.Column("account_id", ID, nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("is_whole", sa.Boolean(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.Column("until", MOMENT, nullable=False),
        sa.Column("network", sa.String(64), nullable=False),
        sa.Column("agent", sa.String(200), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_account_sessions"),
        sa.UniqueConstraint("token_hash", name="uq_account_sessions_token_hash"),
        _reference("account_sessions", "account_id", "accounts.id"),
    )
    op.create_index("ix_account_sessions_account_id", "account_sessions", ["account_id"])


def _make_links() -> None:
    op.create_table(
        "account_links",
        sa.Column("id", ID, nullable=False),
        sa.Column("account_id", ID),
        sa.Column("purpose", choice("set_up", "invite", "reset", name="purpose"), nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("until", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_account_links"),
        sa.UniqueConstraint("token_hash", name="uq_account_links_token_hash"),
        _reference("account_links", "account_id", "accounts.id"),
    )
    op.create_index("ix_account_links_account_id", "account_links", ["account_id"])


def _reference(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [to], name=f"fk_{table}_{column}", ondelete="CASCADE")

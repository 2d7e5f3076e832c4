"""What the delivery engine rests on: pace, rests, ramp-ups, keys, evidence of what is uncertain

New columns have defaults in the database, so that processes of the release before can go on writing.
"""

import sqlalchemy as sa
from alembic import op

from digest.db.migrations.alter import add_column, choice

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    add_column("transports", "accepted_at", MOMENT)
    add_column("transports", "signer", sa.String(24), default="'relay'", check="signer IN ('relay', 'us')")
    add_column(
        "transports",
        "most_connections",
        sa.Integer(),
        default="8",
        check="most_connections between 1 and 64",
        name="most_connections_range",
    )
    add_column(
        "transports",
        "most_messages",
        sa.Integer(),
        default="1000",
        check="most_messages between 1 and 100000",
        name="most_messages_range",
    )
    add_column(
        "transports",
        "most_seconds",
        sa.Integer(),
        default="300",
        check="most_seconds between 1 and 86400",
        name="most_seconds_range",
    )
    add_column("transports", "per_second", sa.Float(), check="per_second > 0", name="per_second_positive")
    add_column("transports", "per_hour", sa.Integer(), check="per_hour > 0", name="per_hour_positive")
    add_column("transports", "permits_until", MOMENT)
    add_column("transports", "hour_began_at", MOMENT)
    add_column("transports", "hour_used", sa.Integer(), default="0")
    add_column("transports", "fault", sa.Text(), default="''")
    add_column("transports", "faults_in_a_row", sa.SmallInteger(), default="0")
    add_column("transports", "rests_until", MOMENT)
    # A mail service that worked before goes on working: the proof is asked of new ones.
    op.execute("UPDATE transports SET accepted_at = tested_at")
    op.execute(
        "UPDATE transports SET accepted_at = CURRENT_TIMESTAMP WHERE accepted_at IS NULL "
        "AND EXISTS (SELECT 1 FROM deliveries WHERE deliveries.transport_id = transports.id)"
    )
    add_column("batches", "transport_id", ID, references="transports")
    add_column(
        "deliveries",
        "reason",
        sa.String(24),
        check="reason IN ('not_wanted', 'cancelled', 'ramp_up', 'too_late', 'unmailable')",
    )
    add_column("digests", "bounce_address", sa.Text())
    add_column(
        "cadences",
        "useful_seconds",
        sa.Integer(),
        default="86400",
        check="useful_seconds between 600 and 604800",
        name="useful_seconds_range",
    )
    add_column(
        "cadences",
        "spread_seconds",
        sa.Integer(),
        check="spread_seconds between 0 and 86400",
        name="spread_seconds_range",
    )
    add_column(
        "cadences",
        "first_copies_seconds",
        sa.Integer(),
        default="300",
        check="first_copies_seconds between 0 and 86400",
        name="first_copies_seconds_range",
    )
    add_column("editions", "first_copies_at", MOMENT)
    add_column("revisions", "approved_at", MOMENT)
    add_column("revisions", "approved_by", sa.String(120), default="''")
    # What goes out now was never asked to be approved.
    op.execute("UPDATE revisions SET approved_at = created_at")
    _make_tables()
    # What may have arrived before there were cases. A mail service is known where its connection had ended.
    op.execute(
        "INSERT INTO uncertain_cases "
        "(edition_id, subscriber_id, attempt, since, cause, transport_id, settled_by) "
        "SELECT edition_id, subscriber_id, attempt, sent_at, "
        "CASE WHEN transport_id IS NULL THEN 'worker_ended' ELSE 'connection_ended' END, transport_id, '' "
        "FROM deliveries WHERE status = 'uncertain' AND sent_at IS NOT NULL"
    )
    # Whoever has such an attempt number was sent it again: that is not done a second time.
    op.execute(
        "INSERT INTO uncertain_cases (edition_id, subscriber_id, attempt, since, cause, settlement, "
        "settled_at, settled_by) SELECT edition_id, subscriber_id, 0, CURRENT_TIMESTAMP, "
        "'connection_ended', 'resent', CURRENT_TIMESTAMP, 'policy' FROM deliveries WHERE attempt >= 100"
    )


def _make_tables() -> None:
    op.create_table(
        "cool_downs",
        sa.Column("transport_id", ID, nullable=False),
        sa.Column("domain", sa.String(254), nullable=False),
        sa.Column("until", MOMENT, nullable=False),
        sa.Column("times_in_a_row", sa.SmallInteger(), nullable=False),
        sa.Column("reply_id", ID),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("transport_id", "domain", name="pk_cool_downs"),
        sa.ForeignKeyConstraint(
            ["transport_id"], ["transports.id"], name="fk_cool_downs_transport_id", ondelete="CASCADE"
        ),
    )
    op.create_table(
        "ramp_ups",
        sa.Column("transport_id", ID, nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("first_day", sa.Integer(), nullable=False),
        sa.Column("growth_percent", sa.Integer(), nullable=False),
        sa.Column("order", choice("joined", "sign_of_life", name="order"), nullable=False),
        sa.Column("rest_transport_id", ID),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.CheckConstraint("first_day > 0", name="first_day_positive"),
        sa.CheckConstraint("growth_percent between 1 and 900", name="growth_percent_range"),
        sa.PrimaryKeyConstraint("transport_id", name="pk_ramp_ups"),
        sa.ForeignKeyConstraint(
            ["transport_id"], ["transports.id"], name="fk_ramp_ups_transport_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["rest_transport_id"], ["transports.id"], name="fk_ramp_ups_rest_transport_id"
        ),
    )
    op.create_table(
        "dkim_keys",
        sa.Column("id", ID, nullable=False),
        sa.Column("domain", sa.String(254), nullable=False),
        sa.Column("selector", sa.String(63), nullable=False),
        sa.Column("algorithm", sa.String(12), nullable=False),
        sa.Column("secret_name", sa.String(120), nullable=False),
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_dkim_keys"),
        sa.UniqueConstraint("domain", "selector", name="uq_dkim_keys_domain_selector"),
    )
    op.create_table(
        "first_copies",
        sa.Column("cadence_id", ID, nullable=False),
        sa.Column("account_id", ID, nullable=False),
        sa.PrimaryKeyConstraint("cadence_id", "account_id", name="pk_first_copies"),
        sa.ForeignKeyConstraint(
            ["cadence_id"], ["cadences.id"], name="fk_first_copies_cadence_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name="fk_first_copies_account_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_first_copies_account_id", "first_copies", ["account_id"])
    op.create_table(
        "uncertain_cases",
        sa.Column("edition_id", ID, autoincrement=False, nullable=False),
        sa.Column("subscriber_id", ID, autoincrement=False, nullable=False),
        sa.Column("attempt", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column(
            "cause",
            choice("connection_ended", "no_answer", "worker_ended", "journal_lost", name="cause"),
            nullable=False,
        ),
        sa.Column("journal_id", ID),
        sa.Column("transport_id", ID),
        sa.Column("settlement", choice("heard", "arrived", "resent", "closed", name="settlement")),
        sa.Column("settled_at", MOMENT),
        sa.Column("settled_by", sa.String(120), nullable=False),
        sa.PrimaryKeyConstraint("edition_id", "subscriber_id", "attempt", name="pk_uncertain_cases"),
    )
    op.create_index("ix_uncertain_cases_open", "uncertain_cases", ["settled_at", "since"])
    op.create_table(
        "edition_totals",
        sa.Column("edition_id", ID, nullable=False),
        *(sa.Column(status, sa.Integer(), nullable=False) for status in ("sent", "failed", "skipped")),
        sa.Column("uncertain", sa.Integer(), nullable=False),
        sa.Column("dropped_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("edition_id", name="pk_edition_totals"),
        sa.ForeignKeyConstraint(["edition_id"], ["editions.id"], name="fk_edition_totals_edition_id"),
    )

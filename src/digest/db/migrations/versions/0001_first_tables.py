"""The first tables"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("address_key", sa.String(length=254), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "editor",
                "approver",
                "admin",
                name="role",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("disabled_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_accounts"),
        sa.UniqueConstraint("address_key", name="uq_accounts_address_key"),
    )
    op.create_table(
        "audit",
        sa.Column("id", ID, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("actor", sa.String(length=120), nullable=False),
        sa.Column("action", sa.String(length=60), nullable=False),
        sa.Column("target_kind", sa.String(length=40), nullable=False),
        sa.Column("target_id", ID, nullable=True),
        sa.Column("details", JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
    )
    op.create_index("ix_audit_at", "audit", ["at"])
    op.create_index("ix_audit_target", "audit", ["target_kind", "target_id"])

    op.create_table(
        "deliveries",
        sa.Column("edition_id", ID, autoincrement=False, nullable=False),
        sa.Column("subscriber_id", ID, autoincrement=False, nullable=False),
        sa.Column("variant_id", ID, nullable=False),
        sa.Column("subscription_id", ID, nullable=False),
        sa.Column("batch_id", ID, nullable=True),
        sa.Column(
            "status",
            sa.Enum(
                "pending",
                "sent",
                "failed",
                "skipped",
                "uncertain",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("attempt", sa.SmallInteger(), nullable=False),
        sa.Column("transport_id", ID, nullable=True),
        sa.Column("reply_id", ID, nullable=True),
        sa.Column("sent_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("edition_id", "subscriber_id", name="pk_deliveries"),
        postgresql_partition_by="RANGE (edition_id)",
    )
    op.create_index("ix_deliveries_batch_id", "deliveries", ["batch_id"])

    op.create_table(
        "digests",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("language", sa.String(length=35), nullable=False),
        sa.Column("sister_group", sa.String(length=60), nullable=True),
        sa.Column("home_url", sa.Text(), nullable=False),
        sa.Column("sender_name", sa.Text(), nullable=False),
        sa.Column("sender_address", sa.Text(), nullable=False),
        sa.Column("reply_to", sa.Text(), nullable=True),
        sa.Column("postal_address", sa.Text(), nullable=False),
        sa.Column(
            "featured_by",
            sa.Enum(
                "category",
                "author",
                "tag",
                "newest",
                "none",
                name="featured_by",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("featured_value", sa.Text(), nullable=False),
        sa.Column("recent_most", sa.Integer(), nullable=False),
        sa.Column("recent_least", sa.Integer(), nullable=False),
        sa.Column("recent_days", sa.Integer(), nullable=False),
        sa.Column("intro", sa.Text(), nullable=False),
        sa.Column("sign_off", sa.Text(), nullable=False),
        sa.Column("look", JSON, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.CheckConstraint("recent_most between 0 and 100", name="recent_most_range"),
        sa.CheckConstraint("recent_least between 0 and 100", name="recent_least_range"),
        sa.CheckConstraint("recent_days between 1 and 366", name="recent_days_range"),
        sa.PrimaryKeyConstraint("id", name="pk_digests"),
        sa.UniqueConstraint("name", name="uq_digests_name"),
    )
    op.create_index("ix_digests_sister_group", "digests", ["sister_group"])

    op.create_table(
        "journals",
        sa.Column("id", ID, nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("boot_id", sa.String(length=64), nullable=False),
        sa.Column("worker", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("folded_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_journals"),
    )
    op.create_index("ix_journals_folded_at", "journals", ["folded_at"])

    op.create_table(
        "notices",
        sa.Column("id", ID, nullable=False),
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("sender_address", sa.Text(), nullable=False),
        sa.Column("message", sa.LargeBinary(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "pending",
                "sent",
                "failed",
                "uncertain",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("not_before", MOMENT, nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("leased_until", MOMENT, nullable=True),
        sa.Column("reply", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("done_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_notices"),
        sa.UniqueConstraint("key", name="uq_notices_key"),
    )
    op.create_index("ix_notices_due", "notices", ["state", "not_before"])

    op.create_table(
        "posts",
        sa.Column("id", ID, nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("categories", JSON, nullable=False),
        sa.Column("tags", JSON, nullable=False),
        sa.Column("language", sa.String(length=35), nullable=True),
        sa.Column("published_at", MOMENT, nullable=False),
        sa.Column("excerpt", sa.Text(), nullable=False),
        sa.Column("body_html", sa.Text(), nullable=False),
        sa.Column("picture", JSON, nullable=True),
        sa.Column("content_fingerprint", sa.String(length=64), nullable=False),
        sa.Column("first_seen_at", MOMENT, nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_posts"),
    )
    op.create_index("ix_posts_published_at", "posts", ["published_at"])

    op.create_table(
        "replies",
        sa.Column("id", ID, nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("code", sa.Integer(), nullable=False),
        sa.Column("enhanced", sa.String(length=16), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_replies"),
        sa.UniqueConstraint("fingerprint", name="uq_replies_fingerprint"),
    )
    op.create_table(
        "sources",
        sa.Column("id", ID, nullable=False),
        sa.Column(
            "kind",
            sa.Enum("feed", name="kind", native_enum=False, create_constraint=True, length=24),
            nullable=False,
        ),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("language", sa.String(length=35), nullable=True),
        sa.Column("news_since", MOMENT, nullable=False),
        sa.Column("etag", sa.Text(), nullable=True),
        sa.Column("last_modified", sa.Text(), nullable=True),
        sa.Column("next_fetch_at", MOMENT, nullable=False),
        sa.Column("last_fetch_at", MOMENT, nullable=True),
        sa.Column("last_good_at", MOMENT, nullable=True),
        sa.Column("fault_code", sa.String(length=40), nullable=True),
        sa.Column("fault_detail", sa.Text(), nullable=False),
        sa.Column("faults_in_a_row", sa.Integer(), nullable=False),
        sa.Column("oddities", JSON, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sources"),
        sa.UniqueConstraint("url", name="uq_sources_url"),
    )
    op.create_index("ix_sources_next_fetch_at", "sources", ["next_fetch_at"])

    op.create_table(
        "subscribers",
        sa.Column("id", ID, nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("address_key", sa.String(length=254), nullable=True),
        sa.Column("address_hash", sa.String(length=64), nullable=False),
        sa.Column("domain", sa.String(length=254), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("zone", sa.String(length=60), nullable=True),
        sa.Column("language", sa.String(length=35), nullable=True),
        sa.Column(
            "text_size",
            sa.Enum(
                "normal", "large", name="text_size", native_enum=False, create_constraint=True, length=24
            ),
            nullable=False,
        ),
        sa.Column("attributes", JSON, nullable=False),
        sa.Column("last_sign_of_life_at", MOMENT, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("erased_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_subscribers"),
        sa.UniqueConstraint("address_key", name="uq_subscribers_address_key"),
    )
    op.create_index("ix_subscribers_address_hash", "subscribers", ["address_hash"])
    op.create_index("ix_subscribers_domain", "subscribers", ["domain"])

    op.create_table(
        "suppressions",
        sa.Column("id", ID, nullable=False),
        sa.Column(
            "kind",
            sa.Enum("address", "domain", name="kind", native_enum=False, create_constraint=True, length=24),
            nullable=False,
        ),
        sa.Column("value", sa.String(length=254), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_suppressions"),
        sa.UniqueConstraint("kind", "value", name="uq_suppressions_kind_value"),
    )
    op.create_table(
        "transports",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("port", sa.Integer(), nullable=False),
        sa.Column(
            "security",
            sa.Enum(
                "none",
                "starttls",
                "tls",
                name="security",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("secret_name", sa.String(length=60), nullable=True),
        sa.Column("helo", sa.Text(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        sa.Column("tested_at", MOMENT, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.CheckConstraint("port between 1 and 65535", name="port_range"),
        sa.PrimaryKeyConstraint("id", name="pk_transports"),
        sa.UniqueConstraint("name", name="uq_transports_name"),
    )
    op.create_table(
        "cadences",
        sa.Column("id", ID, nullable=False),
        sa.Column("digest_id", ID, nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("cron", sa.String(length=120), nullable=False),
        sa.Column("zone", sa.String(length=60), nullable=False),
        sa.Column(
            "selection",
            sa.Enum(
                "latest", "best_of", name="selection", native_enum=False, create_constraint=True, length=24
            ),
            nullable=False,
        ),
        sa.Column("lead_seconds", sa.Integer(), nullable=False),
        sa.Column("grace_seconds", sa.Integer(), nullable=False),
        sa.Column("is_running", sa.Boolean(), nullable=False),
        sa.Column("slots_after", MOMENT, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["digest_id"], ["digests.id"], name="fk_cadences_digest_id", ondelete="CASCADE"
        ),
        sa.CheckConstraint("lead_seconds between 0 and 86400", name="lead_seconds_range"),
        sa.CheckConstraint("grace_seconds between 0 and 604800", name="grace_seconds_range"),
        sa.PrimaryKeyConstraint("id", name="pk_cadences"),
        sa.UniqueConstraint("digest_id", "name", name="uq_cadences_digest_id_name"),
    )
    op.create_table(
        "digest_sources",
        sa.Column("digest_id", ID, nullable=False),
        sa.Column("source_id", ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["digest_id"], ["digests.id"], name="fk_digest_sources_digest_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["source_id"], ["sources.id"], name="fk_digest_sources_source_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("digest_id", "source_id", name="pk_digest_sources"),
    )
    op.create_index("ix_digest_sources_source_id", "digest_sources", ["source_id"])

    op.create_table(
        "mailing_lists",
        sa.Column("id", ID, nullable=False),
        sa.Column("digest_id", ID, nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column(
            "uncertain_policy",
            sa.Enum(
                "hold",
                "resend",
                name="uncertain_policy",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["digest_id"], ["digests.id"], name="fk_mailing_lists_digest_id"),
        sa.PrimaryKeyConstraint("id", name="pk_mailing_lists"),
        sa.UniqueConstraint("name", name="uq_mailing_lists_name"),
    )
    op.create_index("ix_mailing_lists_digest_id", "mailing_lists", ["digest_id"])

    op.create_table(
        "post_fingerprints",
        sa.Column("value", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("post_id", ID, nullable=True),
        sa.Column("first_seen_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["post_id"], ["posts.id"], name="fk_post_fingerprints_post_id", ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("value", name="pk_post_fingerprints"),
    )
    op.create_index("ix_post_fingerprints_post_id", "post_fingerprints", ["post_id"])

    op.create_table(
        "post_sources",
        sa.Column("source_id", ID, nullable=False),
        sa.Column("post_id", ID, nullable=False),
        sa.Column("is_news", sa.Boolean(), nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["post_id"], ["posts.id"], name="fk_post_sources_post_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["source_id"], ["sources.id"], name="fk_post_sources_source_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("source_id", "post_id", name="pk_post_sources"),
    )
    op.create_index("ix_post_sources_post_id", "post_sources", ["post_id"])

    op.create_table(
        "editions",
        sa.Column("id", ID, nullable=False),
        sa.Column("public_id", sa.String(length=32), nullable=False),
        sa.Column("cadence_id", ID, nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "scheduled",
                "extra",
                "breaking",
                "correction",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("due_local", sa.String(length=40), nullable=False),
        sa.Column("send_at", MOMENT, nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "upcoming",
                "frozen",
                "held",
                "sending",
                "paused",
                "sent",
                "skipped",
                "cancelled",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column(
            "reason",
            sa.Enum(
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
                "by_person",
                "all_served",
                name="reason",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=True,
        ),
        sa.Column("reason_detail", sa.Text(), nullable=False),
        sa.Column("revision_id", ID, nullable=True),
        sa.Column("planned_at", MOMENT, nullable=True),
        sa.Column("hinted_at", MOMENT, nullable=True),
        sa.Column("state_since", MOMENT, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["cadence_id"], ["cadences.id"], name="fk_editions_cadence_id"),
        sa.PrimaryKeyConstraint("id", name="pk_editions"),
        sa.UniqueConstraint("cadence_id", "kind", "due_at", name="uq_editions_cadence_id_kind_due_at"),
        sa.UniqueConstraint("public_id", name="uq_editions_public_id"),
    )
    op.create_index("ix_editions_cadence_id", "editions", ["cadence_id"])
    op.create_index("ix_editions_state", "editions", ["state"])

    op.create_table(
        "subscriptions",
        sa.Column("id", ID, nullable=False),
        sa.Column("list_id", ID, nullable=False),
        sa.Column("subscriber_id", ID, nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "pending",
                "active",
                "paused",
                "ended",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("cadence_id", ID, nullable=True),
        sa.Column("topics", JSON, nullable=False),
        sa.Column("paused_until", MOMENT, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["cadence_id"], ["cadences.id"], name="fk_subscriptions_cadence_id"),
        sa.ForeignKeyConstraint(["list_id"], ["mailing_lists.id"], name="fk_subscriptions_list_id"),
        sa.ForeignKeyConstraint(["subscriber_id"], ["subscribers.id"], name="fk_subscriptions_subscriber_id"),
        sa.PrimaryKeyConstraint("id", name="pk_subscriptions"),
        sa.UniqueConstraint("list_id", "subscriber_id", name="uq_subscriptions_list_id_subscriber_id"),
    )
    op.create_index(
        "ix_subscriptions_audience", "subscriptions", ["list_id", "status", "cadence_id", "subscriber_id"]
    )
    op.create_index("ix_subscriptions_subscriber_id", "subscriptions", ["subscriber_id"])

    op.create_table(
        "batches",
        sa.Column("id", ID, nullable=False),
        sa.Column("edition_id", ID, nullable=False),
        sa.Column("not_before", MOMENT, nullable=False),
        sa.Column("lease", sa.Integer(), nullable=False),
        sa.Column("leased_until", MOMENT, nullable=True),
        sa.Column("journal_id", ID, nullable=True),
        sa.Column("closed_at", MOMENT, nullable=True),
        sa.Column("fault", sa.Text(), nullable=False),
        sa.Column("faults_in_a_row", sa.SmallInteger(), nullable=False),
        sa.ForeignKeyConstraint(["edition_id"], ["editions.id"], name="fk_batches_edition_id"),
        sa.ForeignKeyConstraint(["journal_id"], ["journals.id"], name="fk_batches_journal_id"),
        sa.PrimaryKeyConstraint("id", name="pk_batches"),
    )
    op.create_index("ix_batches_edition_id", "batches", ["edition_id"])
    op.create_index("ix_batches_journal_id", "batches", ["journal_id"])
    op.create_index("ix_batches_open", "batches", ["closed_at", "not_before"])

    op.create_table(
        "consent_events",
        sa.Column("id", ID, nullable=False),
        sa.Column("subscription_id", ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("action", sa.String(length=24), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "pending",
                "active",
                "paused",
                "ended",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("details", JSON, nullable=True),
        sa.Column("salt", sa.String(length=32), nullable=True),
        sa.Column("commitment", sa.String(length=64), nullable=False),
        sa.Column("link", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["subscription_id"], ["subscriptions.id"], name="fk_consent_events_subscription_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_consent_events"),
        sa.UniqueConstraint("subscription_id", "number", name="uq_consent_events_subscription_id_number"),
    )
    op.create_table(
        "revisions",
        sa.Column("id", ID, nullable=False),
        sa.Column("edition_id", ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("preheader", sa.Text(), nullable=False),
        sa.Column("web_html", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["edition_id"], ["editions.id"], name="fk_revisions_edition_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_revisions"),
        sa.UniqueConstraint("edition_id", "number", name="uq_revisions_edition_id_number"),
    )
    op.create_table(
        "sent_items",
        sa.Column("cadence_id", ID, nullable=False),
        sa.Column("post_id", ID, nullable=False),
        sa.Column("rerun", sa.Integer(), nullable=False),
        sa.Column("edition_id", ID, nullable=False),
        sa.ForeignKeyConstraint(["cadence_id"], ["cadences.id"], name="fk_sent_items_cadence_id"),
        sa.ForeignKeyConstraint(["edition_id"], ["editions.id"], name="fk_sent_items_edition_id"),
        sa.PrimaryKeyConstraint("cadence_id", "post_id", "rerun", name="pk_sent_items"),
    )
    op.create_index("ix_sent_items_edition_id", "sent_items", ["edition_id"])

    op.create_table(
        "items",
        sa.Column("revision_id", ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column(
            "role",
            sa.Enum("featured", "recent", name="role", native_enum=False, create_constraint=True, length=24),
            nullable=False,
        ),
        sa.Column("post_id", ID, nullable=True),
        sa.Column("story", JSON, nullable=False),
        sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name="fk_items_post_id", ondelete="SET NULL"),
        sa.ForeignKeyConstraint(
            ["revision_id"], ["revisions.id"], name="fk_items_revision_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("revision_id", "position", name="pk_items"),
    )
    op.create_index("ix_items_post_id", "items", ["post_id"])

    op.create_table(
        "variants",
        sa.Column("id", ID, nullable=False),
        sa.Column("revision_id", ID, nullable=False),
        sa.Column("topics", sa.Text(), nullable=False),
        sa.Column("text_size", sa.String(length=12), nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("mail", sa.LargeBinary(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["revision_id"], ["revisions.id"], name="fk_variants_revision_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_variants"),
        sa.UniqueConstraint(
            "revision_id", "topics", "text_size", name="uq_variants_revision_id_topics_text_size"
        ),
    )
    if op.get_bind().dialect.name == "postgresql":
        # Ranges of editions are made ahead by the tick; what no range takes falls into the default one.
        op.execute("CREATE TABLE deliveries_default PARTITION OF deliveries DEFAULT")
        op.execute(
            "CREATE TABLE deliveries_from_0 PARTITION OF deliveries "
            "FOR VALUES FROM (0) TO (1000) WITH (fillfactor = 80)"
        )

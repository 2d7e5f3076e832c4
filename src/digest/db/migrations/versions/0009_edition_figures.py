"""What came of editions that are over, counted once: lists of editions need not count their deliveries

A new table; processes of the release before know nothing of it and count.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(sa.dialects.postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "edition_figures",
        sa.Column("edition_id", ID, nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("sent", "failed", "skipped")),
        sa.Column("uncertain", sa.Integer(), nullable=False),
        sa.Column("details", JSON, nullable=False),
        sa.Column("mark", sa.Text(), nullable=False),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("edition_id", name="pk_edition_figures"),
        sa.ForeignKeyConstraint(
            ["edition_id"], ["editions.id"], name="fk_edition_figures_edition_id", ondelete="CASCADE"
        ),
    )

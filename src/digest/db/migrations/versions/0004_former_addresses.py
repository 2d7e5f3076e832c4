"""Addresses that a person had before, sign-ups that were one post, single mails found by their address"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "former_addresses",
        sa.Column("subscriber_id", ID, nullable=False),
        sa.Column("address_hash", sa.String(64), nullable=False),
        sa.Column("until", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscribers.id"], name="fk_former_addresses_subscriber_id_subscribers"
        ),
        sa.PrimaryKeyConstraint("subscriber_id", "address_hash", name="pk_former_addresses"),
    )
    op.create_index("ix_former_addresses_address_hash", "former_addresses", ["address_hash"])
    op.add_column("confirmations", sa.Column("post", sa.String(32), nullable=True))
    op.create_index("ix_notices_address", "notices", ["address"])

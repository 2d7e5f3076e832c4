"""Run by Alembic, always through `digest.db.schema`, on the connection that it hands over."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import context

from digest.db.base import NAMES

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=context.config.attributes.get("metadata", sa.MetaData(naming_convention=NAMES)),
    render_as_batch=True,
    compare_type=True,
    **context.config.attributes.get("options", {}),
)
context.run_migrations()

"""The names of the migrations say what Alembic reads inside them."""

from __future__ import annotations

from alembic.script import ScriptDirectory

from digest.db import schema


def test_the_names_of_the_migrations_are_their_revisions() -> None:
    """Processes ask the file names for the head; Alembic, which follows the chain, must say the same."""
    scripts = ScriptDirectory.from_config(schema.configuration())
    assert scripts.get_heads() == [schema.head()]
    assert {script.revision for script in scripts.walk_revisions()} == schema._revisions()

"""An edition's own sign-off: one more kind of what editors change

Processes of the release before read no such change: they do not work with this schema.
"""

from digest.db.migrations.alter import change_check, is_in

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_CHANGES = (
    *("pin", "drop", "include", "rewrite", "intro", "subject", "preheader", "accept", "own_item", "note"),
    "sign_off",
)


def upgrade() -> None:
    change_check("edition_changes", "kind", is_in("kind", *_CHANGES))

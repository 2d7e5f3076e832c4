"""An edition's own sign-off: one more kind of what editors change; and a reason that no edition ever had

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
# Without "no_transport": an edition that has nothing to be handed to waits, and its batches say why.
_REASONS = (
    *("nothing_new", "too_few_stories", "no_readers", "past_grace", "sources_down", "no_postal_address"),
    *("no_sign_off_link", "too_large", "transport_failing", "rendering_failed", "unusual_news", "blocked"),
    *("no_featured", "thin_news", "wants_approval", "not_approved", "merged", "missed", "deadline"),
    *("by_person", "all_served"),
)


def upgrade() -> None:
    change_check("editions", "reason", is_in("reason", *_REASONS))
    change_check("edition_changes", "kind", is_in("kind", *_CHANGES))

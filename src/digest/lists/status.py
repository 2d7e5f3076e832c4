"""What may become of a subscription: one table, pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from digest.errors import StateError
from digest.i18n import N_
from digest.models import SubscriptionStatus


class Action(StrEnum):
    """What is done to a subscription; each is an event of its chain."""

    SIGN_UP = "sign_up"
    IMPORT = "import"
    CONFIRM = "confirm"
    PAUSE = "pause"
    RESUME = "resume"
    END = "end"
    REVIVE = "revive"
    ERASE = "erase"
    ADDRESS = "address"  # the person moved to another address; the status stays
    CHANGE = "change"  # another rhythm or other topics, or why somebody left; the status stays
    UNDO_IMPORT = "undo_import"  # ended with its import, as if that had not been; a later one may bring it
    KEEP = "keep"  # the answer that they still want it; changes no status, so it is not in the table


class Origin(StrEnum):
    """Where a change came from. Only what people do themselves is a sign of life."""

    FORM = "form"
    CONFIRM_LINK = "confirm_link"
    PREFERENCES = "preferences"
    ONE_CLICK = "one_click"
    MAIL = "mail"  # a sign-off sent by mail
    CLI = "cli"
    DESK = "desk"
    IMPORT = "import"
    SWEEP = "sweep"
    FEEDBACK = "feedback"

    @property
    def is_own(self) -> bool:
        """Whether the person acted, not a clerk or a clock."""
        return self in _OWN


_OWN = frozenset({Origin.FORM, Origin.CONFIRM_LINK, Origin.PREFERENCES, Origin.ONE_CLICK, Origin.MAIL})

_PENDING = SubscriptionStatus.PENDING
_ACTIVE = SubscriptionStatus.ACTIVE
_PAUSED = SubscriptionStatus.PAUSED
_ENDED = SubscriptionStatus.ENDED

# Those of people who have confirmed, and not ended it: only they can be changed, or lead to another list.
RUNNING: Final = frozenset({_ACTIVE, _PAUSED})

# Where both sides are the same, the action was done already and nothing is written; a change of rhythm or
# topics keeps the status. Nothing leads out of `ended`: only a sign-up revives (`subscribe.add_subscriber`),
# or the person takes back their own leaving, and it is what it was (`leaving.undo_leaving`).
TRANSITIONS: Mapping[tuple[SubscriptionStatus, Action], SubscriptionStatus] = {
    (_PENDING, Action.CONFIRM): _ACTIVE,
    (_PENDING, Action.END): _ENDED,
    (_ACTIVE, Action.CONFIRM): _ACTIVE,
    (_ACTIVE, Action.PAUSE): _PAUSED,
    (_ACTIVE, Action.RESUME): _ACTIVE,
    (_ACTIVE, Action.CHANGE): _ACTIVE,
    (_ACTIVE, Action.END): _ENDED,
    (_PAUSED, Action.PAUSE): _PAUSED,
    (_PAUSED, Action.RESUME): _ACTIVE,
    (_PAUSED, Action.CHANGE): _PAUSED,
    (_PAUSED, Action.END): _ENDED,
    (_ENDED, Action.END): _ENDED,
}


def next_status(status: SubscriptionStatus, action: Action) -> SubscriptionStatus:
    """What the action makes of the status; raises StateError where it may not be done."""
    found = TRANSITIONS.get((status, action))
    if found is not None:
        return found
    if status is _ENDED:
        raise StateError(
            N_("This subscription has ended; only a new sign-up by the person themself revives it.")
        )
    if status is _PENDING:
        raise StateError(N_("This subscription is not confirmed yet; it can only be confirmed or ended."))
    raise StateError(
        N_("As this subscription stands, that cannot be done with it."),
        hint=f"It is {status.value}: {action.value}.",
    )

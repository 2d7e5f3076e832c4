"""What became of a subscription, in words for the desk: statuses, acts, and where each came from. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from digest.i18n import N_, Translator
from digest.models import DeliveryStatus, NoticeState, OptIn, SubscriptionStatus, SuppressionCause

STATUSES: Final = {
    SubscriptionStatus.PENDING: N_("not confirmed"),
    SubscriptionStatus.ACTIVE: N_("gets mail"),
    SubscriptionStatus.PAUSED: N_("paused"),
    SubscriptionStatus.ENDED: N_("ended"),
}
TONES: Final = {"pending": "warn", "active": "good", "paused": "note", "ended": "plain"}
DELIVERIES: Final = {
    DeliveryStatus.PENDING: N_("waits"),
    DeliveryStatus.SENT: N_("handed over"),
    DeliveryStatus.FAILED: N_("failed"),
    DeliveryStatus.SKIPPED: N_("not mailed"),
    DeliveryStatus.UNCERTAIN: N_("may have arrived"),
}
DELIVERY_TONES: Final = {
    "pending": "note",
    "sent": "good",
    "failed": "bad",
    "skipped": "plain",
    "uncertain": "warn",
}
NOTICES: Final = {
    NoticeState.PENDING: N_("waits"),
    NoticeState.SENT: N_("handed over"),
    NoticeState.FAILED: N_("failed"),
    NoticeState.UNCERTAIN: N_("may have arrived"),
}
CAUSES: Final = {
    SuppressionCause.NEVER: N_("never again, as they asked"),
    SuppressionCause.LEGAL: N_("for a reason of law"),
    SuppressionCause.BOUNCE: N_("mails to it came back"),
    SuppressionCause.COMPLAINT: N_("a complaint"),
}
OPT_INS: Final = {
    OptIn.DOUBLE: N_("a sign-up counts once it is confirmed by a link"),
    OptIn.SINGLE: N_("a sign-up counts at once"),
}
_DID: Final = {
    "sign_up": N_("signed up"),
    "import": N_("was brought by an import"),
    "confirm": N_("confirmed the sign-up"),
    "pause": N_("paused"),
    "resume": N_("ended the pause"),
    "end": N_("left"),
    "revive": N_("came back"),
    "erase": N_("was erased"),
    "address": N_("moved to another address"),
    "change": N_("changed what comes and when, or said why they left"),
    "undo_import": N_("was taken off with an import that was undone"),
    "keep": N_("answered that they still want it"),
}
_WAYS: Final = {
    "form": N_("on the sign-up page"),
    "confirm_link": N_("by the link of the confirmation mail"),
    "preferences": N_("on their own page"),
    "one_click": N_("by the button of their mail program"),
    "mail": N_("by a mail"),
    "cli": N_("entered at the command line"),
    "desk": N_("entered at the desk"),
    "import": N_("from a file"),
    "sweep": N_("by the clock"),
    "feedback": N_("by a report of a mail service"),
}
_SPOKEN: Final = {"phone": N_("by phone"), "in-person": N_("in person"), "letter": N_("by letter")}


def event_words(action: str, source: str, details: Mapping[str, str] | None, words: Translator) -> str:
    """What a person did and how, as a part of a sentence that begins with who it was."""
    did, way = _DID.get(action), _WAYS.get(source)
    spoken = _SPOKEN.get((details or {}).get("by", ""))
    parts = [words.gettext(each) for each in (did, spoken, way) if each]
    return ", ".join(parts) if parts else action


def spoken_ways(words: Translator) -> list[tuple[str, str, str]]:
    """The ways in which somebody's word reaches the desk, for `ui.radios`."""
    return [(key, words.gettext(text), "") for key, text in _SPOKEN.items()]

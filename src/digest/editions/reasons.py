"""A sentence for each reason code, in the reader's language."""

from __future__ import annotations

from digest.i18n import N_, Translator
from digest.models import EditionState, Reason

SENTENCES: dict[Reason, str] = {
    Reason.NOTHING_NEW: N_("Skipped: there was nothing new since the last edition."),
    Reason.TOO_FEW_STORIES: N_("Skipped: there were fewer new stories than this digest asks for."),
    Reason.NO_READERS: N_("Skipped: nobody on its lists is to be mailed now."),
    Reason.PAST_GRACE: N_("Skipped: its time had passed by more than the grace allows."),
    Reason.SOURCES_DOWN: N_("Skipped: its sources could not be read and nothing new was known."),
    Reason.NO_POSTAL_ADDRESS: N_("Held: the digest has no postal address, which every mail must carry."),
    Reason.BLOCKED: N_("Held: the checks found what must not go out."),
    Reason.NO_SIGN_OFF_LINK: N_("Held: its template has no sign-off link, which every mail must carry."),
    Reason.TOO_LARGE: N_("Held: the message is larger than mail programs show without cutting it."),
    Reason.TRANSPORT_FAILING: N_("Paused: the mail service takes no messages."),
    Reason.RENDERING_FAILED: N_("Held: the message could not be made from its template."),
    Reason.UNUSUAL_NEWS: N_(
        "Held: its news is unusual. Look whether it is meant, and accept it or mark it as seen."
    ),
    Reason.NO_FEATURED: N_("Held: there is no story to feature, and this digest wants one."),
    Reason.THIN_NEWS: N_("Held: there is less news than this digest asks for."),
    Reason.WANTS_APPROVAL: N_("Waiting: somebody is to approve it before it goes out."),
    Reason.NOT_APPROVED: N_("Skipped: nobody had approved it in time."),
    Reason.MERGED: N_("Skipped: its time was missed; its stories go out with the next edition."),
    Reason.MISSED: N_("Skipped: its time was missed."),
    Reason.DEADLINE: N_("Decided at its deadline, for nobody had decided before."),
    Reason.BY_PERSON: N_("Changed by a person."),
    Reason.ALL_SERVED: N_("Handed over to everybody who was to get it."),
}

# Why there is nothing to show of an edition that nobody has skipped or held yet.
_NONE_YET: dict[Reason, str] = {
    Reason.NOTHING_NEW: N_("There was nothing new since the last edition."),
    Reason.TOO_FEW_STORIES: N_("There are fewer new stories than this digest asks for."),
    Reason.SOURCES_DOWN: N_("Its sources could not be read, and nothing new was known."),
    Reason.NO_FEATURED: N_("There is no story to feature, and this digest wants one."),
    Reason.THIN_NEWS: N_("There is less news than this digest asks for."),
}

STATES: dict[EditionState, str] = {
    EditionState.UPCOMING: N_("coming"),
    EditionState.FROZEN: N_("locked"),
    EditionState.HELD: N_("held"),
    EditionState.SENDING: N_("being handed over"),
    EditionState.PAUSED: N_("paused"),
    EditionState.SENT: N_("handed over"),
    EditionState.SKIPPED: N_("skipped"),
    EditionState.CANCELLED: N_("cancelled"),
}


def sentence(reason: Reason, words: Translator) -> str:
    """Why an edition is in its state, for a person."""
    return words.gettext(SENTENCES[reason])


def why_none(reason: Reason) -> str:
    """Why an edition has no mail to be shown yet, as the message of an error."""
    return _NONE_YET.get(reason, SENTENCES[reason])


def state_name(state: EditionState, words: Translator) -> str:
    """A state as the screen calls it."""
    return words.gettext(STATES[state])

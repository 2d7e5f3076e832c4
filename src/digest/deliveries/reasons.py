"""A sentence for what became of a delivery, in the reader's language."""

from __future__ import annotations

from digest.i18n import N_, Translator
from digest.models import DeliveryReason, DeliveryStatus, UncertainCause

REASONS: dict[DeliveryReason, str] = {
    DeliveryReason.NOT_WANTED: N_(
        "Not mailed: when its turn came, the subscription was paused or had ended, "
        "or the address was on the do-not-mail list."
    ),
    DeliveryReason.CANCELLED: N_("Not mailed: the edition was cancelled before its turn came."),
    DeliveryReason.RAMP_UP: N_("Not mailed: a new sender may mail only so many people on a day."),
    DeliveryReason.TOO_LATE: N_("Not mailed: it was put off until the edition was no longer worth having."),
    DeliveryReason.TOO_FEW_STORIES: N_("Not mailed: too few stories of the topics this person chose."),
    DeliveryReason.UNMAILABLE: N_("Not mailed: what is known of this person cannot be put into a mail."),
}

STATUSES: dict[DeliveryStatus, str] = {
    DeliveryStatus.PENDING: N_("Waiting for its turn."),
    DeliveryStatus.SENT: N_("Handed over: the mail service has taken it."),
    DeliveryStatus.FAILED: N_("Failed: the mail service has refused it."),
    DeliveryStatus.SKIPPED: N_("Not mailed."),
    DeliveryStatus.UNCERTAIN: N_("May have arrived: the answer of the mail service was never heard."),
}

CAUSES: dict[UncertainCause, str] = {
    UncertainCause.CONNECTION_ENDED: N_("The connection ended before the answer came."),
    UncertainCause.NO_ANSWER: N_("No answer came before the worker had to go on."),
    UncertainCause.WORKER_ENDED: N_("The worker ended before it could note the answer."),
    UncertainCause.JOURNAL_LOST: N_("The machine was restarted or is gone, and its record with it."),
}


def sentence(status: DeliveryStatus, reason: DeliveryReason | None, words: Translator) -> str:
    """What became of a delivery, for a person: its reason's sentence where it has one."""
    return words.gettext(REASONS[reason] if reason is not None else STATUSES[status])


def cause_sentence(cause: UncertainCause, words: Translator) -> str:
    """Why nobody can know whether a mail arrived, for a person."""
    return words.gettext(CAUSES[cause])

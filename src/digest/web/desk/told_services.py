"""Mail services in words for the desk: how each does, its pace, and what an answer of one means. Pure."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from digest.errors import DigestError
from digest.i18n import N_, Translator
from digest.mail.smtp_errors import ConnectionEndedError, SignInError
from digest.models import Security, Signer, Transport

SECURITIES: Final = {
    Security.STARTTLS: N_("after the greeting (STARTTLS)"),
    Security.TLS: N_("from the start (TLS)"),
    Security.NONE: N_("none: a server on this machine"),
}
SIGNERS: Final = {
    Signer.RELAY: (
        N_("The mail service"),
        N_("It says which record to publish. So it is with nearly all providers."),
    ),
    Signer.US: (N_("We do"), N_("With a key of ours, for a server of your own that does not sign.")),
}
_REPLY: Final = re.compile(r"\b([245])(\d\d) (?:([245]\.\d{1,3}\.\d{1,3})\b)?")


@dataclass(frozen=True, slots=True)
class ToldService:
    """How a mail service does: a word with its colour, and a sentence."""

    badge: str
    tone: str
    sentence: str


def told_service(
    row: Transport, words: Translator, *, now: dt.datetime, at: Callable[[dt.datetime], str]
) -> ToldService:
    """Whether readers are mailed by it, and if not, why. `at` tells a moment."""
    _ = words.gettext
    if not row.is_enabled:
        return ToldService(_(N_("off")), "plain", _(N_("It is switched off: nobody is mailed by it.")))
    if row.accepted_at is None:
        said = N_("It has taken no test mail yet. Readers are mailed by it once it has.")
        return ToldService(_(N_("to be tested")), "warn", _(said))
    if row.rests_until is not None and row.rests_until > now:
        said = N_("It fails. The next try: %(when)s. It said: %(fault)s")
        return ToldService(_(N_("fails")), "bad", _(said, when=at(row.rests_until), fault=row.fault))
    if row.fault:
        said = N_("It failed, and the next mail tries it again. It said: %(fault)s")
        return ToldService(_(N_("failed")), "warn", _(said, fault=row.fault))
    said = N_("It works. The last test mail: %(when)s.")
    return ToldService(_(N_("works")), "good", _(said, when=at(row.accepted_at)))


def told_pace(row: Transport, words: Translator) -> str:
    """Its limits as a part of a sentence."""
    _ = words.gettext
    parts = []
    if row.per_second:
        parts.append(_(N_("%(number)s a second"), number=f"{row.per_second:g}"))
    if row.per_hour:
        parts.append(_(N_("%(number)s an hour"), number=words.number(row.per_hour)))
    return ", ".join(parts) or _(N_("as fast as it takes them"))


def told_duration(count: int, takes: dt.timedelta | None, words: Translator) -> str:
    """How long so many mails take, as a sentence; None: nothing limits them."""
    if takes is None:
        return words.ngettext(
            "%(count)s mail goes as fast as it takes it.",
            "%(count)s mails go as fast as it takes them.",
            count,
        )
    if takes < dt.timedelta(minutes=1):
        return words.ngettext(
            "%(count)s mail takes less than a minute.", "%(count)s mails take less than a minute.", count
        )
    return words.ngettext(
        "%(count)s mail takes about %(time)s.",
        "%(count)s mails take about %(time)s.",
        count,
        time=words.span(takes),
    )


def advice(error: DigestError, words: Translator) -> str:
    """What to look at after a test that failed; "" where the sentence itself says it."""
    text = str(error)
    found = _advice_on_connection(error, text)
    if not found:
        reply = _REPLY.search(text)
        if reply is None:
            return ""
        found = _advice_on_reply(reply[1], reply[3] or "")
    return words.gettext(found)


def _advice_on_connection(error: DigestError, text: str) -> str:
    if isinstance(error, SignInError):
        if "certificate" in text:
            return N_("Give the server by the name that stands in its certificate.")
        if "STARTTLS" in text or "TLS" in text:
            return N_(
                "Another port or another kind of encryption may be meant: the provider's pages say which."
            )
        return N_(
            "Type the password anew. With most providers it is a key made for this purpose, not the password "
            "by which somebody signs in there."
        )
    if isinstance(error, ConnectionEndedError):
        return N_(
            "It was reached and then fell silent. Port and encryption may not belong together: 587 begins in "
            "the open and is encrypted after the greeting, 465 is encrypted from the start."
        )
    if "cannot be reached" in text:
        return N_(
            "Nobody answers there. Look at the server's name and the port; where those are right, something "
            "in between may block them, as many hosting companies do with port 25."
        )
    return ""


def _advice_on_reply(first: str, enhanced: str) -> str:
    if first == "4":
        return N_("It says: not now. Try again in some minutes; new accounts are often let in slowly.")
    if enhanced.startswith(("5.7.", "5.1.8", "5.1.7")):
        return N_(
            "It does not let us send as this sender. Most providers want the sender's domain or address "
            "to be confirmed on their own pages first."
        )
    return N_("It refuses for good. What it said, given to its support, is the quickest way on.")

"""The common mail services in words for whoever sets one up: what the user name is, what to know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from digest.i18n import N_


class PresetWords(NamedTuple):
    """Each may be empty."""

    user_name: str = ""
    note: str = ""


PRESET_WORDS: Final[Mapping[str, PresetWords]] = {
    "amazon-ses": PresetWords(
        N_("The “SMTP user name” made in the SES console, not an access key."),
        N_("A new account may send 1 mail a second, and 200 a day; the console shows your own limits."),
    ),
    "mailgun": PresetWords(
        N_("The login among the sending domain's “SMTP credentials”, such as postmaster@mg.example.org.")
    ),
    "postmark": PresetWords(
        N_("The access key of the broadcast stream's “SMTP token”; its secret key is the password."),
        N_("Mail to lists goes by the broadcast stream, which has a server of its own."),
    ),
    "sendgrid": PresetWords(N_("The word apikey; the password is an API key that may send.")),
    "brevo": PresetWords(
        N_("The login shown under “SMTP & API”; the password is an “SMTP key”."),
        N_("A free plan takes a small number a day; the rest waits."),
    ),
    "mailjet": PresetWords(N_("The API key; the password is the secret key.")),
    "gmail-relay": PresetWords(
        N_("A Workspace account, with an app password; none if the relay knows this machine's address."),
        N_("An account may mail 10,000 people a day. Signing is set up in the Admin console."),
    ),
    "microsoft-365": PresetWords(
        N_("The mailbox's address; “SMTP AUTH” must be allowed for it."),
        N_("30 mails a minute and 10,000 people a day; it is not meant for large lists."),
    ),
    "own-server": PresetWords(
        N_("An account that may hand mail in there."),
        N_("We sign the mails, unless the server does so itself (OpenDKIM, Rspamd)."),
    ),
    "postfix-local": PresetWords(
        "", N_("We sign the mails, unless Postfix does so itself (OpenDKIM, Rspamd).")
    ),
}
TITLES: Final[Mapping[str, str]] = {
    # Names of products stay as they are; these are none.
    "own-server": N_("A mail server of your own, by name"),
    "postfix-local": N_("Postfix on this machine"),
}

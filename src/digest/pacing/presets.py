"""What is known of common mail services: where they listen, who signs, what they allow. No storage.

Only published facts, and only limits that hold for every account; where a contract sets the number, the hint
says so. Each may be overridden by an option of `digest transport add`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from digest.errors import InputError
from digest.i18n import N_
from digest.models import Security, Signer

_REGION = re.compile(r"[a-z]{2,4}(?:-[a-z]+){0,3}(?:-[0-9])?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """A mail service as its makers describe it.

    `host` may hold `{region}`; "" is for whoever adds it to say. `regions` gives hosts of their own to some
    regions. A limit that is None is not known to hold for everybody.
    """

    title: str
    host: str = ""
    port: int = 587
    security: Security = Security.STARTTLS
    username: str = ""  # one that is the same for all
    username_hint: str = ""  # what the user name is; "" for a service without one
    signer: Signer = Signer.RELAY
    per_second: float | None = None
    per_hour: int | None = None
    connections: int = 8
    regions: Mapping[str, str] | None = None
    hint: str = ""

    @property
    def needs_region(self) -> bool:
        return "{region}" in self.host


PRESETS: Mapping[str, Preset] = {
    # docs.aws.amazon.com/ses/latest/dg/smtp-connect.html. 1 a second (and 200 a day) is a new account in the
    # "sandbox"; over its rate it answers 454, which defers the people it says it of.
    "amazon-ses": Preset(
        title="Amazon SES",
        host="email-smtp.{region}.amazonaws.com",
        username_hint="the SMTP user name made in the SES console, not an access key",
        per_second=1.0,
        hint="1 a second is the limit of a new account; the console shows yours (`--per-second`).",
    ),
    # documentation.mailgun.com: two regions with a host each; the limits are the plan's.
    "mailgun": Preset(
        title="Mailgun",
        host="smtp.mailgun.org",
        regions={"us": "smtp.mailgun.org", "eu": "smtp.eu.mailgun.org"},
        username_hint="the login of the sending domain's SMTP credentials, such as postmaster@mg.example.org",
    ),
    # postmarkapp.com/developer/user-guide/send-email-with-smtp: mail to lists must go by a broadcast stream,
    # which has a host of its own.
    "postmark": Preset(
        title="Postmark, broadcast stream",
        host="smtp-broadcasts.postmarkapp.com",
        username_hint="the access key of the broadcast stream's SMTP token; its secret key is the password",
    ),
    # www.twilio.com/docs/sendgrid/for-developers/sending-email/integrating-with-the-smtp-api: the user name
    # is this very word, the password an API key.
    "sendgrid": Preset(
        title="Twilio SendGrid",
        host="smtp.sendgrid.net",
        username="apikey",
        username_hint="the word apikey; the password is an API key that may send",
    ),
    # developers.brevo.com/docs/smtp-integration
    "brevo": Preset(
        title="Brevo",
        host="smtp-relay.brevo.com",
        username_hint="the SMTP login shown under SMTP & API; the password is an SMTP key",
        hint="A free plan takes a small number a day; the rest is deferred.",
    ),
    # dev.mailjet.com/smtp-relay/configuration
    "mailjet": Preset(
        title="Mailjet",
        host="in-v3.mailjet.com",
        username_hint="the API key; the password is the secret key",
    ),
    # support.google.com/a/answer/2956491: 10,000 recipients a day for each user who relays. No number of a
    # second or an hour is published.
    "gmail-relay": Preset(
        title="Google Workspace SMTP relay",
        host="smtp-relay.gmail.com",
        username_hint="a Workspace user, with an app password; none if the relay knows this machine's IP",
        hint="A user may relay to 10,000 people a day. DKIM is set up in the Admin console.",
    ),
    # learn.microsoft.com/en-us/exchange/troubleshoot/send-emails/smtp-submission-improvements: 30 messages a
    # minute, three connections at a time, 10,000 recipients a day, for each mailbox.
    "microsoft-365": Preset(
        title="Microsoft 365, SMTP submission",
        host="smtp.office365.com",
        username_hint="the mailbox's address; SMTP AUTH must be allowed for it",
        per_second=0.5,
        connections=2,
        hint="30 mails a minute and 10,000 people a day; it is not meant for large lists.",
    ),
    # A server of one's own rarely signs unless a milter was set up for it.
    "own-server": Preset(
        title="A mail server of your own, by name",
        username_hint="a user that may submit mail there",
        signer=Signer.US,
        hint="We sign. If the server does (OpenDKIM, Rspamd): `--signer relay`.",
    ),
    "postfix-local": Preset(
        title="Postfix on this machine",
        host="127.0.0.1",
        port=25,
        security=Security.NONE,
        signer=Signer.US,
        hint="We sign. If Postfix does (OpenDKIM, Rspamd): `--signer relay`.",
    ),
}


def preset(name: str, *, region: str | None = None) -> Preset:
    """The preset of this name, its host in full; raises InputError for an unknown one or a region's sake."""
    found = PRESETS.get(name)
    if found is None:
        raise InputError(
            N_("There is no preset %(name)r; there are: %(known)s."), name=name[:60], known=", ".join(PRESETS)
        )
    if found.needs_region:
        if region is None:
            raise InputError(
                N_("%(name)s needs its region, such as eu-central-1."),
                name=found.title,
                hint="Give it as --region.",
            )
        if not _REGION.fullmatch(region):
            raise InputError(N_("%(text)r is not a region; write it like eu-central-1."), text=region[:40])
        return replace(found, host=found.host.format(region=region))
    if region is None:
        return found
    if not found.regions:
        raise InputError(N_("%(service)s has no regions."), service=found.title, hint="Leave --region out.")
    if region not in found.regions:
        raise InputError(
            N_("%(name)s has these regions: %(names)s."), name=found.title, names=", ".join(found.regions)
        )
    return replace(found, host=found.regions[region])

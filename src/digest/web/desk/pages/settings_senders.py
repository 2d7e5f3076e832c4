"""Whom mails come from, and the sheet of what the DNS must say of these domains."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from digest.accounts.rights import May
from digest.addresses import parse_domain
from digest.errors import ConfigError, InputError
from digest.i18n import N_
from digest.mail.signing_key import zone_line
from digest.models import Digest, Signer, Transport
from digest.pacing import dkim_keys
from digest.pacing.sender_check import Asked, asked_for, check_sender
from digest.preflight.findings import Finding, Level
from digest.preflight.sheet import sheet
from digest.web.desk.outward import away
from digest.web.desk.table import desk
from digest.web.desk.visit import Here, Visit

_HEADINGS: Final = (
    (Level.FAULT, N_("To do"), "bad"),
    (Level.ADVICE, N_("Better so"), "warn"),
    (Level.UNKNOWN, N_("Not known"), "plain"),
    (Level.GOOD, N_("Well already"), "good"),
)
_SEVERAL: Final = ("selectors", "includes", "addresses")
_BETWEEN: Final = re.compile(r"[\s,;]+")


@desk.get("/settings/senders", may=May.RUN_SETTINGS)
def show_senders(visit: Here) -> Response:
    """The senders of all digests by domain, and whether we have a key of it."""
    return _senders(visit)


@desk.post("/settings/senders/check", may=May.RUN_SETTINGS)
async def check_domain(visit: Here) -> Response:
    """Ask the DNS and show the sheet. It changes nothing; asked once more, it looks once more."""
    form = visit.form
    try:
        asked = asked_for(
            form.text("domain")[:300],
            bounce_domain=form.text("bounce_domain")[:300],
            **{name: _parts(form.text(name)) for name in _SEVERAL},
        )
        findings = await away(
            lambda: check_sender(
                visit.database,
                asked,
                secrets_folder=visit.settings.secrets_folder,
                servers=visit.settings.dns_addresses,
            )
        )
    except (InputError, ConfigError) as error:
        return await run_in_threadpool(_senders, visit, visit.told(error))
    return await run_in_threadpool(_sheet, visit, asked, findings)


def sender_domain(address: str) -> str:
    """The domain of a sender's address as keys have it; "" for one that is none."""
    try:
        return parse_domain(address.rpartition("@")[2])
    except InputError:
        return ""


def we_sign(session: Session) -> list[str]:
    """The names of the mail services in use that leave signing to us."""
    query = sa.select(Transport.name).where(Transport.is_enabled, Transport.signer == Signer.US)
    return list(session.scalars(query.order_by(Transport.rank, Transport.id)))


def _senders(visit: Visit, fault: str = "") -> Response:
    with visit.database.read() as session:
        digests = list(session.scalars(sa.select(Digest).order_by(Digest.title, Digest.id)))
        keys = dkim_keys.keys_of(session)
        leaving = we_sign(session)
    of_domain: dict[str, list[Digest]] = defaultdict(list)
    for digest in digests:
        of_domain[sender_domain(digest.sender_address)].append(digest)
    signing: dict[str, int] = defaultdict(int)
    for key in keys:
        signing[key.domain] += key.is_enabled
    return visit.page(
        "settings_senders.html",
        status=422 if fault else 200,
        fault=fault,
        domains=sorted(of_domain.items()),
        signing=signing,
        leaving=leaving,
        typed={name: visit.form.text(name) for name in ("domain", "bounce_domain", *_SEVERAL)},
    )


def _sheet(visit: Visit, asked: Asked, findings: list[Finding]) -> Response:
    words = visit.words
    shown: list[tuple[str, str, list[tuple[Finding, str]]]] = []
    for level, heading, tone in _HEADINGS:
        chosen = [(one, _zone(one)) for one in findings if one.level is level]
        if chosen:
            shown.append((words.gettext(heading), tone, chosen))
    typed: dict[str, Any] = {name: ", ".join(getattr(asked, name)) for name in _SEVERAL}
    return visit.page(
        "settings_sheet.html",
        domain=asked.domain,
        groups=shown,
        faults=sum(one.level is Level.FAULT for one in findings),
        text=sheet(asked.domain, findings, bounce_domain=asked.bounce_domain, now=visit.now),
        typed={
            **typed,
            "domain": asked.domain,
            "bounce_domain": "" if asked.bounce_domain == asked.domain else asked.bounce_domain,
        },
    )


def _zone(one: Finding) -> str:
    record = one.record
    return zone_line(record.name, record.kind, record.text) if record else ""


def _parts(text: str) -> list[str]:
    """What was typed, one beside the other."""
    return [part for part in _BETWEEN.split(text[:4000]) if part]

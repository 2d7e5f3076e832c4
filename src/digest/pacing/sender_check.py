"""The check of a sender's domain: what is known of our side, what the DNS says, and what that means."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.addresses import parse_domain
from digest.db import Database
from digest.errors import InputError, Word
from digest.i18n import N_
from digest.mail.signing_key import SigningKey
from digest.models import Signer, Transport
from digest.net.dns import Lookups
from digest.net.sender_facts import gather
from digest.pacing import dkim_keys
from digest.preflight.findings import Finding
from digest.preflight.sender import OurSide, judge
from digest.preflight.sender_dkim import OurKey
from digest.preflight.sender_dkim import judge as judge_keys

MOST: Final = 20  # selectors, addresses or includes


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be looked at. The domains are in A-labels; selectors are those of the mail service."""

    domain: str
    bounce_domain: str
    selectors: tuple[str, ...] = ()
    includes: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()


def asked_for(
    domain: str,
    *,
    bounce_domain: str = "",
    selectors: Sequence[str] = (),
    includes: Sequence[str] = (),
    addresses: Sequence[str] = (),
) -> Asked:
    """The question as somebody typed it; raises InputError. Without one, bounces go to the domain itself."""
    name = parse_domain(domain)
    return Asked(
        domain=name,
        bounce_domain=parse_domain(bounce_domain) if bounce_domain else name,
        selectors=_few(N_("selectors"), [_selector(text) for text in selectors]),
        includes=_few(N_("names to be included"), [parse_domain(text) for text in includes]),
        addresses=_few(N_("addresses"), [_address(text) for text in addresses]),
    )


def check_sender(
    database: Database, asked: Asked, *, secrets_folder: Path, servers: Sequence[tuple[str, int]] = ()
) -> list[Finding]:
    """Look it all up and judge it: a flow. No transaction is open while the DNS is asked.

    Raises ConfigError for a key that cannot be read, or if there is no DNS server.
    """
    with database.read() as session:
        ours = our_side(session, asked, secrets_folder)
    selectors = [*(key.selector for key in ours.keys), *asked.selectors]
    return judge(gather(asked.domain, asked.bounce_domain, selectors, Lookups(servers)), ours)


def our_side(session: Session, asked: Asked, secrets_folder: Path) -> OurSide:
    """Our keys of the domain, and whether a mail service that is in use leaves signing to us."""
    rows = [(row, dkim_keys.load(row, secrets_folder)) for row in dkim_keys.keys_of(session, asked.domain)]
    query = sa.select(Transport.id).where(Transport.is_enabled, Transport.signer == Signer.US).limit(1)
    return OurSide(
        keys=tuple(OurKey(row.selector, key.record, row.is_enabled) for row, key in rows),
        we_sign=session.scalar(query) is not None,
        addresses=asked.addresses,
        includes=asked.includes,
    )


def check_key(key: SigningKey, servers: Sequence[tuple[str, int]] = ()) -> Finding:
    """Whether receivers find this key of ours, so that mail may be signed with it. Asks the DNS."""
    found = {key.selector: Lookups(servers).txt(key.record_name)}
    ours = OurKey(key.selector, key.record, is_enabled=False)
    return next(iter(judge_keys(key.domain, found, [ours], we_sign=False)))


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text.strip()))
    except ValueError:
        raise InputError(
            N_("%(text)r is not an IP address; write it like 192.0.2.1."), text=text[:60]
        ) from None


def _selector(text: str) -> str:
    """A selector of others may have several labels and letters that ours do not."""
    labels = text.lower().split(".")
    if not all(label.replace("-", "").replace("_", "").isalnum() for label in labels) or not text.isascii():
        raise InputError(
            N_("%(text)r is not a selector; it is the s= of a DKIM signature, like mail2026."), text=text[:60]
        )
    return text.lower()


def _few(what: str, values: list[str]) -> tuple[str, ...]:
    if len(values) > MOST:
        raise InputError(
            N_("There are too many %(what)s: %(most)s may be given."), what=Word(what), most=MOST
        )
    return tuple(values)

"""What stands beside a chain of consent: the words that people agreed to, and where a consent came from.

The words are kept once, under their fingerprint. A network address has a row of its own, with a salt of its
own, and the event's details hold a commitment to it: so it can be erased before them, and while it is there
it can be checked.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import ipaddress
import secrets
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.addresses import parse_address
from digest.db.dialect import insert_new_rows
from digest.errors import InputError, NotFoundError
from digest.i18n import N_
from digest.lists.fields import clean_line
from digest.lists.limits import network_of
from digest.models import Account, ConsentEvent, ConsentNetwork, ConsentText, NetworkRecord

TEXT = "text"  # the name of the words' fingerprint in an event's details
NETWORK = "network"  # the name of the commitment to the network address
_SALT_BYTES = 16
_CLERK_LIMIT = 120


class Spoken(StrEnum):
    """How a consent reached us that was not given on our pages."""

    PHONE = "phone"
    IN_PERSON = "in-person"
    LETTER = "letter"


def spoken_details(session: Session, by: Spoken, clerk: str) -> dict[str, str]:
    """What an event says of a consent that somebody took: how it came and the clerk's name.

    `clerk` is the address of an account, whose name is taken, or a name. Raises InputError for no name and
    NotFoundError for an address without an account.
    """
    name = clean_line(clerk, what=N_("clerk's name"), limit=_CLERK_LIMIT)
    if "@" in name:
        key = parse_address(name).key
        found = session.scalars(sa.select(Account.name).where(Account.address_key == key)).one_or_none()
        if found is None:
            raise NotFoundError(N_("No account has the clerk's address; give a name instead."))
        name = found
    if not name:
        raise InputError(N_("Say who took this consent: an account's address or a name."))
    return {"by": by.value, "clerk": name}


def fingerprint_of(text: str) -> str:
    """The fingerprint of words: SHA-256 of their UTF-8 bytes, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def keep_text(session: Session, text: str, *, now: dt.datetime, language: str | None = None) -> str:
    """Keep the words if they are new; their fingerprint, for the event's details."""
    found = fingerprint_of(text)
    row = {"fingerprint": found, "text": text, "language": language, "created_at": now}
    insert_new_rows(session, ConsentText, [row])
    return found


def recorded_network(network: str, record: NetworkRecord) -> str:
    """What is kept of a network address: all of it, its network (/24, or /48 of IPv6), or nothing.

    Nothing is kept of what is no address: a sign-up never fails for that.
    """
    text = network.strip().partition("%")[0]
    if record is NetworkRecord.NONE or (wide := network_of(text)) == "unknown":
        return ""
    if record is NetworkRecord.TRUNCATED:
        return wide
    address = ipaddress.ip_address(text)
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


def commit_to_network(salt: str, network: str) -> str:
    """The commitment to a network address: it gives nothing away without the salt."""
    return hashlib.sha256(f"{salt}{network}".encode()).hexdigest()


def new_salt() -> str:
    return secrets.token_hex(_SALT_BYTES)


def keep_network(session: Session, event_id: int, *, salt: str, network: str, erase_at: dt.datetime) -> None:
    """Keep what an event's details commit to."""
    row = {"event_id": event_id, "salt": salt, "network": network, "erase_at": erase_at}
    insert_new_rows(session, ConsentNetwork, [row])


def texts_of(session: Session, events: Iterable[ConsentEvent]) -> dict[str, str]:
    """The words that events name by fingerprint."""
    wanted = {str((event.details or {}).get(TEXT, "")) for event in events} - {""}
    query = sa.select(ConsentText.fingerprint, ConsentText.text).where(ConsentText.fingerprint.in_(wanted))
    return {row[0]: row[1] for row in session.execute(query)}


def check_texts(session: Session) -> dict[str, bool]:
    """For all the words that are kept whether their fingerprint is right; one text at a time."""
    query = sa.select(ConsentText.fingerprint, ConsentText.text).execution_options(yield_per=100)
    return {row.fingerprint: fingerprint_of(row.text) == row.fingerprint for row in session.execute(query)}


def readable(details: Mapping[str, str] | None, texts: Mapping[str, str]) -> dict[str, str]:
    """An event's details with the words in place of their fingerprint, and without commitments."""
    found = {name: value for name, value in (details or {}).items() if name not in (TEXT, NETWORK)}
    if words := texts.get((details or {}).get(TEXT, "")):
        found["consent"] = words
    return found


def networks_of(session: Session, events: Sequence[ConsentEvent]) -> dict[int, str]:
    """The network addresses that are kept still, by event."""
    query = sa.select(ConsentNetwork.event_id, ConsentNetwork.network).where(
        ConsentNetwork.event_id.in_([event.id for event in events])
    )
    return {row[0]: row[1] for row in session.execute(query)}

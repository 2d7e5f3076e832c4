"""Mail addresses: parse, compare and hash them.

An address is kept as its owner wrote it and compared by its *key*: NFC, the domain as lower-case
A-labels, the local part case-folded. RFC 5321 2.4 lets a domain tell `Bob@` from `bob@`; none that
matters does, and treating them as two people mails one person twice.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

import email_validator

from digest.errors import InputError
from digest.i18n import N_
from digest.macs import mac

# What the checker puts in brackets may repeat a part of the address.
_DETAIL = re.compile(r" \(.*\)(?=\.)", re.DOTALL)
_DOMAIN = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))+")

# The invented domains of tests and demos are special-use names that email-validator refuses by default
# (RFC 6761, RFC 2606); `localhost` and the like stay refused through the check for a dot.
email_validator.SPECIAL_USE_DOMAIN_NAMES = [
    name for name in email_validator.SPECIAL_USE_DOMAIN_NAMES if name not in {"test", "example", "invalid"}
]


class Address(NamedTuple):
    """One checked mail address.

    `text` is what we write into mail (domain in A-labels), `key` is what we compare, `domain` is the
    domain's part of the key. `needs_smtputf8` is true if the local part is not ASCII (RFC 6531).
    """

    text: str
    key: str
    domain: str
    needs_smtputf8: bool


def parse_address(text: str) -> Address:
    """Check one address by its form alone; nothing is looked up.

    Raises InputError with a sentence that does not repeat the address.
    """
    cleaned = unicodedata.normalize("NFC", text.strip())
    if len(cleaned) > 254:
        raise InputError(N_("This address is longer than the 254 letters that mail allows."))
    try:
        found = email_validator.validate_email(cleaned, check_deliverability=False)
    except email_validator.EmailNotValidError as error:
        raise InputError(N_("This is not a mail address."), hint=_DETAIL.sub("", str(error))) from None
    domain = (found.ascii_domain or found.domain).lower()
    return Address(
        text=f"{found.local_part}@{domain}",
        key=f"{found.local_part.casefold()}@{domain}",
        domain=domain,
        needs_smtputf8=bool(found.smtputf8) and not found.local_part.isascii(),
    )


def parse_domain(text: str) -> str:
    """Check a bare domain such as `example.org`; returns it as lower-case A-labels."""
    try:
        domain = text.strip().lower().rstrip(".").encode("idna").decode("ascii")
    except UnicodeError:
        domain = ""
    if not _DOMAIN.fullmatch(domain):
        raise InputError(N_("%(text)r is not a domain; write it like example.org."), text=text)
    return domain


def keyed_hash(key: bytes, address_key: str) -> str:
    """The hash that stays of an erased or suppressed address: HMAC-SHA256, 64 hexadecimal digits."""
    return mac(key, address_key.encode()).hex()


def masked(address: str) -> str:
    """An address for a screen that strangers may see over a shoulder: `a***@example.org`."""
    local, _, domain = address.partition("@")
    return f"{local[:1]}***@{domain}"

"""The mail as it travels: what its headers offer to who wants to leave, and the lengths of its lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32
from typing import Final
from urllib.parse import urlsplit

from digest.preflight.mail_facts import MailFacts
from digest.preflight.mail_findings import Code, MailFinding, block, warn

MOST_LINE: Final = 998  # RFC 5322 section 2.1.1, without CRLF
MOST_CODED_LINE: Final = 76  # RFC 2045 sections 6.7 and 6.8
# RFC 2369 section 2: addresses in angle brackets, commas between, spelt as RFC 3986 section 2 has it.
_SPELT = rb"<(?:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+>"
_ADDRESSES = re.compile(rb"%b(?:\s*,\s*%b)*" % (_SPELT, _SPELT))
_RECIPIENT = re.compile(r"[^@\s?]+@[^@\s?]+")
_ONE_CLICK: Final = b"List-Unsubscribe=One-Click"  # RFC 8058 section 3.1, exactly this


def list_unsubscribe(facts: MailFacts) -> Iterator[MailFinding]:
    """One List-Unsubscribe field, of plain addresses in angle brackets, one of them https (RFC 8058 3.1)."""
    values = values_of(facts.raw, "List-Unsubscribe")
    if not values:
        yield block(Code.NO_LIST_UNSUBSCRIBE)
        return
    if len(values) > 1 or not _ADDRESSES.fullmatch(values[0]):
        yield block(Code.LIST_UNSUBSCRIBE_FORM)
        return
    addresses = [one.decode("ascii") for one in re.findall(rb"<([^<>]*)>", values[0])]
    schemes = [one.partition(":")[0].lower() for one in addresses]
    is_web = [scheme in ("http", "https") for scheme in schemes]
    if sum(is_web) > 1 or not all(map(_leads_somewhere, schemes, addresses)):
        yield block(Code.LIST_UNSUBSCRIBE_FORM)
    elif "https" not in schemes:
        yield warn(Code.SIGN_OFF_NOT_HTTPS)


def _leads_somewhere(scheme: str, address: str) -> bool:
    """Whether a mail program can go there: to a host, without signing in, or to a mailbox."""
    if scheme == "mailto":
        return bool(_RECIPIENT.fullmatch(address[len("mailto:") :].partition("?")[0]))
    try:
        parts = urlsplit(address)
        return (
            scheme in ("http", "https")
            and bool(parts.hostname)
            and "@" not in parts.netloc
            and parts.port != 0
        )
    except ValueError:  # a port or a host that is none
        return False


def one_click(facts: MailFacts) -> Iterator[MailFinding]:
    """One List-Unsubscribe-Post field with the one value that there is."""
    if values_of(facts.raw, "List-Unsubscribe-Post") != [_ONE_CLICK]:
        yield block(Code.NO_ONE_CLICK)


def lines(facts: MailFacts) -> Iterator[MailFinding]:
    """Lines end in CRLF and are no longer than servers take, coded ones than their coding allows."""
    raw = facts.raw
    if not raw.count(b"\n") == raw.count(b"\r") == raw.count(b"\r\n"):
        yield block(Code.BARE_LINE_END)
    longest = max(map(len, re.split(rb"\r\n|\r|\n", raw)))
    if longest > MOST_LINE:
        yield block(Code.LONG_LINE, length=longest, most=MOST_LINE)
    coded = max((max(map(len, part.splitlines()), default=0) for part in _coded_parts(raw)), default=0)
    if coded > MOST_CODED_LINE:
        yield warn(Code.LONG_CODED_LINE, length=coded, most=MOST_CODED_LINE)


def head_of(raw: bytes) -> list[bytes]:
    """The header fields, unfolded."""
    head = re.split(rb"\r?\n\r?\n", raw, maxsplit=1)[0]
    return re.sub(rb"\r?\n(?=[ \t])", b"", head).split(b"\n")


def values_of(raw: bytes, name: str) -> list[bytes]:
    """The values of a header field, as often as it is there."""
    named = (field.partition(b":") for field in head_of(raw))
    return [value.strip() for found, _, value in named if found.strip().lower() == name.lower().encode()]


def _coded_parts(raw: bytes) -> Iterator[str]:
    for part in BytesParser(policy=compat32).parsebytes(raw).walk():
        coding = str(part.get("Content-Transfer-Encoding", "")).strip().lower()
        if coding in ("quoted-printable", "base64") and not part.is_multipart():
            yield _payload(part)


def _payload(part: Message) -> str:
    payload = part.get_payload()
    return payload if isinstance(payload, str) else ""

"""Leaving by mail: the token in a mail that `mailto:` of List-Unsubscribe made.

Two forms are read. The subject is `unsubscribe TOKEN`, or the mail goes to `leave+CODE@example.org`, where
CODE is the token in digits that survive a server which folds case. Only Subject and the recipients are looked
at: a body may quote somebody else's mail, and the links in it. The From of a mail proves nothing; the
token's signature does. What a program answered by itself is nobody's wish to leave (RFC 3834).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from email.message import Message
from email.parser import BytesHeaderParser
from email.policy import compat32
from enum import StrEnum

from digest.addresses import parse_address
from digest.errors import InputError
from digest.mail.words import decode_words
from digest.tokens import Claim, Purpose, Signer, TokenError

HEADER_BYTES = 64_000
FIELDS_MOST = 300
VALUE_MOST = 8_000  # characters of one field
_DIGITS = "0123456789abcdefghijklmnopqrstuv"  # as int(text, 32) reads them
_TOKEN_BYTES = 31
_CODE_DIGITS = 50
# What is left of the 64 letters before the @ for the name of the mailbox (RFC 5321 section 4.5.3.1.1).
NAME_LIMIT = 64 - 1 - _CODE_DIGITS
_CODE = re.compile(r"\+([0-9a-v]{50})@", re.IGNORECASE)
_SUBJECT = re.compile(r"(?:unsubscribe[ :]+)?([A-Za-z0-9_-]{42})", re.IGNORECASE)
_RECIPIENTS = ("To", "Cc", "Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To")
_PARSER = BytesHeaderParser(policy=compat32)


class Refusal(StrEnum):
    """Why a mail signs nobody off."""

    TOO_LARGE = "too_large"
    AUTOMATIC = "automatic"  # a bounce, an answer from somebody's holiday, a list
    NOTHING = "nothing"
    AMBIGUOUS = "ambiguous"  # two tokens that differ
    NOT_OURS = "not_ours"


class SignOffMailError(InputError):
    """A mail that signs nobody off; `refusal` says why."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(f"This mail signs nobody off ({refusal.value}).")
        self.refusal = refusal


def read_sign_off(raw: bytes, signer: Signer) -> Claim:
    """Whose subscription a mail wants to end; raises SignOffMailError and nothing else, whatever the bytes.

    Takes time for the header alone, at most 64,000 bytes of it.
    """
    token = token_in(raw)
    try:
        return signer.check(token, Purpose.UNSUBSCRIBE)
    except TokenError:
        raise SignOffMailError(Refusal.NOT_OURS) from None


def token_in(raw: bytes) -> str:
    """The token that a mail carries, not checked yet; raises SignOffMailError."""
    header = _header_of(raw)
    if _is_automatic(header):
        raise SignOffMailError(Refusal.AUTOMATIC)
    found = {*_in_subject(header), *_in_recipients(header)}
    if not found:
        raise SignOffMailError(Refusal.NOTHING)
    if len(found) > 1:
        raise SignOffMailError(Refusal.AMBIGUOUS)
    return found.pop()


def sign_off_address(mailbox: str, token: str) -> str:
    """The address that ends the subscription of a token: `leave+CODE@example.org` for `leave@example.org`.

    Raises InputError for a mailbox whose name has more than 13 letters or holds a plus, or for no token.
    """
    address = parse_address(mailbox)
    name, _, domain = address.text.rpartition("@")
    if not name.isascii() or len(name) > NAME_LIMIT or "+" in name:
        raise InputError(f"The name of the mailbox for leaving has at most {NAME_LIMIT} letters and no plus.")
    raw = _bytes_of(token)
    if raw is None:
        raise InputError("This is no token.")
    number = int.from_bytes(raw)
    digits = "".join(_DIGITS[number >> shift & 31] for shift in range(5 * (_CODE_DIGITS - 1), -1, -5))
    return f"{name}+{digits}@{domain}"


def _header_of(raw: bytes) -> Message:
    head = raw[: HEADER_BYTES + 4]
    ends = [place for mark in (b"\r\n\r\n", b"\n\n") if (place := head.find(mark)) >= 0]
    if not ends and len(raw) > HEADER_BYTES:
        raise SignOffMailError(Refusal.TOO_LARGE)
    header = _PARSER.parsebytes(head[: min(ends, default=len(head))])
    if len(header) > FIELDS_MOST:
        raise SignOffMailError(Refusal.TOO_LARGE)
    return header


def _is_automatic(header: Message) -> bool:
    submitted = _first(header, "Auto-Submitted")
    return (
        (bool(submitted) and not submitted.startswith("no"))
        or _first(header, "Precedence") in {"bulk", "list", "junk", "auto_reply"}
        or _first(header, "Return-Path") == "<>"
        or "List-Id" in header
        or _first(header, "Content-Type").startswith("multipart/report")
    )


def _in_subject(header: Message) -> Iterator[str]:
    subjects = header.get_all("Subject", [])
    if len(subjects) > 1:
        raise SignOffMailError(Refusal.AMBIGUOUS)
    for value in subjects:
        text = " ".join(decode_words(str(value)[:VALUE_MOST]).split())
        if found := _SUBJECT.fullmatch(text):
            yield found[1]


def _in_recipients(header: Message) -> Iterator[str]:
    for name in _RECIPIENTS:
        for value in header.get_all(name, []):
            for code in _CODE.findall(str(value)[:VALUE_MOST]):
                number = int(code, 32)
                if number >> (8 * _TOKEN_BYTES):
                    continue  # two bits more than the token has
                yield base64.urlsafe_b64encode(number.to_bytes(_TOKEN_BYTES)).decode().rstrip("=")


def _first(header: Message, name: str) -> str:
    return str(header.get(name, ""))[:VALUE_MOST].strip().lower()


def _bytes_of(token: str) -> bytes | None:
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return None
    return raw if len(raw) == _TOKEN_BYTES else None

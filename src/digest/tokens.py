"""Signed links: HMAC-SHA256 with a key id, bound to a purpose, a list and a person.

A token names no address. It holds version, key id, purpose, list id and subscriber id, then 16 bytes of
the MAC, in base64url: 42 characters. It does not expire by itself: a one-click link must work for years
(RFC 8058), so keys are rotated by adding a new one and keeping the old for verification.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from digest.errors import InputError
from digest.macs import mac

_VERSION = 1
_BODY = struct.Struct(">BBBIQ")  # version, key id, purpose, list id, subscriber id
_MAC_BYTES = 16
_TO_URL = bytes.maketrans(b"+/", b"-_")
_LENGTH = 4 * ((_BODY.size + _MAC_BYTES + 2) // 3) - (-(_BODY.size + _MAC_BYTES) % 3)


class Purpose(IntEnum):
    """What a link may do. A token made for one purpose is refused for every other."""

    UNSUBSCRIBE = 1
    CONFIRM = 2
    # 3 is taken: a page of choices was to have it. A number is never used again, not even one that made no
    # link: mails keep theirs for years, and what an old one may do must not change under its reader.
    # By somebody of the staff: `list_id` is the account's id here, `subscriber_id` the edition's.
    STOP_EDITION = 4
    # Brings back what the person has ended, for a month.
    UNDO = 5
    # Mailed on request. `subscriber_id` is the id of a row of `fresh_links`: they work once, for a day.
    MY_DATA = 6
    ERASE = 7
    OLD_ADDRESS = 8
    NEW_ADDRESS = 9
    # To answer that one still wants a list.
    KEEP = 10
    # By somebody who may approve: `list_id` is the account's id here, `subscriber_id` the version's.
    PROOF = 20


class TokenError(InputError):
    """A token that is cut, changed, foreign or signed by a key that is no longer kept."""

    def __init__(self) -> None:
        super().__init__("This link is not complete or not ours; open it once more from the mail itself.")


class Claim(NamedTuple):
    """What a token states."""

    purpose: Purpose
    list_id: int
    subscriber_id: int


@dataclass(frozen=True, slots=True)
class Signer:
    """Makes tokens with the newest key and checks them with every key that is kept.

    `keys` maps key ids (0 to 255) to secrets of at least 16 bytes; `current` is the id that signs.
    """

    keys: Mapping[int, bytes]
    current: int

    def __post_init__(self) -> None:
        if self.current not in self.keys or any(len(key) < 16 for key in self.keys.values()):
            raise ValueError("the signing key is missing or shorter than 16 bytes")

    def sign(self, claim: Claim) -> str:
        """The token for a claim; the same claim and key always give the same token."""
        body = _BODY.pack(_VERSION, self.current, claim.purpose, claim.list_id, claim.subscriber_id)
        return _spelt(body + _mac(self.keys[self.current], body))

    def check(self, token: str, purpose: Purpose) -> Claim:
        """The claim of a token that is ours and made for `purpose`; raises TokenError for any other."""
        raw = _decode(token)
        body, found_mac = raw[: _BODY.size], raw[_BODY.size :]
        version, key_id, found, list_id, subscriber_id = _BODY.unpack(body)
        key = self.keys.get(key_id)
        if version != _VERSION or key is None or not hmac.compare_digest(found_mac, _mac(key, body)):
            raise TokenError
        if found != purpose:
            raise TokenError
        return Claim(purpose, list_id, subscriber_id)


def _mac(key: bytes, body: bytes) -> bytes:
    return mac(key, b"digest-link\0" + body)[:_MAC_BYTES]


def _decode(token: str) -> bytes:
    if len(token) != _LENGTH or not token.isascii():
        raise TokenError
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise TokenError from None
    # Two spellings of the same bytes exist where the last character has spare bits; only ours is accepted.
    if _spelt(raw) != token:
        raise TokenError
    return raw


def _spelt(raw: bytes) -> str:
    """As `base64.urlsafe_b64encode` without padding, in half the time: there is one in each mail."""
    return binascii.b2a_base64(raw, newline=False).translate(_TO_URL, b"=").decode("ascii")

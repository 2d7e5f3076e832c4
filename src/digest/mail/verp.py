"""VERP: an envelope sender of each mail's own, so that a bounce says for itself whom it is about.

    bounces@example.org  ->  bounces+1a.2rk.01f0...@example.org

Behind the plus stand edition and subscriber in base 32, and sixteen letters of key id and MAC: a bounce with
an address that we have not made counts for nothing. Lower case only, for servers on the way may fold it, and
at most 64 letters before the @ (RFC 5321 section 4.5.3.1.1).
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import re
from typing import Any

from digest.addresses import parse_address
from digest.errors import InputError
from digest.i18n import N_
from digest.tokens import Signer

_DIGITS = "0123456789abcdefghijklmnopqrstuv"  # as int(text, 32) reads them
_PAIRS = tuple(high + low for high in _DIGITS for low in _DIGITS)
_MAC_BYTES = 9  # with the key id 80 bits: sixteen digits
_MAC_DIGITS = 16
_SHIFTS = range(70, -1, -10)
_ID_DIGITS = 13  # of the largest id that a database gives, 2^63 - 1
_LARGEST_ID = 2**63 - 1
_LOCAL_LIMIT = 64
# What is left for the name of the mailbox: 64 less plus, two points, two ids and the MAC.
NAME_LIMIT = _LOCAL_LIMIT - 3 - 2 * _ID_DIGITS - _MAC_DIGITS
_ADDRESS_LIMIT = 254
_NAME = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*")
_TAG = re.compile(r"(?P<edition>[0-9a-v]{1,13})\.(?P<subscriber>[0-9a-v]{1,13})\.(?P<proof>[0-9a-v]{16})")


def check_bounce_address(text: str) -> str:
    """A bounce address that VERP can be made of, in lower case; raises InputError with a sentence."""
    address = parse_address(text)
    name, _, domain = address.text.lower().partition("@")
    if not _NAME.fullmatch(name) or len(name) > NAME_LIMIT:
        raise InputError(
            N_(
                "The name of a bounce address takes a-z, digits, points, hyphens, and at most %(most)s of "
                "them; write it like bounces@example.org."
            ),
            most=NAME_LIMIT,
        )
    if _LOCAL_LIMIT + 1 + len(domain) > _ADDRESS_LIMIT:
        raise InputError(N_("The domain of this bounce address is too long for the addresses made of it."))
    return f"{name}@{domain}"


def verp_address(bounce_address: str, edition_id: int, subscriber_id: int, signer: Signer) -> str:
    """The envelope sender of one delivery; the same for the same delivery and key.

    `bounce_address` is one that `check_bounce_address` gave.
    """
    key_id = signer.current
    start, end, state = _series(bounce_address, edition_id, key_id, signer.keys[key_id])
    return f"{start}{_base32(subscriber_id)}.{_proof(key_id, state, subscriber_id)}{end}"


def parse_verp(address: str, signer: Signer) -> tuple[int, int] | None:
    """Edition and subscriber of an address that we made with a key that is kept; None for any other.

    Upper and lower case are alike, for servers fold them. Nothing else may differ. Never raises.
    """
    if len(address) > _ADDRESS_LIMIT or not address.isascii():
        return None
    address = address.lower()
    local, _, domain = address.rpartition("@")
    name, _, tag = local.rpartition("+")
    found = _TAG.fullmatch(tag)
    if not found or not name or len(local) > _LOCAL_LIMIT:
        return None
    edition_id, subscriber_id = int(found["edition"], 32), int(found["subscriber"], 32)
    key_id = int(found["proof"][:2], 32) >> 2  # the first eight of eighty bits
    key = signer.keys.get(key_id)
    if key is None or edition_id > _LARGEST_ID or subscriber_id > _LARGEST_ID:
        return None
    made = verp_address(f"{name}@{domain}", edition_id, subscriber_id, Signer({key_id: key}, key_id))
    return (edition_id, subscriber_id) if hmac.compare_digest(made, address) else None


@functools.lru_cache(maxsize=64)
def _series(bounce_address: str, edition_id: int, key_id: int, key: bytes) -> tuple[str, str, Any]:
    """What the addresses of an edition have in common: their start, their end, and the MAC's first part.

    The MAC is bound to this use, the mailbox, the edition and, later, the subscriber.
    """
    address = bounce_address.lower()
    name, _, domain = address.rpartition("@")
    # Keyed BLAKE2b is a MAC by itself (RFC 7693) and takes a quarter of the time of HMAC.
    state = hashlib.blake2b(key=key[:64], digest_size=_MAC_BYTES, person=b"digest-verp")
    state.update(b"%d\0%b\0%d\0" % (key_id, address.encode("ascii"), edition_id))
    return f"{name}+{_base32(edition_id)}.", f"@{domain}", state


def _proof(key_id: int, state: Any, subscriber_id: int) -> str:
    """Key id and MAC as sixteen digits."""
    mac = state.copy()
    mac.update(b"%d" % subscriber_id)
    number = key_id << (8 * _MAC_BYTES) | int.from_bytes(mac.digest())
    return "".join([_PAIRS[number >> shift & 1023] for shift in _SHIFTS])


def _base32(number: int) -> str:
    """A number in the digits that int(text, 32) reads, without leading zeros."""
    text = ""
    while number > 31:
        number, last = number >> 10, number & 1023
        text = _PAIRS[last] + text
    return (_DIGITS[number] + text if number or not text else text).lstrip("0") or "0"

"""Tokens that say nothing: random, and kept by a hash alone, so that whoever reads the table has none."""

from __future__ import annotations

import base64
import hashlib
import secrets
from typing import Final

from digest.macs import mac

_BYTES: Final = 32
_LONGEST: Final = 64


def new_token() -> str:
    """A token that nobody guesses."""
    return secrets.token_urlsafe(_BYTES)


def hash_of(token: str) -> str:
    """What is kept of a token. It has 256 random bits: a plain hash gives nothing away."""
    return hashlib.sha256(token[:_LONGEST].encode("utf-8", "replace")).hexdigest()


def derived(token: str, what: str) -> str:
    """A token for one use that only whoever holds `token` can tell; it does not give `token` away."""
    raw = mac(token[:_LONGEST].encode("utf-8", "replace"), f"digest desk {what}".encode())
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

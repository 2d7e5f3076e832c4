"""Passwords: which are good enough, and argon2id over them (RFC 9106), a few at a time.

Each hash takes 19 MB and a tenth of a second; two at once are enough for a newsroom, and a flood of
attempts waits its turn.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from typing import TYPE_CHECKING, Final

from digest.errors import InputError
from digest.i18n import N_

if TYPE_CHECKING:
    from argon2 import PasswordHasher

LEAST: Final = 12
MOST: Final = 200
AT_ONCE: Final = 2
TOO_SHORT: Final = N_("Use at least 12 characters: four words in a row are easy to keep in mind.")
TOO_LONG: Final = N_("Use at most 200 characters.")
TOO_PLAIN: Final = N_("This is among the first that anybody would try; take another one.")

_TURNS: Final = threading.BoundedSemaphore(AT_ONCE)
# Of a password that nobody has: an unknown address takes as long as a known one.
_NOBODYS: Final = (
    "$argon2id$v=19$m=19456,t=2,p=1$r3b7kWHdWiHyhui3j1pt2g$EVg0nWaUIlRufpQZnHwmRBLwStfZfYJpmUhC/ywLPuA"
)
_PLAIN: Final = ("password", "digest", "newsletter", "qwerty", "123456", "admin", "welcome", "letmein")


class WeakPasswordError(InputError):
    """A password that is not good enough; the message is of the catalogues, to be translated."""


def check_strength(password: str, *, address: str = "", name: str = "") -> None:
    """Raise WeakPasswordError for what is too short, or made of what everybody knows."""
    if len(password) < LEAST:
        raise WeakPasswordError(TOO_SHORT)
    if len(password) > MOST:
        raise WeakPasswordError(TOO_LONG)
    left = password.casefold()
    own = re.split(r"\W+", f"{address} {name}".casefold())
    for word in sorted((*_PLAIN, *(part for part in own if len(part) > 3)), key=len, reverse=True):
        left = left.replace(word, "")
    if len(set(left)) < 6:
        raise WeakPasswordError(TOO_PLAIN)


def hashed(password: str) -> str:
    """What is kept of a password. Slow on purpose: call it with no transaction open."""
    with _TURNS:
        return _hasher().hash(_normal(password))


def is_right(kept: str | None, password: str) -> bool:
    """Whether a password is the one kept; as slow where none is kept. Call it with no transaction open."""
    import argon2.exceptions  # noqa: PLC0415

    with _TURNS:
        try:
            _hasher().verify(kept or _NOBODYS, _normal(password[:MOST]))
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
            return False
    return kept is not None


def is_outdated(kept: str) -> bool:
    """Whether what is kept was made with other costs than those of now."""
    return _hasher().check_needs_rehash(kept)


def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher  # noqa: PLC0415  (only a web process that signs somebody in pays for it)

    return PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


def _normal(password: str) -> bytes:
    """The same on every keyboard (NIST SP 800-63B, 5.1.1.2)."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "replace")

"""The keys that a domain's mail is signed with: made, read, and written as their DNS record.

`cryptography` is imported where a key is made or read, so that a process which signs nothing stays small.
Sources: RFC 6376 section 3.6.1 (the record), RFC 8301 (RSA of 2048 bits or more), RFC 8463 (Ed25519).
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from digest.errors import ConfigError, InputError
from digest.i18n import N_

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

RSA_BITS = 2048  # what a resolver's answer holds without trouble, and what RFC 8301 asks for
_LEAST_BITS, _MOST_BITS = 2048, 4096  # receivers need not verify more (RFC 8301 section 3.2)
_STRING_BYTES = 255  # of one character-string of a TXT record (RFC 1035 section 3.3.14)
_SELECTOR = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")


class Algorithm(StrEnum):
    """As `k=` of the DNS record names it."""

    RSA = "rsa"
    ED25519 = "ed25519"

    @property
    def of_signature(self) -> str:
        """As `a=` of the signature names it."""
        return f"{self.value}-sha256"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key of a domain. `domain` is in A-labels; the private half never shows in a repr."""

    domain: str
    selector: str
    algorithm: Algorithm
    private: RSAPrivateKey | Ed25519PrivateKey = field(repr=False)

    @property
    def record_name(self) -> str:
        """Where verifiers look for the public half."""
        return f"{self.selector}._domainkey.{self.domain}"

    @property
    def record(self) -> str:
        """The TXT record's whole text: `v=DKIM1; k=rsa; p=...`."""
        return f"v=DKIM1; k={self.algorithm.value}; p={base64.b64encode(self.public_bytes).decode('ascii')}"

    @property
    def public_bytes(self) -> bytes:
        """What `p=` holds: SubjectPublicKeyInfo for RSA, the bare 32 bytes for Ed25519."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat  # noqa: PLC0415

        if self.algorithm is Algorithm.ED25519:
            return self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return self.private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def check_selector(selector: str) -> str:
    """A selector of ours: one DNS label in small letters. Raises InputError."""
    if not _SELECTOR.fullmatch(selector):
        raise InputError(N_("A selector is 1 to 63 of a-z, digits and hyphens, like digest202611."))
    return selector


def make_private(algorithm: Algorithm) -> str:
    """A new private key as PKCS #8 PEM, unencrypted: the file's rights protect it."""
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ed25519, rsa  # noqa: PLC0415

    made: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
    if algorithm is Algorithm.ED25519:
        made = ed25519.Ed25519PrivateKey.generate()
    else:
        made = rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
    return made.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode("ascii")


def load_key(domain: str, selector: str, algorithm: Algorithm, pem: str) -> SigningKey:
    """Read a private key. Raises ConfigError, never repeating the key, if it is none or does not fit."""
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ed25519, rsa  # noqa: PLC0415

    whose = f"The DKIM key {selector} of {domain}"
    try:
        private = serialization.load_pem_private_key(pem.encode("ascii"), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ConfigError(f"{whose} cannot be read; put back the copy from your backup.") from None
    if algorithm is Algorithm.RSA and isinstance(private, rsa.RSAPrivateKey):
        if not _LEAST_BITS <= private.key_size <= _MOST_BITS:
            raise ConfigError(
                f"{whose} has {private.key_size} bits; an RSA key has {_LEAST_BITS} to {_MOST_BITS}."
            )
        return SigningKey(domain, selector, algorithm, private)
    if algorithm is Algorithm.ED25519 and isinstance(private, ed25519.Ed25519PrivateKey):
        return SigningKey(domain, selector, algorithm, private)
    raise ConfigError(f"{whose} is not of the kind {algorithm.value}.")


def zone_strings(text: str) -> list[str]:
    """A TXT record's text in pieces of at most 255 bytes, as a zone file wants them; readers join them."""
    raw = text.encode("utf-8")
    pieces = [raw[at : at + _STRING_BYTES] for at in range(0, len(raw), _STRING_BYTES)] or [b""]
    return ["".join(_zone_character(byte) for byte in piece) for piece in pieces]


def zone_line(name: str, kind: str, text: str) -> str:
    """A record as a line of a zone file; a TXT record's text is quoted and split."""
    if kind != "TXT":
        return f"{name}. IN {kind} {text}"
    quoted = " ".join(f'"{piece}"' for piece in zone_strings(text))
    return f"{name}. IN TXT ( {quoted} )"


def _zone_character(byte: int) -> str:
    """RFC 1035 section 5.1: quotes, backslashes and what is not printable ASCII are escaped."""
    if byte in b'"\\':
        return f"\\{byte:c}"
    return chr(byte) if 0x20 <= byte < 0x7F else f"\\{byte:03d}"


def public_bits(raw: bytes) -> int | None:
    """How many bits an RSA key has that a record holds (as SubjectPublicKeyInfo); None if it is none."""
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_der_public_key  # noqa: PLC0415

    try:
        found = load_der_public_key(raw)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    return found.key_size if isinstance(found, RSAPublicKey) else None

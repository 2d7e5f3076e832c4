"""DKIM signatures: which fields are signed, the canonical forms, and the DKIM-Signature field.

Always relaxed/relaxed, without `l=` (it would let others add to the body) and without `x=`. From, To, Subject
and Date are named once more than they occur, so that nobody can add another one. Everything but the
message's own bytes is made once for each key. The key's operation and the hash of the body release the GIL.

Sources: RFC 6376 (section 3.4 canonical forms, 3.5 the field, 3.7 what is hashed, 5.4 which fields), RFC 8463
(Ed25519 signs the hash), RFC 8058 section 4 (the one-click fields must be signed).
"""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import re
import struct
from binascii import b2a_base64
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from digest.errors import ConfigError
from digest.mail.dkim_head import (
    GUARDED,
    SIGNED,
    SPACES,
    Counts,
    Heads,
    SignedFields,
    relaxed_field,
    signed_fields,
)
from digest.mail.prepared import Filled
from digest.mail.signing_key import Algorithm, SigningKey

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

_LINE = 76
_PIECE = 72  # letters of `b=` on a line
_KEPT_LAYOUTS = 64  # the mails of ours have two or three
_MOMENT = "9999999999"  # stands for the moment while lines are measured: ten digits until the year 2286
_HASH = "#" * 44  # stands for a sha256 in base64

# Twice as fast as bytes.find.
_TWO_SPACES = re.compile(rb"  ").search
_SPACE_AT_END = re.compile(rb" \r").search

# What is known of a message before it is signed: counts, signed fields in relaxed form, moment, body's hash.
_Known = tuple[Counts, bytes, bytes, bytes]


class Signer:
    """Signs the mail of one domain with each of its keys; threads may share it."""

    def __init__(self, keys: Sequence[SigningKey]) -> None:
        """Raises ConfigError for no key, and for keys of several domains."""
        if not keys:
            raise ConfigError("There is no key to sign with.")
        if len({key.domain for key in keys}) > 1:
            raise ConfigError("The keys of one signer belong to one domain.")
        self.domain = keys[0].domain
        self.selectors = tuple(key.selector for key in keys)
        self._stamps = tuple(_Stamp(key) for key in keys)
        self._heads = Heads()

    def sign(self, message: bytes, *, now: dt.datetime) -> bytes:
        """The DKIM-Signature fields to put in front of the message, each ended by CRLF.

        `message` has CRLF line ends throughout, as the wire wants it. Raises InputError if a line before the
        body is no field.
        """
        head, body = _parted(message)
        return self._signed([(signed_fields((head,)), hashlib.sha256(relaxed_body(body)))], now)[0]

    def sign_filled(self, messages: Sequence[Filled], *, now: dt.datetime) -> list[bytes]:
        """The same for what `mail.prepared.filled` made, message by message.

        Their bodies are their own relaxed form: to look for that would take longer than to hash it. All
        bodies are hashed before all headers are read before all signatures are made: each of these drives
        what the others need out of the processor's caches, which costs a message 60 us (measured).
        """
        # In one piece: each piece would let go of the interpreter, and have to get it back.
        hashes = [hashlib.sha256(b"".join(message.body)) for message in messages]
        signed = self._heads.signed
        heads = [signed(message.fields, message.shared) for message in messages]
        return self._signed(zip(heads, hashes, strict=True), now)

    def _signed(
        self, messages: Iterable[tuple[SignedFields, hashlib._Hash]], now: dt.datetime
    ) -> list[bytes]:
        """The fields for messages of which this is known."""
        moment = b"%d" % now.timestamp()
        known = [
            (counts, signed, moment, b2a_base64(hashed.digest(), newline=False))
            for (counts, signed), hashed in messages
        ]
        of_keys = [stamp.fields(known) for stamp in self._stamps]
        return [b"".join(each) for each in zip(*of_keys, strict=True)]


def relaxed_body(body: bytes) -> bytes:
    """RFC 6376 section 3.4.4; the very same bytes if they are in that form already."""
    if (
        body.endswith(b"\r\n")
        and not body.endswith(b"\r\n\r\n")
        and len(body) > 2
        and b"\t" not in body
        and not _TWO_SPACES(body)
        and not _SPACE_AT_END(body)
    ):
        return body
    lines = [SPACES.sub(b" ", line).rstrip(b" ") for line in body.split(b"\r\n")]
    while lines and not lines[-1]:
        lines.pop()
    return b"\r\n".join([*lines, b""])


def _parted(message: bytes) -> tuple[bytes, bytes]:
    """The fields, without the last one's line end, and the body; a message may end with its header."""
    if message.startswith(b"\r\n"):
        return b"", message[2:]
    end = message.find(b"\r\n\r\n")
    if end < 0:
        return message.removesuffix(b"\r\n"), b""
    return message[:end], message[end + 4 :]


@dataclass(frozen=True, slots=True)
class _Layout:
    """A DKIM-Signature field around the moment, the body's hash and the signature.

    `sent` are its three pieces as they travel, `signed` as they are hashed: relaxed, with `b=` left empty.
    """

    sent: tuple[bytes, bytes, bytes]
    signed: tuple[bytes, bytes, bytes]

    def text(self, message: _Known) -> bytes:
        """What is signed of a message."""
        _, signed, moment, body_hash = message
        first, second, last = self.signed
        return b"".join((signed, first, moment, second, body_hash, last))

    def field(self, message: _Known, signature: bytes) -> bytes:
        """The field as it travels."""
        _, _, moment, body_hash = message
        first, second, last = self.sent
        letters = b2a_base64(signature, newline=False)
        lines = b"\r\n ".join(_lines(len(letters)).unpack(letters))
        return b"".join((first, moment, second, body_hash, last, lines, b"\r\n"))


class _Stamp:
    """One key, and the layouts of its field that were made so far."""

    def __init__(self, key: SigningKey) -> None:
        self._key = key
        self._signature = _operation(key)
        self._layouts: dict[Counts, _Layout] = {}

    def fields(self, messages: Sequence[_Known]) -> list[bytes]:
        """The field for each message."""
        layouts = [self._layouts.get(message[0]) or self._layout(message[0]) for message in messages]
        texts = [layout.text(message) for layout, message in zip(layouts, messages, strict=True)]
        made = [self._signature(text) for text in texts]
        return [
            layout.field(message, signature)
            for layout, message, signature in zip(layouts, messages, made, strict=True)
        ]

    def _layout(self, counts: Counts) -> _Layout:
        key = self._key
        names = [
            name for name, count in zip(SIGNED, counts, strict=True) for _ in range(count + (name in GUARDED))
        ]
        listed = [f"{name}:" for name in names[:-1]] + [f"{names[-1]};"]
        text = _folded(
            "DKIM-Signature:",
            [" v=1;", f" a={key.algorithm.of_signature};", " c=relaxed/relaxed;", f" d={key.domain};"],
            [f" s={key.selector};", f" t={_MOMENT};", f" h={listed[0]}", *listed[1:], f" bh={_HASH};"],
        )
        raw = f"{text}\r\n b=".encode("ascii")
        made = _Layout(_cut(raw), _cut(relaxed_field(raw)))
        if len(self._layouts) >= _KEPT_LAYOUTS:
            self._layouts.clear()
        self._layouts[counts] = made
        return made


def _operation(key: SigningKey) -> Callable[[bytes], bytes]:
    """What makes a signature over bytes, with everything it needs made once."""
    if key.algorithm is Algorithm.ED25519:
        ed25519: Ed25519PrivateKey = key.private  # type: ignore[assignment]
        return lambda data: ed25519.sign(hashlib.sha256(data).digest())
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import padding  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.utils import Prehashed  # noqa: PLC0415

    rsa: RSAPrivateKey = key.private  # type: ignore[assignment]
    scheme, algorithm = padding.PKCS1v15(), Prehashed(hashes.SHA256())
    return lambda data: rsa.sign(hashlib.sha256(data).digest(), scheme, algorithm)


def _folded(start: str, *parts: Iterable[str]) -> str:
    """Tokens on lines of at most 76 characters, unless one is longer; a line goes on with a space."""
    lines = [start]
    for token in (token for part in parts for token in part):
        if len(lines[-1]) + len(token) <= _LINE:
            lines[-1] += token
        else:
            lines.append(" " + token.lstrip())
    return "\r\n".join(lines)


@functools.cache
def _lines(letters: int) -> struct.Struct:
    """What cuts so many letters of `b=` into lines."""
    whole, rest = divmod(letters, _PIECE)
    return struct.Struct(f"{_PIECE}s" * whole + f"{rest}s" * bool(rest))


def _cut(raw: bytes) -> tuple[bytes, bytes, bytes]:
    first, _, rest = raw.partition(_MOMENT.encode("ascii"))
    second, _, last = rest.partition(_HASH.encode("ascii"))
    return first, second, last

"""DKIM signatures: which fields are signed, the canonical forms, and the DKIM-Signature field.

Always relaxed/relaxed, without `l=` (it would let others add to the body) and without `x=`. From, To, Subject
and Date are named once more than they occur, so that nobody can add another one. Everything but the
message's own bytes is made once for each key. The key's operation and the hash of the body release the GIL.

Sources: RFC 6376 (section 3.4 canonical forms, 3.5 the field, 3.7 what is hashed, 5.4 which fields), RFC 8463
(Ed25519 signs the hash), RFC 8058 section 4 (the one-click fields must be signed).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from binascii import b2a_base64
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from digest.errors import ConfigError, InputError
from digest.mail.prepared import Filled
from digest.mail.signing_key import Algorithm, SigningKey

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

# The fields that are signed where they are there, in the order of `h=`; the guarded ones also where they are
# not. Received, Return-Path and the like are written on the way, so they are left out.
_GUARDED = ("From", "To", "Subject", "Date")
_SIGNED = (
    *_GUARDED,
    *("Message-ID", "Reply-To", "MIME-Version", "Content-Type", "Content-Transfer-Encoding"),
    *("In-Reply-To", "References"),  # of a correction: what it is threaded under is its sender's to say
    *("List-Id", "List-Unsubscribe", "List-Unsubscribe-Post", "List-Help", "Feedback-ID"),
)
_PLACES = {name.lower().encode("ascii"): place for place, name in enumerate(_SIGNED)}
_KINDS = len(_SIGNED)
_MOST_OF_A_KIND = 99
# Another one in each mail: not worth remembering.
_PERSONAL = frozenset((b"to", b"message-id", b"list-unsubscribe", b"in-reply-to", b"references"))
_KEPT_FIELDS = 256
# As we write them: where they belong, and how they begin in relaxed form.
_STARTS = {
    name.encode("ascii"): (place, b"%b:" % name.lower().encode("ascii"))
    for place, name in enumerate(_SIGNED)
    if name.lower().encode("ascii") in _PERSONAL
}

_LINE = 76
_PIECE = 72  # letters of `b=` on a line
_KEPT_LAYOUTS = 64  # the mails of ours have two or three
_MOMENT = "9999999999"  # stands for the moment while lines are measured: ten digits until the year 2286
_HASH = "#" * 44  # stands for a sha256 in base64

_SPACES = re.compile(rb"[ \t]+")
# Twice as fast as bytes.find.
_TWO_SPACES = re.compile(rb"  ").search
_SPACE_AT_END = re.compile(rb" \r").search

Counts = bytes  # how often each field of _SIGNED occurs
_Read = list[tuple[int, bytes]]
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
        self._fields = _Fields()

    def sign(self, message: bytes, *, now: dt.datetime) -> bytes:
        """The DKIM-Signature fields to put in front of the message, each ended by CRLF.

        `message` has CRLF line ends throughout, as the wire wants it. Raises InputError if a line before the
        body is no field.
        """
        head, body = _parted(message)
        return self._signed([((head,), hashlib.sha256(relaxed_body(body)))], now)[0]

    def sign_filled(self, messages: Sequence[Filled], *, now: dt.datetime) -> list[bytes]:
        """The same for what `mail.prepared.filled` made, message by message.

        Their bodies are their own relaxed form: to look for that would take longer than to hash it. All
        bodies are hashed before all headers are read before all signatures are made: each of these drives
        what the others need out of the processor's caches, which costs a message 60 us (measured).
        """
        # In one piece: each piece would let go of the interpreter, and have to get it back.
        hashes = [hashlib.sha256(b"".join(message.body)) for message in messages]
        return self._signed(
            [(each.fields, hashed) for each, hashed in zip(messages, hashes, strict=True)], now
        )

    def _signed(
        self, messages: Sequence[tuple[Sequence[bytes], hashlib._Hash]], now: dt.datetime
    ) -> list[bytes]:
        """The fields for messages of these headers, in pieces of whole fields, and hashed bodies."""
        moment = b"%d" % now.timestamp()
        signed = self._fields.signed
        known = [
            (*signed(head), moment, b2a_base64(hashed.digest(), newline=False)) for head, hashed in messages
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
    lines = [_SPACES.sub(b" ", line).rstrip(b" ") for line in body.split(b"\r\n")]
    while lines and not lines[-1]:
        lines.pop()
    return b"\r\n".join([*lines, b""])


def relaxed_field(field: bytes) -> bytes:
    """RFC 6376 section 3.4.2 of a field, without its last CRLF. Raises InputError if it is none."""
    name, value = _name_and_value(field.replace(b"\r\n", b""))
    return name + b":" + _relaxed_value(value)


def _parted(message: bytes) -> tuple[bytes, bytes]:
    """The fields, without the last one's line end, and the body; a message may end with its header."""
    if message.startswith(b"\r\n"):
        return b"", message[2:]
    end = message.find(b"\r\n\r\n")
    if end < 0:
        return message.removesuffix(b"\r\n"), b""
    return message[:end], message[end + 4 :]


class _Fields:
    """Reads the fields of a header, and remembers those that are the same for all readers of an edition."""

    def __init__(self) -> None:
        self._known: dict[bytes, _Read] = {}

    def signed(self, head: Iterable[bytes]) -> tuple[Counts, bytes]:
        """How often each field is there, and all that are signed in relaxed form, one after another.

        The head comes in pieces of whole fields; the empty line behind it may be there or not. Of a field
        that occurs several times the last one is signed first (RFC 6376 section 5.4.2).
        """
        known = self._known.get
        counts, found = bytearray(_KINDS), [b""] * _KINDS
        for piece in head:
            fields = known(piece)
            if fields is None:
                fields = _plain(piece) or self._read(piece)
            for place, field in fields:
                if counts[place]:
                    if counts[place] > _MOST_OF_A_KIND:
                        raise InputError("A mail that has a header field a hundred times is not signed.")
                    found[place] = field + found[place]
                else:
                    found[place] = field
                counts[place] += 1
        return bytes(counts), b"".join(found)

    def _read(self, piece: bytes) -> _Read:
        """The places of a piece's fields in _SIGNED and their relaxed forms; the others are left out."""
        made: list[tuple[int, bytes]] = []
        is_personal = False
        unfolded = piece.replace(b"\r\n ", b" ").replace(b"\r\n\t", b"\t").rstrip(b"\r\n")
        for line in unfolded.split(b"\r\n") if unfolded else ():
            name, value = _name_and_value(line)
            is_personal = is_personal or name in _PERSONAL
            place = _PLACES.get(name)
            if place is not None:
                made.append((place, b"%b:%b\r\n" % (name, _relaxed_value(value))))
        if not is_personal:
            if len(self._known) >= _KEPT_FIELDS:
                self._known.clear()
            self._known[piece] = made
        return made


def _plain(piece: bytes) -> _Read | None:
    """The one field of a piece as most of ours are: personal, on one line, its spaces as they should be."""
    name, _, value = piece.partition(b": ")
    start = _STARTS.get(name)
    if start is None or value.find(b"\r") != len(value) - 2:
        return None
    if b"  " in piece or b" \r" in piece or b"\t" in piece:
        return None
    place, relaxed_name = start
    return [(place, relaxed_name + value)]


def _name_and_value(line: bytes) -> tuple[bytes, bytes]:
    name, colon, value = line.partition(b":")
    if not colon or line[0] in b" \t":
        raise InputError("A mail cannot be signed whose header has a line that is no field.")
    return name.rstrip(b" \t").lower(), value


def _relaxed_value(value: bytes) -> bytes:
    value = value.strip(b" \t")
    return _SPACES.sub(b" ", value) if b"  " in value or b"\t" in value else value


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
        pieces = b"\r\n ".join([letters[at : at + _PIECE] for at in range(0, len(letters), _PIECE)])
        return b"%b%b%b%b%b%b\r\n" % (first, moment, second, body_hash, last, pieces)


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
            name
            for name, count in zip(_SIGNED, counts, strict=True)
            for _ in range(count + (name in _GUARDED))
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


def _cut(raw: bytes) -> tuple[bytes, bytes, bytes]:
    first, _, rest = raw.partition(_MOMENT.encode("ascii"))
    second, _, last = rest.partition(_HASH.encode("ascii"))
    return first, second, last

"""A prepared mail: bytes with gaps, how a person's values get into them, and how it is stored.

The stored form is a line with the version, JSON, and a fingerprint of both. What was approved is what is
sent, so it holds the bytes as they were encoded at the freeze; only base64 is encoded anew when it is read,
and that has one spelling. No pickle: reading it runs no code.
"""

from __future__ import annotations

import hashlib
import html as html_module
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from digest.errors import InputError, StateError
from digest.i18n import N_
from digest.mail import headers
from digest.mail.encodings import QP_ROOM, Base64Literal, b64_fill, b64_literal, qp_value

# What a person's values may be put into; `deliveries.write` fills them all.
BODY_PLACEHOLDERS = frozenset({"unsubscribe_url", "name"})
VALUE_LIMIT = 2_000  # characters of one person's value
_EMPTY_LINE = b"\r\n\r\n"
_MAGIC = b"digest-mail 1\n"
_FINGERPRINT_BYTES = 32
# Controls that could turn the words around a value round, and halves of characters.
_UNWANTED = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_LINE_ENDS = re.compile("\r\n|[\t\n\v\f\r\x85\u2028\u2029]")
# What stands in text, in HTML and in quoted-printable as it is: most links and most names. The long way
# would find nothing to do, and takes eight times as long.
_SAME_EVERYWHERE = re.compile(r"(?!\.|From )[!#-%(-;?-~]+(?: [!#-%(-;?-~]+)*")


class Fallback(NamedTuple):
    """What stands in a gap where a person has no value: frozen with the mail, as all else in it.

    `kind` says how a value is written out; it is for whoever fills the mail.
    """

    name: str
    kind: str
    text: str


class HeaderSlot(StrEnum):
    """The header fields that differ from person to person; the comment says which values they are made of."""

    TO = "to"  # to, to_name (may be left out)
    MESSAGE_ID = "message_id"  # message_id
    DATE = "date"  # date, as `headers.date_text` gives it
    LIST_ID = "list_id"  # list_id, list_name (may be left out)
    THREAD = "thread"  # follows_on: Message-IDs, or "" for a copy that follows on nothing
    LIST_UNSUBSCRIBE = "list_unsubscribe"  # unsubscribe_url, unsubscribe_mailto (may be left out)

    __hash__ = str.__hash__  # as of `transport.Outcome`


_OF_A_PERSON = frozenset(
    (HeaderSlot.TO, HeaderSlot.MESSAGE_ID, HeaderSlot.THREAD, HeaderSlot.LIST_UNSUBSCRIBE)
)


@dataclass(frozen=True, slots=True)
class BodySlot:
    """A gap in quoted-printable: the value's name, and whether it stands in HTML."""

    name: str
    in_html: bool


@dataclass(frozen=True, slots=True)
class Base64Body:
    """A whole part in base64: literals and names by turns, a literal first and last."""

    literals: tuple[Base64Literal, ...]
    names: tuple[str, ...]
    in_html: bool


Piece = bytes | HeaderSlot | BodySlot | Base64Body
_Written = Callable[[Mapping[str, str]], bytes]


class Gaps(NamedTuple):
    """The gaps among some pieces by what is to be done for them: found once, filled for each person.

    Places count the pieces. `words` are the values that stand in quoted-printable, each with its places in
    text and in HTML; `parts` go from the last to the first, for each of them becomes several pieces.
    """

    fields: tuple[tuple[int, _Written], ...]
    words: tuple[tuple[str, tuple[int, ...], tuple[int, ...]], ...]
    parts: tuple[tuple[int, Base64Body], ...]


_NEEDED: Mapping[HeaderSlot, str] = {
    HeaderSlot.TO: "to",
    HeaderSlot.MESSAGE_ID: "message_id",
    HeaderSlot.DATE: "date",
    HeaderSlot.THREAD: "follows_on",
    HeaderSlot.LIST_ID: "list_id",
    HeaderSlot.LIST_UNSUBSCRIBE: "unsubscribe_url",
}
KNOWN_VALUES = BODY_PLACEHOLDERS | {"to_name", "list_name", "unsubscribe_mailto", *_NEEDED.values()}


@dataclass(frozen=True, slots=True)
class PreparedMail:
    """A mail that only a person's values are missing from.

    `head` and `body` in the order of the bytes, the empty line between them the end of the head; `needs` are
    the names of the values it cannot be filled without. `fallbacks` are for those of them that a person may
    have no value for; in most mails there are none.
    """

    head: tuple[Piece, ...]
    body: tuple[Piece, ...]
    needs: frozenset[str]
    fallbacks: tuple[Fallback, ...] = ()
    head_gaps: Gaps = field(init=False, repr=False, compare=False)
    body_gaps: Gaps = field(init=False, repr=False, compare=False)
    shared: tuple[int, ...] = field(init=False, repr=False, compare=False)  # see `Filled`

    def __post_init__(self) -> None:
        shared = tuple(place for place, piece in enumerate(self.head) if piece not in _OF_A_PERSON)
        object.__setattr__(self, "head_gaps", _gaps(self.head))
        object.__setattr__(self, "body_gaps", _gaps(self.body))
        object.__setattr__(self, "shared", shared)

    def to_bytes(self) -> bytes:
        """The stored form; the same mail always gives the same bytes."""
        plain = [_plain(piece) for piece in (*self.head, *self.body)]
        if self.fallbacks:
            plain.append(["fallbacks", *map(list, self.fallbacks)])
        data = _MAGIC + json.dumps(plain, ensure_ascii=False, separators=(",", ":")).encode()
        return data + hashlib.sha256(data).digest()

    @classmethod
    def from_bytes(cls, data: bytes) -> PreparedMail:
        """Read the stored form; raises StateError if it is cut, changed or of a version we do not know."""
        body, fingerprint = data[:-_FINGERPRINT_BYTES], data[-_FINGERPRINT_BYTES:]
        if not body.startswith(_MAGIC):
            raise StateError("This stored mail is of a version that this Digest does not know.")
        if hashlib.sha256(body).digest() != fingerprint:
            raise StateError("This stored mail is damaged: its fingerprint does not match.")
        plain = json.loads(body[len(_MAGIC) :])
        fallbacks = plain.pop()[1:] if plain and plain[-1][0] == "fallbacks" else ()
        return assembled([_piece(each) for each in plain], [Fallback(*each) for each in fallbacks])


def assembled(pieces: Sequence[Piece], fallbacks: Sequence[Fallback] = ()) -> PreparedMail:
    """A prepared mail of these pieces, neighbouring bytes joined; it keeps the fallbacks that it needs."""
    joined: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, bytes) and joined and isinstance(joined[-1], bytes):
            joined[-1] += piece
        elif piece != b"":
            joined.append(piece)
    head, body = _parted(joined)
    needs = frozenset(name for piece in joined for name in _needs(piece))
    kept = tuple(one for one in fallbacks if one.name in needs)
    return PreparedMail(head=tuple(head), body=tuple(body), needs=needs, fallbacks=kept)


def _parted(pieces: Sequence[Piece]) -> tuple[Sequence[Piece], Sequence[Piece]]:
    """Head and body; where there is no empty line, all is head."""
    for place, piece in enumerate(pieces):
        if isinstance(piece, bytes) and (end := piece.find(_EMPTY_LINE)) >= 0:
            end += len(_EMPTY_LINE)
            rest = [piece[end:]] if end < len(piece) else []
            return [*pieces[:place], piece[:end]], [*rest, *pieces[place + 1 :]]
    return pieces, []


def _gaps(pieces: Sequence[Piece]) -> Gaps:
    placed = list(enumerate(pieces))
    words: dict[str, tuple[list[int], list[int]]] = {}
    for place, piece in placed:
        if isinstance(piece, BodySlot):
            words.setdefault(piece.name, ([], []))[piece.in_html].append(place)
    return Gaps(
        tuple((place, _HEADER_WRITERS[piece]) for place, piece in placed if isinstance(piece, HeaderSlot)),
        tuple((name, tuple(in_text), tuple(in_html)) for name, (in_text, in_html) in words.items()),
        tuple((place, piece) for place, piece in reversed(placed) if isinstance(piece, Base64Body)),
    )


def _needs(piece: Piece) -> tuple[str, ...]:
    """The names of the values that a piece cannot do without."""
    if isinstance(piece, bytes):
        return ()
    if isinstance(piece, HeaderSlot):
        return (_NEEDED[piece],)
    return (piece.name,) if isinstance(piece, BodySlot) else piece.names


class Filled(NamedTuple):
    """The message for one person, CRLF throughout: its head with the empty line, and its body in pieces.

    `fields` is the head in pieces, each of whole fields, and `shared` are the places of those that hold
    nothing of this person. The pieces that are the same for everybody are those of the prepared mail itself,
    not copies.
    """

    head: bytes
    body: list[bytes]
    fields: list[bytes]
    shared: tuple[int, ...]


def with_fallbacks(prepared: PreparedMail, values: Mapping[str, str]) -> dict[str, str]:
    """The values, and the fallbacks for those that are missing or empty."""
    return {**values, **{one.name: values.get(one.name) or one.text for one in prepared.fallbacks}}


def fill(prepared: PreparedMail, values: Mapping[str, str]) -> bytes:
    """The whole message for one person; see `filled`."""
    made = filled(prepared, values)
    return b"".join([made.head, *made.body])


def filled(prepared: PreparedMail, values: Mapping[str, str]) -> Filled:
    """The message for one person in pieces: to join them would take longer than to make them.

    `values` may hold every known name; raises InputError (never repeating a value) if one that is needed is
    missing, if there is one nobody knows, or if a header's value is malformed.
    """
    names = values.keys()
    if not prepared.needs <= names:
        missing = ", ".join(sorted(prepared.needs - names))
        raise InputError(f"The mail cannot be filled: there is no value for {missing}.")
    if not names <= KNOWN_VALUES and not names <= KNOWN_VALUES | prepared.needs:
        unknown = ", ".join(sorted(names - KNOWN_VALUES - prepared.needs))
        raise InputError(f"The mail has no place for {unknown}.")
    fields = _chunks(prepared.head, prepared.head_gaps, values)
    body = _chunks(prepared.body, prepared.body_gaps, values)
    return Filled(b"".join(fields), body, fields, prepared.shared)


def _chunks(pieces: Sequence[Piece], gaps: Gaps, values: Mapping[str, str]) -> list[bytes]:
    """The pieces with the gaps filled, which are few."""
    chunks: list[Any] = list(pieces)
    for place, written in gaps.fields:
        chunks[place] = written(values)
    for name, in_text, in_html in gaps.words:
        text, html = _quoted(values[name])
        for place in in_text:
            chunks[place] = text
        for place in in_html:
            chunks[place] = html
    for place, part in gaps.parts:
        inserted = [body_value(values[name], in_html=part.in_html).encode() for name in part.names]
        chunks[place : place + 1] = b64_fill(part.literals, inserted)
    return chunks


def _quoted(value: str) -> tuple[bytes, bytes]:
    """A value in quoted-printable as it stands in text, and as it stands in HTML."""
    if len(value) <= QP_ROOM and _SAME_EVERYWHERE.fullmatch(value):
        same = value.encode("ascii")
        return same, same
    clean = body_value(value, in_html=False)
    escaped = html_module.escape(clean)
    in_text = qp_value(clean)
    return in_text, in_text if escaped == clean else qp_value(escaped)


def body_value(value: str, *, in_html: bool) -> str:
    """A person's value as it stands in a part: one line, no control characters, escaped in HTML.

    Line ends and tabs become spaces. Raises InputError if it is longer than 2,000 characters.
    """
    if len(value) > VALUE_LIMIT:
        raise InputError(N_("A value for a mail is longer than %(limit)s characters."), limit=VALUE_LIMIT)
    if not (value.isascii() and value.isprintable()):
        value = _UNWANTED.sub("", _LINE_ENDS.sub(" ", value))
    return html_module.escape(value) if in_html else value


def _plain(piece: Piece) -> list[Any]:
    if isinstance(piece, bytes):
        return ["bytes", piece.decode("latin-1")]
    if isinstance(piece, HeaderSlot):
        return ["header", piece.value]
    if isinstance(piece, BodySlot):
        return ["slot", piece.name, piece.in_html]
    return ["base64", [one.raw.decode() for one in piece.literals], list(piece.names), piece.in_html]


def _piece(plain: list[Any]) -> Piece:
    """The way back; the fingerprint has shown that `_plain` wrote it."""
    kind, *rest = plain
    if kind == "bytes":
        return str(rest[0]).encode("latin-1")
    if kind == "header":
        return HeaderSlot(rest[0])
    if kind == "slot":
        return BodySlot(rest[0], rest[1])
    literals, names, in_html = rest
    return Base64Body(tuple(b64_literal(one.encode()) for one in literals), tuple(names), in_html)


def _write_to(values: Mapping[str, str]) -> bytes:
    return headers.address_field("To", values.get("to_name", ""), values["to"])


def _write_list_id(values: Mapping[str, str]) -> bytes:
    return headers.list_id_field(values.get("list_name", ""), values["list_id"])


def _write_unsubscribe(values: Mapping[str, str]) -> bytes:
    return headers.list_unsubscribe_field(values["unsubscribe_url"], values.get("unsubscribe_mailto", ""))


_HEADER_WRITERS: Mapping[HeaderSlot, Callable[[Mapping[str, str]], bytes]] = {
    HeaderSlot.TO: _write_to,
    HeaderSlot.MESSAGE_ID: lambda values: headers.message_id_field(values["message_id"]),
    HeaderSlot.DATE: lambda values: headers.date_field(values["date"]),
    HeaderSlot.THREAD: lambda values: headers.thread_fields(values["follows_on"]),
    HeaderSlot.LIST_ID: _write_list_id,
    HeaderSlot.LIST_UNSUBSCRIBE: _write_unsubscribe,
}

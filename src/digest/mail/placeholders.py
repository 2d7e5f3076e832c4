"""Mails that are encoded once and filled for each person.

A *placeholder* is written `%%name%%` in the HTML and the text. `prepare` encodes everything around the
placeholders and checks itself by reading the result back; `fill` puts in a person's values: escaped in the
HTML, as they are in the text, as whole fields in the headers. Filling encodes nothing but the values, so it
costs microseconds where building a message anew costs milliseconds.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Sequence
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32

from digest.errors import InputError, StateError, Word
from digest.i18n import N_
from digest.mail.encodings import b64_literal, b64_size, qp_literals
from digest.mail.prepared import (
    BODY_PLACEHOLDERS,
    Base64Body,
    BodySlot,
    Fallback,
    HeaderSlot,
    Piece,
    PreparedMail,
    assembled,
    body_value,
    fill,
    with_fallbacks,
)

__all__ = [
    "BODY_PLACEHOLDERS",
    "PLACEHOLDER",
    "Fallback",
    "HeaderSlot",
    "PreparedMail",
    "fill",
    "prepare",
    "with_fallbacks",
]

PLACEHOLDER = re.compile(r"%%([a-z][a-z0-9_]{0,39})%%")
SOURCE_LIMIT = 2_000_000  # characters of one part; mail programs cut off what is far below that
_READABLE_BONUS = 200  # bytes that a source a person can read may be longer than base64
_LINE_LIMIT = 998  # RFC 5322 section 2.1.1, without CRLF
# An awkward value for the self-check: leading dot, `From `, markup, scripts, joiners, a long word, spaces.
_SAMPLE = '.From  «Անահիտ» O\'Hara & <Söhne> "=20" \U0001f469\u200d\U0001f52c ' + "x" * 90 + " "
_SAMPLES = {
    "to": "reader@example.org",
    "to_name": "Անահիտ, .reader",
    "message_id": "<e1.sample@example.org>",
    "follows_on": "<e0.sample@example.org>",
    "date": "Mon, 23 Nov 2026 18:56:42 +0000",
    "list_id": "sample.example.org",
    "list_name": "Sample",
    "unsubscribe_url": f"https://example.org/u/{'t' * 300}?a=b&c=.d",
    "unsubscribe_mailto": "mailto:unsub@example.org?subject=unsubscribe",
}


def prepare(
    fields: Sequence[bytes | HeaderSlot],
    *,
    html: str,
    text: str,
    allowed: Collection[str] = BODY_PLACEHOLDERS,
    fallbacks: Sequence[Fallback] = (),
) -> PreparedMail:
    """Encode a mail of a text and an HTML part, for each the smaller of quoted-printable and base64.

    `fields` are whole header fields (made by `mail.headers`) and slots, in order, without the MIME ones. Line
    ends of any kind become CRLF; everything else comes out exactly. Raises InputError for an empty or huge
    part, for text that is not Unicode, and for a placeholder that is neither among `allowed` nor has a
    fallback.
    """
    html, text = _checked(html, "HTML"), _checked(text, "text")
    allowed = {*allowed, *(one.name for one in fallbacks)}
    seed = hashlib.sha256(b"\0".join((text.encode(), html.encode()))).hexdigest()[:24]
    # "=_" occurs in neither quoted-printable nor base64, so no content can hold the boundary (RFC 2045 6.7).
    boundary = f"=_{seed}"
    pieces: list[Piece] = [*fields, _mime_head(boundary)]
    for kind, source, end in (("plain", text, ""), ("html", html, "--")):
        coding, body = _encoded(source, in_html=kind == "html", allowed=allowed)
        line_end = "" if coding == "base64" else "\r\n"  # base64 lines bring theirs
        pieces += (_part_head(kind, coding), *body, f"{line_end}--{boundary}{end}\r\n".encode("ascii"))
    prepared = assembled(pieces, fallbacks)
    check(prepared, html=html, text=text)
    return prepared


def check(prepared: PreparedMail, *, html: str, text: str) -> None:
    """Raise StateError, naming the fault, if the mail would not arrive as it was meant.

    It is filled with awkward sample values and read back with the standard library's parser, which shares no
    code with our encoder: both parts must come out as they went in, and every line must keep the wire's
    limits. `html` and `text` are the sources it was made of, their lines ending in LF.
    """
    values = dict.fromkeys(prepared.needs, _SAMPLE) | _SAMPLES
    raw = fill(prepared, values)
    _check_wire(raw)
    parts = BytesParser(policy=compat32).parsebytes(raw).get_payload()
    if not isinstance(parts, list) or len(parts) != 2:
        raise StateError("The encoded mail does not have the two parts it was made of.")
    for part, source, in_html in zip(parts, (text, html), (False, True), strict=True):
        filled = {name: body_value(value, in_html=in_html) for name, value in values.items()}
        if _decoded(part) != PLACEHOLDER.sub(lambda found, by=filled: by[found[1]], source):  # type: ignore[misc]
            kind = "HTML" if in_html else "text"
            raise StateError(f"The encoded mail's {kind} part does not read back as it was written.")


def _decoded(part: object) -> str:
    payload = part.get_payload(decode=True) if isinstance(part, Message) else None
    return payload.decode().replace("\r\n", "\n") if isinstance(payload, bytes) else ""


def _check_wire(raw: bytes) -> None:
    if not raw.count(b"\n") == raw.count(b"\r") == raw.count(b"\r\n") or not raw.endswith(b"\r\n"):
        raise StateError("The encoded mail has a line that does not end in CRLF.")
    head, _, body = raw.partition(b"\r\n\r\n")
    if any(len(line) > _LINE_LIMIT for line in head.split(b"\r\n")):
        raise StateError(f"A header of the mail has a line of more than {_LINE_LIMIT} bytes.")
    for line in body.split(b"\r\n"):
        if len(line) > 76 or line.startswith((b".", b"From ")):
            raise StateError("The encoded mail has a line that the wire could change.")


def _checked(source: str, kind: str) -> str:
    if not source.strip():
        raise InputError(N_("The %(kind)s part of the mail is empty."), kind=Word(kind))
    if len(source) > SOURCE_LIMIT:
        raise InputError(
            N_("The %(kind)s part of the mail is longer than %(limit)s characters."),
            kind=Word(kind),
            limit=SOURCE_LIMIT,
        )
    try:
        source.encode()
    except UnicodeEncodeError:
        raise InputError(f"The {kind} part of the mail holds half a character (a lone surrogate).") from None
    return source.replace("\r\n", "\n").replace("\r", "\n")


def _encoded(source: str, *, in_html: bool, allowed: Collection[str]) -> tuple[str, list[Piece]]:
    """The coding's name and the pieces of a part, in the shorter of the two codings."""
    parts = PLACEHOLDER.split(source)
    literals, names = parts[::2], parts[1::2]
    unknown = sorted(set(names) - set(allowed))
    if unknown:
        raise InputError(N_("The mail holds %(name)s, which nobody fills."), name=f"%%{unknown[0]}%%")
    quoted = qp_literals(literals)
    raw = [literal.encode() for literal in literals]
    if sum(map(len, quoted)) <= b64_size(sum(map(len, raw))) + _READABLE_BONUS:
        pieces: list[Piece] = [quoted[0]]
        for name, literal in zip(names, quoted[1:], strict=True):
            pieces += (BodySlot(name, in_html), literal)
        return "quoted-printable", pieces
    return "base64", [Base64Body(tuple(b64_literal(part) for part in raw), tuple(names), in_html)]


def _mime_head(boundary: str) -> bytes:
    return (
        "MIME-Version: 1.0\r\n"
        f'Content-Type: multipart/alternative; boundary="{boundary}"\r\n\r\n'
        f"--{boundary}\r\n"
    ).encode("ascii")


def _part_head(kind: str, coding: str) -> bytes:
    return (
        f'Content-Type: text/{kind}; charset="utf-8"\r\nContent-Transfer-Encoding: {coding}\r\n\r\n'
    ).encode("ascii")

"""The body of a part as 7-bit bytes: quoted-printable and base64 with gaps that are filled later, exactly.

Both forms keep what is between the gaps encoded once and for all. In quoted-printable a value stands on
lines of its own between soft breaks, so its length does not matter. In base64 three bytes make four letters,
so a value of any length moves all that follows: each literal is kept in its three possible alignments, and
the one to three bytes around a seam are encoded together with the value.

Neither form ever has a line that starts with a dot (nothing to stuff, RFC 5321 section 4.5.2) or with
"From " (some servers put a ">" before it), nor a line of more than 76 characters (RFC 2045 section 6.7, 6.8).
No bare CR or LF, no trailing white space and no two spaces in a row: DKIM's relaxed body is the body itself.
"""

from __future__ import annotations

import binascii
import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

QP_ROOM = 75  # a line's letters; the soft break's "=" is the 76th
_B64_LINE_BYTES = 57  # that is 76 letters
_SHORT = 8  # a literal shorter than this is encoded together with its neighbours
_EASY_SLICE = re.compile(r".{1,75}(?<!=)(?<!=[0-9A-F])")  # as much as a line holds; no "=3D" is cut
_SOFT_BREAK = b"=\r\n"


def qp_text(text: str) -> bytes:
    """Quoted-printable of a text whose lines end in LF; it starts at the start of a line and ends as it ends.

    The same for a literal and for a value: put a soft break wherever two of them meet.
    """
    return b"\r\n".join(qp_value(line) for line in text.split("\n"))


def qp_value(value: str) -> bytes:
    """Quoted-printable of a line or a value without line ends; plain ASCII takes the quick way."""
    if not _is_easy(value):
        return _qp_line(value)
    quoted = value.replace("=", "=3D")
    if len(quoted) <= QP_ROOM:
        return quoted.encode("ascii")
    slices = _EASY_SLICE.findall(quoted)
    if any(part.startswith((".", "From ")) for part in slices):
        return _qp_line(value)
    return "=\r\n".join(slices).encode("ascii")


def _is_easy(value: str) -> bool:
    """Whether a value is printable ASCII of which only "=" is spelt out."""
    if not (value.isascii() and value.isprintable()) or "  " in value:
        return False
    return not value.startswith((".", " ", "From ")) and not value.endswith(" ")


def qp_literals(literals: Sequence[str]) -> list[bytes]:
    """The literals around the gaps, with the soft breaks that put every value on a line of its own."""
    last = len(literals) - 1
    found = []
    for place, literal in enumerate(literals):
        body = qp_text(literal)
        before = _SOFT_BREAK if place > 0 and (literal or place < last) else b""
        after = _SOFT_BREAK if place < last and literal and not literal.endswith("\n") else b""
        found.append(before + body + after)
    return found


def b64_lines(raw: bytes) -> bytes:
    """Base64 in lines of at most 76 letters, each ended by CRLF."""
    return b"".join(
        binascii.b2a_base64(raw[at : at + _B64_LINE_BYTES], newline=False) + b"\r\n"
        for at in range(0, len(raw), _B64_LINE_BYTES)
    )


def b64_size(length: int) -> int:
    """How many bytes `b64_lines` makes of so many."""
    whole, rest = divmod(length, _B64_LINE_BYTES)
    return whole * 78 + (4 * (-(-rest // 3)) + 2 if rest else 0)


@dataclass(frozen=True, slots=True)
class Base64Literal:
    """A literal in its three alignments.

    `encoded[n]` leaves out the first n bytes; `tails[n]` is what is left behind the last group of three.
    """

    raw: bytes
    encoded: tuple[bytes, bytes, bytes]
    tails: tuple[bytes, bytes, bytes]


@functools.lru_cache(maxsize=64)
def b64_literal(raw: bytes) -> Base64Literal:
    """Encode a literal in its three alignments."""
    cuts = [len(raw) - (len(raw) - skip) % 3 for skip in range(3)]
    encoded = [b64_lines(raw[skip:cut]) for skip, cut in enumerate(cuts)]
    first, second, third = encoded
    tails = (raw[cuts[0] :], raw[cuts[1] :], raw[cuts[2] :])
    return Base64Literal(raw=raw, encoded=(first, second, third), tails=tails)


def b64_fill(literals: Sequence[Base64Literal], values: Sequence[bytes]) -> list[bytes]:
    """The chunks of a base64 body: literals and values by turns, `len(values) + 1 == len(literals)`."""
    chunks: list[bytes] = []
    pending = b""
    for place, literal in enumerate(literals):
        if len(literal.raw) < _SHORT:
            pending += literal.raw
        else:
            skip = -len(pending) % 3
            chunks.append(b64_lines(pending + literal.raw[:skip]))
            chunks.append(literal.encoded[skip])
            pending = literal.tails[skip]
        if place < len(values):
            pending += values[place]
    chunks.append(b64_lines(pending))
    return chunks


def _qp_line(line: str) -> bytes:
    pieces: list[str] = []
    room = QP_ROOM
    tokens = list(_qp_tokens(line))
    for place, token in enumerate(tokens):
        letters = token
        if len(letters) > room:
            pieces.append("=\r\n")
            room = QP_ROOM
        if room == QP_ROOM and (letters == "." or (letters == "F" and _is_from(tokens, place))):
            letters = f"={ord(letters):02X}"
        pieces.append(letters)
        room -= len(letters)
    return "".join(pieces).encode("ascii")


def _is_from(tokens: Sequence[str], place: int) -> bool:
    return tokens[place : place + 5] == ["F", "r", "o", "m", " "]


def _qp_tokens(line: str) -> Iterator[str]:
    """What each character becomes; white space at an end or in a row is spelt out."""
    last = len(line) - 1
    before = ""
    for place, char in enumerate(line):
        if char == " " and (before == " " or place == last):
            yield "=20"
        else:
            yield _TOKENS[char]
        before = char


class _Tokens(dict[str, str]):
    """The quoted-printable spelling of a character, found once. A character is never cut by a line's end."""

    def __missing__(self, char: str) -> str:
        token = "".join(f"={byte:02X}" for byte in char.encode())
        if len(self) < 5000:
            self[char] = token
        return token


def _plain_tokens() -> Mapping[str, str]:
    return {chr(code): chr(code) for code in range(0x20, 0x7F) if chr(code) != "="}


_TOKENS = _Tokens(_plain_tokens())

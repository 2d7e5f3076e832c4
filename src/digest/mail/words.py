"""Encoded words of mail headers (RFC 2047): read them, and write them so that nothing is cut in two.

A word holds whole user-perceived characters where they fit: some mail programs decode and draw each word by
itself, and an emoji split over two words comes out as two signs.
"""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata
from collections.abc import Iterator

_WORD = re.compile(r"=\?([A-Za-z0-9_.:+-]{1,40})(?:\*[A-Za-z0-9-]{0,20})?\?([bBqQ])\?([^?\r\n]{0,4000})\?=")
_BETWEEN_WORDS = re.compile(r"(?<=\?=)[ \t\r\n]+(?==\?[A-Za-z0-9_.:+*-]{1,60}\?[bBqQ]\?)")
_Q_BYTE = re.compile(rb"=([0-9A-Fa-f]{2})")
_LINE = 76  # RFC 2047 section 2: a line that holds an encoded word is no longer than this
_WORD_LIMIT = 75  # and the word itself no longer than that, marks included
_MARKS = len("=?utf-8?q??=")
# What stands for itself in a word of a phrase (RFC 2047 section 5 (3)), the narrowest of the three places.
_Q_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")
_JOINER = "\u200d"


def decode_words(text: str) -> str:
    """The text with its encoded words read once; words in an unknown charset stay as they are."""
    return _WORD.sub(_decode_word, _BETWEEN_WORDS.sub("", text))


def has_words(text: str) -> bool:
    """Whether a reader would find an encoded word in the text."""
    return _WORD.search(text) is not None


def encode_words(text: str, *, used: int) -> list[str]:
    """The text as utf-8 encoded words, one a line; `used` is the room already taken on the first line.

    The shorter of the two codings is taken for all of them. Joined by CRLF and a space they are lines of at
    most 76 characters, if `used` leaves room for a word of one character.
    """
    quoted = sum(len(_q_char(char)) for char in text)
    as_base64 = 4 * (-(-len(text.encode()) // 3)) < quoted
    words = []
    room = min(_LINE - used, _WORD_LIMIT) - _MARKS
    current = ""
    for cluster in _fitting_clusters(text, as_base64=as_base64):
        if current and _size(current + cluster, as_base64=as_base64) > room:
            words.append(_word(current, as_base64=as_base64))
            current, room = "", _LINE - 1 - _MARKS
        current += cluster
    words.append(_word(current, as_base64=as_base64))
    return words


def clusters(text: str) -> Iterator[str]:
    """The text in user-perceived characters, after those rules of Unicode TR 29 that matter in titles.

    Marks, variation selectors, skin tones, tag letters, joined emoji and flag pairs stay together.
    """
    current = ""
    for char in text:
        if current and not _belongs_to(current, char):
            yield current
            current = ""
        current += char
    if current:
        yield current


def _belongs_to(cluster: str, char: str) -> bool:
    if char == _JOINER or cluster[-1] == _JOINER or unicodedata.category(char)[0] == "M":
        return True
    code = ord(char)
    if 0x1F3FB <= code <= 0x1F3FF or 0xE0020 <= code <= 0xE007F:
        return True
    return len(cluster) == 1 and _is_flag_letter(cluster) and _is_flag_letter(char)


def _is_flag_letter(char: str) -> bool:
    return 0x1F1E6 <= ord(char) <= 0x1F1FF


def _fitting_clusters(text: str, *, as_base64: bool) -> Iterator[str]:
    for cluster in clusters(text):
        if _size(cluster, as_base64=as_base64) <= 36:  # any first line that has room at all has this much
            yield cluster
        else:
            yield from cluster


def _size(text: str, *, as_base64: bool) -> int:
    if as_base64:
        return 4 * (-(-len(text.encode()) // 3))
    return sum(len(_q_char(char)) for char in text)


def _q_char(char: str) -> str:
    if char == " ":
        return "_"
    raw = char.encode()
    if len(raw) == 1 and raw[0] in _Q_PLAIN:
        return char
    return "".join(f"={byte:02X}" for byte in raw)


def _word(text: str, *, as_base64: bool) -> str:
    if as_base64:
        return f"=?utf-8?b?{base64.b64encode(text.encode()).decode('ascii')}?="
    return f"=?utf-8?q?{''.join(map(_q_char, text))}?="


def _decode_word(match: re.Match[str]) -> str:
    charset, coding, payload = match.groups()
    try:
        if coding in "bB":
            raw = base64.b64decode(payload + "=" * (-len(payload) % 4))
        else:
            spaced = payload.replace("_", " ").encode("utf-8", "surrogateescape")
            raw = _Q_BYTE.sub(lambda found: bytes.fromhex(found[1].decode("ascii")), spaced)
        return raw.decode(charset, "replace")
    except (LookupError, ValueError, binascii.Error):
        return match[0]

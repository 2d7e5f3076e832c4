"""The text part: lines of 72 columns, addresses whole and on their own (RFC 5322 2.1.1)."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

COLUMNS: Final = 72
_LONGEST_UNDERLINE: Final = 60  # of dashes: between sections stands a rule of dashes
SIGNATURE: Final = "-- "  # what follows this line is no part of an answer (RFC 3676 4.3)
_BLANKS = re.compile(r"\n{4,}")
# Words that a cut would spoil: addresses, with or without a scheme, and our placeholders.
_WHOLE = re.compile(r"://|mailto:|%%\w+%%|[a-z0-9]\.[a-z]{2,}/", re.IGNORECASE)
_JOINER = "\u200d"
_MOST_JOINED: Final = 12  # signs in one letter; a family of four has eleven
_LEAST: Final = 8  # columns; with less left on its line a word that must be cut begins on the next


def width(text: str) -> int:
    """How many columns a text takes at a terminal: wide letters take two, combining ones none."""
    # As most words are: each letter takes one.
    if text.isascii():
        return len(text)
    return sum(_columns(letter) for letter in text)


def wrap(text: str, first: str = "", rest: str | None = None, columns: int = COLUMNS) -> str:
    """Fold a text at its spaces; existing line ends stay.

    A word longer than a line (many languages write no spaces) is cut between letters, an address never.
    `first` stands before the first line and `rest` before all others (default: as many blanks).
    """
    indent = " " * width(first) if rest is None else rest
    lines: list[str] = []
    for paragraph in text.split("\n"):
        lines.extend(_folded(paragraph, first if not lines else indent, indent, columns))
    return "\n".join(line.rstrip() for line in lines)


def rule(sign: str = "-", columns: int = COLUMNS) -> str:
    """A line across the whole width, or a part of it."""
    return sign * columns


def underline(text: str, sign: str = "-", first: str = "") -> str:
    """A heading, folded, and under it a line as long as its longest line; never one like a rule of dashes."""
    folded = wrap(text, first)
    longest = max(width(line) for line in folded.split("\n"))
    return f"{folded}\n{sign * min(longest, _LONGEST_UNDERLINE if sign == '-' else COLUMNS)}"


def tidy(text: str) -> str:
    """No blanks at line ends, no more than two empty lines together, exactly one line end at the end.

    The line that begins a signature keeps its blank.
    """
    lines = "\n".join(line if line == SIGNATURE else line.rstrip(" ") for line in text.split("\n"))
    return _BLANKS.sub("\n\n\n", lines).strip("\n") + "\n"


def _columns(letter: str) -> int:
    if unicodedata.combining(letter) or unicodedata.category(letter) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(letter) in {"W", "F"} else 1


def _folded(paragraph: str, first: str, rest: str, columns: int) -> list[str]:
    lines: list[str] = []
    line, used = first, width(first)
    is_empty = True
    for word in paragraph.split(" "):
        if not word:
            continue
        # Where a word must be cut anyhow, it begins on the line that is there.
        room = columns - used - (0 if is_empty else 1)
        for at, piece in enumerate(_pieces(word, room, columns - width(rest))):
            size = width(piece)
            if at or (not is_empty and used + 1 + size > columns):
                lines.append(line)
                line, used, is_empty = rest, width(rest), True
            line, used = (line + piece, used + size) if is_empty else (f"{line} {piece}", used + 1 + size)
            is_empty = False
    return [*lines, line]


def _pieces(word: str, room: int, columns: int) -> list[str]:
    """A word as it is, or cut to fit first `room`, then `columns`, if no line could hold it."""
    if width(word) <= columns or _WHOLE.search(word):
        return [word]
    pieces: list[str] = []
    piece, left = "", room if room >= _LEAST else columns
    for letter in _letters(word):
        size = width(letter)
        if piece and size > left:
            pieces.append(piece)
            piece, left = "", columns
        piece += letter
        left -= size
    return [*pieces, piece]


def _letters(word: str) -> list[str]:
    """Letters with what belongs to them: marks, joiners and closing punctuation, which begins no line."""
    letters: list[str] = []
    for sign in word:
        before = letters[-1] if letters else ""
        is_joined = before.endswith(_JOINER) and len(before) < _MOST_JOINED
        is_closing = len(before) < 3 and unicodedata.category(sign) in {"Pe", "Pf", "Po"}
        if before and (is_joined or is_closing or _columns(sign) == 0):
            letters[-1] += sign
        else:
            letters.append(sign)
    return letters

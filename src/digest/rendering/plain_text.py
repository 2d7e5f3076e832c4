"""The text part: lines of 72 columns, addresses whole and on their own (RFC 5322 2.1.1)."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

COLUMNS: Final = 72
_BLANKS = re.compile(r"\n{4,}")


def width(text: str) -> int:
    """How many columns a text takes at a terminal: wide letters take two, combining ones none."""
    return sum(_columns(letter) for letter in text)


def wrap(text: str, first: str = "", rest: str | None = None, columns: int = COLUMNS) -> str:
    """Fold a text at its spaces; existing line ends stay, a word longer than the line is never cut.

    `first` stands before the first line and `rest` before all others (default: as many blanks).
    """
    indent = " " * width(first) if rest is None else rest
    lines: list[str] = []
    for paragraph in text.split("\n"):
        lines.extend(_folded(paragraph, first if not lines else indent, indent, columns))
    return "\n".join(line.rstrip() for line in lines)


def rule(sign: str = "-") -> str:
    """A line across the whole width."""
    return sign * COLUMNS


def underline(text: str, sign: str = "-") -> str:
    """A heading, folded, and under it a line as long as its longest line."""
    folded = wrap(text)
    return f"{folded}\n{sign * max(width(line) for line in folded.split(chr(10)))}"


def tidy(text: str) -> str:
    """No blanks at line ends, no more than two empty lines together, exactly one line end at the end."""
    lines = "\n".join(line.rstrip(" ") for line in text.split("\n"))
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
        size = width(word)
        if not is_empty and used + 1 + size > columns:
            lines.append(line)
            line, used, is_empty = rest, width(rest), True
        line, used = (line + word, used + size) if is_empty else (f"{line} {word}", used + 1 + size)
        is_empty = False
    return [*lines, line]

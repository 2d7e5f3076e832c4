"""The little markup that the posts are written in, made into HTML and plain text.

Paragraphs are divided by blank lines, and `*words*` are stressed. There is nothing else: no markup of the
author's own gets through.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence

_STRESSED = re.compile(r"\*([^*\n]+)\*")
_BLANK_LINES = re.compile(r"\n\s*\n")


def paragraphs(text: str) -> tuple[str, ...]:
    """The paragraphs of a text, each on one line, without empty ones."""
    joined = (" ".join(part.split()) for part in _BLANK_LINES.split(text))
    return tuple(part for part in joined if part)


def to_html(parts: Iterable[str]) -> str:
    """One `<p>` a paragraph, everything escaped but the stress."""
    escaped = (html.escape(part, quote=False) for part in parts)
    return "\n".join("<p>" + _STRESSED.sub(r"<em>\1</em>", part) + "</p>" for part in escaped)


def to_text(parts: Iterable[str]) -> str:
    """The words alone, on one line."""
    return " ".join(_STRESSED.sub(r"\1", part) for part in parts)


def excerpt(parts: Sequence[str], *, words: int = 55) -> str:
    """The first words, with "[…]" if there are more; 55 is what most newsroom software gives in a feed."""
    found = to_text(parts).split()
    return " ".join(found) if len(found) <= words else " ".join(found[:words]) + " […]"

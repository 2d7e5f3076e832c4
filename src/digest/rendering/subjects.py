"""The two lines that a reader sees before opening: the subject and the preheader. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from digest.rendering.words import clean_text, cut_line

SUBJECT_LIMIT: Final = 150
_PREHEADER_LEAST: Final = 40
_PREHEADER_MOST: Final = 100


def subject_line(text: str) -> str:
    """One line without controls, at most 150 characters, cut at a word's end."""
    return cut_line(clean_text(text), SUBJECT_LIMIT)


def preheader_line(subject: str, pieces: Iterable[str]) -> str:
    """40 to 100 characters that go on where the subject ends; pieces that only repeat it are left out.

    The pieces are joined until there is enough; give a last one that is long enough by itself.
    """
    line = ""
    for piece in pieces:
        text = clean_text(piece)
        if not text or _says_the_same(text, subject) or text in line:
            continue
        line = f"{line} · {text}" if line else text
        if len(line) >= _PREHEADER_LEAST:
            break
    return cut_line(line, _PREHEADER_MOST)


def language_of(line: str, pieces: Iterable[tuple[str, str]], otherwise: str) -> str:
    """The language of a line, by the piece that it is or begins with: each is words and their language."""
    whole = line.removesuffix("…")
    for words, language in pieces:
        text = clean_text(words)
        if text and (text.startswith(whole) if len(text) >= len(whole) else line.startswith(text)):
            return language
    return otherwise


def _says_the_same(text: str, subject: str) -> bool:
    return text.casefold().rstrip("….") == subject.casefold().rstrip("….")

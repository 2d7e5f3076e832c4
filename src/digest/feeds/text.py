"""Plain text out of what feeds give: one line, no markup, nothing that can turn a line around."""

from __future__ import annotations

import html
import re
import unicodedata

# Controls, halves of surrogate pairs and non-characters: nothing a reader sees, much that breaks a parser.
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
# Embeddings, overrides and isolates (UAX #9): left open, they turn round all that follows them in a mail.
_TURNING = re.compile(r"[\u202a-\u202e\u2066-\u2069]")
# The single marks turn nothing round, but in a title they only serve to tell two equal titles apart.
_MARKS = re.compile(r"[\u200e\u200f\u061c\u200b\ufeff\u2060\u00ad]")
_JOINERS = "\u200d\ufe0e\ufe0f"
_LONGEST_LETTER = 32
_LOOSE_ENDS = " ,;:.–—-"
_SPACES = re.compile(r"[\s\u0085]+")
_WITH_CONTENT = re.compile(r"<(script|style)\b[^>]*>.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"</?[a-zA-Z][a-zA-Z0-9:-]*(?:\s[^<>]*)?/?>|<!--.*?-->", re.DOTALL)


def without_controls(text: str) -> str:
    """Drop what no reader can see and no mail should carry; line breaks and joiners of letters stay."""
    return _TURNING.sub("", _CONTROLS.sub("", text))


def one_line(text: str) -> str:
    """Clean text as one line: composed letters (NFC), white space runs as one space, no marks."""
    return _SPACES.sub(" ", unicodedata.normalize("NFC", _MARKS.sub("", without_controls(text)))).strip()


def label(text: str, *, is_html: bool, longest: int) -> str:
    """A title, name or section as plain text of at most `longest` letters.

    Entities are resolved once, in HTML after the tags are dropped: `&lt;b&gt;` is the text `<b>`. A `<` that
    opens no tag stays. A text that holds a script or a style is HTML, whatever it was declared to be.
    """
    text = text[: longest * 20]  # the expressions below are quick only on what could be a title
    if is_html or _WITH_CONTENT.search(text):
        text = _TAG.sub("", _WITH_CONTENT.sub("", text))
    return shortened(one_line(html.unescape(without_controls(text))), longest)


def shortened(text: str, longest: int) -> str:
    """The text, or its beginning with an ellipsis, cut between words where there is one."""
    if len(text) <= longest:
        return text
    cut = cut_at_letter(text, longest - 1)
    at_word, _, _ = text[:longest].rpartition(" ")
    return (at_word if len(at_word) > longest // 2 else cut).rstrip(_LOOSE_ENDS) + "…"


def cut_at_letter(text: str, longest: int) -> str:
    """At most `longest` characters, never between a letter and its accents, nor inside an emoji or a flag."""
    end = min(longest, len(text))
    while 0 < end < len(text) and _belongs_to_last(text, end):
        end -= 1
        if longest - end > _LONGEST_LETTER:
            return text[:longest]  # not a letter of any script, but a pile of accents
    return text[:end]


def _belongs_to_last(text: str, index: int) -> bool:
    """Whether the character at `index` continues the one before it (the main cases of UAX #29)."""
    here, before = text[index], text[index - 1]
    if here in _JOINERS or before == "\u200d" or "\U0001f3fb" <= here <= "\U0001f3ff":
        return True
    if _is_flag_half(here) and _is_flag_half(before):
        start = index
        while start and _is_flag_half(text[start - 1]):
            start -= 1
        return (index - start) % 2 == 1
    return unicodedata.category(here) in {"Mn", "Me", "Mc"}


def _is_flag_half(letter: str) -> bool:
    return "\U0001f1e6" <= letter <= "\U0001f1ff"

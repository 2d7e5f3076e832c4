"""Plain text out of what feeds give: one line, no markup, nothing that can turn a line around."""

from __future__ import annotations

import html
import re
import unicodedata

# Controls, halves of surrogate pairs and non-characters: nothing a reader sees, much that breaks a parser.
_CONTROLS = re.compile(
    r"[\x00-\x08\x0b\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufdd0-\ufdef\ufff9-\ufffb\ufffe\uffff]"
)
# Embeddings, overrides and isolates (UAX #9): left open, they turn round all that follows them in a mail.
# With them go the shaping marks that Unicode has given up.
_TURNING = re.compile(r"[\u202a-\u202e\u2066-\u206f]")
# Invisible letters. They belong behind a black flag, which they make the flag of a region.
_TAGS = re.compile(r"(?<![\U0001f3f4\U000e0020-\U000e007f])[\U000e0000-\U000e007f]+")
# The single marks turn nothing round, but in a title they only serve to tell two equal titles apart.
_MARKS = re.compile(r"[\u200e\u200f\u061c\u200b\ufeff\u2060\u00ad]")
_JOINERS = "\u200c\u200d\ufe0e\ufe0f"
_LONGEST_LETTER = 32
_LONGEST_WORD = 60
# A run that no line can be broken in: without spaces and dashes, and of no script that breaks anywhere.
_LONG_WORD = re.compile(
    r"[^\s\-\u2010-\u2015/\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff"
    rf"\u2e80-\ud7ff\uf900-\ufaff\uff00-\uffef\U0001f000-\U0003ffff]{{{_LONGEST_WORD + 1},}}"
)
_LOOSE_ENDS = " ,;:.–—-"
_SPACES = re.compile(r"[\s\u0085]+")
# What is left of an entity that was escaped twice. `&lt;` is not among them: who writes about markup means
# it.
_ENTITY_LEFT = re.compile(
    r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|amp|quot|apos|nbsp|shy|[lr][sd]quo|[bs]dquo|[lr]aquo|[mn]dash|hellip|"
    r"middot|bull|copy|reg|trade|deg|euro|pound|ord[fm]|szlig|(?:oe|OE|ae|AE)lig|"
    r"[A-Za-z](?:acute|grave|circ|uml|tilde|cedil|ring|slash));"
)
_WITH_CONTENT = re.compile(r"<(script|style)\b[^>]*>.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"</?[a-zA-Z][a-zA-Z0-9:-]*(?:\s[^<>]*)?/?>|<!--.*?-->", re.DOTALL)


def without_controls(text: str) -> str:
    """Drop what no reader can see and no mail should carry; line breaks and joiners of letters stay."""
    if text.isascii():  # of all these it can only have controls
        return text if text.isprintable() else _CONTROLS.sub("", text)
    return _TAGS.sub("", _TURNING.sub("", _CONTROLS.sub("", text)))


def one_line(text: str) -> str:
    """Clean text as one line: composed letters (NFC), white space runs as one space, no marks."""
    text = without_controls(text)
    if not text.isascii():
        text = unicodedata.normalize("NFC", _MARKS.sub("", text))
    return _SPACES.sub(" ", text).strip()


def label(text: str, *, is_html: bool, longest: int) -> str:
    """A title, name or section as plain text of at most `longest` letters.

    Entities are resolved, in HTML after the tags are dropped: `&lt;b&gt;` is the text `<b>`; once, and once
    more where they had been escaped twice. A `<` that opens no tag stays. A text that holds a script or a
    style is HTML, whatever it was declared to be.
    """
    text = text[: longest * 20]  # the expressions below are quick only on what could be a title
    if is_html or _WITH_CONTENT.search(text):
        text = _TAG.sub("", _WITH_CONTENT.sub("", text))
    text = unescaped_again(html.unescape(without_controls(text)))
    return shortened(without_long_words(one_line(text)), longest)


def unescaped_again(text: str) -> str:
    """A plain text without what is left of entities that were escaped twice: `&amp;`, `&#8217;`, `&eacute;`.

    Only once: what comes out is not looked at again.
    """
    return _ENTITY_LEFT.sub(lambda found: html.unescape(found[0]), text)


def without_long_words(text: str) -> str:
    """The text, a word that is wider than any column cut short with an ellipsis."""
    return _LONG_WORD.sub(lambda found: cut_at_letter(found[0], _LONGEST_WORD - 1).rstrip("…") + "…", text)


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
    if "\U000e0020" <= here <= "\U000e007f":
        return True
    if _is_flag_half(here) and _is_flag_half(before):
        start = index
        while start and _is_flag_half(text[start - 1]):
            start -= 1
        return (index - start) % 2 == 1
    return unicodedata.category(here) in {"Mn", "Me", "Mc"}


def _is_flag_half(letter: str) -> bool:
    return "\U0001f1e6" <= letter <= "\U0001f1ff"

"""Bylines in the house's style: who wrote a story, as the paper writes it.

What a site said is stored as it said it; the style is put on when an edition is made, so that a change of
style needs no new collection.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

from digest.errors import InputError
from digest.feeds.text import label
from digest.i18n import N_, Translator

_LONGEST = 200  # letters of a name
_MOST_NAMES = 20
_MOST_LEFT_OUT = 200
_LONGEST_INITIALS = 5  # letters: an agency, a house, somebody's initials

# "By", "By:", "Written by", in the languages of the feeds that papers of a diaspora draw from. "Von" before a
# single word is a part of the name.
_LEAD_IN = re.compile(
    r"^(?:(?:(?:written|words|text|story|reported)\s+)?by|par|por|yazan|автор|հեղինակ|գրեց|بقلم)"
    r"(?:\s*[:՝]\s*|\s+)(?=\S)"
    r"|^(?:von|door)(?:\s*:\s*(?=\S)|\s+(?=\S+\s+\S))",
    re.IGNORECASE,
)
_MAIL_WITH_NAME = re.compile(r"^\s*\S+@\S+\s*\((.*)\)\s*$")
_NAME_WITH_MAIL = re.compile(r"^(.*?)\s*[<(\[]\s*\S+@[^\s>)\]]+\s*[>)\]]\s*$")
_MAIL = re.compile(r"\S+@\S+")
_LOOSE = " ,;|()<>[]\"'·•"
# Between two names. The comma of "Jr." is none.
_BETWEEN = re.compile(
    r"\s*(?:;|\||,(?!\s*(?:jr|sr|ii|iii|iv|ph\.?d|m\.?d|esq)\b\.?)|&(?!\w))\s*(?:(?:and|և)\s+)?"
    r"|\s+(?:and|et|und|և|եւ)\s+",
    re.IGNORECASE,
)
# "Petrosyan, Ani", or two who go by one name each: nobody can tell, so that it stays.
_SURNAME_FIRST = re.compile(r"[^\s,]+,\s*[^\s,]+")
# What stays small in a name: "Ani de la Cruz", "Ludwig van den Berg".
_SMALL = frozenset(
    {
        *("de", "da", "do", "dos", "das", "du", "del", "della", "der", "den", "van", "von", "und"),
        *("la", "le", "y", "e", "af", "av", "bin", "ibn", "al"),
    }
)
_ROMAN = re.compile(r"(?:II|III|IV|VI{0,3})$")
_AFTER_MC = re.compile(r"^(Mc)(\w)")
_WORD = re.compile(r"[^\W\d_]+(?:[’'][^\W\d_]+)*")


class Capitals(StrEnum):
    """What becomes of a name that a site writes all in capitals."""

    KEEP = "keep"
    TITLE = "title"


@dataclass(frozen=True, slots=True)
class BylineStyle:
    """A digest's house style: `rules["bylines"]`.

    `leave_out` are names that are nobody's, such as the login of the desk, in any case; `most` is how many
    authors are named before the rest are "and others".
    """

    capitals: Capitals = Capitals.KEEP
    leave_out: tuple[str, ...] = ()
    most: int = 4


def read_style(values: Mapping[str, Any] | None) -> BylineStyle:
    """The style of a digest's stored rules. Raises InputError for what is no style."""
    given = dict(values or {})
    known = {field.name for field in fields(BylineStyle)}
    if unknown := sorted(given.keys() - known):
        raise InputError(f"A byline has no {unknown[0]!r}; there are {', '.join(sorted(known))}.")
    capitals, left_out = given.get("capitals", Capitals.KEEP), given.get("leave_out", ())
    most = given.get("most", BylineStyle().most)
    if capitals not in list(Capitals):
        raise InputError(f"Capitals of a byline are {' or '.join(Capitals)}, not {capitals!r}.")
    if not isinstance(left_out, list | tuple) or not all(isinstance(name, str) for name in left_out):
        raise InputError("What a byline leaves out is a list of names.")
    if len(left_out) > _MOST_LEFT_OUT:
        raise InputError(f"A byline may leave out {_MOST_LEFT_OUT} names, not {len(left_out)}.")
    if isinstance(most, bool) or not isinstance(most, int) or not 1 <= most <= _MOST_NAMES:
        raise InputError(f"A byline names 1 to {_MOST_NAMES} authors.")
    return BylineStyle(Capitals(capitals), tuple(name.strip() for name in left_out), most)


def byline(said: str, style: BylineStyle, words: Translator) -> str:
    """The authors of a story in the house's style; "" if nobody is left to be named."""
    left_out = {_key(name) for name in style.leave_out}
    names: dict[str, str] = {}
    for name in split_names(said):
        if _key(name) not in left_out:
            shown = in_title_case(name) if style.capitals is Capitals.TITLE else name
            names.setdefault(_key(name), shown)
    return _joined(list(names.values()), style.most, words)


def names_of(given: Iterable[str]) -> str:
    """The names among what a feed says of authors, each once, with commas between them."""
    names: dict[str, str] = {}
    for text in list(given)[:_MOST_NAMES]:
        name = clean_name(text)
        if name:
            names.setdefault(name.casefold(), name)
    return label(", ".join(names.values()), is_html=False, longest=_LONGEST)


def clean_name(text: str) -> str:
    """A name alone: without markup, a mail address beside it, and "By"; "" if there is none."""
    text = label(text, is_html=True, longest=_LONGEST)
    if found := _MAIL_WITH_NAME.match(text) or _NAME_WITH_MAIL.match(text):
        text = found[1]
    return _LEAD_IN.sub("", _MAIL.sub("", text).strip(_LOOSE)).strip(_LOOSE)


def split_names(said: str) -> list[str]:
    """The single names of "By Ani Petrosyan, Bedros K. and Carla Diaz"."""
    said = _LEAD_IN.sub("", said[: _LONGEST * 2].strip(_LOOSE))
    if _SURNAME_FIRST.fullmatch(said):
        return [clean_name(said)]
    return [name for part in _BETWEEN.split(said)[:_MOST_NAMES] if (name := clean_name(part))]


def in_title_case(name: str) -> str:
    """A name that is all in capitals as names are written; any other as it stands."""
    letters = [letter for letter in name if letter.isalpha()]
    is_cased = any(letter.isupper() for letter in letters)
    is_short = len(letters) <= _LONGEST_INITIALS and " " not in name
    if is_short or not is_cased or any(letter.islower() for letter in letters):
        return name
    is_first = True

    def word(found: re.Match[str]) -> str:
        nonlocal is_first
        text, first = found[0], is_first
        is_first = False
        if len(text) == 1 or (_ROMAN.fullmatch(text) and not first):
            return text
        if text.lower() in _SMALL and not first and found.end() < len(name):
            return text.lower()
        return "’".join(_capitalised(part) for part in text.replace("'", "’").split("’"))

    return _WORD.sub(word, name)


def _capitalised(word: str) -> str:
    lower = word[:1].upper() + word[1:].lower()
    # Capitals have no ligature for the Armenian "and"; inside of a word it is always meant (ԱՐԵՎԻԿ: Արևիկ).
    lower = lower[:1] + lower[1:].replace("եվ", "և").replace("եւ", "և")
    return _AFTER_MC.sub(lambda found: found[1] + found[2].upper(), lower)


def _joined(names: list[str], most: int, words: Translator) -> str:
    if len(names) > most:
        return words.gettext(N_("%(names)s and others"), names=", ".join(names[:most]))
    if len(names) < 2:
        return "".join(names)
    return words.gettext(N_("%(names)s and %(name)s"), names=", ".join(names[:-1]), name=names[-1])


def _key(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())

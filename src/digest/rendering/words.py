"""Foreign text made fit for a mail: no controls, no placeholders of ours, only safe addresses."""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from collections.abc import Iterable
from typing import Any, TypeVar, cast
from urllib.parse import quote, urlsplit, urlunsplit

from markupsafe import escape

from digest.rendering.contexts import PAGE_URL, UNSUBSCRIBE_URL

_T = TypeVar("_T")

# Spaces that a line may not be broken at keep their meaning; all others become a plain space.
_FIXED_SPACES = "\u00a0\u202f\u2007"
_SPACES = re.compile(rf"[^\S{_FIXED_SPACES}]+")
# Embeddings, overrides and isolates (Unicode UAX 9) could turn round what stands after them.
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_RUN_OF_PERCENT = re.compile(r"%{2,}")
# What a digest's own words may say of a person; see `contexts.Personal`.
PERSONAL = re.compile(r"%%(name|attribute_[a-z][a-z0-9_]{0,28})%%")
_PERSONAL_FIELDS = frozenset({"intro", "sign_off"})
_MARKUP_FIELDS = frozenset({"body_html", "intro_html", "note_html", "sign_off_html", "parting_html"})
_ADDRESS_FIELDS = frozenset({"url", "digest_url", "web_url"})
_MAX_ADDRESS = 2000
# Of labels with one dot between them: a letter may become two dots when a host is written in ASCII.
_HOST = re.compile(r"[a-z0-9_\-]+(\.[a-z0-9_\-]+)*\.?|[0-9a-f:.]*:[0-9a-f:.]*")
_JOINERS = frozenset("\u200d\ufe0f\ufe0e")


def clean_text(text: str) -> str:
    """One line of plain text: white space collapsed; controls, bidi controls and noncharacters gone.

    A run of percent signs becomes one, so that no story can carry a placeholder of ours: a feed that
    wrote one into its words or links would otherwise receive each reader's own unsubscribe address.
    """
    return clean_run(text).strip()


def clean_personal(text: str) -> str:
    """As `clean_text`, but the placeholders of a person stay: for words that the newsroom wrote itself."""
    return clean_personal_run(text).strip()


def clean_personal_run(text: str) -> str:
    """As `clean_personal`, but the spaces at the ends stay."""
    kept = [each if at % 2 == 0 else f"%%{each}%%" for at, each in enumerate(PERSONAL.split(text))]
    return "".join(clean_run(each) if at % 2 == 0 else each for at, each in enumerate(kept))


def without_person(text: str, personal: Iterable[tuple[str, str, str]]) -> str:
    """The words with each placeholder's fallback: for a page that is everybody's."""
    fallbacks = {name: fallback for name, _, fallback in personal}
    return PERSONAL.sub(lambda found: fallbacks.get(found[1], ""), text)


def markup_without_person(markup: str, personal: Iterable[tuple[str, str, str]]) -> str:
    """The same of markup, where a fallback is but words."""
    escaped = [(name, kind, str(escape(fallback))) for name, kind, fallback in personal]
    return without_person(markup, escaped)


def clean_run(text: str) -> str:
    """As `clean_text`, but the spaces at the ends stay: for a run of words inside markup."""
    is_plain = text.isascii() and text.isprintable()  # as most text is: then each letter is kept
    kept = text if is_plain else "".join(_kept(letter) for letter in text)
    return _RUN_OF_PERCENT.sub("%", _SPACES.sub(" ", kept))


def clean_address(url: str) -> str:
    """An absolute http(s) address in ASCII, or "" where it is none: what is linked to must be safe.

    Our own placeholder passes as it is, and the page below it. Limit: 2,000 characters.
    """
    if url in (UNSUBSCRIBE_URL, PAGE_URL):
        return url
    bare = url.strip()
    if len(bare) > _MAX_ADDRESS:
        return ""
    try:
        parts = urlsplit(bare)
        host = (parts.hostname or "").encode("idna").decode("ascii")
        port = parts.port
        path, query, fragment = (_quoted(part) for part in (parts.path, parts.query, parts.fragment))
    except (UnicodeError, ValueError):
        return ""
    if parts.scheme not in {"http", "https"} or not _HOST.fullmatch(host):
        return ""
    if parts.username is not None or parts.password is not None:
        return ""
    netloc = (f"[{host}]" if ":" in host else host) + (f":{port}" if port is not None else "")
    return urlunsplit((parts.scheme, netloc, path, query, fragment))


def cleaned(context: _T) -> _T:
    """A copy of a context (any of the frozen dataclasses) whose every text and address is clean.

    Sanitised markup is left for `body.read_body`, which parses it.
    """
    changes = {
        field.name: _cleaned_value(field.name, getattr(context, field.name))
        for field in dataclasses.fields(cast("Any", context))
    }
    return cast("_T", dataclasses.replace(cast("Any", context), **changes))


def cut_line(text: str, limit: int) -> str:
    """At most `limit` characters of a line, cut at a word's end, or else at the end of a whole letter."""
    if len(text) <= limit:
        return text
    head = text[: limit - 1]
    word = head.rsplit(" ", 1)[0] if " " in head[limit // 2 :] else _whole_letters(head, text[limit - 1])
    return word.rstrip(" ,;:.–—-՝") + "…"


def has_right_to_left(text: str) -> bool:
    """Whether any letter runs from right to left (Arabic, Hebrew and their kin)."""
    return any(unicodedata.bidirectional(letter) in {"R", "AL"} for letter in text)


def has_left_to_right(text: str) -> bool:
    """Whether any letter runs from left to right."""
    return any(unicodedata.bidirectional(letter) == "L" for letter in text)


def main_direction(text: str, otherwise: str) -> str:
    """The direction that most letters of a text run in; `otherwise` for a text without letters."""
    ways = [unicodedata.bidirectional(letter) for letter in text]
    right, left = sum(way in {"R", "AL"} for way in ways), ways.count("L")
    return otherwise if right == left else "rtl" if right > left else "ltr"


def _kept(letter: str) -> str:
    if letter in _BIDI or letter == "\ufeff":
        return ""
    category = unicodedata.category(letter)
    if category in {"Cc", "Zl", "Zp"}:
        return " "
    if category == "Cs":
        return "\ufffd"
    # Noncharacters are category Cn with code points that end in FFFE or FFFF, and FDD0 to FDEF.
    if category == "Cn" and (ord(letter) & 0xFFFE == 0xFFFE or 0xFDD0 <= ord(letter) <= 0xFDEF):
        return ""
    return letter


def _cleaned_value(name: str, value: Any) -> Any:
    if isinstance(value, str):
        if type(value) is not str or name in _MARKUP_FIELDS:  # enumerations stay what they are
            return value
        if name in _PERSONAL_FIELDS:
            return clean_personal(value)
        return clean_address(value) if name in _ADDRESS_FIELDS or name.endswith("_url") else clean_text(value)
    if dataclasses.is_dataclass(value):
        return cleaned(value)
    if isinstance(value, tuple):
        return tuple(_cleaned_value(name, each) for each in value)
    return value


def _quoted(part: str) -> str:
    # Percent signs that begin an escape stay; a lone one, or two in a row, is itself escaped.
    lone = re.sub(r"%(?![0-9a-fA-F]{2})", "%25", part)
    return quote(lone, safe="%/:=&?~#+!$,;'@()*[]-._")


def _whole_letters(head: str, following: str) -> str:
    # A combining mark, a joiner or a variation sign belongs to the letter before it.
    end = len(head)
    while end > 1 and (
        unicodedata.combining(following) or following in _JOINERS or head[end - 1] == "\u200d"
    ):
        end -= 1
        following = head[end]
    return head[:end]

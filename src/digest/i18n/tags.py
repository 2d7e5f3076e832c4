"""Language tags: which languages there are, which of them a tag means, which way it runs. Pure."""

from __future__ import annotations

import re
from typing import Final

from digest.errors import InputError
from digest.i18n.mark import N_

# Of editors and readers: every message is there. The first is what all else falls back to.
LANGUAGES: Final[tuple[str, ...]] = ("en", "hy")
# Of readers: every message that reaches a reader is there, and no more.
READER_LANGUAGES: Final[tuple[str, ...]] = (*LANGUAGES, "hyw", "fr", "ar")
# Written by us and not yet read by anybody whose language it is.
DRAFTS: Final[frozenset[str]] = frozenset({"hyw", "fr", "ar"})

_WESTERN: Final = "arevmda"  # the variant of `hy` that means Western Armenian (BCP 47)
_RIGHT_TO_LEFT: Final = frozenset({"ar", "ckb", "dv", "fa", "he", "ps", "sd", "syr", "ug", "ur", "yi"})
_RIGHT_TO_LEFT_SCRIPTS: Final = frozenset({"arab", "hebr", "nkoo", "syrc", "thaa"})
_TAG: Final = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8})*")
_LONGEST: Final = 35


def canonical(tag: str) -> str:
    """A BCP 47 tag as it is usually written: `fr-CA`, `az-Arab`. Raises InputError for what is none."""
    given = tag.strip().replace("_", "-")
    if len(given) > _LONGEST or not _TAG.fullmatch(given):
        raise InputError(
            N_("%(tag)r is not a language tag; write it like en, hy, hyw or fr-CA."), tag=tag[:40]
        )
    first, *others = given.split("-")
    written = [first.lower()]
    for at, part in enumerate(others):
        # After a single letter (an extension, private use) nothing is a script or a region any more.
        is_open = all(len(before) > 1 for before in others[:at])
        if is_open and len(part) == 4 and part.isalpha():
            written.append(part.title())
        else:
            written.append(part.upper() if is_open and len(part) == 2 else part.lower())
    return "-".join(written)


def matched(tag: str) -> str | None:
    """The language of ours that a tag means (`fr-CA`: `fr`, `hy-arevmda`: `hyw`), or None."""
    first, *others = tag.strip().lower().replace("_", "-").split("-")
    if first == "hy" and _WESTERN in others:
        return "hyw"
    return first if first in READER_LANGUAGES else None


def spoken(tag: str) -> str:
    """The language of ours that readers of a tag are spoken to in; English if we do not speak theirs."""
    return matched(tag) or LANGUAGES[0]


def for_editors(tag: str) -> str:
    """The language for the staff of a digest: all their words are there in it."""
    language = spoken(tag)
    if language == "hyw":
        return "hy"
    return language if language in LANGUAGES else LANGUAGES[0]


def framed(tag: str) -> str:
    """The tag of our own words around a digest's stories: its region stays, for times are written by it."""
    language = matched(tag)
    if language is None:
        return LANGUAGES[0]
    try:
        given = canonical(tag)
    except InputError:
        return language
    return given if given.split("-", maxsplit=1)[0] == language else language


def direction(tag: str) -> str:
    """The writing direction of any language tag: `ltr` or `rtl`."""
    first, *others = tag.lower().replace("_", "-").split("-")
    scripts = [part for part in others[:2] if len(part) == 4 and part.isalpha()]
    if scripts:
        return "rtl" if scripts[0] in _RIGHT_TO_LEFT_SCRIPTS else "ltr"
    return "rtl" if first in _RIGHT_TO_LEFT else "ltr"


def is_foreign(tag: str, other: str) -> bool:
    """Whether words in `other` need a `lang` of their own among those in `tag`.

    Regional kinds of one language count as the same. So does `hy` among Western Armenian words: it is what
    sites of both say.
    """
    if not other:
        return False
    own, theirs = _primary(tag), _primary(other)
    return own != theirs and not (own == "hyw" and theirs == "hy")


def _primary(tag: str) -> str:
    return matched(tag) or tag.replace("_", "-").split("-", maxsplit=1)[0].lower()

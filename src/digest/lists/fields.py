"""Checks of the small fields of lists and subscribers; pure. Each raises InputError with a sentence."""

from __future__ import annotations

import functools
import re
import unicodedata
import zoneinfo

from digest.errors import InputError, Word
from digest.i18n import N_
from digest.models import TextSize

NAME_LIMIT = 200  # characters of a person's name or a list's title
CONSENT_LIMIT = 2000
_SHORT_NAME = re.compile(r"[a-z0-9-]{1,60}")
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[a-z0-9]{2,8}){0,3}", re.IGNORECASE)


def check_short_name(text: str, *, what: str) -> str:
    """The short name of a digest, list or cadence, as it stands in commands and List-Id."""
    if not _SHORT_NAME.fullmatch(text):
        raise InputError(
            N_("%(text)r cannot be the name of a %(what)s; use 1 to 60 of a-z, digits and hyphens."),
            text=text[:80],
            what=Word(what),
        )
    return text


def is_short_name(text: str) -> bool:
    """Whether anything can have this name; what was typed by anybody is asked this before a database is."""
    return _SHORT_NAME.fullmatch(text) is not None


def clean_line(text: str, *, what: str | InputError, limit: int = NAME_LIMIT) -> str:
    """One line of plain text: NFC, control characters and lone surrogates out, spaces joined.

    Joiners and direction marks of names in other scripts stay.
    """
    if len(text) > 4 * limit:
        raise _too_long(what, limit)
    if text.isascii() and text.isprintable() and len(text) <= limit:  # nearly all lines of an import
        return " ".join(text.split())
    kept = (" " if unicodedata.category(char) in {"Cc", "Zl", "Zp"} else char for char in text)
    cleaned = "".join(char for char in kept if unicodedata.category(char) != "Cs")
    cleaned = " ".join(unicodedata.normalize("NFC", cleaned).split())
    if len(cleaned) > limit:
        raise _too_long(what, limit)
    return cleaned


def check_consent(text: str) -> str:
    """The words or the basis of a consent: never empty."""
    cleaned = clean_line(text, what=N_("consent text"), limit=CONSENT_LIMIT)
    if not cleaned:
        raise InputError(N_("A consent text is needed: say how and when these people agreed to be mailed."))
    return cleaned


def check_zone(text: str | None) -> str | None:
    """An IANA time zone such as `Asia/Yerevan`, or None for an empty text."""
    wanted = (text or "").strip()
    if not wanted:
        return None
    if wanted not in _zones():
        raise InputError(N_("There is no time zone %(name)r; write it like Asia/Yerevan."), name=wanted[:60])
    return wanted


def check_language(text: str | None) -> str | None:
    """A language tag (BCP 47) by its form, in lower case, or None for an empty text."""
    wanted = (text or "").strip().replace("_", "-")
    if not wanted:
        return None
    if not _LANGUAGE.fullmatch(wanted):
        raise InputError(N_("%(text)r is not a language tag; write it like en or hy."), text=wanted[:40])
    return wanted.lower()


def check_text_size(text: str | None) -> TextSize:
    """`normal` or `large`; empty means normal."""
    wanted = (text or "").strip().lower() or TextSize.NORMAL.value
    try:
        return TextSize(wanted)
    except ValueError:
        raise InputError(
            N_("The text size %(text)r is neither normal nor large."), text=wanted[:40]
        ) from None


def _too_long(what: str | InputError, limit: int) -> InputError:
    named = Word(what) if isinstance(what, str) else what
    return InputError(N_("The %(what)s is longer than %(limit)s characters."), what=named, limit=limit)


@functools.cache
def _zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())

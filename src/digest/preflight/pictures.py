"""Pictures: their size, the words that stand for them, and whether mail programs show their kind."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from digest.preflight.mail_facts import MailFacts
from digest.preflight.mail_findings import Code, MailFinding, warn
from digest.preflight.mail_html import Tag

_LEAST_PHOTO: Final = 100  # pixels; what is narrower may be an ornament, which has no words
_LONGEST_SHOWN: Final = 120
_FILE_NAME = re.compile(r"\S+\.(?:jpe?g|png|gif|webp|avif|svg)", re.IGNORECASE)


def sizes(facts: MailFacts) -> Iterator[MailFinding]:
    """Each has its width in pixels: Outlook shows others as large as the file is."""
    for tag in _pictures(facts):
        if _width(tag) is None:
            yield warn(Code.PICTURE_WITHOUT_SIZE, url=_shown(tag))


def words(facts: MailFacts) -> Iterator[MailFinding]:
    """Each has words for those who do not see it; a file's name is none."""
    for tag in _pictures(facts):
        alt, width = tag.get("alt"), _width(tag)
        is_ornament = alt == "" and width is not None and width < _LEAST_PHOTO
        if not is_ornament and (not (alt or "").strip() or _FILE_NAME.fullmatch((alt or "").strip())):
            yield warn(Code.PICTURE_WITHOUT_WORDS, url=_shown(tag))


def kinds(facts: MailFacts) -> Iterator[MailFinding]:
    """Each has an absolute web address, and is no SVG: Gmail shows neither those nor what is in the mail."""
    for tag in _pictures(facts):
        url = (tag.get("src") or "").strip()
        parts = _parts(url)
        if parts is None or parts[0] not in ("http", "https") or parts[1].lower().endswith((".svg", ".svgz")):
            yield warn(Code.PICTURE_NOT_SHOWN, url=_shown(tag))


def _pictures(facts: MailFacts) -> Iterator[Tag]:
    return (tag for tag in facts.page.tags if tag.name == "img")


def _width(tag: Tag) -> int | None:
    found = re.fullmatch(r"\s*([0-9]{1,5})\s*(?:px)?\s*", tag.get("width") or "")
    return int(found[1]) if found and int(found[1]) else None


def _parts(url: str) -> tuple[str, str] | None:
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return parts.scheme.lower(), parts.path


def _shown(tag: Tag) -> str:
    url = (tag.get("src") or "").strip()
    return url if len(url) <= _LONGEST_SHOWN else f"{url[:_LONGEST_SHOWN]}…"

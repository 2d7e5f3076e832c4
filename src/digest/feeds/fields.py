"""The small fields of a post, from what feedparser found to plain data."""

from __future__ import annotations

import calendar
import datetime as dt
import hashlib
import re
import time
from collections.abc import Iterable, Mapping
from typing import Any

from digest.feeds.bylines import names_of
from digest.feeds.text import label

LONGEST_TITLE = 500

_LONGEST_LABEL = 100
_MOST_LABELS = 20
_LONGEST_GUID = 500
_HTML_TYPES = {"text/html", "application/xhtml+xml"}
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8}){0,4}")
_TAG_SCHEMES = re.compile(r"(?:^|[^a-z])(?:post_)?tags?(?:[^a-z]|$)", re.IGNORECASE)
_NO_SECTION = {"uncategorized", "uncategorised"}  # what WordPress files a post under that has no section
_YEARS = range(1990, 2100)  # before there was no web, after comes no reader: a clock that was never set


def title_of(entry: Mapping[str, Any], name: str = "title") -> str:
    """A title as plain text; its entities are resolved once, its tags dropped if it is declared as HTML."""
    detail = entry.get(f"{name}_detail") or {}
    is_html = str(detail.get("type", "")) in _HTML_TYPES
    return label(str(entry.get(name) or ""), is_html=is_html, longest=LONGEST_TITLE)


def authors_of(entry: Mapping[str, Any]) -> str:
    """The names of the authors, with commas between them; never a mail address, never "By"."""
    given = [str(author.get("name") or "") for author in entry.get("authors") or () if author]
    if not any(given):
        given = [str(entry.get("author") or "")]
    return names_of(given)


def labels_of(entry: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Categories and tags. RSS has one element for both; a domain or scheme that says "tag" is a tag's."""
    categories: list[str] = []
    tags: list[str] = []
    for found in entry.get("tags") or ():
        text = label(str(found.get("label") or found.get("term") or ""), is_html=True, longest=_LONGEST_LABEL)
        is_tag = bool(_TAG_SCHEMES.search(str(found.get("scheme") or "")))
        (tags if is_tag else categories).append(text)
    return _distinct(categories), _distinct(tags)


def _distinct(labels: Iterable[str]) -> tuple[str, ...]:
    seen: dict[str, str] = {}
    for text in labels:
        if text and text.casefold() not in _NO_SECTION:
            seen.setdefault(text.casefold(), text)
    return tuple(seen.values())[:_MOST_LABELS]


def date_of(entry: Mapping[str, Any]) -> dt.datetime | None:
    """When a post was published, else updated, in UTC; None if neither says a moment that can be."""
    for name in ("published_parsed", "created_parsed", "updated_parsed"):
        moment = _moment(_own(entry, name))
        if moment is not None:
            return moment
    return None


def _moment(parsed: object) -> dt.datetime | None:
    if not isinstance(parsed, time.struct_time) or parsed.tm_year not in _YEARS:
        return None
    try:
        return dt.datetime.fromtimestamp(calendar.timegm(parsed), dt.UTC)
    except (ValueError, OverflowError, OSError):
        return None


def has_date(entry: Mapping[str, Any]) -> bool:
    """Whether a post says a date at all, readable or not."""
    return any(_own(entry, name) for name in ("published", "created", "updated"))


def _own(entry: Mapping[str, Any], name: str) -> object:
    # feedparser's own look-up answers "updated" with "published", and warns.
    return entry[name] if name in entry else None  # noqa: SIM401


def language_of(*found: object) -> str | None:
    """The first that is a language tag (BCP 47), with hyphens."""
    for value in found:
        tag = str(value or "").strip().replace("_", "-")
        if _LANGUAGE.fullmatch(tag):
            return tag
    return None


def guid_of(entry: Mapping[str, Any]) -> str:
    """The feed's own id of a post, without white space around it; a very long one as its hash."""
    guid = str(entry.get("id") or "").strip()
    if len(guid) <= _LONGEST_GUID:
        return guid
    return "sha256:" + hashlib.sha256(guid.encode("utf-8", "surrogatepass")).hexdigest()

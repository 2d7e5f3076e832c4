"""What a WordPress site's REST interface says of the site, as far as finding it goes: root, sections, posts.

Pure. What has the wrong shape is not there; nothing is collected from this.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from digest.feeds.text import label

_MOST_BRACES = 100_000  # of objects and lists; a root of a site with many plugins holds some thousands
_MOST_TERMS = 100
_LONGEST_NAME = 200
_TRANSLATED = ("pll/", "wpml/", "polylang")  # namespaces of the plugins that add a language to each question


@dataclass(frozen=True, slots=True)
class RestRoot:
    """The site behind a REST root. `has_language`: a plugin lets one ask for posts of one language."""

    title: str
    has_posts: bool
    has_language: bool


@dataclass(frozen=True, slots=True)
class Term:
    """A category or tag with the number of its posts."""

    id: int
    name: str
    slug: str
    posts: int


@dataclass(frozen=True, slots=True)
class RestPost:
    """One post of the list, as far as it is shown."""

    id: int
    title: str
    url: str
    published_at: dt.datetime | None
    has_picture: bool


def read_root(body: bytes) -> RestRoot | None:
    """The site, or None if the bytes are not the root of a REST interface."""
    given = _json(body)
    spaces = given.get("namespaces") if isinstance(given, dict) else None
    if not isinstance(given, dict) or not isinstance(spaces, list):
        return None
    names = [name for name in spaces if isinstance(name, str)]
    return RestRoot(
        title=_name(given.get("name")),
        has_posts="wp/v2" in names,
        has_language=any(name.startswith(_TRANSLATED) for name in names),
    )


def read_terms(body: bytes) -> tuple[Term, ...]:
    """The categories or tags of a list, those with posts."""
    found = [
        Term(one["id"], _name(one.get("name")), str(one.get("slug") or ""), _number(one.get("count")))
        for one in _records(body)
    ]
    return tuple(term for term in found if term.name)[:_MOST_TERMS]


def read_posts(body: bytes) -> tuple[RestPost, ...] | None:
    """The posts of a list; None if the bytes are no such list."""
    if not isinstance(_json(body), list):
        return None
    return tuple(
        RestPost(
            id=one["id"],
            title=_rendered(one.get("title")),
            url=str(one.get("link") or ""),
            published_at=_moment(one.get("date_gmt")),
            has_picture=_number(one.get("featured_media")) > 0,
        )
        for one in _records(body)
    )


def _json(body: bytes) -> Any:
    text = body.decode("utf-8", "replace").lstrip("\ufeff")
    if text.count("{") + text.count("[") > _MOST_BRACES:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _records(body: bytes) -> Iterator[dict[str, Any]]:
    given = _json(body)
    for one in given[:_MOST_TERMS] if isinstance(given, list) else ():
        if isinstance(one, dict) and _number(one.get("id")) > 0:
            yield one


def _number(value: object) -> int:
    return value if type(value) is int and 0 <= value < 2**53 else 0


def _rendered(value: object) -> str:
    return _name(value.get("rendered") if isinstance(value, dict) else value)


def _name(value: object) -> str:
    return label(value, is_html=True, longest=_LONGEST_NAME) if isinstance(value, str) else ""


def _moment(value: object) -> dt.datetime | None:
    """A date of WordPress's, which is in UTC and does not say so."""
    try:
        found = dt.datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found.replace(tzinfo=dt.UTC) if found and found.tzinfo is None else found

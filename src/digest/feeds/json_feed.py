"""JSON Feed 1.0 and 1.1 to the shape that feedparser gives, so that one set of rules cleans them all.

Pure; cleans nothing but what no database takes. What has the wrong type is passed over as if it were not
there: a feed made by hand is wrong in small things.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import time
from collections.abc import Iterator
from typing import Any

from digest.feeds.reading import MOST_POSTS, decoded, only_first, without_illegal
from digest.feeds.types import Markup, ParseCode, ParseError

_VERSION = re.compile(r"https?://(?:www\.)?jsonfeed\.org/version/1(?:\.\d)?/?")
_MOST_BRACES = 100_000  # each becomes an object of a hundred bytes
_MOST_STRINGS = 400_000
_MOST_COMMAS = 1_000_000
_MOST_OF_ONE = 50  # authors, tags or attachments of an item that are looked at


def is_json(body: bytes, content_type: str) -> bool:
    """Whether a body is to be read as JSON: by its first sign, or by its type where that leaves it open."""
    start = body[:1000].removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n\0")[:1]
    if start in {b"{", b"["}:
        return True
    return start not in {b"", b"<"} and "json" in content_type.lower()


def read_json_feed(body: bytes, content_type: str = "") -> Markup:
    """A JSON Feed in feedparser's names, its first 500 items.

    Raises ParseError(NOT_A_FEED) for what is not JSON, is JSON of something else, or holds more than a feed
    does.
    """
    text, oddities = decoded(body, content_type)
    given = _parsed(text)
    if not isinstance(given, dict) or not _VERSION.fullmatch(_text(given, "version").strip()):
        raise ParseError(ParseCode.NOT_A_FEED, "it is JSON, but no JSON Feed")
    items = given.get("items")
    if not isinstance(items, list):
        raise ParseError(ParseCode.NOT_A_FEED, "it is a JSON Feed without a list of items")
    if len(items) > MOST_POSTS:
        oddities.append(only_first(len(items) - MOST_POSTS))
    authors = _authors(given)
    title = {"title": _text(given, "title"), "title_detail": {"type": "text/plain"}}
    return Markup(
        version="json",
        feed={**title, "language": _text(given, "language")},
        entries=[_entry(item if isinstance(item, dict) else {}, authors) for item in items[:MOST_POSTS]],
        oddities=tuple(oddities),
    )


def _parsed(text: str) -> object:
    # Quotes with a backslash are inside of a text; a body of HTML is full of them.
    strings = text.count('"') - text.count('\\"')
    braces = text.count("{") + text.count("[")
    if braces > _MOST_BRACES or strings > _MOST_STRINGS or text.count(",") > _MOST_COMMAS:
        raise ParseError(ParseCode.NOT_A_FEED, "it holds more than any feed")
    try:
        return json.loads(text, strict=False)  # a line break inside of a text is no reason to refuse it
    except RecursionError:
        raise ParseError(ParseCode.NOT_A_FEED, "it is nested as no feed is") from None
    except ValueError:
        raise ParseError(ParseCode.NOT_A_FEED, "its JSON is broken beyond reading") from None


def _entry(item: dict[str, Any], feed_authors: list[dict[str, str]]) -> dict[str, Any]:
    """An item as an entry. Its tags are sections: JSON Feed has one list for both, as RSS has."""
    html, plain, summary = (_text(item, name) for name in ("content_html", "content_text", "summary"))
    content = (html, "text/html") if html.strip() else (plain, "text/plain")
    entry: dict[str, Any] = {
        "id": _id(item.get("id")),
        # A page elsewhere is what the item is about; the item's own page is the story.
        "link": _text(item, "url") or _text(item, "external_url"),
        "title": _text(item, "title"),
        "title_detail": {"type": "text/plain", "language": _text(item, "language")},
        "authors": _authors(item) or feed_authors,
        "tags": [{"term": without_illegal(tag)} for tag in _listed(item, "tags") if isinstance(tag, str)],
        "media_thumbnail": [{"url": url} for name in ("image", "banner_image") if (url := _text(item, name))],
        "links": list(_enclosures(item)),
    }
    if summary.strip():
        entry["summary_detail"] = {"type": "text/plain", "value": summary}
    if content[0].strip():
        entry["content"] = [{"type": content[1], "value": content[0]}]
    for name, field in (("published", "date_published"), ("updated", "date_modified")):
        if said := _text(item, field).strip():
            entry |= {name: said, f"{name}_parsed": _moment(said)}
    return entry


def _text(given: dict[str, Any], name: str) -> str:
    value = given.get(name)
    return without_illegal(value) if isinstance(value, str) else ""


def _listed(given: dict[str, Any], name: str) -> list[Any]:
    value = given.get(name)
    return value[:_MOST_OF_ONE] if isinstance(value, list) else []


def _id(value: object) -> str:
    """The id of an item: a text in 1.1; 1.0 allowed whatever can be made into one."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return ""
    return without_illegal(str(value)) if isinstance(value, str) else repr(value)


def _authors(given: dict[str, Any]) -> list[dict[str, str]]:
    """The authors: `authors` of 1.1, or the one `author` of 1.0."""
    found = [*_listed(given, "authors"), given.get("author")]
    names = [_text(author, "name") for author in found if isinstance(author, dict)]
    return [{"name": name} for name in dict.fromkeys(names) if name]


def _enclosures(item: dict[str, Any]) -> Iterator[dict[str, str]]:
    for attachment in _listed(item, "attachments"):
        if isinstance(attachment, dict):
            url, kind = _text(attachment, "url"), _text(attachment, "mime_type")
            yield {"rel": "enclosure", "href": url, "type": kind}


def _moment(text: str) -> time.struct_time | None:
    """A date of RFC 3339 in UTC, as feedparser has it; one without a zone is taken to be in UTC."""
    try:
        found = dt.datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=dt.UTC)).utctimetuple()
    except (ValueError, OverflowError):
        return None

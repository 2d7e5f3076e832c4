"""What a feed said, as plain data."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from digest.errors import DigestError
from digest.feeds.oddities import Odd


class ParseCode(StrEnum):
    """Why bytes are not a feed we take; `sources.health` has a sentence for each."""

    NOT_A_FEED = "not_a_feed"
    ENTITIES = "entities"  # a DOCTYPE that declares entities
    EMPTY = "empty"


class ParseError(DigestError):
    """Bytes that are not a feed: a code, and a detail in plain words."""

    def __init__(self, code: ParseCode, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else str(code))
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Markup:
    """A feed as its form gives it, in feedparser's names whatever the form; nothing of it is clean."""

    version: str  # "rss20", "atom10", "json" and so on; "" if it does not say
    feed: Mapping[str, Any]
    entries: list[Mapping[str, Any]]
    is_malformed: bool = False
    oddities: tuple[Odd, ...] = ()


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of a post; width and height in pixels where the feed says them."""

    url: str
    width: int | None = None
    height: int | None = None
    alt: str = ""


@dataclass(frozen=True, slots=True)
class ParsedPost:
    """One article as its feed gives it.

    `title`, `author` and `excerpt` are plain text (entities resolved once, no markup); `body_html` is
    sanitised to what a mail may carry; `url` is absolute. `guid` is the feed's own id or "".
    `published_at` is aware, UTC, or None if the feed has no date that can be read. `modified_at` is when the
    site says that it last changed it.
    """

    guid: str
    url: str
    title: str
    author: str = ""
    categories: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    published_at: dt.datetime | None = None
    excerpt: str = ""
    body_html: str = ""
    picture: Picture | None = None
    language: str | None = None
    modified_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class ParsedFeed:
    """A whole feed. `oddities` are what is odd and did not stop it from being read."""

    title: str
    language: str | None
    posts: tuple[ParsedPost, ...]
    oddities: tuple[Odd, ...] = ()

"""Short ways to feeds and what is read of them."""

from __future__ import annotations

import datetime as dt

import pytest

from digest.feeds.oddities import odd_sentence
from digest.feeds.parse import parse_feed
from digest.feeds.types import ParseCode, ParsedFeed, ParsedPost, ParseError
from digest.i18n import translator

URL = "https://news.example.org/feed/"
NOW = dt.datetime(2026, 11, 23, 6, 0, tzinfo=dt.UTC)


def parse(text: str | bytes, content_type: str = "") -> ParsedFeed:
    body = text.encode() if isinstance(text, str) else text
    return parse_feed(body, url=URL, content_type=content_type, now=NOW)


def rss(*items: str, head: str = "") -> str:
    return f'<rss version="2.0"><channel><title>News</title>{head}{"".join(items)}</channel></rss>'


def item(inner: str = "", *, title: str = "A title", link: str = "https://news.example.org/1") -> str:
    return f"<item><title>{title}</title><link>{link}</link>{inner}</item>"


def one(inner: str = "", **fields: str) -> ParsedPost:
    (post,) = parse(rss(item(inner, **fields))).posts
    return post


def refused(body: str | bytes, content_type: str = "") -> ParseCode:
    with pytest.raises(ParseError) as caught:
        parse(body, content_type)
    assert caught.value.detail
    return caught.value.code


def odd(feed: ParsedFeed) -> tuple[str, ...]:
    """What is odd about a feed, in English."""
    return tuple(odd_sentence(one, translator("en")) for one in feed.oddities)

"""RSS, Atom, RDF and JSON Feed to posts.

Does not fetch, does not decide what is new, trusts nothing: every field is cleaned here, and what cannot be
read is left out and said.
"""

from __future__ import annotations

import datetime as dt
import html
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from digest import clock
from digest.feeds import fields
from digest.feeds.excerpt import excerpt_of, without_tail_of
from digest.feeds.json_feed import is_json, read_json_feed
from digest.feeds.language import detect
from digest.feeds.links import absolute
from digest.feeds.oddities import Odd, OddCode
from digest.feeds.pictures import choose_picture
from digest.feeds.protected import is_protected
from digest.feeds.reading import MOST_POSTS, readable
from digest.feeds.sanitise import blocks, text_of
from digest.feeds.text import shortened
from digest.feeds.types import Markup, ParsedFeed, ParsedPost

_EXCERPT_WORDS = 40
_TITLE_WORDS_FROM_TEXT = 10
_BLOCKS_FOR_LANGUAGE = 5
_SOON = dt.timedelta(days=1)  # a date that far ahead is a wrong zone; further is a wrong date


def parse_feed(
    body: bytes, *, url: str, content_type: str = "", now: dt.datetime | None = None
) -> ParsedFeed:
    """The posts of a feed, in its order, at most 500.

    `url` is where the body came from: links in it are relative to that. `now` (default: the clock) tells
    which dates lie in the future. Raises ParseError if the bytes are not a feed that we take; a feed that is
    malformed but can be read gives posts and oddities.
    """
    found = _read(body, url, content_type)
    notes = Counter[OddCode]()
    later = (now or clock.utc_now()) + _SOON
    feed_language = fields.language_of(found.feed.get("language"))
    posts = []
    for entry in found.entries[:MOST_POSTS]:
        post = _post(entry, url=url, feed_language=feed_language, notes=notes)
        if post is not None:
            posts.append(post)
            notes[OddCode.FUTURE] += post.published_at is not None and post.published_at > later
    notes[OddCode.TWICE] = _repeated_ids(posts)
    notes[OddCode.EMPTY] = not found.entries
    notes[OddCode.MALFORMED] = found.is_malformed
    return ParsedFeed(
        title=fields.title_of(found.feed),
        language=feed_language,
        posts=tuple(posts),
        oddities=(*found.oddities, *_noted(notes)),
    )


def _read(body: bytes, url: str, content_type: str) -> Markup:
    if is_json(body, content_type):
        return read_json_feed(body, content_type)
    from digest.feeds.markup import read_markup  # noqa: PLC0415  (4 MB that wait for the first feed)

    text, oddities = readable(body, content_type)
    return replace(read_markup(text, url), oddities=oddities)


def _post(
    entry: Mapping[str, Any], *, url: str, feed_language: str | None, notes: Counter[OddCode]
) -> ParsedPost | None:
    if is_protected(entry):
        return None
    link = _address(entry, url)
    if link is None:
        notes[OddCode.NO_ADDRESS] += 1
        return None
    summary, body = _texts(entry, link, url)
    excerpt = excerpt_of(summary, _EXCERPT_WORDS) or excerpt_of(body, _EXCERPT_WORDS)
    title = fields.title_of(entry) or excerpt_of(body, _TITLE_WORDS_FROM_TEXT)
    if not title:
        notes[OddCode.NO_TITLE] += 1
        return None
    published = fields.date_of(entry)
    notes[OddCode.BAD_DATE] += published is None and fields.has_date(entry)
    notes[OddCode.NO_DATE] += published is None and not fields.has_date(entry)
    categories, tags = fields.labels_of(entry)
    body_html = "".join(without_tail_of(body))
    return ParsedPost(
        guid=fields.guid_of(entry),
        url=link,
        title=shortened(title, fields.LONGEST_TITLE),
        author=fields.authors_of(entry),
        categories=categories,
        tags=tags,
        published_at=published,
        excerpt=excerpt,
        body_html=body_html,
        picture=choose_picture(entry, body_html, url),
        language=_language(entry, title, excerpt, body, feed_language),
    )


def _language(
    entry: Mapping[str, Any], title: str, excerpt: str, body: list[str], feed_language: str | None
) -> str | None:
    """What the post says, else its feed, else what its words tell."""
    detail = entry.get("title_detail") or {}
    said = fields.language_of(detail.get("language"), feed_language)
    return said or detect(title, excerpt, *(text_of(block) for block in body[:_BLOCKS_FOR_LANGUAGE]))


def _address(entry: Mapping[str, Any], url: str) -> str | None:
    # A feed behind a counting service gives the real address beside its own.
    for found in (entry.get("feedburner_origlink"), entry.get("link")):
        if found and (link := absolute(str(found), url)):
            return link
    guid = str(entry.get("id") or "")
    return absolute(guid) if guid.startswith(("http://", "https://")) else None


def _texts(entry: Mapping[str, Any], link: str, url: str) -> tuple[list[str], list[str]]:
    """The blocks of the summary and of the body; the summary is the body of an entry that has no other."""
    summary = _blocks(entry.get("summary_detail"), link, url)
    contents = [content for content in entry.get("content") or () if content.get("value")]
    longest = max(contents, key=lambda content: len(str(content["value"])), default=None)
    return summary, _blocks(longest, link, url) or summary


def _blocks(detail: Mapping[str, Any] | None, link: str, url: str) -> list[str]:
    if not detail:
        return []
    value = str(detail.get("value") or "")
    if str(detail.get("type", "")) == "text/plain":
        value = html.escape(value).replace("\n", "<br>")
    base = str(detail.get("base") or "")
    # Without an xml:base, a relative link in an article is relative to the article, as on the site.
    return blocks(value, link if base in {"", url} else base)


def _repeated_ids(posts: list[ParsedPost]) -> int:
    return sum(count - 1 for guid, count in Counter(post.guid for post in posts).items() if guid)


_WITHOUT_NUMBER = (OddCode.MALFORMED, OddCode.EMPTY)
_NOTED = (
    *_WITHOUT_NUMBER,
    OddCode.NO_ADDRESS,
    OddCode.NO_TITLE,
    OddCode.BAD_DATE,
    OddCode.NO_DATE,
    OddCode.FUTURE,
    OddCode.TWICE,
)


def _noted(notes: Counter[OddCode]) -> list[Odd]:
    return [
        Odd(code, {} if code in _WITHOUT_NUMBER else {"count": notes[code]}) for code in _NOTED if notes[code]
    ]

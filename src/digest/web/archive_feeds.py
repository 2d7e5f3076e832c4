"""A digest's editions as feeds: RSS 2.0 and JSON Feed 1.1; and the sitemap. Pure: data in, bytes out."""

from __future__ import annotations

import datetime as dt
import email.utils
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape as xml_escape

from markupsafe import Markup

from digest.i18n import Translator, spoken, translator
from digest.rendering.words import clean_address, clean_text

_XML: Final = '<?xml version="1.0" encoding="utf-8"?>\n'
_JSON_FEED: Final = "https://jsonfeed.org/version/1.1"


@dataclass(frozen=True, slots=True)
class FeedStory:
    """A story of an edition; one that was taken down has no title. `notes` were added since."""

    title: str
    url: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FeedEdition:
    """One edition in a feed."""

    url: str
    title: str
    summary: str
    published_at: dt.datetime
    changed_at: dt.datetime | None
    stories: tuple[FeedStory, ...]


@dataclass(frozen=True, slots=True)
class Feed:
    """What both feeds are made of; every address is absolute."""

    title: str
    paper: str
    language: str
    page_url: str
    rss_url: str
    json_url: str
    editions: tuple[FeedEdition, ...]


def rss(feed: Feed) -> bytes:
    """RSS 2.0 with its own address (https://www.rssboard.org/rss-profile)."""
    lines = [
        f'{_XML}<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom">\n<channel>',
        _tag("title", feed.title),
        _tag("link", feed.page_url),
        _tag("description", _about(feed)),
        _tag("language", feed.language),
        f'<atom:link href="{_attribute(feed.rss_url)}" rel="self" type="application/rss+xml"/>',
    ]
    if feed.editions:
        newest = max(one.changed_at or one.published_at for one in feed.editions)
        lines.append(_tag("lastBuildDate", email.utils.format_datetime(newest)))
    for one in feed.editions:
        lines += [
            "<item>",
            _tag("title", one.title),
            _tag("link", one.url),
            f'<guid isPermaLink="true">{_text(one.url)}</guid>',
            _tag("pubDate", email.utils.format_datetime(one.published_at)),
            _tag("description", _content(one, feed.language)),
            "</item>",
        ]
    return "\n".join([*lines, "</channel>\n</rss>\n"]).encode()


def json_feed(feed: Feed) -> bytes:
    """JSON Feed 1.1 (https://www.jsonfeed.org/version/1.1/)."""
    whole = {
        "version": _JSON_FEED,
        "title": clean_text(feed.title),
        "home_page_url": feed.page_url,
        "feed_url": feed.json_url,
        "description": clean_text(_about(feed)),
        "language": feed.language,
        "authors": [{"name": clean_text(feed.paper)}],
        "items": [_item(one, feed.language) for one in feed.editions],
    }
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode()


def sitemap(pages: Iterable[tuple[str, dt.datetime | None]]) -> bytes:
    """Addresses with when each was changed last, if that is known (https://www.sitemaps.org/protocol.html)."""
    lines = [f'{_XML}<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">']
    for url, changed_at in pages:
        changed = "" if changed_at is None else _tag("lastmod", _moment(changed_at))
        lines.append(f"<url>{_tag('loc', url)}{changed}</url>")
    return "\n".join([*lines, "</urlset>\n"]).encode()


def _item(one: FeedEdition, language: str) -> dict[str, object]:
    item: dict[str, object] = {
        "id": one.url,
        "url": one.url,
        "title": clean_text(one.title),
        "content_html": _content(one, language),
        "date_published": _moment(one.published_at),
    }
    if one.summary:
        item["summary"] = clean_text(one.summary)
    if one.changed_at is not None:
        item["date_modified"] = _moment(one.changed_at)
    return item


def _content(one: FeedEdition, language: str) -> str:
    """The edition as a short piece of HTML: what it begins with, and its stories with their addresses."""
    words = translator(spoken(language))
    summary = Markup("<p>{}</p>").format(clean_text(one.summary)) if one.summary else Markup("")
    rows = Markup("").join(_row(story, words) for story in one.stories)
    return str(summary + (Markup("<ul>{}</ul>").format(rows) if rows else ""))


def _row(story: FeedStory, words: Translator) -> Markup:
    title, url = clean_text(story.title), clean_address(story.url)
    if not title:
        line = Markup("{}").format(words.gettext("This story was taken down."))
    else:
        line = Markup('<a href="{}">{}</a>').format(url, title) if url else Markup("{}").format(title)
    for note in story.notes:
        # TRANSLATORS: what was wrong in a story, said beside it.
        line += Markup("<br>{}").format(words.gettext("Correction: %(words)s", words=clean_text(note)))
    return Markup("<li>{}</li>").format(line)


def _about(feed: Feed) -> str:
    # TRANSLATORS: %(title)s is the name of a newsletter.
    return translator(spoken(feed.language)).gettext("Every edition of %(title)s.", title=feed.title)


def _moment(moment: dt.datetime) -> str:
    """As RFC 3339 writes it."""
    return moment.astimezone(dt.UTC).isoformat(timespec="seconds")


def _tag(name: str, text: str) -> str:
    return f"<{name}>{_text(text)}</{name}>"


def _text(text: str) -> str:
    """Text in XML, without what XML 1.0 cannot hold."""
    return xml_escape(clean_text(text))


def _attribute(text: str) -> str:
    return xml_escape(clean_text(text), {'"': "&quot;"})

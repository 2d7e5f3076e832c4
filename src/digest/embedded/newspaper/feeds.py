"""The newspaper's feeds: RSS 2.0 as newsroom software writes it, and Atom (RFC 4287).

What stands in them depends on the stories alone, never on the clock, so that an unchanged feed is the same
byte for byte and its ETag holds.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from email.utils import format_datetime
from html import escape

from lxml import etree

from digest.embedded.newspaper import paper
from digest.embedded.newspaper.content import PICTURE_SIZE, Article, Illustration
from digest.embedded.newspaper.newspaper import Story

FEED_LENGTH = 20  # the newest stories only, like any newsroom's feed
RSS_TYPE = "application/rss+xml; charset=UTF-8"
ATOM_TYPE = "application/atom+xml; charset=UTF-8"

_ATOM = "http://www.w3.org/2005/Atom"
_CONTENT = "http://purl.org/rss/1.0/modules/content/"
_DC = "http://purl.org/dc/elements/1.1/"
_MEDIA = "http://search.yahoo.com/mrss/"
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


@dataclass(frozen=True, slots=True)
class FeedHead:
    """What a feed says of itself: `page_url` is the page it follows, `base_url` the site without a slash."""

    title: str
    description: str
    language: str
    base_url: str
    page_url: str
    self_url: str


def updated_at(stories: Sequence[Story]) -> dt.datetime | None:
    """When the feed last changed: the newest story's moment."""
    return max((story.published_at for story in stories), default=None)


def rss(head: FeedHead, stories: Sequence[Story]) -> bytes:
    """An RSS 2.0 document of the stories, as they come."""
    names = {"content": _CONTENT, "dc": _DC, "atom": _ATOM, "media": _MEDIA}
    root = etree.Element("rss", version="2.0", nsmap=names)
    channel = etree.SubElement(root, "channel")
    _add(channel, "title", head.title)
    link = etree.SubElement(channel, f"{{{_ATOM}}}link")
    link.attrib.update({"href": head.self_url, "rel": "self", "type": "application/rss+xml"})
    _add(channel, "link", head.page_url)
    _add(channel, "description", head.description)
    newest = updated_at(stories)
    if newest is not None:
        _add(channel, "lastBuildDate", format_datetime(newest))
    _add(channel, "language", head.language)
    for story in stories:
        _add_item(channel, story, head.base_url)
    return _finished(root)


def atom(head: FeedHead, stories: Sequence[Story]) -> bytes:
    """An Atom document of the stories, as they come."""
    root = etree.Element(f"{{{_ATOM}}}feed", nsmap={None: _ATOM, "media": _MEDIA})
    root.set(_XML_LANG, head.language)
    _add(root, f"{{{_ATOM}}}title", head.title)
    _add(root, f"{{{_ATOM}}}subtitle", head.description)
    etree.SubElement(root, f"{{{_ATOM}}}link", href=head.page_url, rel="alternate", type="text/html")
    etree.SubElement(root, f"{{{_ATOM}}}link", href=head.self_url, rel="self", type="application/atom+xml")
    _add(root, f"{{{_ATOM}}}id", f"{paper.ORIGIN}/{head.language}/")
    newest = updated_at(stories) or dt.datetime(1931, 1, 1, tzinfo=dt.UTC)  # the paper's foundation
    _add(root, f"{{{_ATOM}}}updated", newest.isoformat())
    for story in stories:
        _add_entry(root, story, head.base_url)
    return _finished(root)


def _add_item(channel: etree._Element, story: Story, base_url: str) -> None:
    article = story.article
    item = etree.SubElement(channel, "item")
    _add(item, "title", article.title)
    _add(item, "link", base_url + paper.article_path(article))
    _add_data(item, f"{{{_DC}}}creator", article.author)
    _add(item, "pubDate", format_datetime(story.published_at))
    for category in (article.section_name, *article.tags):
        _add_data(item, "category", category)
    _add(item, "guid", paper.guid(article)).set("isPermaLink", "false")
    _add_data(item, "description", f"<p>{escape(article.excerpt, quote=False)}</p>")
    _add_data(item, f"{{{_CONTENT}}}encoded", _body(article, base_url))
    if article.picture is not None:
        _add_picture(item, article.picture, base_url)


def _add_entry(root: etree._Element, story: Story, base_url: str) -> None:
    article = story.article
    entry = etree.SubElement(root, f"{{{_ATOM}}}entry")
    entry.set(_XML_LANG, article.language)
    _add(entry, f"{{{_ATOM}}}title", article.title)
    url = base_url + paper.article_path(article)
    etree.SubElement(entry, f"{{{_ATOM}}}link", href=url, rel="alternate", type="text/html")
    _add(entry, f"{{{_ATOM}}}id", paper.guid(article))
    _add(entry, f"{{{_ATOM}}}published", story.published_at.isoformat())
    _add(entry, f"{{{_ATOM}}}updated", story.published_at.isoformat())
    _add(etree.SubElement(entry, f"{{{_ATOM}}}author"), f"{{{_ATOM}}}name", article.author)
    for category in (article.section_name, *article.tags):
        etree.SubElement(entry, f"{{{_ATOM}}}category", term=category)
    _add(entry, f"{{{_ATOM}}}summary", article.excerpt)
    _add(entry, f"{{{_ATOM}}}content", _body(article, base_url)).set("type", "html")
    if article.picture is not None:
        _add_picture(entry, article.picture, base_url)


def _body(article: Article, base_url: str) -> str:
    """The whole text, the drawing first."""
    picture = article.picture
    if picture is None:
        return article.body_html
    width, height = PICTURE_SIZE
    url, alt = base_url + paper.picture_path(picture.name), escape(picture.alt)
    image = f'<img src="{url}" alt="{alt}" width="{width}" height="{height}">'
    return f"<figure>{image}</figure>\n{article.body_html}"


def _add_picture(parent: etree._Element, picture: Illustration, base_url: str) -> None:
    """A Media RSS `content`. Its words are in the body: many readers take its description for the post's."""
    media = etree.SubElement(parent, f"{{{_MEDIA}}}content")
    width, height = PICTURE_SIZE
    media.attrib.update(
        {
            "url": base_url + paper.picture_path(picture.name),
            "type": "image/png",
            "medium": "image",
            "fileSize": str(picture.size_bytes),
            "width": str(width),
            "height": str(height),
        }
    )


def _add(parent: etree._Element, tag: str, text: str) -> etree._Element:
    child = etree.SubElement(parent, tag)
    child.text = text
    return child


def _add_data(parent: etree._Element, tag: str, text: str) -> None:
    etree.SubElement(parent, tag).text = etree.CDATA(text)


def _finished(root: etree._Element) -> bytes:
    etree.indent(root, space="\t")
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")

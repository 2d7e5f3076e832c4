"""Feeds as a test writes them: RSS of a few posts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from email.utils import format_datetime
from xml.sax.saxutils import escape


@dataclass(frozen=True, slots=True)
class FeedPost:
    """One item of a feed."""

    number: int
    title: str
    published_at: dt.datetime
    category: str = "News"
    author: str = "Lusine Abelian"
    body: str = "<p>YEREVAN -- The reading room opened on Monday. Forty people came.</p><p>More will.</p>"


def rss(posts: Iterable[FeedPost], *, site: str, title: str = "The Courier") -> bytes:
    """An RSS 2.0 feed as WordPress writes them."""
    items = "".join(_item(post, site) for post in posts)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"'
        ' xmlns:dc="http://purl.org/dc/elements/1.1/"><channel>'
        f"<title>{escape(title)}</title><link>{site}/</link><language>en</language>{items}</channel></rss>"
    ).encode()


def _item(post: FeedPost, site: str) -> str:
    return (
        f"<item><title>{escape(post.title)}</title><link>{site}/posts/{post.number}/</link>"
        f'<guid isPermaLink="false">{site}/?p={post.number}</guid>'
        f"<dc:creator>{escape(post.author)}</dc:creator><category>{escape(post.category)}</category>"
        f"<pubDate>{format_datetime(post.published_at)}</pubDate>"
        f"<description>{escape(post.body)}</description>"
        f"<content:encoded><![CDATA[{post.body}]]></content:encoded></item>"
    )

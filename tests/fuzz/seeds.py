"""What fuzzing begins with: for each target inputs that it takes, so that all of its code is within reach."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping

from tests.servers.wordpress_posts import CHOIRS, WordPressPost, record

_SITE = "https://news.example.org"
_MOMENT = dt.datetime(2026, 11, 23, 6, 0, tzinfo=dt.UTC)
_RSS = b"""<rss version="2.0" xmlns:media="http://search.yahoo.com/mrss/"><channel><title>T</title>
<language>hy</language><item><title>A &amp;#8217; b</title><link>https://news.example.org/a</link>
<guid>x</guid><pubDate>Mon, 23 Nov 2026 10:00:00 +0400</pubDate><category>News</category>
<media:thumbnail url="https://news.example.org/a.jpg" width="300"/>
<description><![CDATA[<p>YEREVAN -- One.]]></description></item></channel></rss>"""
_ATOM = b"""<feed xmlns="http://www.w3.org/2005/Atom"><title>T</title><entry><id>tag:a,2026:1</id>
<title type="html">A &lt;b&gt;</title><link href="/a"/><updated>2026-11-23T10:00:00Z</updated>
<content type="xhtml">
<div xmlns="http://www.w3.org/1999/xhtml">One<img src="a.jpg"/></div></content></entry></feed>"""
_JSON = b"""{"version":"https://jsonfeed.org/version/1.1","title":"T","items":[{"id":"1","url":"/a","title":"A",
"content_html":"<p>x","date_published":"2026-11-23T10:00:00Z","tags":["t"],"authors":[{"name":"B"}]}]}"""
_PAGE = b"""<!doctype html><html lang="en"><head><title>T</title><base href="/x/">
<link rel="alternate" type="application/rss+xml" href="/feed/">
<link rel="alternate" hreflang="hy" href="/hy/">
<link rel="https://api.w.org/" href="/wp-json/"><link rel="alternate" type="application/json"
href="/wp-json/wp/v2/posts/12"><meta property="og:image" content="/a.jpg">
<meta property="og:image:width" content="900">
</head><body class="single single-post postid-12">
<a href="/rss.xml">RSS</a><!-- a --><script>b</script></body></html>"""
_OPML = b"""<?xml version="1.0"?><opml version="2.0"><head><title>T</title></head><body><outline text="A">
<outline type="rss" text="B" xmlUrl="https://news.example.org/feed/" htmlUrl="https://news.example.org/"/>
</outline></body></opml>"""


def _record(**values: object) -> dict[str, object]:
    plain = {
        "number": 12,
        "title": "A &#8217; b",
        "slug": "a",
        "published_at": _MOMENT,
        "modified_at": _MOMENT,
    }
    post = WordPressPost(**{**plain, "tags": [CHOIRS], "picture": "bridge", **values})  # type: ignore[arg-type]
    return record(post, _SITE, is_embedded=True, says_language=True)


SEEDS: Mapping[str, tuple[bytes, ...]] = {
    "parse": (b"\0" + _RSS, b"\1" + _ATOM, b"\3" + _JSON, b"\2" + _PAGE),
    "excerpt": (
        b"<p>YEREVAN &#8212; One two <b>three</b></p><img src='a.jpg' width=1 height=1><ul><li>a</ul>",
        "<p>Կամուրջը […]</p>".encode(),
    ),
    "title": (b"A &amp;#8217; <b>b</b>", "Կամուրջը \u202e\U0001f468\u200d\U0001f469".encode()),
    "address": (
        b"https://news.example.org/a/?utm_source=x&p=1#top",
        b"http://www.Example.org:80/%D5%A1/?b=2&a=1",
    ),
    "discover": (_PAGE, _RSS),
    "opml": (_OPML,),
    "wordpress": (
        json.dumps([_record(), _record(number=13, password="x", status="private")]).encode(),
        json.dumps(_record()).encode(),
    ),
}

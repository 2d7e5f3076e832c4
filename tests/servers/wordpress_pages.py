"""A WordPress site as far as finding it goes: its pages, feeds and REST answers, put on a NewsSite."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

from digest.clock import utc_now
from tests.feeds import FeedPost, rss
from tests.servers.news_site import NewsSite, Page, SiteRequest

HTML = "text/html; charset=UTF-8"
_CATEGORIES = [
    {"id": 3, "name": "News", "slug": "news", "count": 40},
    {"id": 7, "name": "Arts &amp; Letters", "slug": "arts", "count": 9},
]
_TAGS = [{"id": 21, "name": "Harbour", "slug": "harbour", "count": 4}]


def page(head: str = "", body: str = "", *, language: str = "en-US") -> bytes:
    """A page as WordPress's themes make them."""
    return (
        f'<!DOCTYPE html><html lang="{language}"><head><meta charset="utf-8"><title>The Courier</title>{head}'
        f"</head><body>{body}</body></html>"
    ).encode()


def feed_of(site: NewsSite, *titles: str, comments: bool = False) -> bytes:
    """An RSS feed with a post for each title."""
    home = site.url("").rstrip("/")
    made = rss([FeedPost(n, title, utc_now()) for n, title in enumerate(titles, 1)], site=home)
    return made.replace(b"</link><guid", b"#comment-1</link><guid") if comments else made


def put_wordpress(
    site: NewsSite, *, rest: str = "open", header: bool = True, languages: bool = False
) -> None:
    """The front page, the feeds and the REST interface: `open`, `shut` (401), `plain` (no pretty addresses).

    `languages`: the site is in English and Armenian by a plugin.
    """
    home = site.url("/")
    root = f"{home}?rest_route=/" if rest == "plain" else f"{home}wp-json/"
    link = ("Link", f'<{root}>; rel="https://api.w.org/"')
    head = (
        f'<link rel="alternate" type="application/rss+xml" title="Courier &raquo; Feed" href="{home}feed/">'
        f'<link rel="alternate" type="application/rss+xml" title="Comments Feed" href="{home}comments/feed/">'
        '<meta name="generator" content="WordPress 6.8"><link rel="stylesheet" href="/wp-content/x.css">'
    )
    if languages:
        head += (
            f'<link rel="alternate" hreflang="en" href="{home}"><link rel="alternate" hreflang="hy" '
            f'href="{home}hy/"><link rel="alternate" hreflang="x-default" href="{home}">'
        )
    headers = (link,) if header else ()
    site.put("/", Page(page(head), content_type=HTML, headers=headers))
    site.put("/hy/", Page(page(head, language="hy"), content_type=HTML, headers=headers))
    site.put("/feed/", Page(feed_of(site, "The bridge opens", "Choir seeks tenors"), headers=headers))
    site.put("/hy/feed/", Page(feed_of(site, "Կամուրջը բացվեց").replace(b"<language>en", b"<language>hy")))
    site.put("/category/arts/feed/", Page(feed_of(site, "A new play")))
    section = (
        f'<link rel="alternate" type="application/rss+xml" title="Arts" href="{home}category/arts/feed/">'
        f'<link rel="alternate" title="JSON" type="application/json" href="{root}wp/v2/categories/7">'
    )
    site.put("/category/arts/", Page(page(head + section), content_type=HTML, headers=headers))
    plugins = ["pll/v1"] if languages else []
    site.put("/robots.txt", Page(b"User-agent: *\nDisallow: /wp-admin/\n", content_type="text/plain"))

    def answer(request: SiteRequest) -> Page:
        given = parse_qs(urlsplit(request.path).query)
        if "rest_route" not in given and rest == "plain":
            return Page(page(head), content_type=HTML, headers=headers)
        if rest == "shut":
            return Page(b'{"code":"rest_not_logged_in"}', status=401, content_type="application/json")
        route = given.get("rest_route", [urlsplit(request.path).path.removeprefix("/wp-json")])[0]
        return _rest(site, route, plugins)

    if rest == "plain":
        site.put("/", answer)
    else:
        for route in ("", "wp/v2/posts", "wp/v2/categories", "wp/v2/tags"):
            site.put(f"/wp-json/{route}", answer)


def _rest(site: NewsSite, route: str, plugins: list[str]) -> Page:
    posts = [
        {
            "id": n,
            "link": site.url(f"/posts/{n}/"),
            "date_gmt": "2026-11-22T08:00:00",
            "title": {"rendered": title},
            "featured_media": n,
        }
        for n, title in enumerate(("The bridge opens", "Choir seeks tenors"), 1)
    ]
    answers: dict[str, object] = {
        "/": {"name": "The Courier", "namespaces": ["oembed/1.0", "wp/v2", *plugins]},
        "/wp/v2/posts": posts,
        "/wp/v2/categories": _CATEGORIES,
        "/wp/v2/tags": _TAGS,
    }
    if route not in answers:
        return Page(b'{"code":"rest_no_route"}', status=404, content_type="application/json")
    return Page(json.dumps(answers[route]).encode(), content_type="application/json; charset=UTF-8")

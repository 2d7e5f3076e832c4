"""A site that answers as WordPress does: its feed, its REST interface, its pages and their oddities.

    with WordPressSite(now) as site:
        post = site.publish("The choir&#8217;s year", tags=[CHOIRS])
        site.trash(post)
        ... fetch site.url("/feed/") and site.url("/wp-json/") ...

The feed has one ETag for the whole site, made of when a published post was last changed: what is put in the
bin, or given a tag, hides behind a 304. Dates of REST have no zone. The paper is invented.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import itertools
import json
from dataclasses import dataclass
from email.utils import format_datetime
from enum import StrEnum
from html import escape
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from tests.servers.news_site import NewsSite, Page, SiteRequest
from tests.servers.wordpress_posts import (
    BRIDGES,
    CHOIRS,
    COMMENTARY,
    NEWS,
    NO_DIGEST,
    WordPressPost,
    only_fields,
    record,
)

_FOUNDED = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)


class Rest(StrEnum):
    """How the REST interface answers."""

    OPEN = "open"
    UNAUTHORISED = "unauthorised"  # 401: only for those who sign in
    FORBIDDEN = "forbidden"  # 403, as a security plugin answers
    MISSING = "missing"  # 404
    PAGE = "page"  # 200 with a web page
    BROKEN = "broken"  # 500
    BUSY = "busy"  # 429 with Retry-After


class Pages(StrEnum):
    """How the pages of posts answer."""

    OPEN = "open"
    GUARDED = "guarded"  # 403 with a page that wants a proof
    BROKEN = "broken"  # 503
    TO_FRONT = "to_front"  # a missing page leads to the front page
    GONE = "gone"  # 410 in place of 404
    UNAUTHORISED = "unauthorised"  # 401


@dataclass(frozen=True, slots=True)
class _Refusal:
    status: int
    code: str


_SHUT = {
    Rest.UNAUTHORISED: _Refusal(401, "rest_not_logged_in"),
    Rest.FORBIDDEN: _Refusal(403, "rest_disabled"),
    Rest.MISSING: _Refusal(404, "rest_no_route"),
    Rest.BROKEN: _Refusal(500, "internal_server_error"),
    Rest.BUSY: _Refusal(429, "too_many_requests"),
}


class WordPressSite(NewsSite):
    """The site. `now` is its clock; a test moves it, and publishes, edits and trashes by its methods."""

    def __init__(self, now: dt.datetime) -> None:
        super().__init__()
        self.now = now
        self.posts: dict[int, WordPressPost] = {}
        self._numbers = itertools.count(100)  # none is used again
        self.rest = Rest.OPEN
        self.rest_of_one = Rest.OPEN  # for single posts
        self.pages = Pages.OPEN
        self.most_a_page = 100  # asked for more: refused, or silently given fewer
        self.caps_silently = False
        self.feed_size = 10
        self.feed_status = 200
        self.feed_is_kept: bytes | None = None  # what a cache before the site gives in place of the feed
        self.pages_are_kept: dict[str, Page] = {}  # what a cache gives in place of the pages of posts
        self.hears_language = True  # by REST too; else in the feed only
        self.hides_authors = False

    @property
    def root(self) -> str:
        return self.url("").rstrip("/")

    def publish(self, title: str, **values: Any) -> WordPressPost:
        """A new post, published now unless it is said otherwise."""
        number = values.pop("number", None) or next(self._numbers)
        published = values.pop("published_at", self.now)
        plain = {"slug": f"story-{number}", "published_at": published, "modified_at": published}
        post = WordPressPost(number=number, title=title, **{**plain, **values})
        self.posts[number] = post
        return post

    def edit(self, post: WordPressPost, **values: Any) -> None:
        """What saving a post in the editor does: its date of change is now."""
        if "slug" in values:
            post.old_slugs.append(post.slug)
        for name, value in values.items():
            setattr(post, name, value)
        post.modified_at = self.now

    def trash(self, post: WordPressPost) -> None:
        """The post leaves every list; no published post has changed, so neither has the site's ETag."""
        post.status = "trash"

    def keep_feed(self) -> None:
        """From now on a cache gives the feed as it is now."""
        self.feed_is_kept = self._feed(SiteRequest("GET", "/feed/")).body

    def keep_page(self, slug: str) -> None:
        """From now on a cache gives the page of a post as it is now."""
        self.pages_are_kept[slug] = self._post_page(slug)

    def keep_pages(self) -> None:
        """As `keep_page`, of all posts."""
        for post in self._published():
            self.keep_page(post.slug)

    def asked_rest(self) -> list[dict[str, str]]:
        """The parameters of each request for a list of posts, oldest first."""
        return [
            _parameters(request) for request in list(self.requests) if "wp/v2/posts" in unquote(request.path)
        ]

    def other(self, request: SiteRequest) -> Page:
        path = urlsplit(request.path).path
        route = _parameters(request).get("rest_route") or path.partition("/wp-json")[2] or "/"
        if path.startswith("/wp-json") or "rest_route" in _parameters(request):
            return self._rest(route.rstrip("/"), request)
        if path == "/feed/":
            return self._feed(request)
        if path == "/":
            return self._web_page("<h1>The Springdale Courier</h1>")
        slug = unquote(path.strip("/"))
        return self.pages_are_kept.get(slug) or self._post_page(slug)

    # The feed.

    def _feed(self, request: SiteRequest) -> Page:
        if self.feed_status != HTTPStatus.OK:
            return Page(b"<html>no feed</html>", status=self.feed_status, content_type="text/html")
        asked = _parameters(request)
        chosen = [post for post in self._published() if _fits_feed(post, asked)][: self.feed_size]
        moments = [m for post in self._published() for m in (post.modified_at, post.published_at)]
        latest = max(moments, default=_FOUNDED)
        changed = format_datetime(latest.astimezone(dt.UTC), usegmt=True)
        items = "".join(self._item(post) for post in chosen)
        body = (
            '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"'
            ' xmlns:content="http://purl.org/rss/1.0/modules/content/"'
            ' xmlns:dc="http://purl.org/dc/elements/1.1/"><channel>'
            f"<title>The Springdale Courier</title><link>{self.root}</link><language>en-US</language>"
            f"<generator>https://wordpress.org/?v=6.8</generator>{items}</channel></rss>"
        ).encode()
        return Page(
            self.feed_is_kept or body,
            content_type="application/rss+xml; charset=UTF-8",
            etag=f'"{hashlib.md5(changed.encode()).hexdigest()}"',
            last_modified=changed,
            headers=(("Link", self._link),),
        )

    def _item(self, post: WordPressPost) -> str:
        # Categories and tags are not told apart, and an excerpt's own "]]>" ends its section too early.
        terms = "".join(f"<category><![CDATA[{t.name}]]></category>" for t in (*post.categories, *post.tags))
        excerpt = post.excerpt.replace("[&hellip;]", "[&#8230;]")
        content = post.content.replace("]]>", "]]&gt;")
        if post.password:
            excerpt, content = "There is no excerpt because this is a protected post.", post.form
        return (
            f"<item><title>{post.shown_title}</title><link>{self.root}/{quote(post.slug)}/</link>"
            f"<dc:creator><![CDATA[{post.author}]]></dc:creator>"
            f"<pubDate>{format_datetime(post.published_at)}</pubDate>{terms}"
            f'<guid isPermaLink="false">{self.root}/?p={post.number}</guid>'
            f"<description><![CDATA[{excerpt}]]></description>"
            f"<content:encoded><![CDATA[{content}]]></content:encoded></item>"
        )

    # The REST interface.

    def _rest(self, route: str, request: SiteRequest) -> Page:
        mode = self.rest_of_one if route.startswith("/wp/v2/posts/") and self.rest is Rest.OPEN else self.rest
        if mode is Rest.PAGE:
            return self._web_page("<h1>Welcome</h1>")
        if mode in _SHUT:
            refusal = _SHUT[mode]
            wait = (("Retry-After", "7200"),) if mode is Rest.BUSY else ()
            return _error(refusal.code, refusal.status, wait)
        if route == "/wp/v2/posts":
            return self._list(_parameters(request))
        if route.startswith("/wp/v2/posts/"):
            return self._one(route.rpartition("/")[2])
        few = {"X-WP-TotalPages": "1"}
        fixed = {
            "": _json({"name": "The Springdale Courier", "home": self.root, "namespaces": ["wp/v2"]}),
            "/wp/v2/categories": _json([term.record() for term in (NEWS, COMMENTARY)], few),
            "/wp/v2/tags": _json([term.record() for term in (CHOIRS, BRIDGES, NO_DIGEST)], few),
        }
        return fixed.get(route) or _error("rest_no_route", 404)

    def _one(self, number: str) -> Page:
        post = self.posts.get(int(number)) if number.isdigit() else None
        if post is None:
            return _error("rest_post_invalid_id", 404)
        if post.status != "publish":
            return _error("rest_forbidden", 401)
        return _json(record(post, self.root, is_embedded=False, says_language=self.hears_language))

    def _list(self, asked: dict[str, str]) -> Page:
        a_page, page = int(asked.get("per_page", "10")), int(asked.get("page", "1"))
        if a_page > self.most_a_page and self.caps_silently:
            a_page = self.most_a_page
        if not 1 <= a_page <= self.most_a_page:
            return _error("rest_invalid_param", 400)
        chosen = [post for post in self._published() if self._fits_list(post, asked)]
        if asked.get("orderby") == "modified":
            chosen.sort(key=lambda post: post.modified_at, reverse=True)
        pages = -(-len(chosen) // a_page)
        if page > pages and chosen:
            return _error("rest_post_invalid_page_number", 400)
        found = [
            record(post, self.root, is_embedded="_embed" in asked, says_language=self.hears_language)
            for post in chosen[(page - 1) * a_page : page * a_page]
        ]
        if self.hides_authors:
            for one in found:
                if "_embedded" in one:
                    one["_embedded"]["author"] = [{"code": "rest_user_cannot_view", "data": {"status": 401}}]
        if "_fields" in asked:
            found = [only_fields(one, asked["_fields"].split(",")) for one in found]
        return _json(found, {"X-WP-Total": str(len(chosen)), "X-WP-TotalPages": str(pages)})

    def _fits_list(self, post: WordPressPost, asked: dict[str, str]) -> bool:
        tests = (
            ("after", lambda value: post.published_at > dt.datetime.fromisoformat(value)),
            ("modified_after", lambda value: post.modified_at > dt.datetime.fromisoformat(value)),
            ("categories", lambda value: _has(post.categories, value)),
            ("tags", lambda value: _has(post.tags, value)),
            ("slug", lambda value: post.slug in value.split(",")),
            ("include", lambda value: str(post.number) in value.split(",")),
            ("lang", lambda value: not self.hears_language or post.language == value),
        )
        return all(test(asked[name]) for name, test in tests if name in asked)

    # The pages.

    def _post_page(self, slug: str) -> Page:
        if self.pages is Pages.GUARDED:
            return self._web_page("<h1>Just a moment...</h1>", 403)
        if self.pages is Pages.BROKEN:
            return self._web_page("<h1>Down for maintenance</h1>", 503)
        for post in self._published():
            if post.slug == slug:
                text = post.form if post.password else post.content
                return self._web_page(f"<h1>{post.shown_title}</h1>{text}", post=post)
            if slug in post.old_slugs:
                return Page(status=301, headers=(("Location", f"{self.root}/{post.slug}/"),))
        if self.pages is Pages.TO_FRONT:
            return Page(status=301, headers=(("Location", f"{self.root}/"),))
        status = {Pages.GONE: 410, Pages.UNAUTHORISED: 401}.get(self.pages, 404)
        return self._web_page("<h1>Nothing is here.</h1>", status)

    def _web_page(self, body: str, status: int = 200, *, post: WordPressPost | None = None) -> Page:
        """A page of the site; that of a post names its record, in a header too, and its number."""
        record = f"{self.root}/wp-json/wp/v2/posts/{post.number}" if post else ""
        classes = f"post-template-default single single-post postid-{post.number}" if post else "home blog"
        named = f'<link rel="alternate" type="application/json" href="{record}" />' if post else ""
        picture = f'<meta property="og:image" content="{post.shared_picture}" />' if post else ""
        page = (
            f'<!DOCTYPE html><html lang="en"><head><title>Courier</title>{named}{picture}</head>'
            f'<body class="{classes}">{body}</body></html>'
        )
        links = [self._link, *([f'<{record}>; rel="alternate"; type="application/json"'] if post else [])]
        return Page(
            page.encode(),
            status,
            content_type="text/html; charset=UTF-8",
            headers=tuple(("Link", link) for link in links),
        )

    @property
    def _link(self) -> str:
        return f'<{self.root}/wp-json/>; rel="https://api.w.org/"'

    def _published(self) -> list[WordPressPost]:
        found = [post for post in self.posts.values() if post.status == "publish"]
        return sorted(found, key=lambda post: post.published_at, reverse=True)


def _fits_feed(post: WordPressPost, asked: dict[str, str]) -> bool:
    return (
        ("cat" not in asked or _has(post.categories, asked["cat"]))
        and ("tag_id" not in asked or _has(post.tags, asked["tag_id"]))
        and asked.get("lang", post.language) == post.language
    )


def _has(terms: list[Any], numbers: str) -> bool:
    return bool({str(term.number) for term in terms} & set(numbers.split(",")))


def _parameters(request: SiteRequest) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(request.path).query))


def _json(found: Any, headers: dict[str, str] | None = None) -> Page:
    return Page(
        json.dumps(found).encode(),
        content_type="application/json; charset=UTF-8",
        headers=tuple((headers or {}).items()),
    )


def _error(code: str, status: int, headers: tuple[tuple[str, str], ...] = ()) -> Page:
    body = {"code": code, "message": escape(code), "data": {"status": status}}
    return Page(
        json.dumps(body).encode(), status, content_type="application/json; charset=UTF-8", headers=headers
    )

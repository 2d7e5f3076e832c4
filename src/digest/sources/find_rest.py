"""Whether a WordPress site's REST interface is open to us, and what it offers: sections, stories."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urljoin

from digest.feeds.discover import Discovery, rest_address, site_of
from digest.feeds.links import absolute
from digest.feeds.rest_site import RestPost, Term, read_posts, read_root, read_terms
from digest.feeds.types import ParsedFeed, ParsedPost
from digest.net.fetching import FetchError
from digest.sources.polite import Visit

_JSON = "application/json"
_FEW = 10  # posts that are enough to see that it works
_POST_FIELDS = "id,link,date_gmt,title,featured_media"
_TERM_FIELDS = "id,name,slug,count"


@dataclass(frozen=True, slots=True)
class RestSite:
    """A site's interface. `root` is None if it is not open; `is_shut`: it is there, and refuses.

    `feed` shows the newest stories as the interface tells them, with titles and dates only.
    """

    root: str | None = None
    is_shut: bool = False
    has_language: bool = False
    categories: tuple[Term, ...] = ()
    tags: tuple[Term, ...] = ()
    feed: ParsedFeed | None = None
    feed_url: str | None = None


def look_at_rest(visit: Visit, discovery: Discovery) -> RestSite:
    """Ask the interface for its root, some posts and its sections; a few questions, no fault."""
    for root in discovery.rest_roots:
        opened = _body(visit, root)
        site = read_root(opened) if opened else None
        if site is None:
            continue
        if not site.has_posts:
            return RestSite(is_shut=True)
        section = {discovery.section[0]: discovery.section[1]} if discovery.section else {}
        posts = _posts(visit, root, **section)
        if posts is None:
            return RestSite(is_shut=True)
        return RestSite(
            root=root,
            has_language=site.has_language,
            categories=_terms(visit, root, "categories"),
            tags=_terms(visit, root, "tags"),
            feed=_as_feed(site.title, posts),
            feed_url=absolute("feed/", site_of(root)),
        )
    return RestSite(is_shut=discovery.is_wordpress)


def _posts(visit: Visit, root: str, **query: object) -> tuple[RestPost, ...] | None:
    address = rest_address(root, "wp/v2/posts", per_page=_FEW, _fields=_POST_FIELDS, **query)
    body = _body(visit, address)
    return None if body is None else read_posts(body)


def _terms(visit: Visit, root: str, name: str) -> tuple[Term, ...]:
    address = rest_address(
        root,
        f"wp/v2/{name}",
        per_page=100,
        orderby="count",
        order="desc",
        hide_empty="true",
        _fields=_TERM_FIELDS,
    )
    return read_terms(_body(visit, address) or b"")


def _body(visit: Visit, url: str) -> bytes | None:
    try:
        answer = visit.get(url, accept=_JSON)
    except FetchError:
        return None  # an interface that refuses is common, and the feed is enough
    return answer.body if answer else None


def _as_feed(title: str, posts: tuple[RestPost, ...]) -> ParsedFeed:
    shown = (
        ParsedPost(str(post.id), url, post.title, published_at=post.published_at)
        for post in posts
        if post.title and (url := absolute(post.url, urljoin(post.url, "/")))
    )
    return ParsedFeed(title, None, tuple(shown))

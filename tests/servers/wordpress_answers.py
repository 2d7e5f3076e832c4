"""What a WordPress answers, where ours rests on it: asked of any site that can publish, edit and trash.

The proof asks a real one and the one that the tests use, and compares.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import Message
from http import HTTPStatus
from typing import Any, Protocol

from digest.feeds.page import scan
from digest.feeds.wordpress_pages import number_of_page
from tests.servers.waiting import HANG

PLAIN, SECRET, EDITED, TRASHED, STICKY = "Rivers rise", "The locked room", "A bridge", "A ferry", "Pinned"
FUTURE, DRAFT, PRIVATE = "Tomorrow", "Half a story", "For the desk alone"
_PAGES = 50
_BARE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")


class Site(Protocol):
    """A WordPress, whichever: posts are named by their titles."""

    def url(self, path: str) -> str:
        """The whole address of a path that begins with a slash."""

    def publish(self, title: str, **values: Any) -> None:
        """Write a post. `values`: content, excerpt, status, password, slug, age in days, is_sticky, tags."""

    def edit(self, name: str, /, **values: Any) -> None:
        """Change a post."""

    def trash(self, title: str) -> None:
        """Put a post into the bin."""

    def delete(self, title: str) -> None:
        """Do away with a post for good."""

    def number(self, title: str) -> int:
        """A post's id."""

    def keep_page(self, slug: str) -> None:
        """Let a cache give the page of a post as it is now, from now on."""

    def shut_rest(self, *, is_shut: bool) -> None:
        """Give the REST interface to nobody who does not sign in, or open it again."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Message
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def error(self) -> tuple[int, str]:
        """A refusal of the REST interface: its status and its code."""
        return self.status, str(self.json.get("code"))


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_Stay)


def get(site: Site, path: str, headers: Mapping[str, str] | None = None) -> Answer:
    """One request, without going where it leads on to."""
    request = urllib.request.Request(site.url(path), headers=dict(headers or {}))
    try:
        with _OPENER.open(request, timeout=HANG) as answer:
            return Answer(answer.status, answer.headers, answer.read().decode())
    except urllib.error.HTTPError as error:
        return Answer(error.code, error.headers, error.read().decode())


def fill(site: Site) -> None:
    """The same few posts on each site."""
    long = " ".join(["The river rose in the night, and by the morning it stood at the market."] * 12)
    site.publish(PLAIN, content=f"<p>YEREVAN -- {long}</p>", tags=["water"], slug="rivers", age=3)
    site.publish(SECRET, content="<p>Nobody reads this.</p>", password="sesame", slug="locked", age=2)
    site.publish(EDITED, content=f"<p>{long}</p>", slug="bridge", age=2)
    site.publish(TRASHED, content=f"<p>{long}</p>", slug="ferry", age=4)
    site.publish(STICKY, content=f"<p>{long}</p>", slug="pinned", age=5, is_sticky=True)
    site.publish(FUTURE, content="<p>Later.</p>", status="future", slug="tomorrow", age=-3)
    site.publish(DRAFT, content="<p>Not yet.</p>", status="draft", slug="half", age=1)
    site.publish(PRIVATE, content="<p>For us.</p>", status="private", slug="desk", age=1)
    site.publish("Brackets", content="<p>a ]]> b</p>", excerpt="a ]]> b", slug="brackets", age=1)


def _feed_titles(site: Site) -> list[str]:
    return re.findall(r"<item>\s*<title>(.*?)</title>", get(site, "/feed/").text)


def _rest_titles(site: Site) -> list[str]:
    return [post["title"]["rendered"] for post in get(site, "/wp-json/wp/v2/posts?per_page=100").json]


def _record(site: Site, title: str) -> dict[str, Any]:
    posts = get(site, "/wp-json/wp/v2/posts?per_page=100&_embed=1").json
    return next(post for post in posts if title in post["title"]["rendered"])


def _conditional(site: Site) -> list[int]:
    first = get(site, "/feed/")
    etag, changed = first.headers["ETag"], first.headers["Last-Modified"]
    asked = {"If-None-Match": etag, "If-Modified-Since": changed}
    return [get(site, "/feed/", asked).status, get(site, "/feed/", {"If-None-Match": '"other"'}).status]


def _kept_after_trash(site: Site) -> list[object]:
    """Trash an old post between two conditional requests: what the second says, and what is really there."""
    first = get(site, "/feed/")
    asked = {"If-None-Match": first.headers["ETag"], "If-Modified-Since": first.headers["Last-Modified"]}
    site.trash(TRASHED)
    return [get(site, "/feed/", asked).status, TRASHED in _feed_titles(site), TRASHED in _rest_titles(site)]


def _trashed(site: Site) -> list[object]:
    one = get(site, f"/wp-json/wp/v2/posts/{site.number(TRASHED)}")
    return [*one.error, get(site, "/ferry/").status]


def _moved(site: Site) -> list[object]:
    site.edit(EDITED, slug="old-bridge")
    answer = get(site, "/bridge/")
    return [answer.status, urllib.parse.urlsplit(answer.headers["Location"] or "").path]


def _edited(site: Site) -> list[object]:
    """An edit shows under `modified_after`, and gives the feed another ETag."""
    since = (dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    before = get(site, "/feed/").headers["ETag"]
    site.edit(PLAIN, title="Rivers fall")
    found = get(site, f"/wp-json/wp/v2/posts?modified_after={urllib.parse.quote(since)}&per_page=100").json
    return [
        "Rivers fall" in [post["title"]["rendered"] for post in found],
        get(site, "/feed/").headers["ETag"] != before,
    ]


def _protected(site: Site) -> list[object]:
    post = _record(site, SECRET)
    return [
        post["title"]["rendered"],
        post["content"]["protected"],
        post["content"]["rendered"],
        post["status"],
    ]


def _in_feed(site: Site) -> list[bool]:
    titles = _feed_titles(site)
    return [any(name in title for title in titles) for name in (SECRET, STICKY, FUTURE, DRAFT, PRIVATE)]


def _in_rest(site: Site) -> list[bool]:
    titles = _rest_titles(site)
    return [any(name in title for title in titles) for name in (SECRET, STICKY, FUTURE, DRAFT, PRIVATE)]


def _dates(site: Site) -> list[object]:
    post = _record(site, PLAIN)
    local, utc = dt.datetime.fromisoformat(post["date"]), dt.datetime.fromisoformat(post["date_gmt"])
    return [bool(_BARE.fullmatch(post["date_gmt"])), bool(_BARE.fullmatch(post["date"])), str(local - utc)]


def _page_of_a_post(site: Site) -> list[bool]:
    """By which of its marks the page of a post names its record."""
    page = get(site, "/rivers/")
    number = site.number(PLAIN)
    return [
        number_of_page(scan(page.text.encode()), site.url("/rivers/")) == number,
        number_of_page(scan(b""), site.url("/rivers/"), link=", ".join(page.headers.get_all("Link", [])))
        == number,
        bool(re.search(rf'<body class="[^"]*single-post postid-{number}\b', page.text)),
    ]


def _in_feed_protected(site: Site) -> list[bool]:
    items = re.findall(r"<item>.*?</item>", get(site, "/feed/").text, re.DOTALL)
    kept = next(item for item in items if SECRET in item)
    said = (
        "<title>Protected: ",
        "post-password-form",
        "There is no excerpt because this is a protected post.",
    )
    return [*(each in kept for each in said), get(site, "/locked/").status == HTTPStatus.OK]


def _light(site: Site) -> list[object]:
    """A list of some fields, of posts by their slugs and by their numbers."""
    asked = f"include={site.number(PLAIN)},{site.number(DRAFT)}&_fields=id,link,status,content.protected"
    found = get(site, f"/wp-json/wp/v2/posts?{asked}").json
    slugs = get(site, "/wp-json/wp/v2/posts?slug=rivers,locked").json
    return [[sorted(one) for one in found], found[0]["content"], len(slugs)]


def _fields(site: Site) -> list[object]:
    """Of what we read: which fields there are, and of which kind."""
    post = _record(site, PLAIN)
    read = ("id", "date_gmt", "modified_gmt", "guid", "slug", "status", "link", "title", "content", "excerpt")
    also = ("author", "featured_media", "sticky", "categories", "tags", "_embedded")
    terms = [term["taxonomy"] for group in post["_embedded"]["wp:term"] for term in group]
    return [{name: type(post.get(name)).__name__ for name in (*read, *also)}, sorted(set(terms))]


def _pages(site: Site) -> list[object]:
    many = get(site, "/wp-json/wp/v2/posts?per_page=100")
    two = get(site, "/wp-json/wp/v2/posts?per_page=2&page=2")
    total = many.headers["X-WP-Total"] == str(len(many.json))
    return [total, many.headers["X-WP-TotalPages"], len(two.json), two.headers["X-WP-TotalPages"] is not None]


# What ours rests on, in words, and how it is asked. In this order: the later ones change the site.
QUESTIONS: Mapping[str, Callable[[Site], object]] = {
    "a conditional request for the feed": _conditional,
    "the feed leads to the REST interface": lambda site: (
        "https://api.w.org/" in str(get(site, "/feed/").headers["Link"])
    ),
    "which kinds of post the feed has": _in_feed,
    "which kinds of post the REST interface has": _in_rest,
    "a post behind a password": _protected,
    "such a post in the feed and on its page": _in_feed_protected,
    "the page of a post names its record": _page_of_a_post,
    "dates of the REST interface": _dates,
    "fields that are read": _fields,
    "a light list": _light,
    "changed after next year": lambda site: (
        get(site, "/wp-json/wp/v2/posts?modified_after=2999-01-01T00:00:00Z").json
    ),
    "an unknown route": lambda site: get(site, "/wp-json/wp/v2/nothing").error,
    "pages of a list": _pages,
    "101 posts a page": lambda site: get(site, "/wp-json/wp/v2/posts?per_page=101").error,
    "a page past the last": lambda site: get(site, f"/wp-json/wp/v2/posts?page={_PAGES}").error,
    "a post that never was": lambda site: get(site, "/wp-json/wp/v2/posts/99999").error,
    "a draft by its number": lambda site: get(site, f"/wp-json/wp/v2/posts/{site.number(DRAFT)}").error,
    "the form without rewriting": lambda site: len(get(site, "/?rest_route=/wp/v2/posts&per_page=2").json),
    "a trashed post and the feed's ETag": _kept_after_trash,
    "a trashed post by its number and its address": _trashed,
    "a post that was given another address": _moved,
    "an edited post": _edited,
}

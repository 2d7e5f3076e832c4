"""What our test site and a real WordPress must answer alike, as facts that can be compared.

    facts(site.root, cast) == facts("http://127.0.0.1:8080", their_cast)

A cast names the posts that play the parts: both sites hold the same ones, under numbers of their own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx2

_NO_ZONE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")


@dataclass(frozen=True, slots=True)
class Cast:
    """The numbers and slugs of the posts that the behaviours are about.

    `trash` puts the post in the bin when it is called; it must not be the one that was changed last.
    """

    published: int
    published_slug: str
    protected: int
    protected_slug: str
    draft: int
    trashed: int
    trashed_slug: str
    trash: Callable[[], None]


@dataclass(frozen=True, slots=True)
class _Site:
    client: httpx2.Client
    base: str

    def get(self, path: str, **headers: str) -> httpx2.Response:
        return self.client.get(self.base + path, headers=headers)

    def posts(self, query: str) -> httpx2.Response:
        return self.get(f"/?rest_route=/wp/v2/posts&{query}")

    def one(self, number: int) -> tuple[int, str]:
        answer = self.get(f"/?rest_route=/wp/v2/posts/{number}")
        return answer.status_code, str(answer.json().get("code", ""))


def facts(base: str, cast: Cast) -> dict[str, Any]:
    """Each behaviour by its name, with what the site at `base` does. Its last one trashes a post."""
    with httpx2.Client(trust_env=False, timeout=30.0, follow_redirects=False) as client:
        site = _Site(client, base.rstrip("/"))
        return {
            **_of_the_list(site),
            **_of_records(site, cast),
            **_of_the_feed(site, cast),
            **_of_the_bin(site, cast),
        }


def differences(ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """The behaviours in which two sites differ, with what each does."""
    names = sorted(ours.keys() | theirs.keys())
    return {name: (ours.get(name), theirs.get(name)) for name in names if ours.get(name) != theirs.get(name)}


def _of_the_list(site: _Site) -> dict[str, Any]:
    first = site.posts("per_page=1")
    total = int(first.headers["x-wp-total"])
    beyond = site.posts(f"per_page=1&page={total + 1}")
    too_many = site.posts("per_page=101")
    light = site.posts("per_page=1&_fields=id,link,status,content.protected").json()[0]
    return {
        "a list says its pages": int(first.headers["x-wp-totalpages"]) == total,
        "a page past the last": (beyond.status_code, beyond.json()["code"]),
        "more than 100 a page": (too_many.status_code, too_many.json()["code"]),
        "changed after next year": site.posts("modified_after=2999-01-01T00:00:00Z").json(),
        "published after next year": site.posts("after=2999-01-01T00:00:00Z").json(),
        "the fields of a light record": sorted(light),
        "content of a light record": light.get("content"),
        "an unknown route": site.get("/?rest_route=/wp/v2/nothing").status_code,
    }


def _of_records(site: _Site, cast: Cast) -> dict[str, Any]:
    found = site.posts(f"include={cast.published}&_embed=1").json()[0]
    kept = site.posts(f"include={cast.protected}&_embed=1").json()[0]
    by_slug = site.posts(f"slug={cast.published_slug},{cast.protected_slug}").json()
    return {
        "dates without a zone": all(
            _NO_ZONE.fullmatch(found[name]) is not None for name in ("date", "date_gmt", "modified_gmt")
        ),
        "a guid is the number": found["guid"]["rendered"].endswith(f"?p={cast.published}"),
        "status of a listed post": found["status"],
        "taxonomies that are embedded": sorted(
            {term["taxonomy"] for group in found["_embedded"]["wp:term"] for term in group}
        ),
        "an author is embedded by name": bool(found["_embedded"]["author"][0].get("name")),
        "posts by their slugs": sorted(one["id"] for one in by_slug)
        == sorted([cast.published, cast.protected]),
        "a protected record": (kept["content"]["rendered"], kept["content"]["protected"]),
        "the title of a protected record": kept["title"]["rendered"].startswith("Protected: "),
        "a draft asked for": site.one(cast.draft),
        "a number of nothing": site.one(10**9),
        "a draft in a list": site.posts(f"include={cast.draft}").json(),
    }


def _of_the_feed(site: _Site, cast: Cast) -> dict[str, Any]:
    feed = site.get("/feed/")
    items = re.findall(r"<item>.*?</item>", feed.text, re.DOTALL)
    kept = next(item for item in items if f"?p={cast.protected}<" in item)
    page = site.get(f"/{cast.protected_slug}/")
    return {
        "a protected post in the feed": "<title>Protected: " in kept and "post-password-form" in kept,
        "the excerpt of a protected post there": "There is no excerpt because this is a protected post."
        in kept,
        "the page of a protected post": (page.status_code, "post-password-form" in page.text),
        "the interface is named on the page": 'rel="https://api.w.org/"' in page.headers.get("link", ""),
        "a feed unchanged": site.get("/feed/", **_validators(feed)).status_code,
    }


def _of_the_bin(site: _Site, cast: Cast) -> dict[str, Any]:
    before = site.get("/feed/")
    cast.trash()
    after = site.get("/feed/", **_validators(before))
    return {
        "a feed after a post went into the bin": after.status_code,
        "the record of a post in the bin": site.one(cast.trashed),
        "a post in the bin in a list": site.posts(f"include={cast.trashed}").json(),
        "the page of a post in the bin": site.get(f"/{cast.trashed_slug}/").status_code,
    }


def _validators(answer: httpx2.Response) -> dict[str, str]:
    return {
        "If-None-Match": answer.headers["etag"],
        "If-Modified-Since": answer.headers["last-modified"],
    }


def as_text(found: dict[str, Any]) -> str:
    """Facts for a report, one a line."""
    return "\n".join(f"{name}: {json.dumps(value)}" for name, value in found.items())

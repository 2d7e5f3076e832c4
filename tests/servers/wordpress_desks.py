"""The desks of both WordPress sites, under one form: see `wordpress_answers.Site`."""

from __future__ import annotations

import datetime as dt
import time
from typing import Any

from tests.servers.wordpress import RealWordPress
from tests.servers.wordpress_posts import Term, WordPressPost
from tests.servers.wordpress_site import Rest, WordPressSite

_ANOTHER_ETAG = 1.1  # seconds: the feed's is made of whole ones


class RealDesk:
    """The real site's desk."""

    def __init__(self, site: RealWordPress) -> None:
        self._site = site
        self._numbers: dict[str, int] = {}

    def url(self, path: str) -> str:
        return self._site.url.rstrip("/") + path

    def publish(self, title: str, **values: Any) -> None:
        age = values.pop("age")
        if age == 0:
            time.sleep(_ANOTHER_ETAG)
        at = dt.datetime.now(dt.UTC) - dt.timedelta(days=age)
        action = {"do": "write", "title": title, "status": "publish", "date_gmt": f"{at:%Y-%m-%d %H:%M:%S}"}
        named = {"slug": "name", "is_sticky": "sticky"}
        action |= {named.get(name, name): value for name, value in values.items()}
        (self._numbers[title],) = self._site.do(action)

    def edit(self, name: str, /, **values: Any) -> None:
        changed = {"name" if field == "slug" else field: value for field, value in values.items()}
        time.sleep(_ANOTHER_ETAG)
        self._site.do({"do": "edit", "id": self._numbers[name], **changed})

    def trash(self, title: str) -> None:
        self._site.do({"do": "trash", "id": self._numbers[title]})

    def delete(self, title: str) -> None:
        self._site.do({"do": "delete", "id": self._numbers[title]})

    def keep_page(self, slug: str) -> None:
        self._site.keep_page(slug)

    def shut_rest(self, *, is_shut: bool) -> None:
        self._site.do({"do": "option", "name": "digest_rest_shut", "value": int(is_shut)})

    def number(self, title: str) -> int:
        return self._numbers[title]


class ImitatedDesk:
    """The desk of the site that the tests use."""

    def __init__(self, site: WordPressSite) -> None:
        self._site = site
        self._posts: dict[str, WordPressPost] = {}

    def url(self, path: str) -> str:
        return self._site.url(path)

    def publish(self, title: str, **values: Any) -> None:
        age = values.pop("age")
        if age == 0:
            self._site.now += dt.timedelta(minutes=1)
        at = self._site.now - dt.timedelta(days=age)
        self._posts[title] = self._site.publish(title, published_at=at, **_terms({"tags": [], **values}))

    def edit(self, name: str, /, **values: Any) -> None:
        self._site.now += dt.timedelta(minutes=1)
        self._site.edit(self._posts[name], **_terms(values))

    def trash(self, title: str) -> None:
        self._site.trash(self._posts[title])

    def delete(self, title: str) -> None:
        del self._site.posts[self._posts[title].number]

    def keep_page(self, slug: str) -> None:
        self._site.keep_page(slug)

    def shut_rest(self, *, is_shut: bool) -> None:
        self._site.rest = Rest.UNAUTHORISED if is_shut else Rest.OPEN

    def number(self, title: str) -> int:
        return self._posts[title].number


def _terms(values: dict[str, Any]) -> dict[str, Any]:
    """The values of a post, its tags and categories as terms."""
    kinds = {"tags": "post_tag", "categories": "category"}
    return {
        name: [Term(40 + number, term, term.lower(), kinds[name]) for number, term in enumerate(value)]
        if name in kinds
        else value
        for name, value in values.items()
    }

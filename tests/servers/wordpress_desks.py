"""The desks of both WordPress sites, under one form: see `wordpress_answers.Site`."""

from __future__ import annotations

import datetime as dt
import time
from typing import Any

from tests.servers.wordpress import RealWordPress
from tests.servers.wordpress_posts import CHOIRS, NEWS, Term, WordPressPost
from tests.servers.wordpress_site import WordPressSite


class RealDesk:
    """The real site's desk."""

    def __init__(self, site: RealWordPress) -> None:
        self._site = site
        self._numbers: dict[str, int] = {}

    def url(self, path: str) -> str:
        return self._site.url.rstrip("/") + path

    def publish(self, title: str, **values: Any) -> None:
        at = dt.datetime.now(dt.UTC) - dt.timedelta(days=values.pop("age"))
        action = {"do": "write", "title": title, "status": "publish", "date_gmt": f"{at:%Y-%m-%d %H:%M:%S}"}
        named = {"slug": "name", "is_sticky": "sticky"}
        action |= {named.get(name, name): value for name, value in values.items()}
        (self._numbers[title],) = self._site.do(action)

    def edit(self, name: str, /, **values: Any) -> None:
        changed = {"name" if field == "slug" else field: value for field, value in values.items()}
        time.sleep(1.1)  # the feed's ETag is made of whole seconds
        self._site.do({"do": "edit", "id": self._numbers[name], **changed})

    def trash(self, title: str) -> None:
        self._site.do({"do": "trash", "id": self._numbers[title]})

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
        at = self._site.now - dt.timedelta(days=values.pop("age"))
        tags = [Term(CHOIRS.number, name, name, "post_tag") for name in values.pop("tags", [])]
        self._posts[title] = self._site.publish(
            title, published_at=at, tags=tags, categories=[NEWS], **values
        )

    def edit(self, name: str, /, **values: Any) -> None:
        self._site.now += dt.timedelta(minutes=1)
        self._site.edit(self._posts[name], **values)

    def trash(self, title: str) -> None:
        self._site.trash(self._posts[title])

    def number(self, title: str) -> int:
        return self._posts[title].number

"""Which record of the REST interface the page of a post belongs to, by what the page says itself."""

from __future__ import annotations

import re
from collections.abc import Iterator

from digest.feeds.discover import header_links
from digest.feeds.links import absolute, host_of
from digest.feeds.page import Page, Tag

# Records of other kinds, as of events, lie at other routes.
_RECORD = re.compile(r"/wp/v2/posts/([0-9]{1,18})/?$")
_CLASS = re.compile(r"postid-([0-9]{1,18})")


def number_of_page(page: Page, url: str, *, link: str = "") -> int | None:
    """The number of the post that a WordPress page shows; None if it does not say so.

    `url` is where the page lies, `link` its server's header of that name. A page that was kept by a cache
    says it as well, long after its post is gone.
    """
    for tag in (*header_links(link), *page.tags):
        found = next(_numbers(tag, url), None)
        if found is not None:
            return found
    return None


def _numbers(tag: Tag, url: str) -> Iterator[int]:
    if tag.name == "link" and "alternate" in tag.rel and tag.get("type") == "application/json":
        address = absolute(tag.get("href"), url) or ""
        if host_of(address) == host_of(url) and (found := _RECORD.search(address.replace("%2F", "/"))):
            yield int(found[1])
    classes = tag.get("class").split() if tag.name == "body" else []
    # "single-event" and the like are of other kinds.
    if "single-post" in classes:
        yield from (int(found[1]) for one in classes if (found := _CLASS.fullmatch(one)))

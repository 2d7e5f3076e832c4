"""The picture that a page names for itself: the last rung of the ladder, for pages that were read anyway."""

from __future__ import annotations

import itertools

from digest.feeds.images import is_counter, pixels
from digest.feeds.links import absolute
from digest.feeds.page import Page
from digest.feeds.text import label
from digest.feeds.types import Picture

_ICON = 200  # pixels of width; what is smaller is the site's sign, not a picture of the story
_LONGEST_ALT = 300
_NAMES = {
    "og:image": "url",
    "og:image:url": "url",
    "og:image:secure_url": "url",
    "og:image:width": "width",
    "og:image:height": "height",
    "og:image:alt": "alt",
    "twitter:image": "twitter",
    "twitter:image:src": "twitter",
    "twitter:image:alt": "alt",
}


def page_picture(page: Page, url: str) -> Picture | None:
    """The first picture that a page's head names: og:image, else twitter:image, else image_src; None if none.

    `url` is where the page lies. Drawings, icons and what counts readers are passed over.
    """
    said = _said(page)
    for kind in ("url", "twitter", "link"):
        found = absolute(said.get(kind, ""), url)
        if found is None or is_counter(found) or found.partition("?")[0].lower().endswith((".svg", ".svgz")):
            continue
        size = said if kind == "url" else {}
        width = pixels(size.get("width", "")) or None
        if width is not None and width < _ICON:
            continue
        height = pixels(size.get("height", "")) or None
        return Picture(found, width, height, label(said.get("alt", ""), is_html=False, longest=_LONGEST_ALT))
    return None


def _said(page: Page) -> dict[str, str]:
    """The first of each thing that the head says of a picture."""
    said: dict[str, str] = {}
    for tag in itertools.takewhile(lambda tag: tag.name not in {"body", "a"}, page.tags):
        if tag.name == "meta" and tag.get("content"):
            kind = _NAMES.get((tag.get("property") or tag.get("name")).lower())
            if kind:
                said.setdefault(kind, tag.get("content"))
        elif tag.name == "link" and tag.rel == {"image_src"}:
            said.setdefault("link", tag.get("href"))
    return said

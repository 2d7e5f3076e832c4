"""The picture that a page names for itself: the last rung of the ladder, for pages that were read anyway."""

from __future__ import annotations

from html.parser import HTMLParser

from digest.feeds.images import is_counter, pixels
from digest.feeds.links import absolute
from digest.feeds.text import label
from digest.feeds.types import Picture

_LARGEST_HEAD = 300_000  # letters; what a page says of itself stands at its beginning
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


def page_picture(page: str, url: str) -> Picture | None:
    """The first picture that a page's head names: og:image, else twitter:image, else image_src; None if none.

    `url` is where the page lies. Drawings and what counts readers are passed over.
    """
    reader = _Head()
    reader.feed(page[:_LARGEST_HEAD])
    for kind in ("url", "twitter", "link"):
        found = absolute(reader.first.get(kind, ""), url)
        if found is None or is_counter(found) or found.partition("?")[0].lower().endswith((".svg", ".svgz")):
            continue
        size = reader.first if kind == "url" else {}
        return Picture(
            found,
            pixels(size.get("width", "")) or None,
            pixels(size.get("height", "")) or None,
            label(reader.first.get("alt", ""), is_html=False, longest=_LONGEST_ALT),
        )
    return None


class _Head(HTMLParser):
    """Notes the first of each thing that a head says of a picture; the body is passed over."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.first: dict[str, str] = {}
        self._is_over = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "body":
            self._is_over = True
        if self._is_over:
            return
        given = {name: (value or "").strip() for name, value in attrs}
        if tag == "meta" and given.get("content"):
            kind = _NAMES.get((given.get("property") or given.get("name") or "").lower())
            if kind:
                self.first.setdefault(kind, given["content"])
        elif tag == "link" and given.get("rel", "").lower() == "image_src":
            self.first.setdefault("link", given.get("href", ""))

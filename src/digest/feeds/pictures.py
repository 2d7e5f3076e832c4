"""The picture of a post: which of those a feed offers, and taking it out of the body it came from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from digest.feeds.images import WIDE_ENOUGH, Image, read_image
from digest.feeds.links import host_of
from digest.feeds.sanitise import blocks
from digest.feeds.types import Picture

_SMALL = 200  # pixels of width; below, a picture is an icon, and is taken only if there is no other
_ENDINGS = re.compile(r"\.(?:jpe?g|png|gif|webp)$", re.IGNORECASE)
# WordPress keeps a picture in many sizes: harbour.jpg, harbour-300x200.jpg, harbour-scaled.jpg.
_SIZE_IN_NAME = re.compile(r"-(?:(\d{2,5})x(\d{2,5})|scaled)(?=\.\w{2,5}$)")
_MOST_OFFERS = 50


def choose_picture(entry: Mapping[str, Any], body_html: str, base: str) -> Picture | None:
    """The picture of a feed's entry: its thumbnail, its media, an enclosed picture, or the first of its body.

    Of these the first that is not an icon; an icon if there is nothing else. Where it is offered in several
    sizes, the one that a mail wants. Portraits of authors, drawings that no mail shows (SVG) and pictures
    that count readers are passed over. Its words come from the body if it stands there too.
    """
    in_body = [image for image in _pictures_of(body_html) if not _is_drawing(image.url)]
    found = [*_offers(entry, base), *in_body][:_MOST_OFFERS]
    if not found:
        return None
    first = next((image for image in found if not _is_icon(image)), found[0])
    twins = [image for image in found if _name(image.url) == _name(first.url)]
    chosen = _best_size(twins)
    width, height = _size_of(chosen)
    alt = chosen.alt or first.alt or next((image.alt for image in twins if image.alt), "")
    return Picture(chosen.url, width, height, alt)


def _best_size(twins: list[Image]) -> Image:
    """Of one picture in several sizes the smallest that is wide enough, else the widest, else the first."""
    sized = [(width, -place) for place, image in enumerate(twins) if (width := _size_of(image)[0])]
    enough = [size for size in sized if size[0] >= WIDE_ENOUGH]
    if not sized:
        return twins[0]
    _, place = min(enough, key=lambda size: (size[0], -size[1])) if enough else max(sized)
    return twins[-place]


def _size_of(image: Image) -> tuple[int | None, int | None]:
    """Width and height as they are said, or else as WordPress writes them into the name."""
    named = _SIZE_IN_NAME.search(urlsplit(image.url).path)
    if image.width is None and named and named[1]:
        return int(named[1]), int(named[2])
    return image.width, image.height


def _is_icon(image: Image) -> bool:
    width, _ = _size_of(image)
    return width is not None and width < _SMALL


def _is_drawing(url: str) -> bool:
    return urlsplit(url).path.lower().endswith((".svg", ".svgz"))


def without_picture(body_html: str, url: str) -> str:
    """A sanitised body without the first picture that is `url` in any size; a block left empty goes too."""
    wanted = _name(url)
    is_there = True

    def keep(image: Image) -> bool:
        nonlocal is_there
        if is_there and _name(image.url) == wanted:
            is_there = False
            return False
        return True

    return "".join(blocks(body_html, keep_image=keep))


def _offers(entry: Mapping[str, Any], base: str) -> Iterator[Image]:
    thumbnails = ({**_texts(offer), "medium": "image"} for offer in entry.get("media_thumbnail") or ())
    media = (_texts(offer) for offer in entry.get("media_content") or ())
    enclosed = (_texts(link) for link in entry.get("links") or () if link.get("rel") == "enclosure")
    for offer in _pictures_among((*thumbnails, *media, *enclosed)):
        url = offer.get("url") or offer.get("href") or ""
        image = read_image({**offer, "src": url, "style": "", "alt": ""}, base)
        if image is not None and not _is_portrait(image.url) and not _is_drawing(image.url):
            yield image


def _pictures_among(offers: Iterable[dict[str, str]]) -> Iterator[dict[str, str]]:
    for offer in offers:
        kind = offer.get("medium") or offer.get("type", "").partition("/")[0]
        path = (offer.get("url") or offer.get("href") or "").partition("?")[0]
        if kind.lower() == "image" or (not kind and _ENDINGS.search(path)):
            yield offer


def _texts(offer: Mapping[str, Any]) -> dict[str, str]:
    return {str(name): value for name, value in offer.items() if isinstance(value, str)}


def _pictures_of(body_html: str) -> list[Image]:
    found: list[Image] = []

    def note(image: Image) -> bool:
        found.append(image)
        return True

    if "<img" in body_html:
        blocks(body_html, keep_image=note)
    return [image for image in found if not _is_portrait(image.url)]


def _is_portrait(url: str) -> bool:
    # WordPress.com offers the author's avatar as the first picture of every post.
    return host_of(url).endswith("gravatar.com")


def _name(url: str) -> str:
    parts = urlsplit(url)
    return host_of(url) + _SIZE_IN_NAME.sub("", parts.path)

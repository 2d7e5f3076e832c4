"""The picture of a post: which of those a feed offers, and taking it out of the body it came from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from digest.feeds.images import Image, read_image
from digest.feeds.links import host_of
from digest.feeds.sanitise import blocks
from digest.feeds.types import Picture

_SMALL = 200  # pixels of width; below, a picture is an icon, and is taken only if there is no other
_ENDINGS = re.compile(r"\.(?:jpe?g|png|gif|webp)$", re.IGNORECASE)
# WordPress keeps a picture in many sizes: harbour.jpg, harbour-300x200.jpg, harbour-scaled.jpg.
_SIZE_IN_NAME = re.compile(r"-(?:\d{2,5}x\d{2,5}|scaled)(?=\.\w{2,5}$)")
_MOST_OFFERS = 50


def choose_picture(entry: Mapping[str, Any], body_html: str, base: str) -> Picture | None:
    """The picture of a feed's entry: its thumbnail, its media, an enclosed picture, or the first of its body.

    Of these the first that is not an icon; an icon if there is nothing else. Portraits of authors and
    pictures that count readers are passed over. Its words come from the body if it stands there too.
    """
    in_body = _pictures_of(body_html)
    found = [*_offers(entry, base), *in_body][:_MOST_OFFERS]
    if not found:
        return None
    chosen = next((image for image in found if image.width is None or image.width >= _SMALL), found[0])
    twin = next((image for image in in_body if _name(image.url) == _name(chosen.url)), None)
    return Picture(chosen.url, chosen.width, chosen.height, chosen.alt or (twin.alt if twin else ""))


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
        if image is not None and not _is_portrait(image.url):
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

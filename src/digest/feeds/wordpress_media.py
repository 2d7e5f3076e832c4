"""The featured picture of a WordPress record: which of its sizes suits a mail."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from digest.feeds.images import read_image
from digest.feeds.types import Picture

_WIDE_ENOUGH = 1200  # pixels: twice the width of a mail, for fine screens
_UNKNOWN = 1_000_000
_MOST_SIZES = 50
_DRAWINGS = {"image/svg+xml"}  # mail clients show none


def featured_picture(item: Mapping[str, Any], base: str) -> Picture | None:
    """The featured picture in the smallest size that is wide enough for a mail, else in its largest.

    None if there is none, or its record may not be seen: WordPress then embeds an error in its place.
    """
    relations = item.get("_embedded")
    found = relations.get("wp:featuredmedia") if isinstance(relations, dict) else None
    media = found[0] if isinstance(found, list) and found and isinstance(found[0], dict) else {}
    if media.get("media_type", "image") != "image" or media.get("mime_type") in _DRAWINGS:
        return None
    offers = [image for offer in _sizes(media) if (image := read_image(offer, base)) is not None]
    if not offers:
        return None
    # A width is not told of the whole picture only.
    by_width = sorted(offers, key=lambda image: image.width or _UNKNOWN)
    chosen = next((one for one in by_width if (one.width or _UNKNOWN) >= _WIDE_ENOUGH), by_width[-1])
    return Picture(chosen.url, chosen.width, chosen.height, chosen.alt)


def _sizes(media: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """The picture itself, then its other sizes, each as the attributes of an img element."""
    details = media.get("media_details")
    details = details if isinstance(details, dict) else {}
    sizes = details.get("sizes")
    others = [size for size in sizes.values() if isinstance(size, dict)] if isinstance(sizes, dict) else []
    whole = {"width": details.get("width"), "height": details.get("height")}
    for size in ({**whole, "source_url": media.get("source_url")}, *others[:_MOST_SIZES]):
        if isinstance(size.get("source_url"), str):
            yield {
                "src": size["source_url"],
                "alt": media["alt_text"] if isinstance(media.get("alt_text"), str) else "",
                "width": str(size.get("width") or ""),
                "height": str(size.get("height") or ""),
                "style": "",
            }

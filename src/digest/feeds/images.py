"""One picture as a site wrote it: where it really lies, how large it is, whether it only counts readers."""

from __future__ import annotations

import itertools
import re
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape
from urllib.parse import urlsplit

from digest.feeds.links import absolute, host_of
from digest.feeds.text import one_line, shortened

_LAZY_SOURCES = ("data-lazy-src", "data-src", "data-original")  # where scripts keep the real address
SOURCES = (*_LAZY_SOURCES, "src")
SRCSETS = ("data-lazy-srcset", "data-srcset", "srcset")
WIDE_ENOUGH = 1_088  # pixels: the column of a mail on a screen of double density
_LONGEST_SRCSET = 20_000
_MOST_CANDIDATES = 50
_DESCRIPTOR = re.compile(r"(\d{1,5}(?:\.\d{1,5})?)([wx])")
_LONGEST_ALT = 300
_SMALLEST = 2  # pixels; anything as small as this in one direction is a spacer or a counter
_LARGEST = 10_000
_NUMBER = re.compile(r"\s*(\d{1,5})(?:\.\d+)?\s*(?:px)?\s*", re.IGNORECASE)
_STYLE_SIZE = re.compile(r"(?:^|;)\s*(?:max-)?(?:width|height)\s*:\s*(\d{1,5})(?:\.\d+)?px", re.IGNORECASE)
_HIDDEN = re.compile(
    r"(?:display\s*:\s*none|visibility\s*:\s*hidden|opacity\s*:\s*0(?:\.0*)?\s*(?:;|$))", re.IGNORECASE
)
_COUNTERS = re.compile(
    r"(?:^|\.)(?:pixel|pixels|beacon|track|tracker|tracking|stats|counter|analytics|doubleclick|scorecardresearch"
    r"|google-analytics|quantserve|feedburner|feedsportal|feedads|imrworldwide|chartbeat|parsely|matomo|piwik)\."
)
_COUNTER_PATHS = re.compile(
    r"/(?:pixel|beacon|spacer|blank|clear|transparent|1x1|0|t|open|ga|__utm|track(?:ing)?)\.(?:gif|png|php|aspx)$"
    r"|/(?:piwik|matomo)\.php$|^/tr/?$|^/~r/|/1\.0/(?:comments|delicious|digg|facebook|stumble|twitter)/"
    r"|/(?:wf/open|track/open|email/open)\b",
    re.IGNORECASE,
)
_COUNTER_QUERIES = re.compile(r"(?:^|&)(?:republication-pixel|utmac|idsite)=", re.IGNORECASE)
_EMOJI = re.compile(r"/(?:core/emoji|twemoji|emoji)/", re.IGNORECASE)
_LONGEST_EMOJI = 12  # one letter may be many characters


@dataclass(frozen=True, slots=True)
class Image:
    """A picture that may stand in a mail. `is_letter`: it is an emoji drawn as one, `alt` is the emoji."""

    url: str
    width: int | None
    height: int | None
    alt: str
    is_letter: bool = False

    def html(self) -> str:
        size = "".join(
            f' {name}="{value}"' for name, value in (("width", self.width), ("height", self.height)) if value
        )
        return f'<img src="{escape(self.url)}" alt="{escape(self.alt)}"{size}>'


def read_image(attributes: Mapping[str, str], base: str) -> Image | None:
    """The picture of an img element; None if it has no address of the web, is hidden, or counts readers."""
    style = attributes.get("style", "")
    url = next((found for name in SOURCES if (found := absolute(attributes.get(name, ""), base))), None)
    if url is None or _HIDDEN.search(style):
        return None
    alt = shortened(one_line(attributes.get("alt", "")), _LONGEST_ALT)
    if 0 < len(alt) <= _LONGEST_EMOJI and _EMOJI.search(urlsplit(url).path):
        return Image(url, None, None, alt, is_letter=True)
    url = best_of_set(attributes, base, given=url)
    width, height = pixels(attributes.get("width", "")), pixels(attributes.get("height", ""))
    styled = [int(size) for size in _STYLE_SIZE.findall(style)]
    if is_counter(url) or any(size is not None and size <= _SMALLEST for size in (width, height, *styled)):
        return None
    return Image(url, width, height, alt)


def pixels(text: str) -> int | None:
    """A width or height in pixels; None if it is not one (a percentage, nothing, a number beyond reason)."""
    found = _NUMBER.fullmatch(text)
    return int(found[1]) if found and int(found[1]) <= _LARGEST else None


def best_of_set(attributes: Mapping[str, str], base: str, *, given: str) -> str:
    """The address of the size a mail wants: of a srcset the smallest that is wide enough, or the largest.

    `given` stays where there is no set, or nothing in it that can be fetched.
    """
    text = next((found for name in SRCSETS if (found := attributes.get(name, "").strip())), "")
    shown = pixels(attributes.get("width", "")) or WIDE_ENOUGH / 2
    sizes: list[tuple[float, str]] = []
    for address, number, unit in itertools.islice(_candidates(text[:_LONGEST_SRCSET]), _MOST_CANDIDATES):
        url = absolute(address, base)
        if url is not None and not is_counter(url):
            sizes.append((number if unit == "w" else number * shown, url))
    if not sizes:
        return given
    enough = [size for size in sizes if size[0] >= WIDE_ENOUGH]
    return min(enough)[1] if enough else max(sizes)[1]


def _candidates(text: str) -> Iterator[tuple[str, float, str]]:
    """The addresses of a srcset, each with its width (w) or density (x), as HTML 4.8.4.2.1 reads them.

    An address may hold commas, but not end with one.
    """
    words = deque(text.split())
    while words:
        word = words.popleft().lstrip(",")
        address = word.rstrip(",")
        number, unit = 1.0, "x"
        if word == address and words:
            said, _, rest = words.popleft().partition(",")
            if rest:
                words.appendleft(rest)
            found = _DESCRIPTOR.fullmatch(said)
            if said and not found:
                continue  # of a kind that nobody knows
            if found:
                number, unit = float(found[1]), found[2]
        if address:
            yield address, number, unit


def is_counter(url: str) -> bool:
    """Whether the address of a picture is one that only counts readers."""
    parts = urlsplit(url)
    return bool(
        _COUNTERS.search(host_of(url) + ".")
        or _COUNTER_PATHS.search(parts.path)
        or _COUNTER_QUERIES.search(parts.query)
    )

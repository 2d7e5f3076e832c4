"""The few elements of a web page that say where its feeds are: links, anchors, language, generator.

A scanner, not a parser: it reads start tags only, in time that grows with the page and nothing else. What
stands in comments and scripts is passed over, as a browser would.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass

from digest.feeds.reading import decoded
from digest.feeds.text import label

_MOST_READ = 1_500_000  # bytes of a page; feeds are named at its top, or linked at its foot
_MOST_TAGS = 5_000
_LONGEST_TITLE = 200
_TAG = re.compile(r"<(html|head|body|link|a|meta|base|title)(?=[\s>/])([^<>]{0,3000})>", re.IGNORECASE)
_ATTRIBUTE = re.compile(
    r"""(?<![a-zA-Z0-9:_-])([a-zA-Z][a-zA-Z0-9:_-]{0,40})\s{0,20}=\s{0,20}(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))"""
)
_META_CHARSET = re.compile(
    rb"""<meta[^>]{0,200}?charset\s{0,5}=\s{0,5}["']?([A-Za-z0-9._-]{1,40})""", re.IGNORECASE
)
_HIDDEN = tuple(
    (re.compile(start, re.IGNORECASE), re.compile(end, re.IGNORECASE))
    for start, end in (
        ("<!--", "-->"),
        *((rf"<{name}(?=[\s>])", rf"</{name}\b") for name in ("script", "style", "textarea")),
    )
)


@dataclass(frozen=True, slots=True)
class Tag:
    """One start tag: its name and attributes, names in lower case, entities resolved; `text` of an anchor."""

    name: str
    attributes: dict[str, str]
    text: str = ""

    def get(self, name: str) -> str:
        return self.attributes.get(name, "").strip()

    @property
    def rel(self) -> set[str]:
        return set(self.get("rel").lower().split())


@dataclass(frozen=True, slots=True)
class Page:
    """A scanned page. `source` is its text without comments and scripts, in lower case."""

    title: str
    tags: tuple[Tag, ...]
    base: str
    language: str
    generator: str
    source: str


def is_page(body: bytes, content_type: str = "") -> bool:
    """Whether bytes are a web page: by its type, or by how it begins."""
    start = body[:2000].lower()
    kind = content_type.partition(";")[0].strip().lower()
    if kind and kind not in {"text/html", "application/xhtml+xml", "text/plain", "application/octet-stream"}:
        return b"<!doctype html" in start or b"<html" in start
    return b"<" in start and (kind in {"text/html", "application/xhtml+xml"} or b"<html" in start)


def scan(body: bytes, content_type: str = "") -> Page:
    """The tags of a page in its order; of broken markup what is whole. Never raises."""
    body = body[:_MOST_READ]
    if "charset" not in content_type.lower() and (said := _META_CHARSET.search(body[:4000])):
        content_type += f"; charset={said[1].decode('ascii')}"
    text = _visible(decoded(body, content_type)[0])
    tags = list(_tags(text))
    return Page(
        title=_title(text),
        tags=tuple(tags),
        base=next((tag.get("href") for tag in tags if tag.name == "base" and tag.get("href")), ""),
        language=next((tag.get("lang") or tag.get("xml:lang") for tag in tags if tag.name == "html"), ""),
        generator=" ".join(
            tag.get("content")
            for tag in tags
            if tag.name == "meta" and tag.get("name").lower() == "generator"
        ),
        source=text.lower(),
    )


def _tags(text: str) -> Iterator[Tag]:
    for number, found in enumerate(_TAG.finditer(text)):
        if number >= _MOST_TAGS:
            return
        attributes: dict[str, str] = {}
        for name, *values in _ATTRIBUTE.findall(found[2]):
            attributes.setdefault(name.lower(), html.unescape("".join(values)))
        inside = ""
        if found[1].lower() == "a":
            end = text.find("<", found.end(), found.end() + 200)
            inside = label(text[found.end() : max(end, found.end())], is_html=True, longest=_LONGEST_TITLE)
        yield Tag(found[1].lower(), attributes, inside)


def _title(text: str) -> str:
    found = re.search(r"<title[^<>]{0,200}>([^<]{0,1000})", text, re.IGNORECASE)
    return label(found[1], is_html=True, longest=_LONGEST_TITLE) if found else ""


def _visible(text: str) -> str:
    """The page without what is no markup to a browser; a lazy expression would seek each end anew."""
    for start, end in _HIDDEN:
        text = _without(text, start, end)
    return text


def _without(text: str, start: re.Pattern[str], end: re.Pattern[str]) -> str:
    kept, position = [], 0
    while found := start.search(text, position):
        kept.append(text[position : found.start()])
        close = end.search(text, found.end())
        if close is None:
            return "".join(kept)
        position = close.end()
    return "".join((*kept, text[position:]))

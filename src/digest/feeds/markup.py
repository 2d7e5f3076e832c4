"""feedparser's two parsers on text that `reading` has made safe.

Its own entry point is not used: it opens files and addresses, and for each author runs a regular expression
whose time grows with the square of the text (60 kB of letters: more than 20 seconds). Here are the same steps
without those: the strict XML parser, and the loose one for what is malformed.
"""

from __future__ import annotations

import io
import xml.sax
import xml.sax.handler
import xml.sax.xmlreader
from typing import Any

from feedparser.api import LooseFeedParser, StrictFeedParser

from digest.feeds.types import Markup, ParseCode, ParseError


def read_markup(text: str, url: str) -> Markup:
    """Parse the text of a feed. Raises ParseError(NOT_A_FEED) if it is none or is broken beyond reading."""
    try:
        try:
            parser, is_malformed = _strict(text, url), False
        except (xml.sax.SAXException, LookupError):
            parser, is_malformed = _loose(text, url), True
    except Exception as error:
        # Markup nobody foresaw ends in many kinds of error there.
        raise ParseError(ParseCode.NOT_A_FEED, "its markup is broken beyond reading") from error
    if not parser.version and not parser.entries:
        raise ParseError(ParseCode.NOT_A_FEED, "it is not RSS, Atom or RDF")
    return Markup(parser.version or "", parser.feeddata, parser.entries, is_malformed)


def _strict(text: str, url: str) -> Any:
    parser = _Strict(url, None, "utf-8")
    parser.resolve_relative_uris = False
    parser.sanitize_html = False  # ours is the one that counts, and comes after
    reader = xml.sax.make_parser()  # nosec B317 # noqa: S317 - there is no DOCTYPE left in the text, so no entity
    reader.setFeature(xml.sax.handler.feature_namespaces, True)
    reader.setFeature(xml.sax.handler.feature_external_ges, False)
    reader.setContentHandler(parser)
    reader.setErrorHandler(parser)
    source = xml.sax.xmlreader.InputSource()
    source.setByteStream(io.BytesIO(text.encode("utf-8")))
    source.setEncoding("utf-8")
    reader.parse(source)
    if parser.exc is not None:
        raise parser.exc
    return parser


def _loose(text: str, url: str) -> Any:
    parser = _Loose(url, None, "utf-8", {})
    parser.resolve_relative_uris = False
    parser.sanitize_html = False
    parser.feed(text)
    return parser


class _PlainAuthors:
    """Keeps the text of an author as it stands; `fields.authors_of` tells name from address."""

    def _sync_author_detail(self, key: str = "author") -> None:
        context = self._get_context()  # type: ignore[attr-defined]
        found = context.get(f"{key}s")
        if found and not found[-1] and context.get(key):
            found[-1]["name"] = context[key]


class _OwnMediaTexts:
    """Keeps a picture's title and description apart: the library takes them for the post's own."""

    def _start_media_title(self, _attributes: object) -> None:
        self.push("media_title", 0)  # type: ignore[attr-defined]

    def _end_media_title(self) -> None:
        self.pop("media_title")  # type: ignore[attr-defined]

    def _start_media_description(self, _attributes: object) -> None:
        self.push("media_description", 0)  # type: ignore[attr-defined]

    def _end_media_description(self) -> None:
        self.pop("media_description")  # type: ignore[attr-defined]


class _Strict(_PlainAuthors, _OwnMediaTexts, StrictFeedParser):  # type: ignore[misc]
    pass


class _Loose(_PlainAuthors, _OwnMediaTexts, LooseFeedParser):  # type: ignore[misc]
    pass

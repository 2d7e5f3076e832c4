"""OPML, the list of feeds that feed readers exchange: read and written.

Pure. Reading trusts nothing: a DOCTYPE that declares entities, markup beyond reason and nesting beyond any
folder are refused; a list that is badly formed gives what can be read of it.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from email.utils import format_datetime
from typing import Any

from lxml import etree

from digest.errors import InputError
from digest.feeds.links import absolute
from digest.feeds.reading import readable
from digest.feeds.text import one_line, shortened
from digest.feeds.types import ParseCode, ParseError
from digest.i18n import N_

LARGEST_FILE = 2_000_000  # bytes
MOST_FEEDS = 2_000

_DEEPEST = 20  # folders in folders
_LONGEST_NAME = 200
_LARGEST_QUERY = 2_000
# What other programs do not know of a feed and pass over (OPML 2.0 allows attributes of other namespaces).
_OURS = "urn:digest:source"


@dataclass(frozen=True, slots=True)
class Outline:
    """One feed of a list: its address and name, the folder it lies in, and what only we say of it."""

    url: str
    title: str = ""
    site: str | None = None
    language: str | None = None
    folder: str = ""
    kind: str = "feed"
    api_url: str | None = None
    query: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FeedList:
    """A list that was read. `left_out` counts what is no feed of the web."""

    title: str
    feeds: tuple[Outline, ...]
    left_out: int = 0


def read_opml(body: bytes) -> FeedList:
    """The feeds of an OPML file, each address once, in its order. Raises InputError with a sentence."""
    if len(body) > LARGEST_FILE:
        raise InputError(N_("The file is larger than the %(most)s bytes that are taken."), most=LARGEST_FILE)
    root = _root(body)
    found: dict[str, Outline] = {}
    left_out = 0
    for element, folder in _outlines(root):
        names = {str(name).lower(): value for name, value in element.attrib.items()}
        if (address := names.get("xmlurl")) is None:
            continue
        url = absolute(address)
        if url is None:
            left_out += 1
            continue
        found.setdefault(url, _outline(url, names, folder))
        if len(found) > MOST_FEEDS:
            raise InputError(
                N_("The file holds more than the %(most)s feeds that are taken."), most=MOST_FEEDS
            )
    title = next((name.text or "" for name in root.iterfind("head/title")), "")
    return FeedList(_name(title), tuple(found.values()), left_out)


def _root(body: bytes) -> etree._Element:
    try:
        text, _ = readable(body, "")
    except ParseError as error:
        said = {
            ParseCode.EMPTY: N_("There is nothing in the file."),
            ParseCode.ENTITIES: N_(
                "The file declares XML entities, which are refused: they can hide a bomb."
            ),
        }
        message = said.get(error.code, N_("The file is no OPML: %(why)s."))
        raise InputError(message, why=error.detail) from None
    # There is no DOCTYPE left in the text. Badly formed lists are common: an & in an address is enough.
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, recover=True, huge_tree=False
    )
    try:
        root = etree.fromstring(text.encode("utf-8", "replace"), parser)
    except (etree.XMLSyntaxError, ValueError):
        root = None
    if root is None or str(root.tag).lower() != "opml":
        raise InputError(N_("The file is no OPML."))
    return root


def _outlines(root: etree._Element) -> Iterator[tuple[etree._Element, str]]:
    """Each outline of the body with the name of the folder right above it; no recursion, nesting bounded."""
    bodies = [child for child in root if str(child.tag).lower() == "body"]
    waiting = [(child, "", 1) for body in reversed(bodies) for child in reversed(body)]
    while waiting:
        element, folder, depth = waiting.pop()
        if str(element.tag).lower() != "outline":
            continue
        yield element, folder
        if len(element) and depth >= _DEEPEST:
            raise InputError(N_("The file's folders are nested more than %(most)s deep."), most=_DEEPEST)
        inside = _name(element.get("text") or element.get("title") or "") or folder
        waiting += [(child, inside, depth + 1) for child in reversed(element)]


def _outline(url: str, names: Mapping[str, str], folder: str) -> Outline:
    ours = {name.removeprefix(f"{{{_OURS}}}"): value for name, value in names.items() if _OURS in name}
    api_url = absolute(ours.get("apiurl", ""))
    is_wordpress = ours.get("kind") == "wordpress" and api_url is not None
    return Outline(
        url=url,
        title=_name(names.get("title") or names.get("text") or ""),
        site=absolute(names.get("htmlurl", "")),
        language=_name(names.get("language", ""))[:35] or None,
        folder=folder,
        kind="wordpress" if is_wordpress else "feed",
        api_url=api_url if is_wordpress else None,
        query=_query(ours.get("query", "")) if is_wordpress else {},
    )


def _query(text: str) -> dict[str, Any]:
    """What part of a site is wanted, if it has our shape; else all of it."""
    try:
        given = json.loads(text) if 0 < len(text) <= _LARGEST_QUERY else None
    except (ValueError, RecursionError):
        return {}
    if not isinstance(given, dict):
        return {}
    kept: dict[str, Any] = {}
    for name in ("categories", "tags"):
        ids = given.get(name)
        if isinstance(ids, list) and ids and all(type(one) is int and 0 < one < 2**53 for one in ids):
            kept[name] = ids
    language, parameter = given.get("lang"), given.get("lang_parameter")
    if isinstance(language, str) and isinstance(parameter, str) and (language + parameter).isascii():
        kept |= {"lang": language[:35], "lang_parameter": parameter[:35]}
    return kept


def _name(text: str) -> str:
    return shortened(one_line(text[: _LONGEST_NAME * 20]), _LONGEST_NAME)


def write_opml(title: str, feeds: Iterable[Outline], *, now: dt.datetime) -> bytes:
    """An OPML 2.0 file: a folder for each name, then the feeds without one; read back it is the same list."""
    root = etree.Element("opml", version="2.0", nsmap={"digest": _OURS})
    head = etree.SubElement(root, "head")
    etree.SubElement(head, "title").text = one_line(title)
    etree.SubElement(head, "dateCreated").text = format_datetime(now.astimezone(dt.UTC), usegmt=True)
    body = etree.SubElement(root, "body")
    listed = list(feeds)
    folders = {
        name: etree.SubElement(body, "outline", text=one_line(name))
        for name in dict.fromkeys(outline.folder for outline in listed if outline.folder)
    }
    for outline in listed:
        parent = folders.get(outline.folder, body)
        etree.SubElement(parent, "outline", _attributes(outline))
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _attributes(outline: Outline) -> dict[str, str]:
    given = {
        "type": "rss",
        "text": outline.title or outline.url,
        "title": outline.title,
        "xmlUrl": outline.url,
        "htmlUrl": outline.site,
        "language": outline.language,
    }
    if outline.kind != "feed":
        given |= {f"{{{_OURS}}}kind": outline.kind, f"{{{_OURS}}}apiUrl": outline.api_url}
        if outline.query:
            given[f"{{{_OURS}}}query"] = json.dumps(outline.query, sort_keys=True)
    return {name: one_line(value) for name, value in given.items() if value}

"""The commentary's markup, made fit for its place: headings in order, fluid pictures, safe links.

`feeds.sanitise` has cleaned it when it came in. It is parsed and checked once more here, because an
editor may have rewritten it since, and because nothing that styles may reach the inliner.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import nh3
from lxml import html as lxml_html
from lxml.html import HtmlElement
from markupsafe import Markup

from digest.rendering.words import (
    clean_address,
    clean_personal_run,
    clean_run,
    clean_text,
    main_direction,
)

COLUMN: Final = 544  # pixels of text between the card's margins
_FIRST_HEADING: Final = 3  # the story's own title is an h2
_BLOCKS: Final = frozenset({"p", "ul", "ol", "blockquote", "h2", "h3", "h4", "h5", "h6"})
_INLINE: Final = frozenset({"a", "b", "br", "em", "i", "img", "strong", "u"})
_TAGS: Final = _BLOCKS | _INLINE | {"li"}
_NOTHING: Final = Markup("")
_SURROGATES = re.compile("[\ud800-\udfff]")  # halves of letters: no encoding has them
_MAILTO = re.compile(r"mailto:[A-Za-z0-9._+\-]+@[A-Za-z0-9.\-]+")


@dataclass(frozen=True, slots=True)
class TextBlock:
    """One paragraph of the text part: `kind` is `p`, `heading`, `item` or `quote`.

    `number` is that of an item: 0 in a list without numbers, -1 where an item goes on with another paragraph.
    """

    kind: str
    text: str
    number: int = 0


@dataclass(frozen=True, slots=True)
class Body:
    """One commentary in its three forms: for the mail, for a page, and as plain paragraphs.

    In the paragraphs a link is a number in brackets, counted from 1 through `links`; an address has one.
    """

    mail: Markup = _NOTHING
    page: Markup = _NOTHING
    blocks: tuple[TextBlock, ...] = ()
    links: tuple[str, ...] = ()


def read_body(
    markup: str, way: str = "ltr", *, is_ours: bool = False, link: Callable[[str], str] = str
) -> Body:
    """Parse sanitised markup; whatever is not on the list of tags loses its tag and keeps its words.

    `way` is the direction of the place where it will stand: a paragraph that runs against it says so.
    In what the newsroom wrote itself (`is_ours`) a person's placeholders stay. `link` gives the address that
    is linked to instead of one.
    """
    clean = clean_personal_run if is_ours else clean_run
    safe = nh3.clean(
        _SURROGATES.sub("\ufffd", markup),
        tags=set(_TAGS),
        attributes={"a": {"href"}, "img": {"src", "alt", "width", "height"}},
        link_rel=None,
        url_schemes={"http", "https", "mailto"},
    )
    # lxml refuses control characters, which a browser's parser, and so nh3, lets through.
    safe = clean(safe)
    if not safe.strip():
        return Body()
    root = lxml_html.fragment_fromstring(safe, create_parent="div")
    _clean_words(root, clean)
    _wrap_bare_words(root)
    _check_links(root, link)
    _order_headings(root)
    _fit_pictures(root)
    _drop_empty(root)
    _turn(root, way)
    links: list[str] = []
    blocks = tuple(_text_blocks(root, links, clean))
    page = _inner(root)
    for picture in root.iter("img"):
        picture.set("style", f"max-width:{picture.get('width')}px")
    return Body(mail=_inner(root), page=page, blocks=blocks, links=tuple(links))


def _clean_words(root: HtmlElement, clean: Callable[[str], str]) -> None:
    for element in root.iter():
        element.text = clean(element.text) if element.text else None
        element.tail = clean(element.tail) if element.tail else None
        if "alt" in element.attrib:
            element.set("alt", clean_text(element.attrib["alt"]))


def _wrap_bare_words(root: HtmlElement) -> None:
    """Words that stand in no paragraph get one, so that they get its look."""
    children = list(root)
    bare: HtmlElement | None = None
    if root.text and root.text.strip():
        bare = lxml_html.Element("p")
        bare.text, root.text = root.text, None
        root.insert(0, bare)
    for child in children:
        tail, child.tail = child.tail, None
        if child.tag not in _BLOCKS:
            if bare is None:
                bare = lxml_html.Element("p")
                child.addprevious(bare)
            bare.append(child)
            child.tail = tail
            continue
        bare = None
        if tail and tail.strip():
            bare = lxml_html.Element("p")
            bare.text = tail
            child.addnext(bare)


def _check_links(root: HtmlElement, through: Callable[[str], str]) -> None:
    for link in list(root.iter("a")):
        href = (link.get("href") or "").strip()
        url = href if _MAILTO.fullmatch(href) else clean_address(href)
        if url and not _is_inside_link(link):
            link.set("href", through(url))
        else:
            link.drop_tag()


def _is_inside_link(link: HtmlElement) -> bool:
    return next(link.iterancestors("a"), None) is not None


def _order_headings(root: HtmlElement) -> None:
    """The first heading follows the story's title, and none skips a level below the one before it."""
    last = _FIRST_HEADING - 1
    for heading in root.iter("h2", "h3", "h4", "h5", "h6"):
        wanted = int(str(heading.tag)[1]) + 1
        last = max(_FIRST_HEADING, min(wanted, last + 1, 6))
        heading.tag = f"h{last}"


def _fit_pictures(root: HtmlElement) -> None:
    for picture in list(root.iter("img")):
        source = clean_address(picture.get("src") or "")
        if not source:
            picture.drop_tag()
            continue
        width, height = _pixels(picture.get("width")), _pixels(picture.get("height"))
        alt = picture.get("alt") or ""
        fitted = min(width or COLUMN, COLUMN)
        picture.attrib.clear()
        picture.attrib.update({"src": source, "alt": alt, "width": str(fitted), "class": "photo"})
        if width and height:
            picture.set("height", str(max(1, round(height * fitted / width))))


def _pixels(value: str | None) -> int | None:
    return int(value) if value and value.isascii() and value.isdigit() and int(value[:6]) > 0 else None


def _drop_empty(root: HtmlElement) -> None:
    for element in reversed(list(root.iter(*_BLOCKS, "li", "a"))):
        if not (element.text_content().strip() or next(element.iter("img"), None) is not None):
            element.drop_tree()


def _turn(root: HtmlElement, way: str) -> None:
    """Give each block its direction where most of its letters run the other way than the words around it."""
    for element in root.iter(*_BLOCKS, "li"):
        around = next((one.get("dir") for one in element.iterancestors() if one.get("dir")), way)
        own = main_direction(element.text_content(), str(around))
        if own != around:
            element.set("dir", own)


def _inner(root: HtmlElement) -> Markup:
    parts = [lxml_html.tostring(child, encoding="unicode") for child in root]
    return Markup("\n".join(part.strip() for part in parts))  # nosec B704 # noqa: S704  (parsed and serialised by us)


def _text_blocks(
    element: HtmlElement, links: list[str], clean: Callable[[str], str], kind: str = "p", number: int = 0
) -> Iterator[TextBlock]:
    """Each block that holds words itself, in reading order; a block in a block comes after its words."""
    place = 0
    for child in element:
        if child.tag not in _BLOCKS and child.tag != "li":
            continue
        own = _kind(str(child.tag), kind)
        if child.tag == "li":
            place += 1
            number = place if element.tag == "ol" else 0
        words = "\n".join(clean(line).strip() for line in _words(child, links).split("\n")).strip()
        if words:
            yield TextBlock(own, words, number if own == "item" else 0)
            number = -1 if own == "item" else number
        yield from _text_blocks(child, links, clean, own, number)


def _kind(tag: str, outer: str) -> str:
    if tag.startswith("h"):
        return "heading"
    return {"li": "item", "blockquote": "quote"}.get(tag, outer)


def _words(element: HtmlElement, links: list[str]) -> str:
    parts = [_plain(element.text)]
    for child in element:
        if child.tag == "br":
            parts.append("\n")
        elif child.tag == "img":
            alt = child.get("alt")
            parts.append(f" [{alt}] " if alt else "")
        elif child.tag in _BLOCKS or child.tag == "li":
            parts.append("\n")  # a block of its own, told apart from the words around it
        else:
            parts.append(_words(child, links))
        if child.tag == "a":
            url = str(child.get("href"))
            if url not in links:
                links.append(url)
            parts.append(f" [{links.index(url) + 1}]")
        parts.append(_plain(child.tail))
    return "".join(parts)


def _plain(text: str | None) -> str:
    return (text or "").replace("\n", " ")

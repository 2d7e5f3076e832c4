"""What a mail's HTML holds: its elements, its links, and the words that a reader sees. Facts, no rules."""

from __future__ import annotations

import functools
import html as html_module
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from lxml import etree
from lxml import html as lxml_html
from lxml.html import HtmlElement

_UNSEEN: Final = frozenset({"head", "style", "script", "title", "template", "noscript"})
_HIDING = re.compile(r"display:none|visibility:hidden")
_INK = re.compile(r"(?:^|;)\s*color\s*:\s*([^;!]+)", re.IGNORECASE)
_GROUND = re.compile(r"(?:^|;)\s*background(?:-color)?\s*:\s*([^;!]+)", re.IGNORECASE)
_NAMED: Final = {"white": "#ffffff", "black": "#000000"}
_INVISIBLE = re.compile(
    r"(?:^|;)\s*(font-size\s*:\s*(?:0|(?:1|[01]?\.\d+)\s*(?:px|pt))|(?:color|opacity)\s*:\s*(?:transparent|0))\s*(?:;|!|$)",
    re.IGNORECASE,
)
_STYLE_END = re.compile(r"</style", re.IGNORECASE)
# As the HTML standard reads a tag (13.2.5): a quote inside of a bare value is a letter.
_START = re.compile(r"<!--|<([A-Za-z][^\s/>]*)")
_ATTRIBUTE = re.compile(r"""[\s/]*([^\s/>][^\s/>=]*)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>"'][^\s>]*)))?""")


@dataclass(frozen=True, slots=True)
class Tag:
    """An element; the names of its attributes are in small letters."""

    name: str
    attributes: tuple[tuple[str, str], ...]

    def get(self, name: str) -> str | None:
        """An attribute's value; None if it has none of this name."""
        return dict(self.attributes).get(name)


@dataclass(frozen=True, slots=True)
class Link:
    """A link that is not hidden; `words` are what it shows, the words for its pictures among them."""

    url: str
    words: str


@dataclass(frozen=True, slots=True)
class Page:
    """`words` leaves out what is hidden; `tags` and `styles` leave out nothing, not even comments.

    `tones` are the pairs of colours in which words are shown on a ground, `unseen` the styles by which words
    are shown so small or so clear that nobody sees them.
    """

    words: str = ""
    links: tuple[Link, ...] = ()
    tags: tuple[Tag, ...] = ()
    styles: str = ""
    title: str = ""
    tones: tuple[tuple[str, str], ...] = ()
    unseen: tuple[str, ...] = ()


def read_page(markup: str) -> Page:
    """Read any markup; what is broken is read as well as it can be."""
    pieces = list(pieces_of(markup))
    tags, styles = tuple(tag for tag, _ in pieces), "".join(text for _, text in pieces)
    root = _parsed(markup)
    if root is None:
        return Page(tags=tags, styles=styles)
    # Kept in a list: lxml gives out the same objects only while somebody holds them.
    elements = [node for node in root.iter() if isinstance(node.tag, str)]
    hidden: set[HtmlElement] = set()
    for element in elements:
        if element.getparent() in hidden or _is_hidden(element):
            hidden.add(element)
    links = tuple(
        Link(each.get("href", "").strip(), _shown_in(each))
        for each in elements
        if each.tag == "a" and each not in hidden
    )
    return Page(
        words=" ".join(_words(root, hidden)),
        links=links,
        tags=tags,
        styles=styles,
        title=root.findtext(".//title") or "",
        tones=_tones(elements, hidden),
        unseen=tuple(dict.fromkeys(filter(None, map(_unseen, elements)))),
    )


def _tones(elements: list[HtmlElement], hidden: set[HtmlElement]) -> tuple[tuple[str, str], ...]:
    """The colours of words and grounds, handed down from parent to child. Elements come in their order."""
    tones: dict[HtmlElement | None, tuple[str, str]] = {}
    found: dict[tuple[str, str], None] = {}
    for element in elements:
        ink, ground = tones.get(element.getparent(), ("#000000", "#ffffff"))
        style = element.get("style") or ""
        ink = _colour(_INK.search(style), element.get("color") if element.tag == "font" else None) or ink
        ground = _colour(_GROUND.search(style), element.get("bgcolor")) or ground
        tones[element] = ink, ground
        if element not in hidden and _has_own_words(element):
            found[ink, ground] = None
    return tuple(found)


def _colour(of_style: re.Match[str] | None, of_attribute: str | None) -> str:
    """As #rrggbb; "" if none is set, or in another form."""
    return _as_hexadecimal(of_style[1] if of_style else of_attribute) if of_style or of_attribute else ""


@functools.lru_cache(256)
def _as_hexadecimal(written: str) -> str:
    value = written.strip().lower()
    if re.fullmatch(r"#[0-9a-f]{3}", value):
        return "#" + "".join(2 * digit for digit in value[1:])
    return value if re.fullmatch(r"#[0-9a-f]{6}", value) else _NAMED.get(value, "")


def _has_own_words(element: HtmlElement) -> bool:
    texts = [element.text, *(child.tail for child in element)]
    return any(text and text.strip() for text in texts)


def _unseen(element: HtmlElement) -> str:
    found = _INVISIBLE.search(element.get("style") or "")
    return found[1].strip() if found and element.text_content().strip() else ""


def _parsed(markup: str) -> HtmlElement | None:
    parser = lxml_html.HTMLParser(encoding="utf-8")
    try:
        return lxml_html.document_fromstring(markup.encode("utf-8", "replace"), parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError):  # there is nothing in it
        return None


def _is_hidden(element: HtmlElement) -> bool:
    style = re.sub(r"\s", "", element.get("style") or "").lower()
    return element.tag in _UNSEEN or "hidden" in element.attrib or _HIDING.search(style) is not None


def _shown_in(element: HtmlElement) -> str:
    pictures = (each.get("alt") or "" for each in element.iter("img"))
    return " ".join([element.text_content(), *pictures]).strip()


def _words(root: HtmlElement, hidden: set[HtmlElement]) -> Iterator[str]:
    for text in root.xpath("//text()"):
        owner = text.getparent()
        if text.is_tail:
            owner = owner.getparent()
        if owner not in hidden and text.strip():
            yield " ".join(text.split())


def tags_of(markup: str) -> Iterator[Tag]:
    """Every start tag, in comments too: Outlook reads those, and a lenient reader may."""
    return (tag for tag, _ in pieces_of(markup))


def pieces_of(markup: str, *, in_comments: bool = True) -> Iterator[tuple[Tag, str]]:
    """Every start tag, and of a style block what is in it; what only stands in an attribute is none.

    Not by a tree: that would leave out what a lenient reader still runs.
    """
    at = 0
    while found := _START.search(markup, at):
        at = found.end()
        if found[1] is None:
            at = at if in_comments else _behind(markup, "-->", at)
            continue
        attributes: list[tuple[str, str]] = []
        while part := _ATTRIBUTE.match(markup, at):
            at = part.end()
            value = next((each for each in part.groups()[1:] if each is not None), "")
            attributes.append((part[1].lower(), html_module.unescape(value)))
        name, text = found[1].lower(), ""
        if name == "style":
            at = _behind(markup, ">", at)
            end = _STYLE_END.search(markup, at)
            text = markup[at : end.start() if end else None]
        yield Tag(name, tuple(attributes)), text


def _behind(markup: str, mark: str, at: int) -> int:
    place = markup.find(mark, at)
    return len(markup) if place < 0 else place + len(mark)

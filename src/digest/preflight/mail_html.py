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
# All attributes of a tag, each of them as above: what one has taken is not given back to have more of them.
_ATTRIBUTES = re.compile(rf"(?:(?>{_ATTRIBUTE.pattern}))*+")
# Most tags of a mail are like another one, and those of its variants like those of the first.
_TAGS_KEPT, _STYLES_KEPT = 2048, 512


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
        own_ink, own_ground = _colours_of(element.get("style") or "")
        ink = own_ink or (_as_hexadecimal(element.get("color") or "") if element.tag == "font" else "") or ink
        ground = own_ground or _as_hexadecimal(element.get("bgcolor") or "") or ground
        tones[element] = ink, ground
        if element not in hidden and _has_own_words(element):
            found[ink, ground] = None
    return tuple(found)


@functools.lru_cache(_STYLES_KEPT)
def _colours_of(style: str) -> tuple[str, str]:
    """Those of words and ground, each "" if none is set."""
    ink, ground = _INK.search(style), _GROUND.search(style)
    return _as_hexadecimal(ink[1]) if ink else "", _as_hexadecimal(ground[1]) if ground else ""


@functools.lru_cache(_STYLES_KEPT)
def _as_hexadecimal(written: str) -> str:
    """As #rrggbb; "" for none, or one in another form."""
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
    return element.tag in _UNSEEN or "hidden" in element.attrib or _hides(element.get("style") or "")


@functools.lru_cache(_STYLES_KEPT)
def _hides(style: str) -> bool:
    return _HIDING.search(re.sub(r"\s", "", style).lower()) is not None


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
        written = _ATTRIBUTES.match(markup, at)
        assert written is not None  # it may be of nothing
        at = written.end()
        tag, text = _tag_of(found[1], written[0]), ""
        if tag.name == "style":
            at = _behind(markup, ">", at)
            end = _STYLE_END.search(markup, at)
            text = markup[at : end.start() if end else None]
        yield tag, text


@functools.lru_cache(_TAGS_KEPT)
def _tag_of(name: str, written: str) -> Tag:
    """A start tag of this name, with what is written behind the name."""
    attributes: list[tuple[str, str]] = []
    at = 0
    while part := _ATTRIBUTE.match(written, at):
        at = part.end()
        value = next((each for each in part.groups()[1:] if each is not None), "")
        attributes.append((part[1].lower(), html_module.unescape(value)))
    return Tag(name.lower(), tuple(attributes))


def _behind(markup: str, mark: str, at: int) -> int:
    place = markup.find(mark, at)
    return len(markup) if place < 0 else place + len(mark)

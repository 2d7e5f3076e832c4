"""What a mail's HTML holds: its elements, its links, and the words that a reader sees. Facts, no rules."""

from __future__ import annotations

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
_STYLE = re.compile(r"<style\b[^>]*>(.*?)(?:</style|\Z)", re.DOTALL | re.IGNORECASE)
# As the HTML standard reads a tag (13.2.5): a quote inside of a bare value is a letter.
_TAG = re.compile(r"<([A-Za-z][^\s/>]*)")
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
    """`words` leaves out what is hidden; `tags` and `styles` leave out nothing, not even comments."""

    words: str = ""
    links: tuple[Link, ...] = ()
    tags: tuple[Tag, ...] = ()
    styles: str = ""


def read_page(markup: str) -> Page:
    """Read any markup; what is broken is read as well as it can be."""
    tags, styles = tuple(_tags(markup)), "".join(_STYLE.findall(markup))
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
    )


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


def _tags(markup: str) -> Iterator[Tag]:
    """Every start tag, wherever it stands: a tree would leave out what a lenient reader still runs."""
    at = 0
    while found := _TAG.search(markup, at):
        at = found.end()
        attributes: list[tuple[str, str]] = []
        while part := _ATTRIBUTE.match(markup, at):
            at = part.end()
            value = next((each for each in part.groups()[1:] if each is not None), "")
            attributes.append((part[1].lower(), html_module.unescape(value)))
        yield Tag(found[1].lower(), tuple(attributes))

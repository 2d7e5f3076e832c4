"""Foreign HTML to what a mail may carry.

Three steps: nh3 reads it as a browser would and drops what is never wanted; the builder brings it into one
form; nh3 goes over the result once more with the short list, so that a fault of the builder opens nothing.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable

import nh3

from digest.feeds.canonical import BREAKING, Builder
from digest.feeds.images import SOURCES, SRCSETS, Image
from digest.feeds.text import one_line, without_controls

LARGEST_BODY = 200_000

_MOST_READ = 600_000  # letters of one body that are looked at
_DEEPEST = 80
_MOST_WORK = 2_000_000  # tags times depth: the HTML parser's time grows with it
_MOST_ENTITIES = 100_000  # its time grows with their square
_MAIL_TAGS = {
    *("p", "br", "a", "strong", "em", "b", "i", "u", "blockquote", "ul", "ol", "li", "h2", "h3", "h4", "img")
}
_UNWANTED = {
    *(
        "script",
        "style",
        "noscript",
        "template",
        "iframe",
        "object",
        "embed",
        "applet",
        "svg",
        "math",
        "canvas",
    ),
    *("video", "audio", "form", "select", "textarea", "button", "title", "frameset", "noembed", "noframes"),
}
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
_ANY_TAG = re.compile(r"<[/!?]?[a-zA-Z][^<>]*>?")
_SELF_CLOSING = frozenset(
    {
        *("br", "img", "hr", "input", "meta", "link", "col", "source", "wbr", "area", "base", "embed"),
        *("p", "li", "td", "th", "tr", "dt", "dd", "option", "thead", "tbody", "tfoot"),
    }
)
_LINE_ENDS = re.compile(r"<(?:br|/p|/li|/h[2-4])>")
_OUR_TAG = re.compile(r'<[^<>"]*(?:"[^"]*"[^<>"]*)*>')

_first = nh3.Cleaner(
    tags=_MAIL_TAGS | BREAKING | {"h1", "h5", "h6"},
    clean_content_tags=_UNWANTED,
    attributes={"a": {"href"}, "img": {*SOURCES, *SRCSETS, "alt", "width", "height", "style"}},
    url_schemes={"http", "https"},
    link_rel=None,
)
_last = nh3.Cleaner(
    tags=_MAIL_TAGS,
    attributes={"a": {"href"}, "img": {"src", "alt", "width", "height"}},
    url_schemes={"http", "https"},
    url_relative="deny",
    link_rel=None,
)


def sanitise(body: str, base_url: str = "") -> str:
    """HTML of a feed as the few elements of a mail, every link absolute; the same again if given its result.

    Scripts, styles, frames, forms, drawings, comments, classes and pictures that count readers are dropped;
    other elements leave their text. A body over LARGEST_BODY is cut at the end of a block or item.
    """
    return "".join(blocks(body, base_url))


def blocks(
    body: str, base_url: str = "", *, keep_image: Callable[[Image], bool] = lambda _: True
) -> list[str]:
    """What sanitise() gives, block by block: paragraphs, headings, lists, quotations."""
    given = without_controls(body[:_MOST_READ])
    if _is_too_deep(given):
        given = _ANY_TAG.sub(" ", given)
    if given.count("&") > _MOST_ENTITIES:
        given = given.replace("&", " ")
    builder = Builder(base=base_url, most=LARGEST_BODY, keep_image=keep_image)
    builder.feed(_first.clean(given))
    return [cleaned for block in builder.blocks() if (cleaned := _last.clean(block))]


def plain_text(body: str) -> str:
    """HTML as one line of text: blocks and line breaks become spaces, entities letters, pictures nothing."""
    return text_of(sanitise(body))


def text_of(sanitised: str) -> str:
    """The text of a body that sanitise() has made."""
    return one_line(html.unescape(_OUR_TAG.sub("", _LINE_ENDS.sub(" ", sanitised))))


def _is_too_deep(body: str) -> bool:
    """Whether markup is nested as no article is; it is counted before a parser has to suffer it."""
    depth = deepest = tags = 0
    for slash, name in _TAG.findall(body):
        tags += 1
        if name.lower() not in _SELF_CLOSING:
            depth = max(0, depth - 1) if slash else depth + 1
            deepest = max(deepest, depth)
    return deepest > _DEEPEST or deepest * tags > _MOST_WORK

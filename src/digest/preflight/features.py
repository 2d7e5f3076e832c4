"""Which features of HTML and CSS a mail uses, by the names that caniemail.com gives them. Facts, no rules."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from digest.preflight.mail_html import Tag, pieces_of

_CSS_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_UNIT = re.compile(
    r"(?<![\w#.-])[+-]?(?:\d+\.?\d*|\.\d+)(px|em|rem|ex|ch|cm|in|mm|pc|pt|vh|vw|vmin|vmax|%)(?![\w%])"
)
_FUNCTION = re.compile(r"([a-z-]+)\(")
_STRING = re.compile(r"\"[^\"]*\"|'[^']*'")

_PROPERTIES: Final = {
    **dict.fromkeys(("left", "right", "top", "bottom"), "css-left-right-top-bottom"),
    **dict.fromkeys(("gap", "row-gap", "column-gap"), "css-gap"),
    **dict.fromkeys(
        ("columns", "column-fill", "column-rule", "column-span", "column-width"),
        "css-column-layout-properties",
    ),
    **dict.fromkeys(("block-size", "inline-size"), "css-block-inline-size"),
    **{
        f"{box}-{axis}": f"css-{box}-inline-block"
        for box in ("margin", "padding")
        for axis in ("inline", "block")
    },
    **{
        f"{box}-{axis}-{end}": f"css-{box}-{axis}-start-end"
        for box in ("margin", "padding")
        for axis in ("inline", "block")
        for end in ("start", "end")
    },
    **dict.fromkeys(("border-inline", "border-block"), "css-border-inline-block"),
    **{
        f"border-{axis}-{end}": "css-border-inline-block-individual"
        for axis in ("inline", "block")
        for end in ("start", "end")
    },
    **{
        f"border-{axis}-{what}": "css-border-inline-block-longhand"
        for axis in ("inline", "block")
        for what in ("color", "style", "width")
    },
    **{
        f"border-{block}-{inline}-radius": "css-border-radius-logical"
        for block in ("start", "end")
        for inline in ("start", "end")
    },
    **{
        f"border-{side}-{end}-radius": "css-border-radius"
        for side in ("top", "bottom")
        for end in ("left", "right")
    },
    **dict.fromkeys(("flex", "flex-grow", "flex-shrink", "flex-basis", "order"), "css-display-flex"),
}  # fmt: skip
_FUNCTIONS: Final = {
    "calc": "css-unit-calc",
    "var": "css-variables",
    "rgb": "css-rgb",
    "rgba": "css-rgba",
    **dict.fromkeys(("hwb", "lab", "lch", "oklab", "oklch", "color", "color-mix"), "css-modern-color"),
    **{name: f"css-function-{name}" for name in ("clamp", "light-dark", "max", "min")},
    **{f"{kind}-gradient": f"css-{kind}-gradient" for kind in ("linear", "radial", "conic")},
}
_WORDS: Final = {
    "initial": "css-unit-initial",
    **dict.fromkeys(("fit-content", "max-content", "min-content"), "css-intrinsic-size"),
    # The site spells it so.
    **dict.fromkeys(("system-ui", "ui-serif", "ui-sans-serif", "ui-rounded", "ui-monospace"), "css-sytem-ui"),
}
_MEDIA: Final = (
    "prefers-color-scheme",
    "prefers-reduced-motion",
    "hover",
    "orientation",
    "device-pixel-ratio",
)
_SELECTORS: Final = (
    (re.compile(r"\*"), "css-selector-universal"),
    (re.compile(r"\["), "css-selector-attribute"),
    (re.compile(r"\.[\w-]"), "css-selector-class"),
    (re.compile(r"[\w\])]\.[\w-]"), "css-selector-chaining"),
    (re.compile(r"#[\w-]"), "css-selector-id"),
    (re.compile(r">"), "css-selector-child"),
    (re.compile(r"\+"), "css-selector-adjacent-sibling"),
    (re.compile(r"~(?!=)"), "css-selector-general-sibling"),
    (re.compile(r"[\w\])*]\s+[\w.#\[*:]"), "css-selector-descendant"),
    (re.compile(r"(?:^|[\s>+~])[a-z][\w-]*", re.IGNORECASE), "css-selector-type"),
)
_ELEMENTS: Final = {
    **{f"h{level}": "html-h1-h6" for level in range(1, 7)},
    **dict.fromkeys(("ul", "ol", "dl", "li"), "html-lists"),
    **dict.fromkeys(
        (
            *("article", "aside", "details", "figcaption", "figure", "footer", "header", "main", "mark"),
            *("nav", "section", "summary", "time"),
        ),
        "html-semantics",
    ),
    "map": "html-image-maps",
}
_ATTRIBUTES: Final = {
    "loading": "html-loading-attribute",
    "srcset": "html-srcset",
    "sizes": "html-srcset",
    **{name: f"html-{name}" for name in (
        *("align", "aria-describedby", "aria-hidden", "aria-label", "aria-labelledby", "aria-live"),
        *("background", "cellpadding", "cellspacing", "dir", "height", "hidden", "lang", "required", "role"),
        *("target", "valign", "width"),
    )},
}  # fmt: skip
_IMAGES: Final = {
    **dict.fromkeys(("jpg", "jpeg"), "image-jpg"),
    **dict.fromkeys(("tif", "tiff"), "image-tiff"),
    **dict.fromkeys(("heif", "heic"), "image-heif"),
    **{name: f"image-{name}" for name in ("png", "gif", "webp", "avif", "svg", "bmp", "ico", "apng")},
}


def features_of(markup: str, known: frozenset[str]) -> set[str]:
    """The features that a page uses, of the known ones; what stands in comments is for Outlook alone."""
    found = {"html-doctype"} if re.match(r"\s*<!doctype html\s*>", markup, re.IGNORECASE) else set()
    for tag, styles in pieces_of(markup, in_comments=False):
        found |= _of_tag(tag, known)
        found |= _of_block(styles, known) if styles else frozenset()
    return found & known


# Most of a mail's elements are like another one or share its style, and its variants their style blocks.
@functools.lru_cache(maxsize=2048)
def _of_tag(tag: Tag, known: frozenset[str]) -> frozenset[str]:
    return frozenset(_of_element(tag, known))


@functools.lru_cache(maxsize=256)
def _of_style(css: str, known: frozenset[str]) -> frozenset[str]:
    return frozenset(_of_declarations(css, known))


@functools.lru_cache(maxsize=16)
def _of_block(css: str, known: frozenset[str]) -> frozenset[str]:
    return frozenset(_of_styles(css, known))


def _of_element(tag: Tag, known: frozenset[str]) -> Iterator[str]:
    yield _ELEMENTS.get(tag.name, f"html-{tag.name}")
    for name, value in tag.attributes:
        if name in _ATTRIBUTES:
            yield _ATTRIBUTES[name]
        if name == "style":
            yield from _of_style(value, known)
        if name == "href" and tag.name == "a":
            yield from (["html-mailto-links"] if value.lower().startswith("mailto:") else ())
            yield from (["html-anchor-links"] if value.startswith("#") else ())
        if name == "type" and tag.name in ("input", "button"):
            yield f"html-{tag.name}-{value.lower()}"
        if name == "name" and tag.name == "meta" and value == "color-scheme":
            yield "html-meta-color-scheme"
        if name == "src" and tag.name == "img":
            yield from _of_picture(value)


def _of_picture(url: str) -> Iterator[str]:
    if url.lower().startswith("data:"):
        yield "image-base64"
        return
    try:
        ending = urlsplit(url).path.rpartition(".")[2].lower()
    except ValueError:
        return
    yield from filter(None, [_IMAGES.get(ending)])


def _of_styles(css: str, known: frozenset[str]) -> Iterator[str]:
    """A style block: rules, and rules within rules of media."""
    bare = _CSS_COMMENT.sub("", css)
    if bare != css:
        yield "css-comments"
    for head, body in _rules(bare):
        if head.startswith("@"):
            yield from _of_at_rule(head)
            yield from _of_styles(body, known) if "{" in body else _of_declarations(body, known)
        else:
            yield from _of_selectors(head)
            if "{" in body:
                yield "css-nesting"
            yield from _of_declarations(body, known)


def _rules(css: str) -> Iterator[tuple[str, str]]:
    """Each rule's head and body. What is not closed ends where the block does."""
    at = 0
    while (begin := re.compile(r"[{;]").search(css, at)) is not None:
        head, start = css[at : begin.start()].strip(), begin.end()
        if begin[0] == ";":
            if head.startswith("@"):
                yield head, ""
            at = start
            continue
        depth, end = 1, len(css)
        for brace in re.compile(r"[{}]").finditer(css, start):
            depth += 1 if brace[0] == "{" else -1
            if depth == 0:
                end = brace.start()
                break
        yield head, css[start:end]
        at = end + 1


def _of_at_rule(head: str) -> Iterator[str]:
    name = re.match(r"@(?:-\w+-)?([\w-]+)", head)
    if name is None:
        return
    yield f"css-at-{name[1].lower()}"
    if name[1].lower() == "media":
        for feature in _MEDIA:
            if re.search(rf"\b{feature}\b", head):
                yield f"css-at-media-{feature}"


def _of_selectors(head: str) -> Iterator[str]:
    bare = _STRING.sub('""', head)
    if "," in re.sub(r"\([^)]*\)", "", bare):
        yield "css-selector-grouping"
    if "&" in bare:
        yield "css-nesting"
    for colons, name in re.findall(r"(::?)([a-z-]+)", bare):
        is_element = colons == "::" or name in ("before", "after", "first-letter", "first-line")
        yield f"css-pseudo-{'element' if is_element else 'class'}-{name}"
    for one in bare.split(","):
        plain = re.sub(r"\[[^\]]*\]", "[]", one.strip())
        yield from (slug for pattern, slug in _SELECTORS if pattern.search(plain))


def _of_declarations(css: str, known: frozenset[str]) -> Iterator[str]:
    for declaration in css.split(";"):
        name, colon, value = declaration.partition(":")
        name, value = name.strip().lower(), _STRING.sub('""', value.strip().lower())
        if not colon or not value or name.startswith(("-webkit-", "-moz-", "-ms-", "-o-", "mso-")):
            continue
        if name.startswith("--"):
            yield "css-variables"
        yield from _of_property(name, known)
        yield from _of_value(name, value)


def _of_property(name: str, known: frozenset[str]) -> Iterator[str]:
    """Its own feature, else that of what it is a part of: `padding-left` of `padding`."""
    if name in _PROPERTIES:
        yield _PROPERTIES[name]
        return
    while name:
        if f"css-{name}" in known:
            yield f"css-{name}"
            return
        name = name.rpartition("-")[0]


def _of_value(name: str, value: str) -> Iterator[str]:
    if "!important" in value.replace(" ", ""):
        yield "css-important"
    if name == "display":
        word = value.split("!", maxsplit=1)[0].strip()
        kind = re.search(r"\b(flex|grid|none)\b", word)
        yield from ([f"css-display-{kind[1]}"] if kind else ())
    for unit in _UNIT.findall(value):
        yield f"css-unit-{'percent' if unit == '%' else unit}"
    for function in _FUNCTION.findall(value):
        yield from filter(None, [_FUNCTIONS.get(function)])
    for word in re.findall(r"[a-z-]+", value):
        yield from filter(None, [_WORDS.get(word)])

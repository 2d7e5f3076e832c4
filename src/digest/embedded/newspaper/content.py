"""The newspaper's articles and pictures, read from the data files beside this module.

An article is `posts/<language>/<order>-<name>.md`: a TOML head between `+++` lines, then the text.
"""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

from digest.embedded.newspaper import markup
from digest.errors import InputError

LANGUAGES: tuple[str, ...] = ("en", "hy")
PICTURE_SIZE = (1200, 675)  # of every picture, in pixels
_FENCE = "+++"
_FIELDS = frozenset(
    {"id", "slug", "section", "author", "title", "hours", "later", "place", "picture", "alt", "tags"}
)
_REQUIRED = ("id", "slug", "section", "author", "title")


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the paper: its name in addresses, and its name for readers by language."""

    slug: str
    names: dict[str, str]


SECTIONS: tuple[Section, ...] = (
    Section("commentary", {"en": "Commentary", "hy": "Տեսակետ"}),
    Section("news", {"en": "News", "hy": "Լուրեր"}),
    Section("arts", {"en": "Arts", "hy": "Արվեստ"}),
    Section("community", {"en": "Community", "hy": "Համայնք"}),
    Section("sports", {"en": "Sports", "hy": "Սպորտ"}),
    Section("in-memoriam", {"en": "In Memoriam", "hy": "Հիշատակ"}),
)
_SECTIONS = {section.slug: section for section in SECTIONS}


@dataclass(frozen=True, slots=True)
class Illustration:
    """A drawing and what it shows, in the article's language. All are PNG files of PICTURE_SIZE."""

    name: str
    alt: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Article:
    """One article. It is published `hours` before the paper starts or, with `later`, while it runs.

    `later` is its place in the order of publication; exactly one of the two is set.
    """

    id: int
    slug: str
    language: str
    section: Section
    author: str
    title: str
    tags: tuple[str, ...]
    paragraphs: tuple[str, ...]
    picture: Illustration | None
    hours: float | None
    later: int | None

    @property
    def section_name(self) -> str:
        """The section's name in the article's own language."""
        return self.section.names[self.language]

    @property
    def body_html(self) -> str:
        """The text as HTML paragraphs."""
        return markup.to_html(self.paragraphs)

    @property
    def excerpt(self) -> str:
        """The beginning as plain text, as a feed shows it."""
        return markup.excerpt(self.paragraphs)


def section(slug: str) -> Section | None:
    """The section with this name in addresses, if there is one."""
    return _SECTIONS.get(slug)


@functools.cache
def articles() -> tuple[Article, ...]:
    """Every article, in the order of their files. Raises InputError if a file is not as it must be."""
    found = [
        parse_article(file.read_text("utf-8"), language=language, name=file.name)
        for language in LANGUAGES
        for file in sorted((_data() / "posts" / language).iterdir(), key=lambda file: file.name)
        if file.name.endswith(".md")
    ]
    return tuple(found)


@functools.cache
def picture_bytes(name: str) -> bytes | None:
    """The PNG file of a drawing, or None if no drawing has this name."""
    if name not in picture_names():
        return None
    return (_data() / "pictures" / f"{name}.png").read_bytes()


@functools.cache
def picture_names() -> frozenset[str]:
    """The names of all drawings."""
    files = (file.name for file in (_data() / "pictures").iterdir())
    return frozenset(name.removesuffix(".png") for name in files if name.endswith(".png"))


def parse_article(text: str, *, language: str, name: str) -> Article:
    """One article from its file's text; `name` is the file's, for the error's sentence."""
    head, body = _split(text, name)
    _check(head, name)
    parts = markup.paragraphs(body)
    if not parts:
        raise InputError(f"{name} has no text.")
    place = head.get("place", "")
    if place:
        parts = (f"{place} — {parts[0]}", *parts[1:])
    return Article(
        id=head["id"],
        slug=head["slug"],
        language=language,
        section=_SECTIONS[head["section"]],
        author=head["author"],
        title=head["title"],
        tags=tuple(head.get("tags", ())),
        paragraphs=parts,
        picture=_illustration(head, name),
        hours=head.get("hours"),
        later=head.get("later"),
    )


def _split(text: str, name: str) -> tuple[dict[str, Any], str]:
    before, _, rest = text.partition(f"{_FENCE}\n")
    head, fence, body = rest.partition(f"\n{_FENCE}\n")
    if before or not fence:
        raise InputError(f"{name} must begin with a head between two lines of {_FENCE}.")
    try:
        return tomllib.loads(head), body
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"The head of {name} is not TOML: {error}.") from None


def _check(head: dict[str, Any], name: str) -> None:
    missing = [field for field in _REQUIRED if not head.get(field)]
    unknown = sorted(set(head) - _FIELDS)
    if missing or unknown:
        raise InputError(f"The head of {name} lacks {missing} and has unknown {unknown}.")
    if head["section"] not in _SECTIONS:
        raise InputError(f"{name} stands in the section {head['section']!r}, which the paper does not have.")
    if ("hours" in head) == ("later" in head):
        raise InputError(f"{name} must say either hours or later.")


def _illustration(head: dict[str, Any], name: str) -> Illustration | None:
    drawing, alt = head.get("picture", ""), head.get("alt", "")
    if not drawing:
        return None
    data = picture_bytes(drawing)
    if data is None or not alt:
        raise InputError(f"{name} needs a drawing that exists, and an alt text for it.")
    return Illustration(drawing, alt, len(data))


def _data() -> Traversable:
    return resources.files("digest.embedded.newspaper")

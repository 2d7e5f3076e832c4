"""From an address to a page: which of the paper's pages a path means. No sockets here."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass
from urllib.parse import unquote

from digest.embedded.newspaper import content, feeds, pages, paper
from digest.embedded.newspaper.feeds import FeedHead
from digest.embedded.newspaper.newspaper import Newspaper, Story

_HTML = "text/html; charset=UTF-8"
_BRIEFLY = "max-age=0, must-revalidate"
_FOR_LONG = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Page:
    """An answer: what to send, and how long it may be kept. `location` is set for a redirect only."""

    status: int
    body: bytes
    content_type: str = _HTML
    cache_control: str = _BRIEFLY
    last_modified: dt.datetime | None = None
    location: str | None = None

    @property
    def etag(self) -> str:
        """A strong validator (RFC 9110 section 8.8.3) of the body."""
        return f'"{hashlib.sha256(self.body).hexdigest()[:32]}"'


@dataclass(frozen=True, slots=True)
class Reading:
    """One visit: the paper, the moment, and the address that the site is reached at (no slash at its end)."""

    newspaper: Newspaper
    now: dt.datetime
    base_url: str


def find(reading: Reading, path: str) -> Page:
    """The page at a path (without a query); a 404 page where there is none."""
    parts = tuple(unquote(part) for part in path.split("/") if part)
    special = _special(parts)
    if special is not None:
        return special
    language = parts[0] if parts else ""
    if language not in content.LANGUAGES:
        return _missing("en")
    if not path.endswith("/"):
        return Page(301, b"", location=f"{path}/")
    return _of_language(reading, language, parts[1:]) or _missing(language)


def _special(parts: tuple[str, ...]) -> Page | None:
    """What stands outside the languages: the root, the old feed's address, drawings, the style sheet."""
    match parts:
        case ():
            return Page(302, b"", location=paper.home_path("en"))
        case ("feed",):
            return Page(301, b"", location="/en/feed/")
        case ("style.css" | "icon.svg" as name,):
            kind = "text/css; charset=UTF-8" if name.endswith(".css") else "image/svg+xml"
            return Page(200, pages.file_bytes(name), content_type=kind)
        case ("pictures", name) if name.endswith(".png"):
            data = content.picture_bytes(name.removesuffix(".png"))
            if data is not None:
                return Page(200, data, content_type="image/png", cache_control=_FOR_LONG)
    return None


def _of_language(reading: Reading, language: str, parts: tuple[str, ...]) -> Page | None:
    match parts:
        case ():
            stories = _stories(reading, language)
            return _page(pages.home(language, stories, now=reading.now))
        case ("feed", *form) if form in ([], ["atom"]):
            return _feed(reading, language, as_atom=bool(form))
        case ("category", slug, *form) if content.section(slug) and form in ([], ["feed"]):
            show = _feed if form else _section_page
            return show(reading, language, section=slug)
        case (slug,):
            return _article(reading, language, slug)
    return None


def _section_page(reading: Reading, language: str, *, section: str) -> Page:
    stories = _stories(reading, language, section=section)
    return _page(pages.home(language, stories, now=reading.now, section=content.section(section)))


def _article(reading: Reading, language: str, slug: str) -> Page | None:
    story = reading.newspaper.story(reading.now, language, slug)
    if story is None:
        return None
    others = tuple(s for s in _stories(reading, language) if s != story)
    return _page(pages.article(story, others, base_url=reading.base_url, now=reading.now))


def _feed(reading: Reading, language: str, *, section: str | None = None, as_atom: bool = False) -> Page:
    words = paper.WORDS[language]
    stories = _stories(reading, language, section=section)[: feeds.FEED_LENGTH]
    title, page_path = words.name, paper.home_path(language)
    found = content.section(section) if section else None
    if found is not None:
        title = f"{found.names[language]} – {words.name}"
        page_path = paper.section_path(language, found)
    head = FeedHead(
        title=title,
        description=words.motto,
        language=language,
        base_url=reading.base_url,
        page_url=reading.base_url + page_path,
        self_url=f"{reading.base_url}{page_path}feed/{'atom/' if as_atom else ''}",
    )
    write, kind = (feeds.atom, feeds.ATOM_TYPE) if as_atom else (feeds.rss, feeds.RSS_TYPE)
    return Page(200, write(head, stories), content_type=kind, last_modified=feeds.updated_at(stories))


def _stories(reading: Reading, language: str, *, section: str | None = None) -> tuple[Story, ...]:
    return reading.newspaper.stories(reading.now, language=language, section=section)


def _page(html: str) -> Page:
    """Without a Last-Modified: the words "3 hours ago" age between two stories."""
    return Page(200, html.encode())


def _missing(language: str) -> Page:
    return Page(404, pages.missing(language).encode(), cache_control="no-store")

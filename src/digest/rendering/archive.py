"""The pages of a digest's past editions: all months, and the editions of one. Typed data in, HTML out."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from digest.rendering.environment import environment


@dataclass(frozen=True, slots=True)
class ArchiveEdition:
    """One edition in a list; `date` is in words, in the digest's language and zone."""

    subject: str
    preheader: str
    url: str
    due_at: dt.datetime
    date: str


@dataclass(frozen=True, slots=True)
class ArchiveMonth:
    """A month in which editions came out; `name` is in words, `count` how many there are."""

    name: str
    url: str
    count: int


@dataclass(frozen=True, slots=True)
class ArchiveYear:
    """A year with its months, the newest first."""

    year: str
    months: tuple[ArchiveMonth, ...]


@dataclass(frozen=True, slots=True)
class ArchiveFrame:
    """What the pages of an archive have in common. Addresses are absolute where others may keep them."""

    title: str
    paper: str
    home_url: str
    archive_url: str
    canonical: str
    rss_url: str
    json_url: str


@dataclass(frozen=True, slots=True)
class ArchivePage:
    """`web/public/archive.html`: the latest editions, and every month there is."""

    frame: ArchiveFrame
    latest: tuple[ArchiveEdition, ...]
    years: tuple[ArchiveYear, ...]


@dataclass(frozen=True, slots=True)
class ArchiveMonthPage:
    """`web/public/archive_month.html`: the editions of a month, the newest first.

    `more_url` leads on in it; `later` and `earlier` are the neighbouring months in which there were some.
    """

    frame: ArchiveFrame
    month: str
    editions: tuple[ArchiveEdition, ...]
    more_url: str = ""
    later: ArchiveMonth | None = None
    earlier: ArchiveMonth | None = None


def render_archive(page: ArchivePage | ArchiveMonthPage, language: str, *, templates: Path | None) -> str:
    """The page, in the digest's language; one that we do not speak comes in English."""
    name = "archive" if isinstance(page, ArchivePage) else "archive_month"
    return environment(language, templates).get_template(f"web/public/{name}.html").render(page=page)

"""From rows to what the archive shows: its pages, its feeds, and the addresses of the sitemap."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterator, Sequence
from typing import Final

from sqlalchemy.orm import Session

from digest.i18n import Translator, spoken, translator
from digest.rendering.archive import (
    ArchiveEdition,
    ArchiveFrame,
    ArchiveMonth,
    ArchiveMonthPage,
    ArchivePage,
    ArchiveYear,
)
from digest.web.archive_feeds import Feed, FeedEdition, FeedStory
from digest.web.archive_rows import (
    Archive,
    Line,
    Said,
    all_public,
    archives,
    latest,
    months_of,
    of_month,
    said_of,
    stories_of,
)

LATEST: Final = 10
MONTH_PAGE: Final = 50
FEED_EDITIONS: Final = 20
# The months lead to all the others; a sitemap may have 50,000 addresses.
SITEMAP_EDITIONS: Final = 5_000


def archive_page(session: Session, archive: Archive, public_url: str) -> ArchivePage:
    """A digest's latest editions, and its months by year."""
    words = translator(spoken(archive.language))
    months = _months(archive, months_of(session, [archive.id]), words)
    years = itertools.groupby(months, key=lambda pair: pair[0][:4])
    return ArchivePage(
        frame=_frame(archive, public_url, path_of(archive)),
        latest=_editions(latest(session, archive.id, LATEST), words),
        years=tuple(ArchiveYear(year, tuple(month for _, month in found)) for year, found in years),
    )


def month_page(
    session: Session, archive: Archive, month: dt.date, public_url: str, *, before: str | None
) -> ArchiveMonthPage | None:
    """A month's editions, or what follows in it on one of them; None if there are none."""
    lines = of_month(session, archive.id, month, MONTH_PAGE + 1, before=before)
    if not lines:
        return None
    words = translator(spoken(archive.language))
    name = f"{month:%Y-%m}"
    path = f"{path_of(archive)}/{name}"
    months = _months(archive, months_of(session, [archive.id]), words)
    shown = lines[:MONTH_PAGE]
    return ArchiveMonthPage(
        frame=_frame(archive, public_url, path if before is None else f"{path}?before={before}"),
        month=words.month(month),
        editions=_editions(shown, words),
        more_url=f"{path}?before={shown[-1].public_id}" if len(lines) > MONTH_PAGE else "",
        later=next((one for text, one in reversed(months) if text > name), None),
        earlier=next((one for text, one in months if text < name), None),
    )


def feed(session: Session, archive: Archive, public_url: str) -> Feed:
    """A digest's latest editions with their stories, as they stand since they went out."""
    lines = latest(session, archive.id, FEED_EDITIONS)
    stories = stories_of(session, [line.revision_id for line in lines])
    said = said_of(session, [line.id for line in lines])
    frame = _frame(archive, public_url, path_of(archive))
    return Feed(
        title=archive.title,
        paper=archive.paper,
        language=archive.language,
        page_url=frame.canonical,
        rss_url=frame.rss_url,
        json_url=frame.json_url,
        editions=tuple(
            FeedEdition(
                url=f"{public_url}/e/{line.public_id}",
                title=line.subject,
                summary=line.preheader,
                published_at=line.due_at,
                changed_at=line.amended_at,
                stories=_stories(stories.get(line.revision_id, ()), said.get(line.id) or Said()),
            )
            for line in lines
        ),
    )


def addresses(session: Session, public_url: str) -> Iterator[tuple[str, dt.datetime | None]]:
    """The front page, every archive, its months, and the latest editions, with when each was changed last."""
    found = {one.id: one for one in archives(session)}
    yield f"{public_url}/", None
    for one in found.values():
        yield f"{public_url}{path_of(one)}", None
    for digest_id, month, _ in months_of(session, list(found)):
        yield f"{public_url}{path_of(found[digest_id])}/{month}", None
    for line in all_public(session, list(found), SITEMAP_EDITIONS):
        yield f"{public_url}/e/{line.public_id}", line.amended_at or line.due_at


def path_of(archive: Archive) -> str:
    """The path of a digest's archive."""
    return f"/archive/{archive.name}"


def _frame(archive: Archive, public_url: str, path: str) -> ArchiveFrame:
    own = path_of(archive)
    return ArchiveFrame(
        title=archive.title,
        paper=archive.paper,
        home_url=archive.home_url,
        archive_url=own,
        canonical=f"{public_url}{path}",
        rss_url=f"{public_url}{own}/feed.xml",
        json_url=f"{public_url}{own}/feed.json",
    )


def _months(
    archive: Archive, rows: Sequence[tuple[int, str, int]], words: Translator
) -> list[tuple[str, ArchiveMonth]]:
    """The newest first; a month whose name cannot be read is left out."""
    found = []
    for _, text, count in rows:
        try:
            first = dt.date.fromisoformat(f"{text}-01")
        except ValueError:
            continue
        found.append((text, ArchiveMonth(words.month(first), f"{path_of(archive)}/{text}", count)))
    return found


def _editions(lines: Sequence[Line], words: Translator) -> tuple[ArchiveEdition, ...]:
    return tuple(
        ArchiveEdition(
            subject=line.subject,
            preheader=line.preheader,
            url=f"/e/{line.public_id}",
            due_at=line.due_at,
            date=words.date(line.due_at, line.zone),
        )
        for line in lines
    )


def _stories(rows: Sequence[tuple[int, str, str]], said: Said) -> tuple[FeedStory, ...]:
    return tuple(
        FeedStory(
            title="" if position in said.gone else title,
            url="" if position in said.gone else url,
            notes=tuple(said.notes.get(position, ())),
        )
        for position, title, url in rows
    )

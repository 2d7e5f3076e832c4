"""Collect one source: fetch and parse with no transaction open, decide, store in one transaction."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

from digest import clock
from digest.db import Database
from digest.feeds.parse import parse_feed
from digest.feeds.types import ParsedFeed, ParseError
from digest.logs import get_logger
from digest.models import Source
from digest.net.http import Answer, FetchCode, Fetcher, FetchError
from digest.queueing.enqueue import enqueue
from digest.queueing.names import TaskName
from digest.sources.challenges import fetch
from digest.sources.pictures import due_posts
from digest.sources.reading import read_source
from digest.sources.record import Spent, note_fault, note_success
from digest.sources.store import Stored, seen_in, store
from digest.sources.withdrawals import note_reading, only_unknown, plan_reading

log = get_logger(__name__)

# Whoever pauses a source, or takes it away, while a reading of it is stored waits until it is: what the
# reading says of the next one would be written over that.
_ALONE: Final = {"key_share": True}


@dataclass(frozen=True, slots=True)
class Collected:
    """What one collection did. `fault` is a code of FetchCode or ParseCode, or None."""

    new: int = 0
    changed: int = 0
    known: int = 0
    fault: str | None = None


def preview(url: str, fetcher: Fetcher) -> ParsedFeed:
    """What would be collected from an address; changes nothing. Raises FetchError or ParseError."""
    answer = fetch(fetcher, url)
    return parse_feed(answer.body or b"", url=answer.final_url, content_type=answer.content_type)


def collect(
    database: Database, source_id: int, fetcher: Fetcher, *, interval: dt.timedelta, now: dt.datetime
) -> Collected:
    """Fetch a source and store what is new or changed.

    A fault is written to the source in words and touches neither its old posts nor other sources.
    """
    with database.read() as session:
        source = session.get(Source, source_id)
        if source is None:
            return Collected()
        plan = plan_reading(session, source, now=now)
    started = clock.monotonic()
    try:
        reading = read_source(source, plan, fetcher, now=now)
    except (FetchError, ParseError) as error:
        _fail(database, source_id, error, spent=_spent(started), interval=interval, now=now)
        return Collected(fault=error.code)
    spent, feed = _spent(started, reading.answer), reading.feed
    if feed and reading.keeps_known:
        with database.read() as session:
            feed = only_unknown(session, source, feed)
    seen = seen_in(feed, feed_url=source.url) if feed else []
    with database.write() as session:
        source = session.get_one(Source, source_id, with_for_update=_ALONE)
        language = feed.language if feed else None
        result = store(session, source_id, seen, language=language, now=now) if feed else Stored()
        with session.no_autoflush:  # the source is written once, with all that is noted of it
            note_reading(session, source, reading, now=now)
            note_success(
                session, source, reading.answer, reading.feed, result, spent=spent, interval=interval, now=now
            )
        if due_posts(session, source_id, now=now):  # new ones, and those that wait for another try
            enqueue(session, TaskName.MIRROR, source_id)
    log.info("collected", source=source_id, new=result.new, changed=result.changed, known=result.known)
    return Collected(new=result.new, changed=result.changed, known=result.known)


def note_timeout(database: Database, source_id: int, *, interval: dt.timedelta, now: dt.datetime) -> None:
    """Note that a source took longer than a collection may: its feed is slow to read."""
    error = FetchError(FetchCode.TIMEOUT, "reading the feed took too long")
    _fail(database, source_id, error, spent=Spent(), interval=interval, now=now)


def _fail(
    database: Database,
    source_id: int,
    error: FetchError | ParseError,
    *,
    spent: Spent,
    interval: dt.timedelta,
    now: dt.datetime,
) -> None:
    with database.write() as session:
        source = session.get_one(Source, source_id, with_for_update=_ALONE)
        note_fault(session, source, error, spent=spent, interval=interval, now=now)
    log.warning("source fault", source=source_id, code=error.code, detail=error.detail)


def _spent(started: float, answer: Answer | None = None) -> Spent:
    size = len(answer.body or b"") if answer else 0
    return Spent(size, round((clock.monotonic() - started) * 1000))

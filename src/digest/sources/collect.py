"""Collect one source: fetch and parse with no transaction open, decide, store in one transaction."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.db import Database
from digest.db.dialect import insert_new_rows, lock_alone
from digest.feeds.fingerprints import content_fingerprint, fingerprints
from digest.feeds.parse import parse_feed
from digest.feeds.types import ParsedFeed, ParsedPost, ParseError
from digest.logs import get_logger
from digest.models import Post, PostFingerprint, PostSource, Source
from digest.net.http import Answer, FetchCode, Fetcher, FetchError
from digest.queueing.enqueue import enqueue
from digest.queueing.names import TaskName
from digest.sources.decide import Add, Keep, Known, Seen, decide, is_news
from digest.sources.pictures import due_posts

log = get_logger(__name__)

# A due source is taken out of the queue of due ones for this long; the flow itself sets the real next time.
_CLAIM = dt.timedelta(minutes=2)
_LONGEST_BACKOFF = dt.timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Collected:
    """What one collection did. `fault` is a code of FetchCode or ParseCode, or None."""

    new: int = 0
    changed: int = 0
    known: int = 0
    fault: str | None = None


def enqueue_due(session: Session, *, now: dt.datetime) -> list[int]:
    """Hint at the collection of every due source; each is claimed for two minutes."""
    due = session.scalars(
        sa.update(Source)
        .where(Source.next_fetch_at <= now)
        .values(next_fetch_at=now + _CLAIM)
        .returning(Source.id),
        execution_options={"synchronize_session": False},
    ).all()
    for source_id in due:
        enqueue(session, TaskName.COLLECT, source_id)
    return list(due)


def preview(url: str, fetcher: Fetcher) -> ParsedFeed:
    """What would be collected from an address; changes nothing. Raises FetchError or ParseError."""
    answer = fetcher.get(url)
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
    try:
        answer = fetcher.get(source.url, etag=source.etag, last_modified=source.last_modified)
        feed = _parsed(answer)
    except (FetchError, ParseError) as error:
        with database.write() as session:
            _note_fault(session.get_one(Source, source_id), error, interval=interval, now=now)
        log.warning("source fault", source=source_id, code=error.code, detail=error.detail)
        return Collected(fault=error.code)
    with database.write() as session:
        result = _store(session, source_id, feed, now=now) if feed else Collected()
        _note_success(session.get_one(Source, source_id), answer, feed, interval=interval, now=now)
        if due_posts(session, source_id, now=now):  # new ones, and those that wait for another try
            enqueue(session, TaskName.MIRROR, source_id)
    log.info("collected", source=source_id, new=result.new, changed=result.changed, known=result.known)
    return result


def note_timeout(database: Database, source_id: int, *, interval: dt.timedelta, now: dt.datetime) -> None:
    """Note that a source took longer than a collection may: its feed is slow to read."""
    error = FetchError(FetchCode.TIMEOUT, "reading the feed took too long")
    with database.write() as session:
        _note_fault(session.get_one(Source, source_id), error, interval=interval, now=now)
    log.warning("source fault", source=source_id, code=error.code, detail=error.detail)


def _parsed(answer: Answer) -> ParsedFeed | None:
    if answer.body is None:
        return None
    return parse_feed(answer.body, url=answer.final_url, content_type=answer.content_type)


def _store(session: Session, source_id: int, feed: ParsedFeed, *, now: dt.datetime) -> Collected:
    # Two feeds of a site carry the same new post; collected side by side, both would add it.
    lock_alone(session, "posts")
    source = session.get_one(Source, source_id)
    seen = [
        Seen(post, fingerprints(post, feed_url=source.url), content_fingerprint(post)) for post in feed.posts
    ]
    intents = decide(seen, _known(session, seen))
    is_first_fetch = source.last_good_at is None
    placed = [(_post_id(session, intent, feed.language, now), intent) for intent in intents]
    insert_new_rows(
        session,
        PostFingerprint,
        [
            {"value": print_.value, "kind": print_.kind.value, "post_id": post_id, "first_seen_at": now}
            for post_id, intent in placed
            for print_ in intent.seen.fingerprints
        ],
    )
    insert_new_rows(
        session,
        PostSource,
        [
            {
                "source_id": source_id,
                "post_id": post_id,
                "seen_at": now,
                "is_news": is_news(
                    intent.seen.post.published_at, news_since=source.news_since, is_first_fetch=is_first_fetch
                ),
            }
            for post_id, intent in placed
        ],
    )
    added = sum(isinstance(intent, Add) for intent in intents)
    changed = sum(isinstance(intent, Keep) and intent.changed for intent in intents)
    return Collected(new=added, changed=changed, known=len(intents) - added - changed)


def _known(session: Session, seen: Sequence[Seen]) -> dict[str, Known]:
    values = {fingerprint.value for one in seen for fingerprint in one.fingerprints}
    rows = session.execute(
        sa.select(PostFingerprint.value, PostFingerprint.post_id, Post.content_fingerprint)
        .outerjoin(Post, Post.id == PostFingerprint.post_id)
        .where(PostFingerprint.value.in_(values))
    )
    return {value: Known(post_id, content) for value, post_id, content in rows}


def _post_id(session: Session, intent: Add | Keep, feed_language: str | None, now: dt.datetime) -> int:
    """Store a new or changed post; the id of the post."""
    values = _columns(intent.seen.post, intent.seen.content, feed_language)
    if isinstance(intent, Add):
        post = Post(
            **values,
            published_at=intent.seen.post.published_at or now,
            first_seen_at=now,
            changed_at=now,
        )
        session.add(post)
        session.flush()
        return post.id
    if intent.changed:
        # The date stays what it was: a site that sets dates to now must not make old posts news.
        session.execute(sa.update(Post).where(Post.id == intent.post_id).values(**values, changed_at=now))
    return intent.post_id


def _columns(post: ParsedPost, content: str, feed_language: str | None) -> dict[str, object]:
    return {
        "url": post.url,
        "title": post.title,
        "author": post.author,
        "categories": list(post.categories),
        "tags": list(post.tags),
        "language": post.language or feed_language,
        "excerpt": post.excerpt,
        "body_html": post.body_html,
        "picture": asdict(post.picture) if post.picture else None,
        "content_fingerprint": content,
    }


def _note_success(
    source: Source, answer: Answer, feed: ParsedFeed | None, *, interval: dt.timedelta, now: dt.datetime
) -> None:
    source.last_fetch_at = source.last_good_at = now
    source.fault_code, source.fault_detail, source.faults_in_a_row = None, "", 0
    source.next_fetch_at = now + _with_jitter(interval)
    if feed is not None:
        source.etag, source.last_modified = answer.etag, answer.last_modified
        source.title, source.language = feed.title or source.title, feed.language
        source.oddities = list(feed.oddities)


def _note_fault(
    source: Source, error: FetchError | ParseError, *, interval: dt.timedelta, now: dt.datetime
) -> None:
    retry_after = error.retry_after if isinstance(error, FetchError) else None
    source.last_fetch_at = now
    source.fault_code, source.fault_detail = error.code, error.detail[:500]
    source.faults_in_a_row += 1
    wait = min(interval * 2 ** min(source.faults_in_a_row - 1, 10), _LONGEST_BACKOFF)
    source.next_fetch_at = now + max(_with_jitter(wait), retry_after or dt.timedelta(0))


def _with_jitter(interval: dt.timedelta) -> dt.timedelta:
    # So that the sources of a site that were added together do not fetch together for ever.
    return interval * random.uniform(0.9, 1.1)  # noqa: S311

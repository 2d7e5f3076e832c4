"""What is written down of each answer of a source: how it does, when it is asked next, what is odd. Steps."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.feeds.oddities import faults_of_feed
from digest.feeds.types import ParsedFeed, ParseError
from digest.models import Fetch, Post, PostSource, Source
from digest.models.source import RESTS_UNTIL
from digest.net.http import Answer, FetchError
from digest.sources.alarms import Alarm, AlarmCode, SourceFacts, alarms
from digest.sources.store import Stored

_LONGEST_BACKOFF = dt.timedelta(hours=6)
# Of the answers that brought something new, and of those that did not, so many are kept.
KEPT_FETCHES = 50
_MOST_JITTER = 1.1
_LOOKED_AT = 40  # posts and answers, to know what is usual


@dataclass(frozen=True, slots=True)
class Spent:
    """What an answer cost: bytes of the body, and the time from asking to having read it."""

    size: int = 0
    milliseconds: int = 0


def note_success(
    session: Session,
    source: Source,
    answer: Answer,
    feed: ParsedFeed | None,
    stored: Stored,
    *,
    spent: Spent,
    interval: dt.timedelta,
    now: dt.datetime,
) -> None:
    """Note an answer that could be read; `feed` is None where it said that nothing has changed."""
    source.last_fetch_at = source.last_good_at = now
    source.fault_code, source.fault_detail, source.faults_in_a_row = None, "", 0
    _ask_again(source, now + max(_with_jitter(interval), answer.retry_after or dt.timedelta(0)))
    posts_before = _posts_before(session, source.id)
    if feed is not None:
        source.etag, source.last_modified = answer.etag, answer.last_modified
        source.title = source.own_title or feed.title or source.title
        source.language = feed.language
        source.oddities = [odd.as_kept() for odd in feed.oddities]
    facts = SourceFacts(
        now=now,
        published=_published(session, source.id),
        last_new_at=source.last_new_at,
        dates=None if feed is None else [p.published_at for p in feed.posts if p.published_at is not None],
        posts=0 if feed is None else len(feed.posts),
        posts_before=posts_before,
        oddities=faults_of_feed(source.oddities),
    )
    source.alarms = _with_earlier(source, alarms(facts), is_unchanged=feed is None)
    _add_fetch(
        session,
        Fetch(
            source_id=source.id,
            at=now,
            status=answer.status,
            posts=facts.posts,
            new=stored.new,
            changed=stored.changed,
            size=spent.size,
            milliseconds=spent.milliseconds,
        ),
    )


def note_fault(
    session: Session,
    source: Source,
    error: FetchError | ParseError,
    *,
    spent: Spent,
    interval: dt.timedelta,
    now: dt.datetime,
) -> None:
    """Note that a source could not be read: it is asked again later and later, and not before it says so."""
    retry_after = error.retry_after if isinstance(error, FetchError) else None
    source.last_fetch_at = now
    source.fault_code, source.fault_detail = error.code, error.detail[:500]
    source.faults_in_a_row += 1
    wait = _with_jitter(_backoff(source, interval))
    _ask_again(source, now + max(wait, retry_after or dt.timedelta(0)))
    _add_fetch(
        session,
        Fetch(
            source_id=source.id,
            at=now,
            status=error.status if isinstance(error, FetchError) else 200,
            fault_code=error.code,
            size=spent.size,
            milliseconds=spent.milliseconds,
        ),
    )


def asks_for_patience(source: Source, *, interval: dt.timedelta, now: dt.datetime) -> bool:
    """Whether a source has asked to be left alone until a moment that has not come (Retry-After)."""
    if not source.faults_in_a_row or source.last_fetch_at is None or now >= source.next_fetch_at:
        return False
    return source.next_fetch_at - source.last_fetch_at > _backoff(source, interval) * _MOST_JITTER


def last_fetches(session: Session, source_id: int, *, limit: int = KEPT_FETCHES) -> Sequence[Fetch]:
    """The last answers of a source, the newest first."""
    return session.scalars(
        sa.select(Fetch).where(Fetch.source_id == source_id).order_by(Fetch.id.desc()).limit(limit)
    ).all()


def _add_fetch(session: Session, fetch: Fetch) -> None:
    """Add an answer, and forget the oldest ones."""
    session.add(fetch)
    session.flush()
    is_of_kind = Fetch.new > 0 if fetch.new else Fetch.new == 0
    oldest = (
        sa.select(Fetch.id)
        .where(Fetch.source_id == fetch.source_id, is_of_kind)
        .order_by(Fetch.id.desc())
        .offset(KEPT_FETCHES)
        .limit(1)
        .scalar_subquery()
    )
    session.execute(
        sa.delete(Fetch).where(Fetch.source_id == fetch.source_id, is_of_kind, Fetch.id <= oldest),
        execution_options={"synchronize_session": False},
    )


def _posts_before(session: Session, source_id: int) -> list[int]:
    rows = session.scalars(
        sa.select(Fetch.posts)
        .where(Fetch.source_id == source_id, Fetch.posts > 0)
        .order_by(Fetch.id.desc())
        .limit(_LOOKED_AT)
    )
    return list(rows)


def _published(session: Session, source_id: int) -> list[dt.datetime]:
    rows = session.scalars(
        sa.select(Post.published_at)
        .join(PostSource, PostSource.post_id == Post.id)
        .where(PostSource.source_id == source_id)
        .order_by(Post.published_at.desc())
        .limit(_LOOKED_AT)
    )
    return list(rows)


def _with_earlier(source: Source, found: Sequence[Alarm], *, is_unchanged: bool) -> list[dict[str, object]]:
    """The alarms as they are stored. What was said of a feed still holds while it has not changed."""
    kept: list[dict[str, object]] = [{"code": one.code.value, "facts": dict(one.facts)} for one in found]
    if is_unchanged:
        of_feed = {AlarmCode.SHRUNKEN, AlarmCode.EQUAL_DATES}
        kept += [one for one in source.alarms if one["code"] in of_feed]
    return kept


def _ask_again(source: Source, at: dt.datetime) -> None:
    """When it is read the next time; whoever reads a paused source once does not start it again.

    The statement looks, not we: it may have been paused, or taken away, since we read its row.
    """
    there = Source.next_fetch_at
    moment: Any = sa.case((there >= RESTS_UNTIL, there), else_=sa.literal(at, there.type))
    source.next_fetch_at = moment


def _backoff(source: Source, interval: dt.timedelta) -> dt.timedelta:
    times: int = 2 ** min(source.faults_in_a_row - 1, 10)
    return min(interval * times, _LONGEST_BACKOFF)


def _with_jitter(interval: dt.timedelta) -> dt.timedelta:
    # So that the sources of a site that were added together do not fetch together for ever.
    return interval * random.uniform(2 - _MOST_JITTER, _MOST_JITTER)  # noqa: S311

"""Posts that are not offered any more: what to look for when a source is read, and what is noted of it."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.db.dialect import among, among_texts
from digest.feeds.types import ParsedFeed
from digest.logs import get_logger
from digest.models import Post, PostFingerprint, PostSource, Source, SourceKind, Withdrawal
from digest.sources.missing import TELLING, Watched, telling
from digest.sources.reading import Plan, Reading

log = get_logger(__name__)

# How long a site's "not modified" is believed.
FULL_CHECK = dt.timedelta(hours=4)
# The posts that an edition may still take; of a very busy site, the newest.
_WATCHED = dt.timedelta(days=31)
_MOST_WATCHED = 300
# A feed may be an hour old where it is kept ready for many readers: so long it proves nothing against a look.
_OLD_FEED = dt.timedelta(hours=1)


def plan_reading(session: Session, source: Source, *, now: dt.datetime) -> Plan:
    """How to read a source this time: in full every four hours, with the posts to look for."""
    if source.full_check_at is not None and source.full_check_at > now - FULL_CHECK:
        return Plan()
    is_first = source.last_good_at is None
    if is_first or source.kind is not SourceKind.WORDPRESS:
        return Plan(is_whole=True)
    return Plan(is_whole=True, watched=_watched(session, source.id, now=now))


def only_unknown(session: Session, source: Source, feed: ParsedFeed) -> ParsedFeed:
    """A feed without the posts that are stored: for one that tells less than what we have."""
    values = {post.url: telling(post, feed_url=source.url) for post in feed.posts}
    known = _posts_by(session, {value for found in values.values() for value in found})
    return replace(feed, posts=tuple(post for post in feed.posts if not values[post.url] & known.keys()))


def note_reading(session: Session, source: Source, reading: Reading, *, now: dt.datetime) -> None:
    """Note what a reading says of posts that are stored: withdrawn, or there again."""
    if reading.is_whole:
        source.full_check_at = now
    reasons = dict(reading.gone)
    telling_of = {
        value: why for post, why in reading.withheld for value in telling(post, feed_url=source.url)
    }
    for value, post_id in _posts_by(session, telling_of).items():
        reasons[post_id] = telling_of[value]
    withdraw(session, reasons, now=now)
    _take_back(session, source, reading, but=reasons, now=now)


def withdraw(session: Session, reasons: Mapping[int, Withdrawal], *, now: dt.datetime) -> None:
    """Let posts not be offered any more, each for its reason."""
    by_reason = defaultdict(list)
    for post_id, why in reasons.items():
        by_reason[why].append(post_id)
    for why, post_ids in by_reason.items():
        changed = session.scalars(
            sa.update(Post)
            .where(among(session, Post.id, post_ids), Post.withdrawn.is_distinct_from(why))
            .values(withdrawn=why, checked_at=now)
            .returning(Post.id),
            execution_options={"synchronize_session": False},
        ).all()
        if changed:
            log.info("withdrawn", posts=sorted(changed), reason=why.value)


def offer_again(session: Session, post_ids: Iterable[int], *, now: dt.datetime) -> None:
    """Let posts be offered again that were found published."""
    session.execute(
        sa.update(Post)
        .where(among(session, Post.id, list(post_ids)), Post.withdrawn.is_not(None))
        .values(withdrawn=None, checked_at=now),
        execution_options={"synchronize_session": False},
    )


def _take_back(
    session: Session, source: Source, reading: Reading, *, but: Mapping[int, Withdrawal], now: dt.datetime
) -> None:
    """There again is what a record calls published, and what a feed shows some time after the last look."""
    rows = session.execute(
        sa.select(Post.id, Post.checked_at, PostFingerprint.value)
        .join(PostSource, PostSource.post_id == Post.id)
        .join(PostFingerprint, PostFingerprint.post_id == Post.id)
        .where(
            PostSource.source_id == source.id, Post.withdrawn.is_not(None), PostFingerprint.kind.in_(TELLING)
        )
    ).all()
    if not rows or reading.feed is None:
        return
    vouched, shown = set[str](), set[str]()
    for post in reading.feed.posts:
        values = telling(post, feed_url=source.url)
        shown |= values
        if post.url in reading.vouched:
            vouched |= values
    again = {
        post_id
        for post_id, checked_at, value in rows
        if post_id not in but
        and (value in vouched or (value in shown and (checked_at is None or checked_at < now - _OLD_FEED)))
    }
    if again:
        offer_again(session, again, now=now)


def _watched(session: Session, source_id: int, *, now: dt.datetime) -> tuple[Watched, ...]:
    posts = session.execute(
        sa.select(Post.id, Post.url, Post.published_at)
        .join(PostSource, PostSource.post_id == Post.id)
        .where(
            PostSource.source_id == source_id,
            PostSource.is_news,
            Post.withdrawn.is_(None),
            Post.published_at > now - _WATCHED,
        )
        .order_by(Post.published_at.desc(), Post.id.desc())
        .limit(_MOST_WATCHED)
    ).all()
    values = telling_values(session, [row.id for row in posts])
    return tuple(Watched(row.id, row.url, row.published_at, values[row.id]) for row in posts)


def telling_values(session: Session, post_ids: Iterable[int]) -> dict[int, frozenset[str]]:
    """The telling fingerprints of posts, by their ids."""
    post_ids = list(post_ids)
    found = defaultdict[int, set[str]](set)
    for post_id, value in session.execute(
        sa.select(PostFingerprint.post_id, PostFingerprint.value).where(
            among(session, PostFingerprint.post_id, post_ids), PostFingerprint.kind.in_(TELLING)
        )
    ):
        if post_id is not None:
            found[post_id].add(value)
    return {post_id: frozenset(found[post_id]) for post_id in post_ids}


def _posts_by(session: Session, values: Iterable[str]) -> dict[str, int]:
    """The posts that are known by some fingerprints."""
    values = list(values)
    if not values:
        return {}
    rows = session.execute(
        sa.select(PostFingerprint.value, PostFingerprint.post_id).where(
            among_texts(session, PostFingerprint.value, values), PostFingerprint.post_id.is_not(None)
        )
    )
    return {value: post_id for value, post_id in rows if post_id is not None}

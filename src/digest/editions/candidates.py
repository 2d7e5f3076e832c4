"""The posts that could go into an edition, and those that are asked after: sent, withdrawn, known before."""

from __future__ import annotations

import datetime as dt
import functools
import json
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.db.dialect import among, size_of
from digest.editions.matching import Candidate
from digest.editions.rules import Rules, Thin
from digest.models import Cadence, DigestSource, Edition, Post, PostSource, SentItem, Source
from digest.models.source import RESTS_UNTIL

# The newest so many are looked at: beyond them nothing could get into an edition of at most 101 stories.
_MOST = 2000
# Of those that cannot get in: so many are named when somebody asks why.
_MOST_OTHERS = 500
_MOST_AGAIN = 200
_LOOK_BACK_DAYS = 30


def candidates(
    session: Session, edition: Edition, rules: Rules, *, wanted: Collection[int] = ()
) -> list[Candidate]:
    """What selection looks at, by a constant number of statements.

    That is the news which this cadence has not sent, what the thin rule may send again, the posts that
    editors have a word on (`wanted`), and what of the last weeks was sent, withdrawn or known before.
    """
    cadence_id = edition.cadence_id
    is_open = sa.and_(
        _is_carried(cadence_id, PostSource.is_news), ~_was_sent(cadence_id), Post.withdrawn.is_(None)
    )
    newest = (Post.published_at.desc(), Post.id.desc())
    back = dt.timedelta(days=max(rules.recent.days, _LOOK_BACK_DAYS))
    others = sa.and_(Post.published_at >= edition.send_at - back, _is_carried(cadence_id), sa.not_(is_open))
    queries = [
        _posts(session, cadence_id).where(is_open).order_by(*newest).limit(_MOST),
        _posts(session, cadence_id).where(others).order_by(*newest).limit(_MOST_OTHERS),
    ]
    if wanted:
        queries.append(_posts(session, cadence_id).where(among(session, Post.id, sorted(wanted))))
    if rules.thin.then is Thin.RERUN:
        before = edition.send_at - dt.timedelta(days=rules.thin.again_after_days)
        sent = _sent(cadence_id)
        again = sa.select(sent.c.post_id).where(sent.c.sent_at <= before)
        again = again.order_by(sent.c.sent_at.desc(), sent.c.post_id.desc()).limit(_MOST_AGAIN)
        queries.append(_posts(session, cadence_id).where(Post.id.in_(again), _is_carried(cadence_id)))
    rows = {row.id: row for query in queries for row in session.execute(query)}
    sources: dict[int, list[int]] = {}
    carried = (
        sa.select(PostSource.post_id, PostSource.source_id)
        .join(DigestSource, DigestSource.source_id == PostSource.source_id)
        .join(Cadence, Cadence.digest_id == DigestSource.digest_id)
        .where(Cadence.id == cadence_id, among(session, PostSource.post_id, sorted(rows)))
        .order_by(PostSource.source_id)
    )
    for post_id, source_id in session.execute(carried):
        sources.setdefault(post_id, []).append(source_id)
    return list(_candidates(rows.values(), sources))


def _candidates(rows: Collection[Any], sources: dict[int, list[int]]) -> Iterator[Candidate]:
    for row in rows:
        yield Candidate(
            post_id=row.id,
            published_at=row.published_at,
            title=row.title,
            author=row.author,
            categories=_names(row.categories),
            tags=_names(row.tags),
            sources=tuple(sources.get(row.id, ())),
            length=row.length or 0,
            embargo_until=row.embargo_until,
            withdrawn=row.withdrawn,
            is_news=row.is_news,
            sent_at=row.sent_at,
            times_sent=row.times_sent or 0,
        )


@functools.lru_cache(maxsize=4096)
def _names(stored: str) -> tuple[str, ...]:
    return tuple(json.loads(stored))


def _posts(session: Session, cadence_id: int) -> sa.Select[*tuple[Any, ...]]:
    sent = _sent(cadence_id)
    return sa.select(
        Post.id,
        Post.published_at,
        Post.title,
        Post.author,
        # As they are stored: thousands of posts have a few dozen different ones, each of which is read once.
        sa.cast(Post.categories, sa.Text).label("categories"),
        sa.cast(Post.tags, sa.Text).label("tags"),
        Post.embargo_until,
        Post.withdrawn,
        size_of(session, Post.body_html).label("length"),
        _is_carried(cadence_id, PostSource.is_news).label("is_news"),
        sent.c.sent_at,
        sent.c.times_sent,
    ).outerjoin(sent, sent.c.post_id == Post.id)


def _sent(cadence_id: int) -> sa.Subquery:
    """What this cadence has sent: when last, and how often."""
    return (
        sa.select(
            SentItem.post_id,
            sa.func.max(Edition.send_at).label("sent_at"),
            sa.func.count().label("times_sent"),
        )
        .join(Edition, Edition.id == SentItem.edition_id)
        .where(SentItem.cadence_id == cadence_id)
        .group_by(SentItem.post_id)
        .subquery("sent")
    )


def _was_sent(cadence_id: int) -> sa.ColumnElement[bool]:
    return sa.exists().where(SentItem.cadence_id == cadence_id, SentItem.post_id == Post.id)


def _is_carried(cadence_id: int, *conditions: Any) -> sa.ColumnElement[bool]:
    """Whether a source of the cadence's digest has the post."""
    return (
        sa.exists()
        .where(
            PostSource.post_id == Post.id,
            PostSource.source_id == DigestSource.source_id,
            DigestSource.digest_id == Cadence.digest_id,
            Cadence.id == cadence_id,
            *conditions,
        )
        .correlate(Post)
    )


def is_carried(session: Session, edition: Edition, post_id: int) -> bool:
    """Whether a post is one of a source of the edition's digest."""
    return bool(session.scalar(sa.select(Post.id).where(Post.id == post_id, _is_carried(edition.cadence_id))))


def posts_in_order(session: Session, post_ids: Sequence[int]) -> list[Post]:
    """The chosen posts, in the order of their ids as given."""
    found = {post.id: post for post in session.scalars(sa.select(Post).where(Post.id.in_(post_ids)))}
    return [found[post_id] for post_id in post_ids]


def source_titles(session: Session, edition: Edition) -> dict[int, str]:
    """What the sources of an edition's digest are called."""
    rows = session.execute(
        sa.select(Source.id, Source.title, Source.url)
        .join(DigestSource, DigestSource.source_id == Source.id)
        .join(Cadence, Cadence.digest_id == DigestSource.digest_id)
        .where(Cadence.id == edition.cadence_id)
    )
    return {row.id: row.title or row.url for row in rows}


def sources_to_collect(session: Session, edition: Edition, *, before: dt.datetime) -> list[int]:
    """The sources of an edition's digest that were last fetched before a moment, or never."""
    return list(
        session.scalars(
            sa.select(Source.id)
            .join(DigestSource, DigestSource.source_id == Source.id)
            .join(Cadence, Cadence.digest_id == DigestSource.digest_id)
            .where(
                Cadence.id == edition.cadence_id,
                Source.next_fetch_at < RESTS_UNTIL,
                sa.or_(Source.last_fetch_at.is_(None), Source.last_fetch_at < before),
            )
            .order_by(Source.id)
        )
    )


def all_sources_are_down(session: Session, edition: Edition) -> bool:
    """Whether there are sources and each of them has a fault now."""
    faults = session.scalars(
        sa.select(Source.fault_code)
        .join(DigestSource, DigestSource.source_id == Source.id)
        .join(Cadence, Cadence.digest_id == DigestSource.digest_id)
        .where(Cadence.id == edition.cadence_id)
    ).all()
    return bool(faults) and all(faults)

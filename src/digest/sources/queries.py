"""Reads of sources: with the digests that draw from them, what is due, what a source holds."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.models import Digest, DigestSource, Post, PostSource, Source
from digest.models.source import AWAY_UNTIL


@dataclass(frozen=True, slots=True)
class SourceOverview:
    """A source, the names of the digests that draw from it, and how many posts it has brought.

    `news` counts those that may go into an edition: not the ones that were there when it was added.
    """

    source: Source
    digests: tuple[str, ...]
    posts: int
    news: int


def all_sources(session: Session) -> list[SourceOverview]:
    """Every source in the order they were added; three statements, however many there are."""
    there = sa.select(Source).where(Source.next_fetch_at < AWAY_UNTIL)
    return overviews(session, list(session.scalars(there.order_by(Source.id))))


def one_source(session: Session, source: Source) -> SourceOverview:
    """One source as `all_sources` shows it."""
    return overviews(session, [source])[0]


def newest_posts(session: Session, source_id: int, *, limit: int = 10) -> list[tuple[Post, bool]]:
    """The newest posts of a source, each with whether it is news."""
    rows = session.execute(
        sa.select(Post, PostSource.is_news)
        .join(PostSource, PostSource.post_id == Post.id)
        .where(PostSource.source_id == source_id)
        .order_by(Post.published_at.desc(), Post.id.desc())
        .limit(limit)
    )
    return [(post, is_news) for post, is_news in rows]


def due_sources(session: Session, *, now: dt.datetime) -> list[Source]:
    """The sources whose next fetch has come, the longest waiting first; nothing is claimed."""
    return list(
        session.scalars(sa.select(Source).where(Source.next_fetch_at <= now).order_by(Source.next_fetch_at))
    )


def sources_of(session: Session, digest_id: int) -> list[Source]:
    """The sources that a digest draws from."""
    return list(
        session.scalars(
            sa.select(Source)
            .join(DigestSource, DigestSource.source_id == Source.id)
            .where(DigestSource.digest_id == digest_id)
            .order_by(Source.id)
        )
    )


def overviews(session: Session, sources: list[Source]) -> list[SourceOverview]:
    """These sources with what hangs on them: two statements."""
    ids = [source.id for source in sources]
    names: dict[int, list[str]] = {}
    for source_id, name in session.execute(
        sa.select(DigestSource.source_id, Digest.name)
        .join(Digest, Digest.id == DigestSource.digest_id)
        .where(DigestSource.source_id.in_(ids))
        .order_by(Digest.name)
    ):
        names.setdefault(source_id, []).append(name)
    news = sa.func.sum(sa.case((PostSource.is_news, 1), else_=0))
    counts = {
        row[0]: (int(row[1]), int(row[2]))
        for row in session.execute(
            sa.select(PostSource.source_id, sa.func.count(), news)
            .where(PostSource.source_id.in_(ids))
            .group_by(PostSource.source_id)
        )
    }
    return [
        SourceOverview(source, tuple(names.get(source.id, ())), *counts.get(source.id, (0, 0)))
        for source in sources
    ]

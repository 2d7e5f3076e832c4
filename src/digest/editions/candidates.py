"""The posts that could go into an edition, and the stories made of those that were chosen."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.editions.select import Candidate, Rules
from digest.models import Cadence, Digest, DigestSource, Edition, Post, PostSource, SentItem, Source

# The newest so many are looked at: beyond them nothing could get into an edition of at most 101 stories.
_MOST = 2000


def candidates(session: Session, edition: Edition) -> list[Candidate]:
    """News from the digest's sources that this cadence has not sent yet."""
    was_sent = sa.exists().where(SentItem.cadence_id == edition.cadence_id, SentItem.post_id == Post.id)
    is_news = sa.exists().where(
        PostSource.post_id == Post.id,
        PostSource.is_news,
        PostSource.source_id == DigestSource.source_id,
        DigestSource.digest_id == Cadence.digest_id,
        Cadence.id == edition.cadence_id,
    )
    rows = session.execute(
        sa.select(Post.id, Post.published_at, Post.author, Post.categories, Post.tags)
        .where(is_news, ~was_sent, Post.withdrawn.is_(None))
        .order_by(Post.published_at.desc(), Post.id.desc())
        .limit(_MOST)
    )
    return [
        Candidate(
            post_id=row.id,
            published_at=row.published_at,
            author=row.author,
            categories=tuple(row.categories),
            tags=tuple(row.tags),
        )
        for row in rows
    ]


def rules_of(digest: Digest) -> Rules:
    """The digest's rules, as selection looks at them."""
    return Rules(
        featured_by=digest.featured_by,
        featured_value=digest.featured_value,
        recent_most=digest.recent_most,
        recent_least=digest.recent_least,
        recent_days=digest.recent_days,
    )


def posts_in_order(session: Session, post_ids: Sequence[int]) -> list[Post]:
    """The chosen posts, in the order of their ids as given."""
    found = {post.id: post for post in session.scalars(sa.select(Post).where(Post.id.in_(post_ids)))}
    return [found[post_id] for post_id in post_ids]


def sources_to_collect(session: Session, edition: Edition, *, before: dt.datetime) -> list[int]:
    """The sources of an edition's digest that were last fetched before a moment, or never."""
    return list(
        session.scalars(
            sa.select(Source.id)
            .join(DigestSource, DigestSource.source_id == Source.id)
            .join(Cadence, Cadence.digest_id == DigestSource.digest_id)
            .where(
                Cadence.id == edition.cadence_id,
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

"""Posts as a source has brought them in the days before: one a moment, each by a collection of its own."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from urllib.parse import urljoin

from sqlalchemy.orm import Session

from digest.models import Fetch, Post, PostSource, Source


def make_arrivals(session: Session, source: Source, moments: Iterable[tuple[dt.datetime, int]]) -> list[int]:
    """A post for each moment, dated to it and seen five minutes later; the numbers tell the titles apart."""
    made = []
    for moment, number in sorted(moments):
        seen_at = moment + dt.timedelta(minutes=5)
        post = Post(
            url=urljoin(source.url, f"/posts/{1_000 + number}/"),
            title=f"What is usual, number {number}",
            author="",
            published_at=moment,
            content_fingerprint="0" * 64,
            first_seen_at=seen_at,
            changed_at=seen_at,
        )
        session.add(post)
        session.flush()
        session.add(PostSource(source_id=source.id, post_id=post.id, is_news=True, seen_at=seen_at))
        session.add(Fetch(source_id=source.id, at=seen_at, status=200, posts=20, new=1))
        made.append(post.id)
    source.last_good_at = max(moment for moment, _ in moments) if made else None
    source.created_at = source.news_since = min(moment for moment, _ in moments) - dt.timedelta(days=1)
    session.flush()
    return made

"""Posts that are looked at once more: what is known of them, whom to ask, and what was found."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.db.dialect import among
from digest.feeds.links import host_of
from digest.feeds.stored_pictures import as_said
from digest.feeds.types import ParsedPost, Picture
from digest.feeds.wordpress_addresses import Wanted, guessed_api, wanted_part
from digest.models import Post, PostSource, Source, SourceKind, Withdrawal
from digest.sources.withdrawals import telling_values


@dataclass(frozen=True, slots=True)
class Chosen:
    """A post to look at; where its site is a WordPress, whom to ask for its record.

    `picture` is the picture as it is stored, with our copy of it.
    """

    post_id: int
    stored: ParsedPost
    content: str
    known_by: frozenset[str]
    picture: Mapping[str, Any] | None = None
    source_url: str = ""
    api: str | None = None
    wanted: Wanted = field(default_factory=Wanted)


@dataclass(slots=True)
class Found:
    """What the looks at one host have found. `pictures` are those that pages name, of posts without one."""

    there: set[int] = field(default_factory=set)
    dropped: dict[int, Withdrawal] = field(default_factory=dict)
    unknown: dict[int, str] = field(default_factory=dict)
    edits: dict[int, ParsedPost] = field(default_factory=dict)
    pictures: dict[int, Picture] = field(default_factory=dict)


def chosen_posts(session: Session, post_ids: Collection[int]) -> list[Chosen]:
    """What is known of some posts."""
    posts = session.scalars(sa.select(Post).where(among(session, Post.id, list(post_ids)))).all()
    values = telling_values(session, post_ids)
    sources: dict[int, Source] = {}
    for post_id, source in session.execute(
        sa.select(PostSource.post_id, Source)
        .join(Source, Source.id == PostSource.source_id)
        .where(among(session, PostSource.post_id, list(post_ids)), Source.kind == SourceKind.WORDPRESS)
        .order_by(Source.id)
    ):
        sources.setdefault(post_id, source)
    return [_one(post, values[post.id], sources.get(post.id)) for post in posts]


def _one(post: Post, known_by: frozenset[str], source: Source | None) -> Chosen:
    stored = ParsedPost(
        guid="",
        url=post.url,
        title=post.title,
        author=post.author,
        categories=tuple(post.categories),
        tags=tuple(post.tags),
        published_at=post.published_at,
        excerpt=post.excerpt,
        body_html=post.body_html,
        picture=as_said(post.picture) if post.picture else None,
        language=post.language,
        modified_at=post.modified_at,
    )
    if source is None or host_of(source.url) != host_of(post.url):
        return Chosen(post.id, stored, post.content_fingerprint, known_by, post.picture)
    return Chosen(
        post.id,
        stored,
        post.content_fingerprint,
        known_by,
        post.picture,
        source_url=source.url,
        api=source.api_url or guessed_api(source.url),
        wanted=wanted_part(source.query or {}),
    )

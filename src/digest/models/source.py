"""Sources, the posts collected from them, and the fingerprints by which a post is known again."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from digest.db import Base, BigId, Json, UtcDateTime, choice


class SourceKind(StrEnum):
    FEED = "feed"


class Source(Base):
    """A site we collect from. `fault_code` is what is wrong now; None after a good fetch."""

    __tablename__ = "sources"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[SourceKind] = mapped_column(choice(SourceKind, "kind"), default=SourceKind.FEED)
    url: Mapped[str] = mapped_column(sa.Text, unique=True)
    title: Mapped[str] = mapped_column(sa.Text, default="")
    language: Mapped[str | None] = mapped_column(sa.String(35))
    # Posts published before this moment are known but never news: they were there when we came.
    news_since: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    etag: Mapped[str | None] = mapped_column(sa.Text)
    last_modified: Mapped[str | None] = mapped_column(sa.Text)
    next_fetch_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, index=True)
    last_fetch_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    last_good_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    fault_code: Mapped[str | None] = mapped_column(sa.String(40))
    fault_detail: Mapped[str] = mapped_column(sa.Text, default="")
    faults_in_a_row: Mapped[int] = mapped_column(default=0)
    oddities: Mapped[list[str]] = mapped_column(Json, default=list)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class Post(Base):
    """One collected article: plain texts, a sanitised body."""

    __tablename__ = "posts"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    url: Mapped[str] = mapped_column(sa.Text)
    title: Mapped[str] = mapped_column(sa.Text)
    author: Mapped[str] = mapped_column(sa.Text, default="")
    categories: Mapped[list[str]] = mapped_column(Json, default=list)
    tags: Mapped[list[str]] = mapped_column(Json, default=list)
    language: Mapped[str | None] = mapped_column(sa.String(35))
    # The feed's date, or the moment we first saw the post where it has none.
    published_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, index=True)
    excerpt: Mapped[str] = mapped_column(sa.Text, default="")
    body_html: Mapped[str] = mapped_column(sa.Text, default="")
    picture: Mapped[dict[str, Any] | None] = mapped_column(Json)
    content_fingerprint: Mapped[str] = mapped_column(sa.String(64))
    first_seen_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    changed_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class PostSource(Base):
    """A post as one source carries it: the same article often stands in several feeds of a site."""

    __tablename__ = "post_sources"

    source_id: Mapped[int] = mapped_column(sa.ForeignKey("sources.id", ondelete="CASCADE"), primary_key=True)
    post_id: Mapped[int] = mapped_column(
        sa.ForeignKey("posts.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    # False for what was already there when the source was added: known, but never offered as news.
    is_news: Mapped[bool] = mapped_column(default=True)
    seen_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class PostFingerprint(Base):
    """One way to know a post again. Kept when the post is purged, so that it never comes back as new."""

    __tablename__ = "post_fingerprints"

    value: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(24))
    post_id: Mapped[int | None] = mapped_column(sa.ForeignKey("posts.id", ondelete="SET NULL"), index=True)
    first_seen_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)

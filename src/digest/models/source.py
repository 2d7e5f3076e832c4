"""Sources, the posts collected from them, and the fingerprints by which a post is known again."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from digest.db import Base, BigId, Json, UtcDateTime, choice

# The moments of the next reading that never come: of a source that rests, and of one that was taken away.
# By them a source is due for nobody, without a column that every look at the due ones would have to ask.
RESTS_UNTIL: Final = dt.datetime(9000, 1, 1, tzinfo=dt.UTC)
AWAY_UNTIL: Final = dt.datetime(9500, 1, 1, tzinfo=dt.UTC)
_OWN: Final = "own"  # in `query`: what the desk has said of a source


class SourceKind(StrEnum):
    FEED = "feed"
    WORDPRESS = "wordpress"  # its feed tells what is new, its REST interface the rest


class Withdrawal(StrEnum):
    """Why a post is not offered any more, though its site has not been mailed about it."""

    GONE = "gone"  # 404 or 410
    FORBIDDEN = "forbidden"  # 401
    UNPUBLISHED = "unpublished"  # a draft again, private, or in the bin
    PROTECTED = "protected"  # behind a password
    KEPT_OUT = "kept_out"  # its site marks it as not for the digest


class Source(Base):
    """A site we collect from. `fault_code` is what is wrong now; None after a good fetch.

    `query` is the part of a WordPress site that is wanted: categories, tags, language; under `own` it holds
    what the desk says of any source. `alarms` are what is
    odd about the source as a whole, each with its code and its facts.
    """

    __tablename__ = "sources"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[SourceKind] = mapped_column(choice(SourceKind, "kind"), default=SourceKind.FEED)
    url: Mapped[str] = mapped_column(sa.Text, unique=True)
    title: Mapped[str] = mapped_column(sa.Text, default="")
    language: Mapped[str | None] = mapped_column(sa.String(35))
    # Posts published before this moment are known but never news: they were there when we came.
    news_since: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    # Of a WordPress site: where its REST interface begins.
    api_url: Mapped[str | None] = mapped_column(sa.Text)
    query: Mapped[dict[str, Any]] = mapped_column(Json, default=dict, server_default=sa.text("'{}'"))
    etag: Mapped[str | None] = mapped_column(sa.Text)
    last_modified: Mapped[str | None] = mapped_column(sa.Text)
    next_fetch_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, index=True)
    last_fetch_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    last_good_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    last_new_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    # When it was last read whole: a site may say "not modified" of a feed that has changed.
    full_check_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    fault_code: Mapped[str | None] = mapped_column(sa.String(40))
    fault_detail: Mapped[str] = mapped_column(sa.Text, default="")
    faults_in_a_row: Mapped[int] = mapped_column(default=0)
    # Each a code with its figures, or a sentence that an earlier release kept (`feeds.oddities`).
    oddities: Mapped[list[dict[str, Any] | str]] = mapped_column(Json, default=list)
    alarms: Mapped[list[dict[str, Any]]] = mapped_column(Json, default=list, server_default=sa.text("'[]'"))
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)

    @property
    def rests(self) -> bool:
        """Whether nobody reads it: it is paused, or taken away."""
        return self.next_fetch_at is not None and self.next_fetch_at >= RESTS_UNTIL

    @property
    def is_away(self) -> bool:
        """Whether it was taken away; what it has brought is kept, and it can come back."""
        return self.next_fetch_at is not None and self.next_fetch_at >= AWAY_UNTIL

    @property
    def read_next_at(self) -> dt.datetime | None:
        """When it is read the next time; None if it rests."""
        return None if self.rests else self.next_fetch_at

    @property
    def own_title(self) -> str:
        """What the desk calls it; "" if it goes by its site's own name."""
        return str(self._own().get("title", ""))

    @property
    def former(self) -> list[dict[str, Any]]:
        """Where it was read before, the last one first: what a source is made of, each with its `url`."""
        return [dict(one) for one in self._own().get("was", [])]

    def say_own(self, name: str, value: Any) -> None:
        """Note something that the desk says of it; nothing takes it out."""
        own = {key: kept for key, kept in {**self._own(), name: value}.items() if kept}
        rest = {key: kept for key, kept in (self.query or {}).items() if key != _OWN}
        self.query = rest | ({_OWN: own} if own else {})

    def _own(self) -> dict[str, Any]:
        own = (self.query or {}).get(_OWN, {})
        return own if isinstance(own, dict) else {}


class Fetch(Base):
    """One answer of a source: the last of them are kept, to see how it does."""

    __tablename__ = "fetches"
    __table_args__ = (sa.Index("ix_fetches_source_id", "source_id", "id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    source_id: Mapped[int] = mapped_column(sa.ForeignKey("sources.id", ondelete="CASCADE"))
    at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    status: Mapped[int | None] = mapped_column()  # of HTTP; None if there was no answer
    fault_code: Mapped[str | None] = mapped_column(sa.String(40))
    posts: Mapped[int] = mapped_column(default=0)
    new: Mapped[int] = mapped_column(default=0)
    changed: Mapped[int] = mapped_column(default=0)
    size: Mapped[int] = mapped_column(default=0)  # bytes
    milliseconds: Mapped[int] = mapped_column(default=0)


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
    # Our own copy of the picture, and when we last tried to make one.
    picture_asset_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("assets.id", ondelete="SET NULL"), index=True
    )
    picture_tried_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    # When the site says it was last changed.
    modified_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    # Not to be mailed before this moment.
    embargo_until: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    withdrawn: Mapped[Withdrawal | None] = mapped_column(choice(Withdrawal, "withdrawn"))
    # When its own page or its site's record of it was last looked at.
    checked_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
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

"""A WordPress site and a source of it: what is collected, and what is offered to an edition."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import sqlalchemy as sa

from digest.db import Database
from digest.models import Post, PostSource, Source, SourceKind
from digest.net.http import Fetcher
from digest.sources.catalogue import add_source
from digest.sources.collect import Collected, collect
from digest.sources.recheck import Rechecked, recheck
from tests.servers.wordpress_site import WordPressSite

INTERVAL = dt.timedelta(minutes=15)
FULL = dt.timedelta(hours=5)  # after so long all is looked at again


@dataclass
class Newsroom:
    """What the tests move: the site, and the clock that both sides share."""

    database: Database
    site: WordPressSite
    fetcher: Fetcher
    source_id: int

    def collect(self, *, after: dt.timedelta = INTERVAL) -> Collected:
        self.site.now += after
        return collect(self.database, self.source_id, self.fetcher, interval=INTERVAL, now=self.site.now)

    def offered(self) -> list[str]:
        """The titles that an edition could take, the newest first."""
        with self.database.read() as session:
            return list(
                session.scalars(
                    sa.select(Post.title)
                    .join(PostSource, PostSource.post_id == Post.id)
                    .where(PostSource.source_id == self.source_id, PostSource.is_news)
                    .where(Post.withdrawn.is_(None))
                    .order_by(Post.published_at.desc(), Post.id.desc())
                )
            )

    def post(self, title: str) -> Post:
        with self.database.read() as session:
            return session.scalars(sa.select(Post).where(Post.title == title)).one()

    def source(self) -> Source:
        with self.database.read() as session:
            return session.get_one(Source, self.source_id)

    def set_source(self, **values: object) -> None:
        with self.database.write() as session:
            session.execute(sa.update(Source).where(Source.id == self.source_id).values(**values))

    def recheck(self, *titles: str, seconds: float = 30.0) -> Rechecked:
        ids = [self.post(title).id for title in titles]
        return recheck(self.database, ids, self.fetcher, now=self.site.now, seconds=seconds)


@contextmanager
def wordpress_newsroom(database: Database, **query: object) -> Iterator[Newsroom]:
    """A newsroom with an empty site."""
    now = dt.datetime.now(dt.UTC).replace(microsecond=0) - dt.timedelta(days=2)
    with WordPressSite(now) as site, Fetcher([site.host]) as fetcher:
        with database.write() as session:
            source = add_source(
                session, site.url("/feed/"), backlog=dt.timedelta(days=7), actor="test", now=now
            )
            source.kind, source.api_url, source.query = (
                SourceKind.WORDPRESS,
                site.url("/wp-json/"),
                dict(query),
            )
            newsroom = Newsroom(database, site, fetcher, source.id)
        yield newsroom

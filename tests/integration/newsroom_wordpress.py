"""A WordPress site, a source of it and an edition to come: what is collected, and what is offered."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import sqlalchemy as sa

from digest.db import Database
from digest.editions.cadences import add_extra
from digest.editions.candidates import candidates
from digest.editions.digests import use_sources
from digest.models import Edition, Post, Source, SourceKind
from digest.net.http import Fetcher
from digest.sources.catalogue import add_source
from digest.sources.collect import Collected, collect
from digest.sources.recheck import Rechecked, recheck
from tests.factories import make_cadence, make_digest
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
    edition_id: int

    def collect(self, *, after: dt.timedelta = INTERVAL) -> Collected:
        self.site.now += after
        return collect(self.database, self.source_id, self.fetcher, interval=INTERVAL, now=self.site.now)

    def offered(self) -> list[str]:
        """The titles that an edition could take, the newest first."""
        with self.database.read() as session:
            edition = session.get_one(Edition, self.edition_id)
            ids = [one.post_id for one in candidates(session, edition)]
            posts = [session.get_one(Post, post_id) for post_id in ids]
            return [post.title for post in posts if post.withdrawn is None]

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
            digest = make_digest(session)
            use_sources(session, digest, [source], actor="test", now=now)
            cadence = make_cadence(session, digest)
            edition = add_extra(session, cadence, due_at=now, actor="test", now=now)
            newsroom = Newsroom(database, site, fetcher, source.id, edition.id)
        yield newsroom

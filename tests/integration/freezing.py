"""A digest whose one site tests move, its freeze, and what comes after it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from digest import clock
from digest.db import Database
from digest.deliveries.handover import go_on
from digest.deliveries.plan import plan
from digest.editions.cadences import add_extra
from digest.editions.digests import use_sources
from digest.editions.freeze import FreezeSettings, freeze
from digest.models import (
    Cadence,
    Digest,
    Edition,
    EditionState,
    FeaturedBy,
    Item,
    Reason,
    Source,
)
from digest.net.http import Fetcher
from digest.sources.catalogue import add_source
from tests.factories import make_cadence, make_digest, make_list, make_subscriber, make_subscription
from tests.feeds import FeedPost, rss
from tests.servers.news_site import NewsSite, Page

LEAD = dt.timedelta(minutes=2)


@dataclass
class Room:
    """A digest with one source and one cadence that no scheduler runs."""

    database: Database
    site: NewsSite
    fetcher: Fetcher
    digest_id: int
    cadence_id: int

    def publish(self, *posts: FeedPost) -> None:
        """What the feed holds from now on, fetched anew by the next freeze."""
        body = rss(posts, site=self.site.url("").rstrip("/"))
        self.site.put("/feed/", Page(body=body))
        with self.database.write() as session:
            session.execute(sa.update(Source).values(last_fetch_at=None))

    def change(self, **values: object) -> None:
        """Change the digest's settings."""
        with self.database.write() as session:
            session.execute(sa.update(Digest).values(**values))

    def edition(self, *, due: dt.datetime | None = None) -> int:
        """An extra edition; its id."""
        now = clock.utc_now()
        with self.database.write() as session:
            cadence = session.get_one(Cadence, self.cadence_id)
            return add_extra(session, cadence, due_at=due or now, actor="test", now=now).id

    def freeze(self, edition_id: int, *, templates: Path | None = None) -> EditionState | None:
        settings = FreezeSettings(
            self.fetcher, "https://digest.courier.example", templates, dt.timedelta(minutes=15), LEAD
        )
        return freeze(self.database, edition_id, settings)

    def plan(self, edition_id: int) -> int:
        with self.database.write() as session:
            return plan(session, edition_id, now=clock.utc_now())

    def go_on(self, *, later: dt.timedelta = dt.timedelta(0)) -> None:
        with self.database.write() as session:
            go_on(session, now=clock.utc_now() + later)

    def add_reader(self) -> None:
        with self.database.write() as session:
            mailing_list = make_list(session, session.get_one(Digest, self.digest_id))
            make_subscription(session, mailing_list, make_subscriber(session))

    def get(self, edition_id: int) -> Edition:
        with self.database.read() as session:
            return session.get_one(Edition, edition_id)

    def why(self, edition_id: int) -> tuple[EditionState, Reason | None]:
        found = self.get(edition_id)
        return found.state, found.reason

    def titles(self, edition_id: int) -> list[str]:
        """The stories of an edition's revision, in order."""
        with self.database.read() as session:
            revision = session.get_one(Edition, edition_id).revision_id
            rows = session.scalars(
                sa.select(Item.story).where(Item.revision_id == revision).order_by(Item.position)
            )
            return [story["title"] for story in rows]

    def count(self, table: type) -> int:
        with self.database.read() as session:
            return session.scalar(sa.select(sa.func.count()).select_from(table)) or 0


@pytest.fixture
def room(database: Database) -> Iterator[Room]:
    """A newsroom whose site can be read."""
    now = clock.utc_now()
    # What is logged is kept, not shown: showing the trace of an error takes longer than the rest of a test.
    with capture_logs(), NewsSite() as site, Fetcher([site.host]) as fetcher:
        with database.write() as session:
            digest = make_digest(
                session, featured_by=FeaturedBy.CATEGORY, featured_value="Commentary", recent_least=0
            )
            cadence = make_cadence(session, digest, is_running=False)
            source = add_source(
                session, site.url("/feed/"), backlog=dt.timedelta(days=7), actor="test", now=now
            )
            use_sources(session, digest, [source], actor="test", now=now)
        yield Room(database, site, fetcher, digest.id, cadence.id)


def post(number: int, title: str = "", *, hours: float = 2, **values: str) -> FeedPost:
    """A story of some hours ago."""
    return FeedPost(number, title or f"Story {number}", clock.utc_now() - dt.timedelta(hours=hours), **values)

"""A flood of sudden stories, from the tick that locks their edition to its end: nothing is mailed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from digest import clock
from digest.db import Database
from digest.deliveries.plan import plan
from digest.deliveries.sweep import SweepSettings, tick
from digest.editions.accept import mark_as_seen
from digest.editions.cadences import add_extra
from digest.editions.digests import use_sources
from digest.editions.freeze import FreezeSettings, freeze
from digest.editions.remarks import remark_sentence
from digest.i18n import translator
from digest.models import (
    Batch,
    Delivery,
    Edition,
    EditionState,
    Fallback,
    FeaturedBy,
    Fetch,
    Item,
    Notice,
    Post,
    PostSource,
    Reason,
    SentItem,
    Source,
)
from digest.net.http import Fetcher
from digest.queueing.names import TaskName
from digest.sources.breaker import OddityCode
from digest.sources.catalogue import add_source
from digest.sources.collect import collect
from tests.factories import make_cadence, make_digest, make_list, make_readers
from tests.feeds import FeedPost, rss
from tests.integration.arrivals import make_arrivals
from tests.integration.hints import taken
from tests.servers.news_site import NewsSite, Page

HOUR, DAY, MINUTE = dt.timedelta(hours=1), dt.timedelta(days=1), dt.timedelta(minutes=1)
SECOND = dt.timedelta(seconds=1)
LEAD = dt.timedelta(minutes=2)
A_COLLECTION = 500  # posts: of a feed no more are read at once
MAILING = {TaskName.PLAN, TaskName.SEND_BATCH, TaskName.SEND_NOTICES}


@dataclass
class Paper:
    """A paper of two stories a day, with readers, and an edition that goes out in some minutes."""

    database: Database
    site: NewsSite
    fetcher: Fetcher
    now: dt.datetime
    source_id: int
    edition_id: int

    def publish(self, count: int) -> None:
        """So many stories on the site, a feed full at a time; the last of them only the freeze will read."""
        for begin in range(0, count, A_COLLECTION):
            is_last = begin + A_COLLECTION >= count
            at = self.now - (MINUTE if is_last else HOUR - MINUTE * (begin / A_COLLECTION))
            posts = (
                FeedPost(10_000 + number, f"Sudden story {number}", at - number * SECOND)
                for number in range(begin, min(begin + A_COLLECTION, count))
            )
            self.site.put("/feed/", Page(rss(posts, site=self.site.url("").rstrip("/"))))
            if not is_last:
                done = collect(self.database, self.source_id, self.fetcher, interval=HOUR, now=at)
                assert (done.new, done.fault) == (A_COLLECTION, None)
        with self.database.write() as session:
            session.get_one(Source, self.source_id).last_fetch_at = None

    def flood(self, count: int) -> None:
        """So many stories that have come in within the hour, by as many collections as they take."""
        with self.database.write() as session:
            for begin in range(0, count, A_COLLECTION):
                numbers = range(begin, min(begin + A_COLLECTION, count))
                _collected(
                    session, self.source_id, numbers, at=self.now - HOUR + MINUTE * (begin / A_COLLECTION)
                )

    def tick(self, now: dt.datetime) -> set[TaskName]:
        """Let the clock strike, and do as the worker that is told to lock; of what it gave hints."""
        tick(self.database, SweepSettings(LEAD, HOUR), now=now)
        hints = taken()
        for task, ids in hints:
            if task is TaskName.FREEZE:
                self.freeze(*ids)
            elif task is TaskName.PLAN:
                with self.database.write() as session:
                    plan(session, *ids, now=now)
        return {task for task, _ in hints}

    def freeze(self, edition_id: int) -> None:
        freeze(
            self.database,
            edition_id,
            FreezeSettings(self.fetcher, "https://digest.courier.example", None, HOUR, LEAD),
        )

    def edition(self) -> Edition:
        with self.database.read() as session:
            return session.get_one(Edition, self.edition_id)

    def rows(self, *tables: type[Batch | Delivery | Item | Notice | SentItem]) -> list[int]:
        with self.database.read() as session:
            return [session.scalar(sa.select(sa.func.count()).select_from(table)) or 0 for table in tables]


def _collected(session: Session, source_id: int, numbers: range, *, at: dt.datetime) -> None:
    plain = {"author": "", "content_fingerprint": "0" * 64, "first_seen_at": at, "changed_at": at}
    rows = [
        {
            "url": f"https://courier.example/flood/{number}/",
            "title": f"Sudden story {number}",
            "published_at": at - number * dt.timedelta(seconds=1),
            **plain,
        }
        for number in numbers
    ]
    posts = session.scalars(sa.insert(Post).returning(Post.id), rows).all()
    seen = [{"source_id": source_id, "post_id": post_id, "is_news": True, "seen_at": at} for post_id in posts]
    # With RETURNING, many rows go by one statement.
    session.scalars(sa.insert(PostSource).returning(PostSource.post_id), seen).all()
    session.add(Fetch(source_id=source_id, at=at, status=200, posts=len(rows), new=len(rows)))


@pytest.fixture
def paper(database: Database) -> Iterator[Paper]:
    now = clock.utc_now()
    taken()  # what an earlier test has left
    with capture_logs(), NewsSite() as site, Fetcher([site.host]) as fetcher:
        with database.write() as session:
            digest = make_digest(session, featured_by=FeaturedBy.NONE, recent_least=0)
            cadence = make_cadence(session, digest, is_running=False, hold_outcome=Fallback.SKIP)
            cadence.created_at = now - 12 * HOUR  # since when news is looked at
            make_readers(session, make_list(session, digest), ["ani@mail.test", "bob@mail.test"])
            source = add_source(session, site.url("/feed/"), backlog=HOUR, actor="test", now=now)
            use_sources(session, digest, [source], actor="test", now=now)
            usual = [
                (now - day * DAY - hour * HOUR, 2 * day + hour) for day in range(1, 15) for hour in (0, 1)
            ]
            make_arrivals(session, source, usual)
            source.last_fetch_at = now  # what it has is here already
            source.next_fetch_at = now + DAY
            edition_id = add_extra(session, cadence, due_at=now + 5 * MINUTE, actor="test", now=now).id
        yield Paper(database, site, fetcher, now, source.id, edition_id)
        taken()


@pytest.mark.parametrize("count", [10, 5_000])
def test_a_flood_is_held_and_nobody_gets_any_of_it(paper: Paper, count: int) -> None:
    """Held with the list of what is odd; no plan, no batch, no mail, neither at the slot nor past its end."""
    paper.flood(count)
    check_it_is_held(paper, count)


@pytest.mark.parametrize("count", [200, pytest.param(5_000, marks=pytest.mark.slow)])
def test_a_flood_on_the_site_is_held_and_nobody_gets_any_of_it(paper: Paper, count: int) -> None:
    """The same from the site on: its feed is read as ever, the last time by the freeze that then holds."""
    paper.publish(count)
    check_it_is_held(paper, count)
    with paper.database.read() as session:
        sudden = sa.select(sa.func.count()).select_from(Post).where(Post.title.startswith("Sudden"))
        assert session.scalar(sudden) == count


def check_it_is_held(paper: Paper, count: int) -> None:
    """It is held as soon as it is to be locked, says why, and comes to its end without a mail."""
    assert TaskName.FREEZE in paper.tick(paper.now)
    held = paper.edition()
    assert (held.state, held.reason) == (EditionState.HELD, Reason.UNUSUAL_NEWS)
    many = next(remark for remark in held.remarks if remark["code"] == OddityCode.MANY)
    assert many["facts"] == {"source": many["facts"]["source"], "posts": count, "usual": 2}
    assert len(many["arrivals"]) == -(-count // A_COLLECTION)
    assert f"{count:,} new stories" in remark_sentence(many, translator("en"))

    assert held.deadline_at is not None
    for moment in (held.send_at, held.send_at + MINUTE, held.deadline_at + MINUTE):
        assert not paper.tick(moment) & MAILING
    assert paper.edition().state is EditionState.SKIPPED
    assert paper.rows(Batch, Delivery, Item, Notice, SentItem) == [0, 0, 0, 0, 0]


def test_a_flood_that_is_marked_as_seen_lets_the_rest_go_out(paper: Paper) -> None:
    """A thousand stories are no news any more at one word; the day's own is planned for every reader."""
    with paper.database.write() as session:
        make_arrivals(session, session.get_one(Source, paper.source_id), [(paper.now - 2 * HOUR, 900)])
    paper.flood(1_000)
    paper.tick(paper.now)
    with paper.database.write() as session:
        edition = session.get_one(Edition, paper.edition_id)
        assert mark_as_seen(session, edition, actor="cli:nare", now=clock.utc_now()) == 1_000
    paper.freeze(paper.edition_id)
    assert paper.edition().state is EditionState.FROZEN
    with paper.database.read() as session:
        titles = [story["title"] for story in session.scalars(sa.select(Item.story))]
    assert "What is usual, number 900" in titles
    assert not [title for title in titles if title.startswith("Sudden")]
    paper.tick(paper.edition().send_at)
    assert paper.rows(Batch, Delivery) == [1, 2]

"""Papers that change all they can, through the real store and choice: no post twice, no blank edition."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import Counter

import pytest
import sqlalchemy as sa

from digest.db import Database
from digest.editions.digests import use_sources
from digest.editions.material import Outcome, material_of
from digest.editions.slots import add_edition
from digest.feeds.types import ParsedFeed
from digest.models import Cadence, Digest, EditionKind, FeaturedBy, Post, PostFingerprint, SentItem, Source
from digest.sources.catalogue import add_source
from digest.sources.store import seen_in, store
from tests.factories import make_cadence, make_digest
from tests.papers import FEED_URL, KINDS, START, Feed, Paper, marker

DAY = dt.timedelta(days=1)


def take(database: Database, source_id: int, feed: Feed) -> None:
    """What a collection does with a feed once it is read."""
    parsed = ParsedFeed("The Paper", "en", feed.posts)
    with database.write() as session:
        store(session, source_id, seen_in(parsed, feed_url=FEED_URL), language="en", now=feed.at)
        session.get_one(Source, source_id).last_good_at = feed.at


def come_out(database: Database, cadence_id: int, at: dt.datetime) -> list[int]:
    """An edition of that moment goes out; the articles in it."""
    with database.write() as session:
        cadence = session.get_one(Cadence, cadence_id)
        edition_id = add_edition(session, cadence, kind=EditionKind.EXTRA, due_at=at, now=at)
        assert edition_id is not None
        material = material_of(session, edition_id)
        if isinstance(material, Outcome):
            return []
        posts = [post for post in (material.featured, *material.recent) if post is not None]
        session.add_all(
            SentItem(cadence_id=cadence_id, post_id=post.id, rerun=0, edition_id=edition_id) for post in posts
        )
        return [marker(post.body_html) for post in posts]


@pytest.mark.parametrize("kind", KINDS)
def test_no_article_goes_out_twice_and_each_goes_out(database: Database, kind: str) -> None:
    """An edition after each feed has the articles that are new in it, whatever else the feed did."""
    paper, mailed = Paper(7, kind), Counter[int]()
    with database.write() as session:
        digest = make_digest(session, featured_by=FeaturedBy.NONE, recent_least=0, recent_days=366)
        cadence_id = make_cadence(session, digest, is_running=False).id
        source = add_source(session, FEED_URL, backlog=DAY, actor="test", now=START)
        use_sources(session, digest, [source], actor="test", now=START)
        source_id = source.id
    for number, feed in enumerate(paper.life(7)):
        before = len(mailed)
        take(database, source_id, feed)
        mailed.update(come_out(database, cadence_id, feed.at))
        assert set(mailed.values()) == {1}, feed.changes
        assert sorted(mailed) == list(range(len(paper.articles))), feed.changes
        assert len(mailed) > before, number
        if number == 4:
            purge(database, feed.at - DAY)


def purge(database: Database, before: dt.datetime) -> None:
    """Old posts go; their fingerprints stay, and so does what was sent."""
    with database.write() as session:
        known = session.scalar(sa.select(sa.func.count()).select_from(PostFingerprint))
        session.execute(sa.delete(Post).where(Post.published_at < before))
        assert session.scalar(sa.select(sa.func.count()).select_from(PostFingerprint)) == known


def test_another_feed_that_dates_old_posts_to_today_makes_them_no_news(database: Database) -> None:
    """A section's feed, added later, carries what the paper had a month ago as if it were of today."""
    (feed,) = Paper(0, "wordpress").life(1)
    later = feed.at + 30 * DAY
    with database.write() as session:
        digest = make_digest(session, featured_by=FeaturedBy.NONE, recent_least=0, recent_days=366)
        cadence_id = make_cadence(session, digest, is_running=False).id
        first = add_source(session, FEED_URL, backlog=DAY, actor="test", now=later)
        use_sources(session, digest, [first], actor="test", now=later)
    take(database, first.id, feed)
    with database.write() as session:
        second = add_source(session, FEED_URL + "sport/", backlog=DAY, actor="test", now=later)
        use_sources(session, session.get_one(Digest, digest.id), [first, second], actor="test", now=later)

    today = tuple(dataclasses.replace(post, published_at=later) for post in feed.posts)
    take(database, second.id, Feed(later, today, ()))
    assert come_out(database, cadence_id, later + DAY) == []

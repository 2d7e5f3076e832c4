"""The last look before the lock: a story that is gone makes room; one that cannot be seen stays."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from PIL import Image
from structlog.testing import capture_logs

from digest import clock
from digest.db import Database
from digest.editions.digests import use_sources
from digest.editions.remarks import Note
from digest.models import EditionState, FeaturedBy, Item, Post, Source, Withdrawal
from digest.net.http import Fetcher
from digest.sources.catalogue import add_source
from digest.sources.collect import collect
from digest.sources.pictures import mirror_source
from tests.factories import make_cadence, make_digest
from tests.integration.freezing import Room, post
from tests.servers.news_site import NewsSite, Page

DAY = dt.timedelta(days=1)


@pytest.fixture
def room(database: Database) -> Iterator[Room]:
    """A digest of two headlines at most, the newest ones."""
    now = clock.utc_now()
    with capture_logs(), NewsSite() as site, Fetcher([site.host]) as fetcher:
        with database.write() as session:
            digest = make_digest(session, featured_by=FeaturedBy.NONE, recent_least=0, recent_most=2)
            cadence = make_cadence(session, digest, is_running=False)
            source = add_source(session, site.url("/feed/"), backlog=7 * DAY, actor="test", now=now)
            use_sources(session, digest, [source], actor="test", now=now)
        yield Room(database, site, fetcher, digest.id, cadence.id)


def remarks(room: Room, edition_id: int) -> list[tuple[str, str]]:
    return [(one["code"], one["facts"]["title"]) for one in room.get(edition_id).remarks]


@pytest.mark.parametrize(
    ("status", "why"), [(404, Withdrawal.GONE), (410, Withdrawal.GONE), (401, "forbidden")]
)
def test_a_story_that_is_gone_makes_room_for_the_next(room: Room, status: int, why: str) -> None:
    """It stands in the feed still, its page says otherwise: the next one takes its place, and it is said."""
    room.publish(post(1, "First", hours=1), post(2, "Second"), post(3, "Third", hours=3))
    room.site.put("/posts/1/", Page(b"gone", status=status, content_type="text/plain"))
    edition_id = room.edition()
    assert room.freeze(edition_id) is EditionState.FROZEN
    assert room.titles(edition_id) == ["Second", "Third"]
    assert remarks(room, edition_id) == [(Note.DROPPED, "First")]
    with room.database.read() as session:
        assert session.scalar(sa.select(Post.withdrawn).where(Post.title == "First")) == why


@pytest.mark.parametrize("status", [500, 503, 403])
def test_a_story_that_cannot_be_looked_at_stays(room: Room, status: int) -> None:
    """A site with a fault says nothing of a story: it is used as we have it, and the edition says so."""
    room.publish(post(1, "First", hours=1), post(2, "Second"), post(3, "Third", hours=3))
    room.site.put("/posts/2/", Page(b"sorry", status=status, content_type="text/plain"))
    edition_id = room.edition()
    assert room.freeze(edition_id) is EditionState.FROZEN
    assert room.titles(edition_id) == ["First", "Second"]
    assert remarks(room, edition_id) == [(Note.UNCHECKED, "Second")]


def test_a_site_that_is_down_keeps_no_edition(room: Room) -> None:
    """What is known goes out, and the edition says that its source could not be read."""
    room.publish(post(1, "First", hours=1))
    room.freeze(room.edition(due=clock.utc_now() + DAY))
    with room.database.write() as session:
        session.execute(sa.delete(Item))
    room.publish()
    room.site.put("/feed/", Page(b"sorry", status=503))
    edition_id = room.edition()
    assert room.freeze(edition_id) is EditionState.FROZEN
    assert room.titles(edition_id) == ["First"]
    assert [one["code"] for one in room.get(edition_id).remarks] == [Note.SOURCE_DOWN]


def test_the_featured_picture_is_ours(room: Room) -> None:
    """It is copied before the lock, and the mail shows our copy."""
    room.change(featured_by=FeaturedBy.NEWEST)
    room.site.put("/bridge.jpg", Page(_photo(), content_type="image/jpeg"))
    room.publish(post(1, "A bridge", body=f'<p>One.</p><img src="{room.site.url("/bridge.jpg")}" alt="It">'))
    edition_id = room.edition()
    assert room.freeze(edition_id) is EditionState.FROZEN
    with room.database.read() as session:
        story = session.scalars(sa.select(Item.story)).one()
    assert story["picture"]["url"].startswith("https://digest.courier.example/p/")
    assert (story["picture"]["width"], story["picture"]["alt"]) == (1200, "It")


def test_stories_with_copied_pictures_are_looked_at_as_any_other(room: Room) -> None:
    """Their pictures were copied after a collection, as they mostly are: one that is gone is dropped."""
    room.site.put("/bridge.jpg", Page(_photo(), content_type="image/jpeg"))
    image = f'<p>One.</p><img src="{room.site.url("/bridge.jpg")}" alt="It">'
    room.publish(post(1, "First", hours=1, body=image), post(2, "Second"), post(3, "Third", hours=3))
    with room.database.read() as session:
        source_id = session.scalars(sa.select(Source.id)).one()
    collect(room.database, source_id, room.fetcher, interval=DAY, now=clock.utc_now())
    mirror_source(room.database, source_id, room.fetcher, now=clock.utc_now())
    with room.database.read() as session:
        copied = session.scalars(sa.select(Post.title).where(Post.picture_asset_id.is_not(None))).all()
    assert copied == ["First"]
    room.site.put("/posts/2/", Page(b"gone", status=404, content_type="text/plain"))
    edition_id = room.edition()
    assert room.freeze(edition_id) is EditionState.FROZEN
    assert room.titles(edition_id) == ["First", "Third"]
    assert remarks(room, edition_id) == [(Note.DROPPED, "Second")]


def test_a_featured_story_without_a_picture_shows_the_one_that_its_page_names(room: Room) -> None:
    """The page is read anyway; the picture is copied before the lock, as any other."""
    room.change(featured_by=FeaturedBy.NEWEST)
    room.site.put("/share.jpg", Page(_photo(), content_type="image/jpeg"))
    names = {"og:image": "/share.jpg", "og:image:alt": "It"}
    head = "<head>" + "".join(f'<meta property="{name}" content="{names[name]}">' for name in names)
    room.site.put("/posts/1/", Page(head.encode(), content_type="text/html"))
    room.publish(post(1, "A bridge"))
    edition_id = room.edition()
    assert room.freeze(edition_id) is EditionState.FROZEN
    with room.database.read() as session:
        story = session.scalars(sa.select(Item.story)).one()
    assert story["picture"]["url"].startswith("https://digest.courier.example/p/")
    assert story["picture"]["alt"] == "It"


def _photo() -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (1600, 900), "teal").save(made, "JPEG")
    return made.getvalue()

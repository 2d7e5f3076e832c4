"""What must not go into an edition, and what must not keep it from coming out."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
import sqlalchemy as sa

from digest import clock
from digest.db import Database
from digest.editions.cadences import send_now
from digest.editions.digests import use_sources
from digest.editions.freeze import FreezeSettings, freeze
from digest.editions.slots import add_edition
from digest.models import Digest, Edition, EditionKind, EditionState, Item, PostSource, Source
from digest.net.http import Fetcher
from digest.sources.catalogue import add_source
from tests.integration.planned import PUBLIC_URL, Desk, make_desk, make_post

HOUR = dt.timedelta(hours=1)


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Desk:
    """A newsroom that has a source."""
    made = make_desk(database, tmp_path)
    with database.write() as session:
        source = add_source(
            session, "https://courier.example/feed/", backlog=HOUR, actor="test", now=clock.utc_now()
        )
        digest = session.get_one(Digest, made.cadence.digest_id)
        digest.recent_least = 0
        use_sources(session, digest, [source], actor="test", now=clock.utc_now())
    return made


def _news(desk: Desk, published_at: dt.datetime) -> int:
    with desk.database.write() as session:
        post = make_post(session, published_at)
        source_id = session.scalars(sa.select(Source.id)).one()
        session.add(PostSource(source_id=source_id, post_id=post, is_news=True, seen_at=published_at))
        return post


def _frozen(desk: Desk, edition_id: int, fetcher: Fetcher) -> list[int | None]:
    """The stories of an edition, once it is frozen."""
    settings = FreezeSettings(fetcher, PUBLIC_URL, None, HOUR, dt.timedelta(minutes=2))
    assert freeze(desk.database, edition_id, settings) is EditionState.FROZEN
    with desk.database.read() as session:
        revision_id = session.get_one(Edition, edition_id).revision_id
        return list(session.scalars(sa.select(Item.post_id).where(Item.revision_id == revision_id)))


def _edition(desk: Desk, due_at: dt.datetime) -> int:
    with desk.database.write() as session:
        made = add_edition(session, desk.cadence, kind=EditionKind.EXTRA, due_at=due_at, now=clock.utc_now())
    assert made is not None
    return made


def test_an_edition_sent_sooner_gives_no_embargoed_story_away(desk: Desk) -> None:
    """A story dated between now and the slot would have been out by then; it is not out now."""
    now = clock.utc_now()
    out, embargoed = _news(desk, now - HOUR), _news(desk, now + HOUR)
    edition_id = _edition(desk, now + 2 * HOUR)
    with desk.database.write() as session:
        send_now(session, session.get_one(Edition, edition_id), actor="test", now=now)
    with Fetcher([], "test") as fetcher:
        stories = _frozen(desk, edition_id, fetcher)
    assert out in stories
    assert embargoed not in stories


def test_a_source_that_breaks_the_collection_does_not_keep_an_edition(desk: Desk) -> None:
    """Whatever a collection raises, the edition is made of the stories that are known."""
    now = clock.utc_now()
    known = _news(desk, now - HOUR)
    with Fetcher([], "test") as closed:
        pass
    with pytest.raises(RuntimeError):
        closed.get("https://courier.example/feed/")
    assert _frozen(desk, _edition(desk, now), closed) == [known]

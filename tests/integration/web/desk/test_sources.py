"""The sources of the desk: their health in words, read now, and unusual news accepted or marked as seen."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from digest.config import Settings
from digest.db import Database
from digest.models import (
    Account,
    AccountDigest,
    AccountRole,
    DigestSource,
    Edition,
    EditionState,
    PostSource,
    Reason,
    Source,
)
from tests.factories import make_account, make_digest
from tests.integration.newsroom import make_newsroom
from tests.integration.web.desk.hands import signed_in
from tests.servers.news_site import NewsSite, Page
from tests.servers.wordpress_pages import feed_of


@pytest.fixture
def site() -> Iterator[NewsSite]:
    with NewsSite() as running:
        yield running


@pytest.fixture
def settings(settings: Settings, site: NewsSite) -> Settings:
    """The installation may fetch from the site of the test."""
    return settings.model_copy(update={"private_hosts": (site.host,)})


def test_a_source_is_read_now_and_told_in_words(
    client: TestClient, database: Database, nare: Account, site: NewsSite
) -> None:
    """What it brought is said; a site that fails is told by its sentence, here and in the list."""
    room = make_newsroom(database)
    room_url = f"/desk/sources/{room.source_id}"
    with database.write() as session:
        session.get_one(Source, room.source_id).url = site.url("/feed/")
    hands = signed_in(client, database, nare)
    site.put("/feed/", Page(feed_of(site, "One", "Two")))
    assert hands.post(f"{room_url}/test").headers["location"] == room_url
    page = hands.get(room_url).text
    assert "It answers: 2 new" in page
    assert "Two" in page
    site.put("/feed/", Page(status=500))
    hands.post(f"{room_url}/test")
    page = hands.get(room_url).text
    assert "The site answered with an error" in page
    assert "cannot be read" in hands.get("/desk/sources").text


def test_unusual_news_is_accepted_or_marked_as_seen(
    client: TestClient, database: Database, nare: Account
) -> None:
    """Both take the edition out of its hold; what is marked as seen is no news any more."""
    room = make_newsroom(database)
    post = room.publish("A hundred old stories")
    hands = signed_in(client, database, nare)
    for path in ("accept-news", "mark-seen"):
        edition = room.edition(hours=3 if path == "mark-seen" else 2)
        with database.write() as session:
            found = session.get_one(Edition, edition)
            found.state, found.reason = EditionState.HELD, Reason.UNUSUAL_NEWS
            facts = {"source": "The site", "posts": 100, "usual": 4}
            arrivals = [moment.isoformat() for moment in session.scalars(sa.select(PostSource.seen_at))]
            found.remarks = [
                {"code": "many", "facts": facts, "source_id": room.source_id, "arrivals": arrivals}
            ]
        assert f"/desk/editions/{edition}/{path}" in hands.get(f"/desk/sources/{room.source_id}").text
        assert hands.post(f"/desk/editions/{edition}/{path}").status_code == 303
        with database.read() as session:
            assert session.get_one(Edition, edition).state is EditionState.UPCOMING
        assert hands.post(f"/desk/editions/{edition}/{path}").status_code == 409
    with database.read() as session:
        is_news = sa.select(PostSource.is_news).where(PostSource.post_id == post)
        assert session.scalars(is_news).all() == [False]


def test_an_editor_learns_of_no_other_digest(client: TestClient, database: Database) -> None:
    """Of a source that theirs and another digest draw from, they see their own alone; of others, nothing."""
    room = make_newsroom(database)
    now = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
    with database.write() as session:
        other = make_digest(session, title="The Herald")
        foreign = Source(
            url="https://herald.example/feed/", news_since=now, next_fetch_at=now, created_at=now
        )
        session.add(foreign)
        session.flush()
        session.add(DigestSource(digest_id=other.id, source_id=foreign.id))
        session.add(DigestSource(digest_id=other.id, source_id=room.source_id))
        editor = make_account(session, role=AccountRole.EDITOR, password_hash="x")
        session.add(AccountDigest(account_id=editor.id, digest_id=room.digest_id))
    hands = signed_in(client, database, editor)
    for path in ("/desk/sources", f"/desk/sources/{room.source_id}"):
        text = hands.get(path).text
        assert "Herald" not in text
        assert "herald.example" not in text
    hands.post(f"/desk/digests/{room.digest_id}/settings", {"source": str(foreign.id)})
    assert hands.get(f"/desk/sources/{foreign.id}").status_code == 404

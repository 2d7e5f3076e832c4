"""The archive: a digest's past editions by month, as feeds and in the sitemap."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable

import feedparser
import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from lxml import etree

from digest.config import Settings
from digest.db import Database
from digest.models import (
    Amendment,
    AmendmentKind,
    Cadence,
    Digest,
    Edition,
    EditionState,
    Item,
    Revision,
    Role,
)
from digest.web import archive_pages
from tests.factories import make_cadence, make_digest
from tests.factories.moments import NOW
from tests.integration.web.rows import make_edition
from tests.servers.waiting import wait_until

# What no database answers otherwise than the other is asked of one.
ONE = pytest.mark.parametrize("kept", ["sqlite"], indirect=True)
HOSTILE = "Bread & <Roses> ]]> \x01\ufffe “now”"
CLEAN = "Bread & <Roses> ]]> “now”"


@pytest.fixture
def cadence(database: Database) -> Cadence:
    """That of a digest with an archive."""
    with database.write() as session:
        digest = make_digest(
            session, "courier", title="The Morning Post-Bag", home_url="https://courier.example/"
        )
        return make_cadence(session, digest)


def add_edition(
    database: Database, cadence: Cadence, *, days: int = 0, subject: str = "Bread", **values: object
) -> Edition:
    """One that went out some days before NOW, with two stories."""
    with database.write() as session:
        edition = make_edition(session, cadence, age=dt.timedelta(days=days), subject=subject, **values)  # type: ignore[arg-type]
        session.execute(
            sa.update(Revision).where(Revision.id == edition.revision_id).values(preheader=f"Of {subject}")
        )
        session.add_all(
            Item(
                revision_id=edition.revision_id,
                position=position,
                role=role,
                story={
                    "title": f"{subject}, part {position}",
                    "url": f"https://courier.example/{days}/{position}",
                },
            )
            for position, role in enumerate((Role.FEATURED, Role.RECENT))
        )
        return edition


def amend(database: Database, edition: Edition, position: int, kind: AmendmentKind, text: str = "") -> None:
    with database.write() as session:
        session.add(
            Amendment(
                edition_id=edition.id, position=position, kind=kind, text=text, made_by="cli:ani", made_at=NOW
            )
        )


def test_editions_are_found_by_their_month(client: TestClient, database: Database, cadence: Cadence) -> None:
    """The archive leads to each month, a month to its neighbours and its editions, and back."""
    for days, subject in ((0, "Bread"), (5, "Salt"), (40, "Wine"), (400, "Figs")):
        add_edition(database, cadence, days=days, subject=subject)
    page = client.get("/archive/courier").text
    assert [page.index(f">{name}<") for name in ("Bread", "Salt", "Wine", "Figs")]
    assert page.index('href="/archive/courier/2026-11"') < page.index('href="/archive/courier/2026-10"')
    assert '<a href="/archive/courier/2025-10">October 2025</a>' in page
    assert "Editions: 2" in page
    month = client.get("/archive/courier/2026-10").text
    assert ">Wine<" in month
    assert ">Bread<" not in month
    assert "<h1>October 2026</h1>" in month
    assert 'href="/archive/courier/2025-10">← October 2025' in month
    assert 'href="/archive/courier/2026-11">November 2026 →' in month
    front = client.get("/").text
    assert 'href="/archive/courier"' in front


def test_a_month_is_that_of_the_slot_where_it_counts(
    client: TestClient, database: Database, cadence: Cadence
) -> None:
    """At half past eight in the evening of 31 October in Greenwich it is November in Yerevan."""
    with database.write() as session:
        edition = make_edition(session, cadence, age=NOW - dt.datetime(2026, 10, 31, 20, 30, tzinfo=dt.UTC))
    assert client.get("/archive/courier/2026-10").status_code == 404
    assert f'href="/e/{edition.public_id}"' in client.get("/archive/courier/2026-11").text


def test_a_long_month_is_turned_by_key(
    client: TestClient, database: Database, cadence: Cadence, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each edition once, the newest first, whatever comes in meanwhile; two of one moment too."""
    monkeypatch.setattr(archive_pages, "MONTH_PAGE", 3)
    with database.write() as session:
        other = make_cadence(session, session.get_one(Digest, cadence.digest_id), "sunday")
    for days in range(4):
        for one in (cadence, other):
            add_edition(database, one, days=days, subject=f"{one.name} {days}")
    seen: list[str] = []
    path = "/archive/courier/2026-11"
    for _ in range(3):
        page = etree.HTML(client.get(path).text)
        seen += page.xpath("//ol//h2/a/text()")
        path = next(iter(page.xpath("//a[@rel='next']/@href")), "")
        add_edition(database, cadence, days=-1 - len(seen), subject="Newer")
    assert seen == [f"{name} {days}" for days in range(4) for name in ("sunday", "morning")]
    assert path == ""


@ONE
def test_what_is_not_public_is_not_there(client: TestClient, database: Database, cadence: Cadence) -> None:
    """A digest without an archive is as unknown as none, with a page that helps whoever followed an old link;

    its editions are shown, not to search engines.
    """
    edition = add_edition(database, cadence)
    for day, state in enumerate((EditionState.FROZEN, EditionState.CANCELLED), start=1):
        add_edition(database, cadence, days=day, subject="Hidden", state=state)
    for path in (
        "/archive/courier",
        "/archive/courier/feed.xml",
        "/archive/courier/feed.json",
        "/sitemap.xml",
    ):
        answer = client.get(path)
        assert answer.status_code == 200
        assert "Hidden" not in answer.text
        assert "x-robots-tag" not in answer.headers
    assert "x-robots-tag" not in client.get(f"/e/{edition.public_id}").headers
    for wrong in (
        "2026-13",
        "2026-9",
        "0000-01",
        "2026-12",
        "x",
        "2026-11?before=edition-999999",
        "2026-11?before=%00",
    ):
        assert client.get(f"/archive/courier/{wrong}").status_code == 404
    assert client.get("/archive/-%00").status_code == 404
    with database.write() as session:
        session.execute(sa.update(Digest).values(has_archive=False))
    wait_until(lambda: client.get("/archive/courier").status_code == 404)
    unknown = client.get("/archive/unknown")
    assert unknown.status_code == 404
    assert "Each edition is still on the web" in unknown.text
    in_armenian = client.get("/archive/courier", headers={"Accept-Language": "hy"})
    assert (in_armenian.status_code, 'lang="hy"' in in_armenian.text) == (404, True)
    for path in ("", "/2026-11", "/feed.xml", "/feed.json"):
        wait_until(lambda path=path: client.get(f"/archive/courier{path}").content == unknown.content)
    wait_until(lambda: "/e/" not in client.get("/sitemap.xml").text)
    wait_until(lambda: client.get(f"/e/{edition.public_id}").headers.get("x-robots-tag") == "noindex")
    assert "/archive/" not in client.get("/").text


def test_the_feeds_say_the_same_as_the_pages(
    client: TestClient, database: Database, cadence: Cadence, settings: Settings
) -> None:
    """Whatever stands in a title: well-formed, with absolute addresses, their own one, and the stories."""
    edition = add_edition(database, cadence, subject=HOSTILE)
    add_edition(database, cadence, days=1, subject="Salt")
    url = f"{settings.public_url}/e/{edition.public_id}"
    answer = client.get("/archive/courier/feed.xml")
    assert answer.headers["content-type"] == "application/rss+xml; charset=utf-8"
    etree.fromstring(answer.content)
    feed = feedparser.parse(answer.content)
    assert not feed.bozo
    assert (feed.version, feed.feed.title, feed.feed.language) == ("rss20", "The Morning Post-Bag", "en")
    assert feed.feed.link == f"{settings.public_url}/archive/courier"
    own = [link.href for link in feed.feed.links if link.rel == "self"]
    assert own == [f"{settings.public_url}/archive/courier/feed.xml"]
    first = feed.entries[0]
    assert (first.link, first.id, len(feed.entries)) == (url, url, 2)
    assert first.published == "Mon, 23 Nov 2026 13:30:00 +0000"
    assert "Bread &amp; &lt;Roses&gt;" in first.summary
    assert "https://courier.example/0/1" in first.summary
    answer = client.get("/archive/courier/feed.json")
    assert answer.headers["content-type"] == "application/feed+json"
    whole = json.loads(answer.content)
    assert whole["version"] == "https://jsonfeed.org/version/1.1"
    assert whole["feed_url"] == f"{settings.public_url}/archive/courier/feed.json"
    item = whole["items"][0]
    assert (item["id"], item["url"], item["title"]) == (url, url, CLEAN)
    assert item["date_published"] == "2026-11-23T13:30:00+00:00"
    assert item["content_html"].startswith("<p>Of Bread &amp; &lt;Roses&gt;")
    assert "date_modified" not in item
    page = client.get("/archive/courier").text
    for name in ("feed.xml", "feed.json"):
        assert f'href="{settings.public_url}/archive/courier/{name}"' in page


def test_lists_and_feeds_follow_what_was_put_right(
    client: TestClient, database: Database, cadence: Cadence
) -> None:
    """A note is told; of what was taken down neither title, link nor a line that tells of it."""
    told = add_edition(database, cadence, subject="Bread")
    gone = add_edition(database, cadence, days=1, subject="Secret")
    amend(database, told, 1, AmendmentKind.NOTE, "It was <rye>.")
    amend(database, gone, 0, AmendmentKind.TAKEN_DOWN)
    for path in (
        "/",
        "/archive/courier",
        "/archive/courier/2026-11",
        "/archive/courier/feed.xml",
        "/archive/courier/feed.json",
    ):
        text = client.get(path).text
        assert "Secret, part 0" not in text
        assert "Of Secret" not in text
        assert "The Morning Post-Bag, Sunday, November 22, 2026" in text
    items = json.loads(client.get("/archive/courier/feed.json").content)["items"]
    assert "<br>Correction: It was &lt;rye&gt;.</li>" in items[0]["content_html"]
    assert items[0]["date_modified"] == "2026-11-23T13:30:00+00:00"
    assert items[1]["content_html"].startswith("<ul><li>This story was taken down.</li>")
    assert "summary" not in items[1]


@ONE
def test_the_sitemap_names_what_is_public(
    client: TestClient, database: Database, cadence: Cadence, settings: Settings
) -> None:
    """The front page, each archive, month and edition; well-formed, each once."""
    edition = add_edition(database, cadence)
    answer = client.get("/sitemap.xml")
    tree = etree.fromstring(answer.content)
    locations = [one.text for one in tree.iter("{*}loc")]
    paths = ["/", "/archive/courier", "/archive/courier/2026-11", f"/e/{edition.public_id}"]
    assert locations == [settings.public_url + path for path in paths]
    assert [one.text for one in tree.iter("{*}lastmod")] == ["2026-11-23T13:30:00+00:00"]


@ONE
def test_what_a_reader_has_is_not_sent_again(
    client: TestClient, database: Database, cadence: Cadence
) -> None:
    """304 by entity tag, a short life in caches, and HEAD without a body."""
    add_edition(database, cadence)
    for path in ("/archive/courier", "/archive/courier/2026-11", "/archive/courier/feed.xml", "/sitemap.xml"):
        first = client.get(path)
        assert first.headers["cache-control"].startswith("public, max-age=")
        again = client.get(path, headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        head = client.head(path)
        assert (head.status_code, head.content) == (200, b"")


@ONE
def test_the_statements_do_not_grow_with_the_archive(
    client: TestClient, database: Database, cadence: Cadence
) -> None:
    """Twenty more editions with notes: every page and feed asks the database as often as before."""
    paths = ("/archive/courier", "/archive/courier/2026-11", "/archive/courier/feed.xml", "/sitemap.xml")
    services = client.app.state.services  # type: ignore[attr-defined]

    def counted(path: str) -> int:
        seen: list[str] = []
        listener: Callable[..., None] = lambda *args: seen.append(args[2])  # noqa: E731
        services.memory._kept.clear()
        sa.event.listen(services.database.engine, "before_cursor_execute", listener)
        assert client.get(path).status_code == 200
        sa.event.remove(services.database.engine, "before_cursor_execute", listener)
        return len(seen)

    add_edition(database, cadence)
    before = [counted(path) for path in paths]
    for days in range(1, 21):
        amend(database, add_edition(database, cadence, days=days), 0, AmendmentKind.NOTE, "A note.")
    assert [counted(path) for path in paths] == before

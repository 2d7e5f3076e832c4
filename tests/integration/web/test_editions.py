"""The web editions and the front page."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from fastapi.testclient import TestClient

from digest.db import Database
from digest.models import Digest, Edition, EditionState
from digest.rendering.theme import Look
from digest.rendering.web_theme import style_name, style_sheet
from digest.web.front import EDITIONS_SHOWN
from tests.factories import make_cadence, make_digest
from tests.integration.web.rows import Scene, make_edition
from tests.servers.waiting import wait_until

PUBLIC = {EditionState.SENDING, EditionState.PAUSED, EditionState.SENT}


def test_a_themes_style_sheet_is_served_to_be_kept(client: TestClient) -> None:
    """It is made of its name, so that it never changes; a name that no theme has is not found."""
    name = style_name(Look(accent="#0b5563"), "hy")
    answer = client.get(f"/look/{name}")
    assert (answer.status_code, answer.text) == (200, style_sheet(name))
    assert answer.headers["content-type"].startswith("text/css")
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert client.get(f"/look/{name}".replace("double", "wavy")).status_code == 404


def test_an_edition_is_shown_as_it_was_stored(client: TestClient, database: Database) -> None:
    """Byte for byte, with a strict policy, and with what a cache needs."""
    web_html = "<!DOCTYPE html><title>Ծիրան</title><p>“Apricots” \u2028</p>"
    with database.write() as session:
        edition = make_edition(session, make_cadence(session, make_digest(session)), web_html=web_html)
    answer = client.get(f"/e/{edition.public_id}")
    assert (answer.status_code, answer.content) == (200, web_html.encode())
    assert answer.headers["cache-control"] == "public, max-age=60"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy


def test_an_edition_is_public_from_its_slot_on(client: TestClient, database: Database) -> None:
    """Locked, held, skipped and cancelled ones are as unknown as any other address."""
    with database.write() as session:
        cadence = make_cadence(session, make_digest(session))
        editions = [
            make_edition(session, cadence, state, age=dt.timedelta(days=day))
            for day, state in enumerate(EditionState)
        ]
    unknown, front = client.get("/e/edition-0"), client.get("/").text
    for edition in editions:
        answer = client.get(f"/e/{edition.public_id}")
        assert answer.status_code == (200 if edition.state in PUBLIC else 404)
        assert (f'href="/e/{edition.public_id}"' in front) == (edition.state in PUBLIC)
        if edition.state not in PUBLIC:
            assert answer.content == unknown.content
            assert answer.headers["cache-control"] == "no-store"


def test_an_edition_without_a_revision_is_not_shown(client: TestClient, database: Database) -> None:
    """An upcoming edition has no content; were it marked as sent, it would still be 404, not a fault."""
    with database.write() as session:
        edition = make_edition(session, make_cadence(session, make_digest(session)))
        edition.revision_id = None
    assert client.get(f"/e/{edition.public_id}").status_code == 404


def test_a_reader_who_has_it_gets_no_body(client: TestClient, database: Database, scene: Scene) -> None:
    """304 for the entity tag, weak or in a list; a new revision has another one."""
    first = client.get(f"/e/{scene.public_id}")
    tag = first.headers["etag"]
    for given in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = client.get(f"/e/{scene.public_id}", headers={"If-None-Match": given})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert client.get(f"/e/{scene.public_id}", headers={"If-None-Match": '"other"'}).status_code == 200
    with database.write() as session:
        other = make_edition(session, make_cadence(session, make_digest(session)))
        session.execute(
            sa.update(Edition)
            .where(Edition.public_id == scene.public_id)
            .values(revision_id=other.revision_id)
        )
    head = {"If-None-Match": tag}
    wait_until(lambda: client.get(f"/e/{scene.public_id}", headers=head).status_code == 200)


def test_an_edition_that_is_taken_back_is_gone_soon(
    client: TestClient, database: Database, scene: Scene
) -> None:
    """The short memory of pages does not outlast a second or so."""
    assert client.get(f"/e/{scene.public_id}").status_code == 200
    with database.write() as session:
        session.execute(sa.update(Edition).values(state=EditionState.CANCELLED))
    wait_until(lambda: client.get(f"/e/{scene.public_id}").status_code == 404)


def test_no_name_of_an_edition_is_trusted(client: TestClient) -> None:
    """Whatever stands in the address: 404, by both databases."""
    names = ["", "%00", "a" * 33, "a%2Fb", "%F0%9F%90%9F", "edition-1'--", "..%2f", "%ff", "a" * 5000]
    assert {client.get(f"/e/{name}").status_code for name in names} == {404}


def test_the_front_page_lists_the_latest(client: TestClient, database: Database) -> None:
    """Ten editions of each digest, newest first, each under its digest's title and in its language."""
    with database.write() as session:
        papers = [
            make_digest(session, title="The Morning Post-Bag"),
            make_digest(session, title="Առավոտյան պարկ", language="hy"),
        ]
        for digest in papers:
            for cadence in (make_cadence(session, digest), make_cadence(session, digest, "sunday")):
                for day in range(7):
                    words = f"{digest.language} {cadence.name} {day} <&>"
                    make_edition(session, cadence, subject=words, age=dt.timedelta(days=day))
    page = client.get("/").text
    found = [
        page.index(f"hy {cadence} {day} &lt;&amp;&gt;")
        for day in range(5)
        for cadence in ("sunday", "morning")
    ]
    assert found == sorted(found)
    assert page.count('<a href="/e/') == 2 * EDITIONS_SHOWN
    assert page.index("The Morning Post-Bag") < page.index("en sunday 0") < page.index("Առավոտյան պարկ")
    assert '<section lang="hy"' in page
    assert "նոյեմբեր" in page


def test_the_front_page_of_a_new_installation_is_friendly(client: TestClient, database: Database) -> None:
    """Nothing is there yet: a page all the same, and one for a digest without editions."""
    assert client.get("/").status_code == 200
    with database.write() as session:
        make_digest(session, title="The Morning Post-Bag", sender_name="The Linden Street Courier")
    page = client.get("/", headers={"Accept-Language": "hy-AM,hy;q=0.9"}).text
    assert '<html lang="hy"' in page
    assert "<h1>The Linden Street Courier</h1>" in page
    assert "The Morning Post-Bag" in page


def test_the_front_page_asks_the_database_three_times(
    client: TestClient, database: Database, scene: Scene
) -> None:
    """However many digests there are, the number of statements stays the same."""

    def statements() -> int:
        seen: list[str] = []
        engine = client.app.state.services.database.engine  # type: ignore[attr-defined]
        listener = lambda *args: seen.append(args[2])  # noqa: E731
        sa.event.listen(engine, "before_cursor_execute", listener)
        client.get("/")
        sa.event.remove(engine, "before_cursor_execute", listener)
        return len([text for text in seen if text.startswith("SELECT digests") or "editions" in text])

    before = statements()
    with database.write() as session:
        for _ in range(5):
            make_edition(session, make_cadence(session, make_digest(session)))
        assert session.scalar(sa.select(sa.func.count()).select_from(Digest)) == 6
    assert statements() == before == 3

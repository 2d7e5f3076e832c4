"""Sources at the desk: added, named, moved, paused, taken away, brought back, and exchanged as lists."""

from __future__ import annotations

import datetime as dt
import html
import re
from collections.abc import Iterator

import httpx2
import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from digest.config import Settings
from digest.db import Database
from digest.editions.candidates import sources_to_collect
from digest.models import Account, AccountDigest, AccountRole, DigestSource, Edition, Post, PostSource, Source
from digest.sources.catalogue import add_source
from digest.sources.queries import due_sources
from tests.factories import make_account, make_digest
from tests.factories.moments import NOW
from tests.integration.newsroom import Newsroom, make_newsroom
from tests.integration.web.desk.hands import HERE, Hands, signed_in
from tests.servers.news_site import NewsSite, Page
from tests.servers.wordpress_pages import HTML, feed_of
from tests.servers.wordpress_pages import page as page_of

OPML = """<opml version="2.0"><body>
<outline text="Good" xmlUrl="https://good.example/feed/"/>
<outline text="The site" xmlUrl="{there}"/>
<outline text="Gopher" xmlUrl="gopher://old.example/"/></body></opml>"""


@pytest.fixture
def site() -> Iterator[NewsSite]:
    with NewsSite() as running:
        link = '<link rel="alternate" type="application/rss+xml" href="/feed/">'
        running.put("/", Page(page_of(link), content_type=HTML))
        running.put("/feed/", Page(feed_of(running, "The bridge opens", "Choir seeks tenors")))
        yield running


@pytest.fixture
def settings(settings: Settings, site: NewsSite) -> Settings:
    """The installation may fetch from the site of the test."""
    return settings.model_copy(update={"private_hosts": (site.host,)})


@pytest.fixture
def room(database: Database) -> Newsroom:
    return make_newsroom(database)


@pytest.fixture
def hands(client: TestClient, database: Database, nare: Account) -> Hands:
    return signed_in(client, database, nare)


def offer_in(page: httpx2.Response) -> str:
    found = re.search(r'name="offer" value="([^"]+)"', page.text)
    assert found is not None, page.text
    return html.unescape(found[1])


def send_list(hands: Hands, digest_id: int, body: bytes) -> httpx2.Response:
    form_token = re.search(r'name="form_token" value="([^"]+)"', hands.get("/desk/sources/new").text)
    assert form_token is not None
    data = {"form_token": form_token[1], "digest": str(digest_id), "days": "0"}
    files = {"file": ("feeds.opml", body, "text/xml")}
    headers = {**HERE, "cookie": f"desk={hands.token}"}
    return hands.client.post("/desk/sources/list", data=data, files=files, headers=headers)


def source_of(room: Newsroom) -> Source:
    with room.database.read() as session:
        return session.get_one(Source, room.source_id)


def drawn_by(room: Newsroom) -> list[int]:
    with room.database.read() as session:
        query = sa.select(DigestSource.digest_id).where(DigestSource.source_id == room.source_id)
        return list(session.scalars(query))


def test_a_source_is_shown_before_it_is_kept(hands: Hands, room: Newsroom, site: NewsSite) -> None:
    """Its stories stand there; kept, it is read at once and drawn from; an address without a feed is told."""
    wrong = hands.post("/desk/sources/new/site", {"address": site.url("/nothing")})
    assert wrong.status_code == 422
    assert site.url("/nothing") in wrong.text
    page = hands.post("/desk/sources/new/site", {"address": site.url()})
    assert "Choir seeks tenors" in page.text
    fields = {"offer": offer_in(page), "option": "0", "digest": str(room.digest_id), "days": "0"}
    with room.database.read() as session:
        assert session.scalars(sa.select(Source.id)).all() == [room.source_id]
    home = hands.post("/desk/sources/new", fields).headers["location"]
    assert "The bridge opens" in hands.get(home).text
    with room.database.read() as session:
        made = session.scalars(sa.select(Source).where(Source.url == site.url("/feed/"))).one()
        assert session.get(DigestSource, (room.digest_id, made.id)) is not None
    again = hands.post("/desk/sources/new/site", {"address": site.url("/feed/")})
    assert "It is among the sources already." in again.text


def test_an_editor_adds_a_source_to_a_digest_of_theirs(
    client: TestClient, database: Database, room: Newsroom, site: NewsSite
) -> None:
    """Without one they could not see it; a digest of others is not there; what was chosen stays chosen."""
    with database.write() as session:
        editor = make_account(session, role=AccountRole.EDITOR, password_hash="x")
        session.add(AccountDigest(account_id=editor.id, digest_id=room.digest_id))
        foreign = make_digest(session, title="The Herald").id
    hands = signed_in(client, database, editor)
    page = hands.post("/desk/sources/new/site", {"address": site.url("/feed/")})
    assert "Herald" not in page.text
    fields = {"offer": offer_in(page), "digest": str(foreign)}
    assert hands.post("/desk/sources/new", fields).status_code == 422
    home = hands.post("/desk/sources/new", fields | {"digest": str(room.digest_id)}).headers["location"]
    assert hands.get(home).status_code == 200
    assert hands.post(f"{home}/remove").status_code == 403


def test_a_name_of_the_desks_own_stays_when_the_site_says_another(
    hands: Hands, room: Newsroom, site: NewsSite
) -> None:
    """Read again, the source keeps it; given up, the site's own name is back."""
    with room.database.write() as session:
        session.get_one(Source, room.source_id).url = site.url("/feed/")
    url = f"/desk/sources/{room.source_id}"
    hands.post(f"{url}/test")
    own = source_of(room).title
    hands.post(f"{url}/name", {"title": "Our harbour pages"})
    site.put("/feed/", Page(feed_of(site, "One more", "The bridge opens")))
    hands.post(f"{url}/test")
    assert source_of(room).title == "Our harbour pages"
    hands.post(f"{url}/name", {"title": ""})
    hands.post(f"{url}/test")
    assert source_of(room).title == own


def test_a_paused_source_is_read_by_nobody(hands: Hands, room: Newsroom, site: NewsSite) -> None:
    """Neither by the clock nor before an edition is locked; read once by hand, it rests on."""
    with room.database.write() as session:
        session.get_one(Source, room.source_id).url = site.url("/feed/")
    edition = room.edition()
    url = f"/desk/sources/{room.source_id}"

    def is_read() -> tuple[bool, bool]:
        with room.database.read() as session:
            due = due_sources(session, now=NOW + dt.timedelta(days=9000))
            found = session.get_one(Edition, edition)
            before_lock = sources_to_collect(session, found, before=NOW + dt.timedelta(days=9000))
            return room.source_id in [one.id for one in due], room.source_id in before_lock

    assert is_read() == (True, True)
    hands.post(f"{url}/pause")
    assert is_read() == (False, False)
    hands.post(f"{url}/test")
    assert is_read() == (False, False)
    assert "It is paused: nobody reads it." in hands.get("/desk/sources").text
    hands.post(f"{url}/start")
    assert is_read() == (True, True)


def test_a_source_is_taken_away_and_brought_back_as_it_was(hands: Hands, room: Newsroom) -> None:
    """Said with numbers before; its digests draw from it again after; what it brought is there throughout."""
    room.publish("The harbour opens")
    room.edition()
    url = f"/desk/sources/{room.source_id}"
    page = hands.get(url).text
    assert "1 story that it has brought is kept." in page
    assert "1 digest does not draw from it any more" in page
    assert "1 coming edition is made without its stories." in page
    hands.post(f"{url}/remove")
    assert drawn_by(room) == []
    assert "It was taken away." in hands.get(url).text
    assert hands.post(f"{url}/pause").status_code == 409
    assert f"{url}/restore" in hands.get("/desk/sources").text
    hands.post(f"{url}/restore")
    assert drawn_by(room) == [room.digest_id]
    assert not source_of(room).rests
    assert hands.post(f"{url}/restore").status_code == 409
    with room.database.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Post)) == 1
    for act in ("pause", "remove", "restore"):
        hands.post(f"{url}/{act}")
    assert (source_of(room).rests, source_of(room).is_away) == (True, False)
    hands.post(f"{url}/remove")
    with room.database.write() as session:
        again = add_source(session, source_of(room).url, backlog=dt.timedelta(0), actor="test", now=NOW)
        assert (again.id, again.rests) == (room.source_id, False)


def test_an_editor_changes_no_source_that_others_draw_from(
    client: TestClient, database: Database, room: Newsroom
) -> None:
    """Whoever may add a source to a digest of theirs does not decide by that what others' digests bring."""
    with database.write() as session:
        editor = make_account(session, role=AccountRole.EDITOR, password_hash="x")
        mine = make_digest(session, title="The Herald").id
        session.add(AccountDigest(account_id=editor.id, digest_id=mine))
        session.add(DigestSource(digest_id=mine, source_id=room.source_id))
        row = session.get_one(Source, room.source_id)
        row.say_own("was", [{"url": "https://elsewhere.example/feed/"}])
    before, url = source_of(room), f"/desk/sources/{room.source_id}"
    hands = signed_in(client, database, editor)
    page = hands.get(url).text
    assert "Digests of others draw from it too." in page
    assert f"{url}/pause" not in page
    tries = {
        "pause": {},
        "start": {},
        "name": {"title": "Mine"},
        "address": {"former": "https://elsewhere.example/feed/"},
    }
    for path, fields in tries.items():
        assert hands.post(f"{url}/{path}", fields).status_code == 409, path
    found = source_of(room)
    assert (found.url, found.title, found.rests) == (before.url, before.title, False)
    with database.write() as session:
        session.execute(sa.delete(DigestSource).where(DigestSource.digest_id == room.digest_id))
    assert hands.post(f"{url}/pause").status_code == 303


def test_an_editor_who_adds_a_source_that_was_taken_away_has_it_alone(
    client: TestClient, database: Database, hands: Hands, room: Newsroom
) -> None:
    """An approver took it from other digests: only an approver gives it back to them."""
    hands.post(f"/desk/sources/{room.source_id}/remove")
    with database.write() as session:
        editor = make_account(session, role=AccountRole.EDITOR, password_hash="x")
        mine = make_digest(session, title="The Herald").id
        session.add(AccountDigest(account_id=editor.id, digest_id=mine))
    body = OPML.format(there=source_of(room).url).encode()
    assert send_list(signed_in(client, database, editor), mine, body).status_code == 200
    assert not source_of(room).is_away
    assert drawn_by(room) == [mine]


def test_a_source_moves_with_what_it_knows(hands: Hands, room: Newsroom, site: NewsSite) -> None:
    """The old address is kept and can be taken back; the archive of the new one is no news."""
    url, before = f"/desk/sources/{room.source_id}", source_of(room).url
    with room.database.write() as session:
        row = session.get_one(Source, room.source_id)
        row.last_good_at = NOW + dt.timedelta(days=9000)
    page = hands.post(f"{url}/address/look", {"address": site.url()})
    assert "The bridge opens" in page.text
    assert source_of(room).url == before
    hands.post(f"{url}/address", {"offer": offer_in(page), "option": "0"})
    found = source_of(room)
    assert (found.url, [one["url"] for one in found.former]) == (site.url("/feed/"), [before])
    hands.post(f"{url}/test")
    with room.database.read() as session:
        is_news = sa.select(PostSource.is_news).where(PostSource.source_id == room.source_id)
        assert session.scalars(is_news).all() == [False, False]
    assert hands.post(f"{url}/address", {"former": "https://elsewhere.example/"}).status_code == 422
    hands.post(f"{url}/address", {"former": before})
    found = source_of(room)
    assert (found.url, [one["url"] for one in found.former]) == (before, [site.url("/feed/")])


def test_a_list_of_sources_comes_in_and_goes_out(hands: Hands, room: Newsroom) -> None:
    """Each line with what became of it; what is no list is refused; what goes out is the list again."""
    assert send_list(hands, room.digest_id, b"<html></html>").status_code == 422
    done = send_list(hands, room.digest_id, OPML.format(there=source_of(room).url).encode())
    assert done.status_code == 200
    for said in ("added", "there already", "no address of the web"):
        assert said in done.text
    out = hands.get("/desk/sources/list.opml")
    assert out.headers["content-disposition"] == 'attachment; filename="sources.opml"'
    assert "https://good.example/feed/" in out.text
    assert source_of(room).url in out.text

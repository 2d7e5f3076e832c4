"""Our own copies of pictures: made from whatever a site answers, stored once, shown by editions."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from PIL import Image

from digest import clock
from digest.db import Database
from digest.editions.compose import Material, compose
from digest.editions.revisions import store_revision
from digest.feeds.stored_pictures import KIND, copy_of
from digest.lists import assets
from digest.lists.retention import Kind, RetentionTimes, purge
from digest.models import Asset, Edition, EditionKind, Post, PostSource, Source
from digest.net.http import Fetcher
from digest.queueing.names import TaskName
from digest.rendering.contexts import TextSize
from digest.sources.catalogue import add_source
from digest.sources.collect import collect
from digest.sources.pictures import due_posts, mirror, mirror_source
from tests.factories import make_cadence, make_digest
from tests.factories.moments import NOW
from tests.feeds import FeedPost, rss
from tests.integration.hints import taken
from tests.servers.news_site import NewsSite, Page

PUBLIC_URL = "https://news.courier.example"
MINUTE, DAY = dt.timedelta(minutes=1), dt.timedelta(days=1)


def jpeg(colour: str = "red", size: tuple[int, int] = (2400, 1600)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "JPEG")
    return out.getvalue()


def picture(body: bytes | None = None, **more: Any) -> Page:
    return Page(jpeg() if body is None else body, **{"content_type": "image/jpeg", **more})


@pytest.fixture
def site() -> Iterator[NewsSite]:
    with NewsSite() as running:
        yield running


@pytest.fixture
def fetcher(site: NewsSite) -> Fetcher:
    return Fetcher([site.host])


@pytest.fixture
def source_id(database: Database, site: NewsSite) -> int:
    with database.write() as session:
        return add_source(session, site.url("/feed/"), backlog=DAY, actor="test", now=NOW).id


def make_post(database: Database, source_id: int, url: str, **values: Any) -> int:
    """A post of the source with a picture at this address."""
    plain = {
        "url": "https://courier.example/1",
        "title": "A bench in front of the library",
        "picture": {"url": url, "width": 300, "height": 200, "alt": "A bench"},
        "published_at": NOW,
        "content_fingerprint": "",
        "first_seen_at": NOW,
        "changed_at": NOW,
    }
    with database.write() as session:
        post = Post(**{**plain, **values})
        session.add(post)
        session.flush()
        session.add(PostSource(source_id=source_id, post_id=post.id, is_news=True, seen_at=NOW))
        return post.id


def stored(database: Database, post_id: int) -> Post:
    with database.read() as session:
        return session.get_one(Post, post_id)


def fault_of(database: Database, post_id: int) -> object:
    found = stored(database, post_id)
    assert found.picture is not None
    assert found.picture_asset_id is None
    return found.picture.get("fault")


def files(database: Database) -> list[Asset]:
    with database.read() as session:
        return list(session.scalars(sa.select(Asset).where(Asset.kind == KIND).order_by(Asset.id)))


def test_a_picture_is_copied_at_the_size_of_a_mail(
    database: Database, site: NewsSite, fetcher: Fetcher, source_id: int
) -> None:
    """The file is in the database with its fingerprint, and the post knows it and its size."""
    url = site.put("/bench.jpg", picture())
    post_id = make_post(database, source_id, url)
    assert mirror(database, [post_id], fetcher, now=NOW) == 1
    post, (asset,) = stored(database, post_id), files(database)
    assert post.picture is not None
    copy = copy_of(post.picture)
    assert copy is not None
    assert (post.picture_asset_id, post.picture_tried_at) == (asset.id, NOW)
    assert (copy.fingerprint, copy.width, copy.height) == (asset.fingerprint, 1200, 800)
    assert asset.media_type == "image/jpeg"
    assert (post.picture["url"], post.picture["alt"]) == (url, "A bench")
    with database.read() as session:
        data = b"".join(assets.chunks(session, asset.id))
    assert Image.open(io.BytesIO(data)).size == (1200, 800)
    assert mirror(database, [post_id], fetcher, now=NOW + DAY) == 0
    assert len(site.asked("/bench.jpg")) == 1


def test_the_same_picture_is_stored_once(
    database: Database, site: NewsSite, fetcher: Fetcher, source_id: int
) -> None:
    """Whatever it is called at its site; and it stays as long as the last post that has it wants."""
    urls = [
        site.put("/a.jpg", picture()),
        site.put("/b.jpg", picture()),
        site.put("/c.jpg", picture(jpeg("blue"))),
    ]
    posts = [make_post(database, source_id, url) for url in urls]
    assert mirror(database, posts[:1], fetcher, now=NOW) == 1
    assert mirror(database, posts, fetcher, now=NOW + DAY) == 2
    first, second = files(database)
    used = [stored(database, post_id).picture_asset_id for post_id in posts]
    assert used == [first.id, first.id, second.id]
    assert first.expires_at == NOW + DAY + assets.KEPT_FOR


SVG = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"


def to(address: str) -> Page:
    return Page(status=302, headers=(("Location", address),))


BAD: dict[str, tuple[Page, str]] = {
    "a page": (Page(b"<!doctype html><p>Hello", content_type="text/html"), "not_a_picture"),
    "a page that says it is a picture": (picture(b"<!doctype html><p>Hello"), "not_a_picture"),
    "a picture that says it is a page": (picture(content_type="text/html; charset=utf-8"), "not_a_picture"),
    "a drawing": (Page(SVG, content_type="image/svg+xml"), "not_a_picture"),
    "a drawing that says it is a picture": (picture(SVG), "not_a_picture"),
    "nothing": (picture(b""), "not_a_picture"),
    "a counter": (picture(jpeg(size=(1, 1))), "counter"),
    "a bomb": (picture(jpeg(size=(9000, 6000))), "too_many_pixels"),
    "not there": (Page(status=404), "http_404"),
    "forbidden": (Page(status=403), "http_403"),
    "broken": (Page(status=503), "http_503"),
    "cut off": (picture(cut=500), "bad_answer"),
    "longer than it says": (picture(headers=(("Content-Length", "600"),)), "not_a_picture"),
    "shorter than it says": (picture(headers=(("Content-Length", "99999999"),)), "too_large"),
    "endless": (picture(jpeg(size=(90, 60)), endless=True), "too_large"),
    "a packed bomb": (picture(bytes(30_000_000), gzipped=True), "too_large"),
    "into a private network": (to("http://10.0.0.1/a.jpg"), "refused_address"),
    "to this machine": (to("http://localhost:1/a.jpg"), "refused_address"),
    "to a file": (to("file:///etc/passwd"), "bad_address"),
    "round and round": (to("/x"), "too_many_redirects"),
}  # fmt: skip


def test_whatever_a_site_answers_is_a_fault_at_the_post(
    database: Database, site: NewsSite, fetcher: Fetcher, source_id: int
) -> None:
    """Each has its code; nothing is stored, nothing is raised, and the next one is copied all the same."""
    posts = {}
    for number, (name, (page, _)) in enumerate(BAD.items()):
        path = "/x" if name == "round and round" else f"/{number}.jpg"
        posts[name] = make_post(database, source_id, site.put(path, page))
    posts["no address"] = make_post(database, source_id, "http://[::1")
    good = make_post(database, source_id, site.put("/good.jpg", picture(jpeg("green"))))
    assert mirror(database, [*posts.values(), good], fetcher, now=NOW) == 1
    found = {name: fault_of(database, post_id) for name, post_id in posts.items()}
    assert found == {name: code for name, (_, code) in BAD.items()} | {"no address": "bad_address"}
    assert len(files(database)) == 1


def test_a_picture_without_a_type_is_taken(
    database: Database, site: NewsSite, fetcher: Fetcher, source_id: int
) -> None:
    """Servers that were never told what they serve say so; the bytes decide. A redirect is followed."""
    site.put("/real.jpg", picture(content_type="application/octet-stream"))
    post_id = make_post(database, source_id, site.redirect("/moved.jpg", "/real.jpg", 301))
    assert mirror(database, [post_id], fetcher, now=NOW) == 1


def test_what_failed_is_tried_again_later(
    database: Database, site: NewsSite, fetcher: Fetcher, source_id: int
) -> None:
    """Not at every turn: the waits grow. An edition asks at once, if nobody has just asked."""
    site.put("/bench.jpg", Page(status=503))
    post_id = make_post(database, source_id, site.url("/bench.jpg"))

    def due(after: dt.timedelta) -> bool:
        with database.read() as session:
            return due_posts(session, source_id, now=NOW + after) == [post_id]

    assert due(dt.timedelta(0))
    assert not mirror_source(database, source_id, fetcher, now=NOW)
    assert [due(minutes * MINUTE) for minutes in (1, 14, 15)] == [False, False, True]
    assert mirror(database, [post_id], fetcher, now=NOW + MINUTE) == 0
    assert len(site.asked("/bench.jpg")) == 1
    assert mirror(database, [post_id], fetcher, now=NOW + 3 * MINUTE) == 0
    assert len(site.asked("/bench.jpg")) == 2
    assert [due(minutes * MINUTE) for minutes in (62, 63)] == [False, True]
    site.put("/bench.jpg", picture())
    assert mirror(database, [post_id], fetcher, now=NOW + 63 * MINUTE) == 1
    assert not due(DAY)


def test_only_recent_news_is_copied_by_itself(
    database: Database, site: NewsSite, fetcher: Fetcher, source_id: int
) -> None:
    """Not what was there before the source was, nor what is old or has no picture; newest first."""
    url = site.put("/bench.jpg", picture())
    old = make_post(database, source_id, url, first_seen_at=NOW - 8 * DAY, changed_at=NOW - 8 * DAY)
    backlog = make_post(database, source_id, url)
    make_post(database, source_id, url, picture=None)
    later, earlier = (make_post(database, source_id, url, published_at=NOW - age * DAY) for age in (1, 2))
    with database.write() as session:
        session.execute(sa.update(PostSource).where(PostSource.post_id == backlog).values(is_news=False))
    with database.read() as session:
        assert due_posts(session, source_id, now=NOW) == [later, earlier]
    assert mirror(database, [old], fetcher, now=NOW) == 1  # an edition wants it


def test_a_picture_that_changes_is_copied_anew(
    database: Database, site: NewsSite, fetcher: Fetcher, source_id: int
) -> None:
    """The site's new word stands, without the old copy and without its faults."""
    post_id = make_post(database, source_id, site.put("/a.jpg", picture()))
    assert mirror(database, [post_id], fetcher, now=NOW) == 1
    said = {"url": site.put("/b.jpg", picture(jpeg("blue"))), "width": None, "height": None, "alt": ""}
    with database.write() as session:
        post = session.get_one(Post, post_id)
        post.picture, post.changed_at = said, NOW + MINUTE
    with database.read() as session:
        assert due_posts(session, source_id, now=NOW + MINUTE) == [post_id]
    assert mirror(database, [post_id], fetcher, now=NOW + MINUTE) == 1
    assert [asset.id for asset in files(database)][1:] == [stored(database, post_id).picture_asset_id]


def test_a_copy_of_another_picture_is_not_noted(
    database: Database, site: NewsSite, fetcher: Fetcher, source_id: int
) -> None:
    """Where the site's word changes while its picture is under way, the new word is left as it is."""

    def changes(_request: object) -> Page:
        with database.write() as session:
            session.get_one(Post, post_id).picture = {
                "url": "https://x.test/",
                "width": 1,
                "height": 1,
                "alt": "",
            }
        return picture()

    post_id = make_post(database, source_id, site.put("/a.jpg", changes))
    assert mirror(database, [post_id], fetcher, now=NOW) == 0
    post = stored(database, post_id)
    assert (post.picture or {}).get("url") == "https://x.test/"
    assert (post.picture_asset_id, files(database)) == (None, [])


def test_no_time_left_means_no_picture(
    database: Database, site: NewsSite, fetcher: Fetcher, source_id: int
) -> None:
    """The rest waits for the next turn; nothing is begun."""
    post_id = make_post(database, source_id, site.put("/a.jpg", picture()))
    assert mirror(database, [post_id], fetcher, now=NOW, seconds=0) == 0
    assert site.requests == []


def test_a_collection_hints_at_the_pictures(
    database: Database, site: NewsSite, fetcher: Fetcher, source_id: int
) -> None:
    """New pictures are copied after it, by a task of their own; without any there is no hint."""
    now = clock.utc_now()
    with database.write() as session:
        session.get_one(Source, source_id).news_since = now - DAY
    plain = FeedPost(1, "One", now - 60 * MINUTE)
    shown = FeedPost(2, "Two", now - MINUTE, body=f'<p>Text.</p><img src="{site.put("/a.jpg", picture())}">')
    for posts, expected in (((plain,), []), ((shown, plain), [[source_id]])):
        site.put("/feed/", Page(rss(posts, site="https://courier.example")))
        taken()
        collect(database, source_id, fetcher, interval=15 * MINUTE, now=now)
        assert [ids for name, ids in taken() if name is TaskName.MIRROR] == expected
    assert not mirror_source(database, source_id, fetcher, now=now)
    assert len(files(database)) == 1


def material(database: Database, post_id: int) -> Material:
    with database.write() as session:
        digest = make_digest(session, rules={"bylines": {"capitals": "title", "leave_out": ["admin"]}})
        cadence = make_cadence(session, digest)
        edition = Edition(
            public_id="edition-of-pictures",
            cadence_id=cadence.id,
            kind=EditionKind.SCHEDULED,
            due_at=NOW,
            due_local="",
            send_at=NOW,
            state_since=NOW,
            created_at=NOW,
        )
        session.add(edition)
        session.flush()
        post = session.get_one(Post, post_id)
        return Material(edition, cadence, digest, post, (), (TextSize.NORMAL,))


def test_an_edition_shows_our_copy_and_keeps_it(
    database: Database, site: NewsSite, fetcher: Fetcher, source_id: int
) -> None:
    """With its own size and the words of the site, once; and its mails can be read for years."""
    url = site.put("/bench.jpg", picture())
    body = f'<p>Text.</p><p><img src="{url}" alt="A bench"></p>'
    post_id = make_post(database, source_id, url, author="ANI PETROSYAN, admin", body_html=body)
    assert mirror(database, [post_id], fetcher, now=NOW) == 1
    made_of = material(database, post_id)
    composed = compose(made_of, public_url=PUBLIC_URL, templates=None)
    (asset,) = files(database)
    ours = f"{PUBLIC_URL}/p/{asset.fingerprint}.jpg"
    for part in (composed.web_html, composed.variants[0].html):
        assert ours in part
        assert url not in part
        assert "A bench" in part
    shown = composed.items[0].story.picture
    assert shown is not None
    assert (shown.width, shown.height, composed.items[0].story.author) == (1200, 800, "Ani Petrosyan")
    with database.write() as session:
        store_revision(session, made_of.edition.id, composed, now=NOW)
    (asset,) = files(database)
    assert asset.expires_at is not None
    assert asset.expires_at > NOW + 3 * 365 * DAY


def test_an_edition_does_without_our_copy(
    database: Database, site: NewsSite, fetcher: Fetcher, source_id: int
) -> None:
    """Where there is none, or not any longer, the site's own picture is shown; where there is none, none."""
    url = site.put("/bench.jpg", picture())
    post_id = make_post(database, source_id, url)
    for answer, is_shown in ((Page(status=503), True), (picture(), False), (Page(status=404), False)):
        site.put("/bench.jpg", answer)
        with database.write() as session:
            session.get_one(Post, post_id).picture_tried_at = None
        mirror(database, [post_id], fetcher, now=NOW)
        composed = compose(material(database, post_id), public_url=PUBLIC_URL, templates=None)
        assert (url in composed.web_html) == is_shown
        with database.write() as session:
            while purge(session, Kind.FILES, RetentionTimes(), now=NOW + 31 * DAY):
                pass
            session.execute(sa.delete(Edition).where(Edition.public_id == "edition-of-pictures"))
        assert files(database) == []
        assert stored(database, post_id).picture_asset_id is None
    without = compose(material(database, post_id), public_url=PUBLIC_URL, templates=None)
    assert "<img" not in without.web_html

"""The last look at chosen posts: what is dropped, what is kept and said, what is edited on the way."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterator

import pytest
from PIL import Image

from digest.db import Database
from digest.models import SourceKind, Withdrawal
from digest.net.fetching import FetchCode
from digest.sources.health import SENTENCES
from digest.sources.looks import LookCode
from digest.sources.pictures import mirror
from digest.sources.recheck import Rechecked, recheck
from tests.integration.newsroom_wordpress import FULL, Newsroom, wordpress_newsroom
from tests.servers.news_site import Page
from tests.servers.wordpress_posts import NO_DIGEST
from tests.servers.wordpress_site import Pages, Rest, WordPressPost


@pytest.fixture
def newsroom(database: Database) -> Iterator[Newsroom]:
    with wordpress_newsroom(database) as found:
        found.site.publish("Stays", slug="stays", picture="bridge")
        found.site.publish("Goes", slug="goes")
        found.collect()
        yield found


def goes(newsroom: Newsroom) -> WordPressPost:
    return next(post for post in newsroom.site.posts.values() if post.slug == "goes")


def by_pages(newsroom: Newsroom) -> None:
    """As a plain feed, so that the posts' own pages are looked at."""
    newsroom.set_source(kind=SourceKind.FEED)


def test_a_post_that_is_there_costs_one_request_for_all(newsroom: Newsroom) -> None:
    """A WordPress is asked for all its posts at once; nothing is found, nothing is changed."""
    before = len(newsroom.site.requests)
    assert newsroom.recheck("Stays", "Goes") == Rechecked()
    assert len(newsroom.site.requests) == before + 1
    assert newsroom.post("Stays").checked_at == newsroom.site.now


@pytest.mark.parametrize("kind", [SourceKind.WORDPRESS, SourceKind.FEED])
@pytest.mark.parametrize("status", ["trash", "private"])
def test_an_unpublished_post_is_dropped(newsroom: Newsroom, kind: SourceKind, status: str) -> None:
    """Its page answers 404, whatever kind its source is."""
    newsroom.set_source(kind=kind)
    newsroom.site.edit(goes(newsroom), status=status)
    found = newsroom.recheck("Stays", "Goes")
    assert found.dropped == {newsroom.post("Goes").id: Withdrawal.GONE}
    assert (found.unknown, found.changed) == ({}, frozenset())
    assert newsroom.offered() == ["Stays"]


@pytest.mark.parametrize(
    ("pages", "reason"), [(Pages.GONE, Withdrawal.GONE), (Pages.UNAUTHORISED, Withdrawal.FORBIDDEN)]
)
def test_410_and_401_drop_a_post(newsroom: Newsroom, pages: Pages, reason: Withdrawal) -> None:
    """The site says that there is nothing for everybody."""
    newsroom.site.pages = pages
    newsroom.site.trash(goes(newsroom))
    assert newsroom.recheck("Goes").dropped == {newsroom.post("Goes").id: reason}


@pytest.mark.parametrize("kind", [SourceKind.WORDPRESS, SourceKind.FEED])
def test_a_post_that_got_a_password_is_dropped(newsroom: Newsroom, kind: SourceKind) -> None:
    """Its record says so, and its page shows the form."""
    newsroom.set_source(kind=kind)
    newsroom.site.edit(goes(newsroom), password="lavash")
    assert newsroom.recheck("Goes").dropped == {newsroom.post("Goes").id: Withdrawal.PROTECTED}


def test_a_post_that_got_the_no_digest_tag_is_dropped(newsroom: Newsroom) -> None:
    """An editor of the site has until the freeze."""
    newsroom.site.edit(goes(newsroom), tags=[NO_DIGEST])
    assert newsroom.recheck("Goes").dropped == {newsroom.post("Goes").id: Withdrawal.KEPT_OUT}


@pytest.mark.parametrize(
    ("pages", "code"),
    [
        (Pages.GUARDED, FetchCode.HTTP_STATUS),
        (Pages.BROKEN, FetchCode.HTTP_STATUS),
        (Pages.TO_FRONT, LookCode.ELSEWHERE),
    ],
)
def test_a_page_that_tells_nothing_keeps_the_post_and_is_said(
    newsroom: Newsroom, pages: Pages, code: str
) -> None:
    """A guard's 403, a fault and the front page: kept, with a code that has a sentence."""
    newsroom.site.pages = pages
    newsroom.site.trash(goes(newsroom))
    found = newsroom.recheck("Stays", "Goes")
    assert (found.dropped, found.unknown) == ({}, {newsroom.post("Goes").id: code})
    assert code in SENTENCES
    assert newsroom.offered() == ["Stays", "Goes"] or newsroom.offered() == ["Goes", "Stays"]


def test_a_site_that_is_down_keeps_all_its_posts(newsroom: Newsroom) -> None:
    """A fault of its REST interface is no reason to ask for each page; all are kept and said."""
    newsroom.site.rest = Rest.BROKEN
    newsroom.site.trash(goes(newsroom))
    before = len(newsroom.site.requests)
    found = newsroom.recheck("Stays", "Goes")
    assert found.dropped == {}
    assert set(found.unknown) == {newsroom.post("Stays").id, newsroom.post("Goes").id}
    assert len(newsroom.site.requests) == before + 1


@pytest.mark.parametrize("rest", [Rest.UNAUTHORISED, Rest.FORBIDDEN, Rest.MISSING, Rest.PAGE])
def test_with_rest_shut_the_pages_are_looked_at(newsroom: Newsroom, rest: Rest) -> None:
    """A 401 or 404 of the interface says nothing of the posts."""
    newsroom.site.rest = rest
    newsroom.site.trash(goes(newsroom))
    found = newsroom.recheck("Stays", "Goes")
    assert found.dropped == {newsroom.post("Goes").id: Withdrawal.GONE}
    assert found.unknown == {}


def test_a_slow_page_is_kept_and_the_time_for_all_has_an_end(newsroom: Newsroom) -> None:
    """What does not answer in time is kept as a time-out, with all that had to wait behind it."""
    by_pages(newsroom)
    page = Page(b"late", content_type="text/html", delay=60.0)
    newsroom.site.put("/stays/", page)
    newsroom.site.put("/goes/", page)
    found = newsroom.recheck("Stays", "Goes", seconds=0.5)
    assert found.dropped == {}
    assert set(found.unknown.values()) == {FetchCode.TIMEOUT}
    assert len(found.unknown) == 2


def test_an_edit_seen_on_the_way_is_stored(newsroom: Newsroom) -> None:
    """A better title and another picture, a minute before the freeze."""
    newsroom.site.now += dt.timedelta(minutes=1)
    post = next(post for post in newsroom.site.posts.values() if post.slug == "stays")
    newsroom.site.edit(post, title="Stays, &amp; better", picture="choir")
    found = newsroom.recheck("Stays", "Goes")
    stored = newsroom.post("Stays, & better")
    assert found == Rechecked(changed=frozenset({stored.id}))
    assert stored.picture is not None
    assert "choir" in stored.picture["url"]
    assert (stored.changed_at, stored.modified_at) == (newsroom.site.now, newsroom.site.now)
    assert newsroom.collect().changed == 0


def test_a_changed_slug_is_followed(newsroom: Newsroom) -> None:
    """The old address leads to the new one, whose page names the record: the post is there, with its edit."""
    newsroom.site.now += dt.timedelta(minutes=1)
    newsroom.site.edit(goes(newsroom), slug="gone-elsewhere", title="Goes elsewhere")
    found = newsroom.recheck("Stays", "Goes")
    stored = newsroom.post("Goes elsewhere")
    assert found == Rechecked(changed=frozenset({stored.id}))
    assert stored.url == newsroom.site.url("/gone-elsewhere/")


def test_a_post_that_is_back_is_offered_again(newsroom: Newsroom) -> None:
    """Restored from the bin after it was withdrawn."""
    newsroom.site.trash(goes(newsroom))
    newsroom.recheck("Goes")
    goes(newsroom).status = "publish"
    assert newsroom.recheck("Goes") == Rechecked()
    assert newsroom.post("Goes").withdrawn is None


def test_a_page_longer_than_we_read_is_there(newsroom: Newsroom) -> None:
    """An answer over the limit is an answer."""
    by_pages(newsroom)
    newsroom.site.put("/goes/", Page(b"x" * 1_100_000, content_type="text/html"))
    assert newsroom.recheck("Goes") == Rechecked()


def test_the_same_host_is_asked_one_thing_at_a_time(newsroom: Newsroom) -> None:
    """Many posts of one site never make two connections at once."""
    by_pages(newsroom)
    titles = [newsroom.site.publish(f"Story {number}").title for number in range(6)]
    newsroom.collect()
    assert newsroom.recheck("Stays", "Goes", *titles) == Rechecked()
    assert newsroom.site.most_at_once == 1


def test_no_post_is_no_request(newsroom: Newsroom) -> None:
    """An edition without stories of sites asks nobody."""
    before = len(newsroom.site.requests)
    found = recheck(newsroom.database, [], newsroom.fetcher, now=newsroom.site.now)
    assert (found, len(newsroom.site.requests)) == (Rechecked(), before)


def test_long_armenian_slugs_are_asked_for_in_few_requests(newsroom: Newsroom) -> None:
    """Percent-encoded, twenty of them are too long for one address; no page has to be looked at."""
    titles = [
        newsroom.site.publish(f"Հոդված {number}", slug=f"գրադարանի-նոր-ընթերցասրահը-{number}").title
        for number in range(20)
    ]
    newsroom.collect()
    before = len(newsroom.site.requests)
    assert newsroom.recheck(*titles) == Rechecked()
    asked = newsroom.site.requests[before:]
    assert 2 <= len(asked) <= 3
    assert all("/wp-json/" in request.path for request in asked)


# --- a cache before the site that keeps the pages of posts


@pytest.mark.parametrize("status", ["trash", "private", "draft"])
def test_a_kept_page_does_not_keep_a_post_that_its_record_says_is_none(
    newsroom: Newsroom, status: str
) -> None:
    """The cache answers 200; the number in its page is asked for, and the interface answers 401."""
    newsroom.site.keep_pages()
    newsroom.site.edit(goes(newsroom), status=status)
    found = newsroom.recheck("Stays", "Goes")
    assert found == Rechecked(dropped={newsroom.post("Goes").id: Withdrawal.UNPUBLISHED})
    assert newsroom.offered() == ["Stays"]


def test_a_kept_page_of_a_deleted_post_drops_it(newsroom: Newsroom) -> None:
    """There is no such post any more: 404, of its number."""
    newsroom.site.keep_pages()
    del newsroom.site.posts[goes(newsroom).number]
    assert newsroom.recheck("Stays", "Goes").dropped == {newsroom.post("Goes").id: Withdrawal.GONE}


def test_many_kept_pages_cost_few_requests(newsroom: Newsroom) -> None:
    """A page each, one question for all their numbers, and no more than twenty for single ones."""
    titles = [newsroom.site.publish(f"Story {number}").title for number in range(24)]
    newsroom.collect()
    newsroom.site.keep_pages()
    for post in newsroom.site.posts.values():
        newsroom.site.trash(post)
    before = len(newsroom.site.requests)
    found = newsroom.recheck(*titles)
    assert (len(found.dropped), found.unknown) == (20, {})
    asked = [request.path for request in newsroom.site.requests[before:]]
    assert len([path for path in asked if path.startswith("/story-")]) == 24
    assert len([path for path in asked if "include=" in path]) == 1
    assert len([path for path in asked if "/wp/v2/posts/" in path]) == 20


@pytest.mark.parametrize("rest", [Rest.BROKEN, Rest.FORBIDDEN, Rest.BUSY, Rest.PAGE])
def test_an_interface_that_shuts_meanwhile_drops_nothing(newsroom: Newsroom, rest: Rest) -> None:
    """It gave the list, and refuses single posts: a 403, a fault or a page is no word of the post."""
    newsroom.site.keep_pages()
    newsroom.site.trash(goes(newsroom))
    newsroom.site.rest_of_one = rest
    assert newsroom.recheck("Stays", "Goes") == Rechecked()
    assert "Goes" in newsroom.offered()


def test_the_number_of_another_posts_page_drops_nothing(newsroom: Newsroom) -> None:
    """WordPress leads a lost address to one that is like it: what is said there is said of the other."""
    other = newsroom.site.publish("Goes on", slug="goes-on")
    newsroom.site.keep_pages()
    kept = newsroom.site.pages_are_kept.pop("goes-on")
    newsroom.site.trash(goes(newsroom))
    newsroom.site.trash(other)
    newsroom.site.put("/goes-on/", kept)
    newsroom.site.pages_are_kept["goes"] = Page(
        status=301, headers=(("Location", newsroom.site.url("/goes-on/")),)
    )
    assert newsroom.recheck("Stays", "Goes") == Rechecked()


# --- pictures


def test_posts_with_our_copies_of_their_pictures_are_looked_at(newsroom: Newsroom) -> None:
    """What came of copying stands beside what the site said, and is kept by an edit of the words."""
    stays = newsroom.post("Stays")
    newsroom.site.put("/wp-content/uploads/bridge-1536x1024.jpg", Page(photo(), content_type="image/jpeg"))
    assert mirror(newsroom.database, [stays.id], newsroom.fetcher, now=newsroom.site.now) == 1
    copied = newsroom.post("Stays").picture
    assert copied is not None
    assert "copy" in copied
    assert newsroom.recheck("Stays", "Goes") == Rechecked()
    newsroom.site.edit(newsroom.site.posts[100], title="Stays on")
    newsroom.recheck("Stays")
    assert newsroom.post("Stays on").picture == copied


def test_a_picture_that_could_not_be_copied_keeps_no_post_from_being_looked_at(newsroom: Newsroom) -> None:
    """A fault of a picture is noted beside it."""
    assert (
        mirror(newsroom.database, [newsroom.post("Stays").id], newsroom.fetcher, now=newsroom.site.now) == 0
    )
    assert newsroom.recheck("Stays", "Goes") == Rechecked()


def test_a_post_without_a_picture_takes_the_one_that_its_page_names(newsroom: Newsroom) -> None:
    """It can be copied like any other, and neither a collection nor another look takes it for an edit."""
    by_pages(newsroom)
    goes(newsroom).shared_picture = newsroom.site.url("/share/goes.jpg")
    newsroom.site.put("/share/goes.jpg", Page(photo(), content_type="image/jpeg"))
    assert newsroom.recheck("Stays", "Goes") == Rechecked()
    post = newsroom.post("Goes")
    assert post.picture is not None
    assert post.picture["url"] == newsroom.site.url("/share/goes.jpg")
    assert mirror(newsroom.database, [post.id], newsroom.fetcher, now=newsroom.site.now) == 1
    copied = newsroom.post("Goes").picture
    assert newsroom.recheck("Goes") == Rechecked()
    newsroom.set_source(kind=SourceKind.WORDPRESS, etag=None)
    assert newsroom.recheck("Goes") == Rechecked()
    assert newsroom.collect(after=FULL).changed == 0
    assert newsroom.post("Goes").picture == copied


def test_the_picture_of_a_feed_comes_before_the_one_of_a_page(newsroom: Newsroom) -> None:
    """A page's picture is the last rung: a post that has one keeps it."""
    by_pages(newsroom)
    newsroom.site.posts[100].shared_picture = newsroom.site.url("/share/stays.jpg")
    before = newsroom.post("Stays").picture
    newsroom.recheck("Stays")
    assert before is not None
    assert newsroom.post("Stays").picture == before


def test_what_several_pages_name_is_no_picture_of_a_post(newsroom: Newsroom) -> None:
    """A site that has none for a post often names its own sign."""
    newsroom.site.publish("Third", slug="third")
    newsroom.collect()
    by_pages(newsroom)
    for post in newsroom.site.posts.values():
        post.shared_picture = newsroom.site.url("/logo.png")
    newsroom.recheck("Goes", "Third")
    assert (newsroom.post("Goes").picture, newsroom.post("Third").picture) == (None, None)


def test_what_another_page_named_before_is_no_picture_of_a_post(newsroom: Newsroom) -> None:
    """A site's sign is known at its second story, whenever that is looked at."""
    newsroom.site.publish("Third", slug="third")
    newsroom.collect()
    by_pages(newsroom)
    for post in newsroom.site.posts.values():
        post.shared_picture = newsroom.site.url("/logo.png")
    newsroom.recheck("Goes")
    newsroom.recheck("Third")
    assert newsroom.post("Goes").picture is not None
    assert newsroom.post("Third").picture is None


def photo() -> bytes:
    """A small photograph."""
    made = io.BytesIO()
    Image.new("RGB", (640, 360), (120, 90, 30)).save(made, "JPEG")
    return made.getvalue()

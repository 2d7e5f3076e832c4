"""The last look at chosen posts: what is dropped, what is kept and said, what is edited on the way."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest

from digest.db import Database
from digest.models import SourceKind, Withdrawal
from digest.net.fetching import FetchCode
from digest.sources.health import SENTENCES
from digest.sources.looks import LookCode
from digest.sources.recheck import Rechecked, recheck
from tests.integration.newsroom_wordpress import Newsroom, wordpress_newsroom
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
    """The old address leads on to the new one: the post is there."""
    newsroom.site.edit(goes(newsroom), slug="gone-elsewhere")
    assert newsroom.recheck("Stays", "Goes") == Rechecked()


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

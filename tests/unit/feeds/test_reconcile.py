"""One feed out of a site's feed and its records."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from digest.feeds.reconcile import Reconciled, Withheld, by_feed_alone, merged, reconcile
from digest.feeds.types import ParsedFeed, ParsedPost, Picture
from digest.feeds.wordpress import Record, Standing
from digest.feeds.wordpress_addresses import Wanted

FEED = "https://courier.example/feed/"
MOMENT = dt.datetime(2026, 11, 23, 6, 0, tzinfo=dt.UTC)
ALL = Wanted()
LONG_AGO = MOMENT - dt.timedelta(days=30)


def post(number: int, title: str = "Story", **values: object) -> ParsedPost:
    plain = {
        "guid": f"https://courier.example/?p={number}",
        "url": f"https://courier.example/story-{number}/",
        "title": f"{title} {number}",
        "published_at": MOMENT - dt.timedelta(hours=number),
    }
    return ParsedPost(**{**plain, **values})  # type: ignore[arg-type]


def record(number: int, standing: Standing = Standing.PUBLISHED, **values: object) -> Record:
    return Record(number, standing, post(number, "Record", **values), has_terms=True)


def told(
    posts: list[ParsedPost],
    records: list[Record],
    wanted: Wanted = ALL,
    since: dt.datetime | None = None,
) -> Reconciled:
    feed = ParsedFeed("Courier", "en", tuple(posts))
    return reconcile(feed, records, wanted, feed_url=FEED, since=since)


def titles(found: Reconciled) -> list[str]:
    return [one.title for one in found.feed.posts]


def test_records_win_and_add_what_the_feed_lacks() -> None:
    """Each post once, the newest first, whatever the feed's order."""
    found = told([post(3), post(1)], [record(1), record(2), record(3)])
    assert titles(found) == ["Record 1", "Record 2", "Record 3"]
    assert len(found.vouched) == 3


def test_a_post_is_matched_by_id_address_or_number() -> None:
    """A feed may change one of them; ids of other blogs are no numbers here."""
    by_guid = post(1, url="https://feeds.courier.example/r/1")
    by_address = post(2, guid="tag:courier.example,2026:2")
    by_number = post(3, guid="http://www.courier.example/?p=3", url="https://courier.example/old/")
    foreign = post(4, guid="https://other.example/?p=1", url="https://courier.example/foreign/")
    found = told([by_guid, by_address, by_number, foreign], [record(1), record(2), record(3)])
    assert titles(found) == ["Record 1", "Record 2", "Record 3", "Story 4"]


def test_what_a_record_does_not_say_comes_from_the_feed() -> None:
    """Authors that a site hides, a picture that only the feed has; but no tags are no tags."""
    picture = Picture("https://courier.example/a.jpg")
    other = post(1, author="Ani", picture=picture, categories=("News", "Choirs"), excerpt="Words")
    found = merged(record(1, categories=("News",)), other)
    assert (found.author, found.picture, found.excerpt) == ("Ani", picture, "Words")
    assert (found.categories, found.tags) == (("News",), ())
    bare = merged(replace(record(1), has_terms=False), other)
    assert bare.categories == ("News", "Choirs")


def test_withheld_posts_are_told_apart() -> None:
    """What is not for all is not among the posts, whether or not the feed names it."""
    found = told([post(1)], [record(1, Standing.PROTECTED), record(2, Standing.KEPT_OUT)])
    assert titles(found) == []
    assert [one.standing for one in found.withheld] == [Standing.PROTECTED, Standing.KEPT_OUT]


def test_only_what_records_should_know_is_doubtful() -> None:
    """A post between the records; not one newer than all of them, nor an event, nor one before them."""
    event = post(2, guid="https://courier.example/?post_type=event&p=2")
    newer = post(0, published_at=MOMENT + dt.timedelta(hours=1))
    feed = [newer, event, post(3), post(4, published_at=LONG_AGO)]
    found = told(feed, [record(1), record(5)], since=MOMENT - dt.timedelta(days=1))
    assert [one.title for one in found.doubtful] == ["Story 3"]
    assert "Story 3" in titles(found)
    assert told(feed, [record(1), record(5)]).doubtful == ()


def test_a_part_of_a_site_is_what_its_records_or_its_feed_say() -> None:
    """The feed of a category has the posts of those beneath it; one that hears nothing brings all."""
    feed = ParsedFeed("Courier", "en", (post(1), post(2)))
    part = Wanted(categories=(3,))
    of_part = reconcile(feed, [record(2)], part, feed_url=FEED, since=LONG_AGO)
    assert (titles(of_part), of_part.doubtful) == (["Story 1", "Record 2"], ())
    of_all = reconcile(feed, [record(2)], part, feed_url=FEED, since=LONG_AGO, is_of_part=False)
    assert (titles(of_all), of_all.doubtful) == (["Record 2"], ())


def test_records_of_another_language_add_nothing() -> None:
    """Where only the feed hears the parameter; those in the feed keep their records."""
    english, silent = record(1, language="en"), record(2)
    armenian = record(3, language="hy")
    found = told([post(4)], [english, silent, armenian, record(4)], Wanted(language="hy"))
    assert titles(found) == ["Record 3", "Record 4"]


def test_the_feed_alone_keeps_out_by_its_labels() -> None:
    """It has one element for categories and tags."""
    feed = ParsedFeed("Courier", "en", (post(1, categories=("News", "No digest")), post(2)))
    found = by_feed_alone(feed, Wanted())
    assert titles(found) == ["Story 2"]
    assert found.withheld == (Withheld(feed.posts[0], Standing.KEPT_OUT),)

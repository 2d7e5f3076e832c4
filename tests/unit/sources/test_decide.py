"""What is new, what is known and what is another article, whatever a feed does to what it says."""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
from collections.abc import Iterable

import pytest

from digest.feeds.fingerprints import content_fingerprint, fingerprints
from digest.feeds.types import ParsedPost
from digest.sources.decide import Add, Keep, Known, Seen, decide

FEED = "https://news.example.org/feed/"
NOW = dt.datetime(2026, 11, 23, 6, 0, tzinfo=dt.UTC)
POST = ParsedPost(
    guid="https://news.example.org/?p=12",
    url="https://news.example.org/2026/11/harbour/",
    title="The harbour opens again in spring",
    published_at=dt.datetime(2026, 11, 20, 8, 0, tzinfo=dt.UTC),
    body_html="<p>It opens.</p>",
)
OTHER = ParsedPost(
    guid="https://news.example.org/?p=13",
    url="https://news.example.org/2026/11/mill/",
    title="The mill closes for the winter",
    published_at=dt.datetime(2026, 11, 21, 8, 0, tzinfo=dt.UTC),
)


def seen(post: ParsedPost) -> Seen:
    return Seen(post, fingerprints(post, feed_url=FEED), content_fingerprint(post))


def known(posts: Iterable[ParsedPost], *, purged: bool = False) -> dict[str, Known]:
    """What the database would say of these posts, numbered from 1."""
    found: dict[str, Known] = {}
    for number, post in enumerate(posts, start=1):
        row = (
            Known(None, None)
            if purged
            else Known(number, content_fingerprint(post), post.title, post.published_at)
        )
        for one in fingerprints(post, feed_url=FEED):
            found.setdefault(one.value, row)
    return found


def kept(feed: Iterable[ParsedPost], before: dict[str, Known]) -> list[int | str]:
    """For each article of a feed the number of the post that it is, or "new"."""
    intents = decide([seen(post) for post in feed], before)
    return [intent.post_id if isinstance(intent, Keep) else "new" for intent in intents]


def change(**values: object) -> object:
    return lambda post: dataclasses.replace(post, **values)


CHANGES = {
    "https": lambda p: dataclasses.replace(
        p, guid=p.guid.replace("https", "http"), url=p.url.replace("https", "http")
    ),
    "host": lambda p: dataclasses.replace(
        p, guid=p.guid.replace("news.", "courier."), url=p.url.replace("news.", "courier.")
    ),
    "slug": lambda p: dataclasses.replace(p, url="https://news.example.org/reopening-in-spring"),
    "new ids": change(guid="urn:uuid:00000000-0000-4000-8000-000000000001"),
    "no ids": change(guid=""),
    "title": change(title="Harbour to open in spring, says the mayor"),
    "now": change(published_at=NOW),
    "no date": change(published_at=None),
    "campaign": lambda p: dataclasses.replace(p, url=p.url + "?utm_source=rss&fbclid=1#more"),
}  # fmt: skip


@pytest.mark.parametrize(("one", "two"), list(itertools.combinations_with_replacement(CHANGES, 2)))
def test_a_post_is_known_after_any_two_changes(one: str, two: str) -> None:
    """Whatever two of the usual things a site does to a post, it is the same one."""
    changed = CHANGES[two](CHANGES[one](POST))
    assert kept([OTHER, changed], known([POST, OTHER])) == [2, 1]


@pytest.mark.parametrize("one", [change for change in CHANGES if change != "title"])
def test_a_site_that_moves_and_dates_all_to_now_keeps_its_posts(one: str) -> None:
    """The host, the date and a third thing: the number, the path and the title still tell."""
    changed = CHANGES[one](CHANGES["now"](CHANGES["host"](POST)))
    assert kept([changed], known([POST])) == [1]


def test_an_edit_is_told_from_what_is_the_same() -> None:
    """A changed word is a change; deciding about it once more is none."""
    edited = dataclasses.replace(POST, body_html="<p>It opens in May.</p>")
    (intent,) = decide([seen(edited)], known([POST]))
    assert intent == Keep(1, seen(edited), changed=True, published_at=POST.published_at)
    (again,) = decide([seen(edited)], known([edited]))
    assert isinstance(again, Keep)
    assert not again.changed


def test_a_reused_id_is_another_article() -> None:
    """Title, address and date all differ: a new post, which has the id from now on."""
    article = dataclasses.replace(OTHER, guid=POST.guid)
    (intent,) = decide([seen(article)], known([POST]))
    assert isinstance(intent, Add)
    guid = fingerprints(POST, feed_url=FEED)[0].value
    assert guid in intent.taken


@pytest.mark.parametrize("same", ["title", "url", "published_at"])
def test_a_reused_id_needs_all_three_to_differ(same: str) -> None:
    """With the title, the address or the day as it was, it is an edit."""
    article = dataclasses.replace(OTHER, guid=POST.guid, **{same: getattr(POST, same)})
    assert kept([article], known([POST])) == [1]


def test_a_reused_address_is_another_article() -> None:
    """A page that carries this week's story at last week's address, under another id and date."""
    article = dataclasses.replace(OTHER, url=POST.url)
    assert kept([article], known([POST])) == ["new"]
    without_id = dataclasses.replace(article, guid="")
    assert kept([without_id], known([POST])) == [1]


def test_a_feed_that_gives_all_the_same_id_loses_nothing() -> None:
    """Each article is one, the next one too, and those that are known stay known."""
    first, second, third = (
        dataclasses.replace(
            POST,
            guid="1",
            url=f"https://news.example.org/{number}/",
            title=f"Story of the harbour, part {number}",
            published_at=POST.published_at + dt.timedelta(days=number),
        )
        for number in (1, 2, 3)
    )
    assert kept([second, first], {}) == ["new", "new"]
    assert kept([third, second, first], known([first, second])) == ["new", 2, 1]
    undated = [dataclasses.replace(post, published_at=None) for post in (third, second, first)]
    assert kept(undated, known(undated[1:])) == ["new", 1, 2]


def test_ids_that_count_places_move_no_post() -> None:
    """A feed whose ids are the place in it: each day every id carries the article of the day before."""
    posts = [
        dataclasses.replace(
            POST,
            url=f"https://news.example.org/{number}/",
            title=f"Story of the harbour, part {number}",
            published_at=POST.published_at + dt.timedelta(days=number),
        )
        for number in range(5)
    ]

    def feed(newest_first: list[ParsedPost]) -> list[ParsedPost]:
        return [dataclasses.replace(post, guid=f"item-{place}") for place, post in enumerate(newest_first)]

    yesterday = feed(posts[3::-1])
    assert kept(feed(posts[4:0:-1]), known(yesterday)) == ["new", 1, 2, 3]


def test_an_article_stands_twice_in_a_feed() -> None:
    """The first mention wins: by the same address, or the same title of one day."""
    twice = dataclasses.replace(POST, guid="https://news.example.org/?p=99", title="Once more")
    elsewhere = dataclasses.replace(POST, guid="x", url="https://news.example.org/sport/harbour/")
    assert kept([POST, twice, elsewhere], {}) == ["new"]


def test_the_order_of_a_feed_tells_nothing() -> None:
    """Reversed, each article is the same post."""
    before = known([POST, OTHER])
    assert kept([POST, OTHER], before) == [1, 2]
    assert kept([OTHER, POST], before) == [2, 1]


def test_a_column_that_bears_the_same_title_each_week_is_new_each_week() -> None:
    """The title alone is never enough, nor the path of an archive that has several."""
    column = dataclasses.replace(POST, title="Letters to the editor, with answers")
    next_week = dataclasses.replace(
        OTHER, title=column.title, published_at=column.published_at + dt.timedelta(days=7)
    )
    assert kept([next_week], known([column])) == ["new"]


@pytest.mark.parametrize("one", [name for name in CHANGES if name != "title"])
def test_a_purged_post_never_comes_back(one: str) -> None:
    """Its fingerprints are kept: dated to now, on another host or with a new id, it is not news."""
    changed = CHANGES[one](CHANGES["now"](POST))
    assert kept([changed], known([POST], purged=True)) == []


def test_a_purged_id_that_is_used_again_is_another_article() -> None:
    """Nothing but the id is known of it."""
    assert kept([dataclasses.replace(OTHER, guid=POST.guid)], known([POST], purged=True)) == ["new"]

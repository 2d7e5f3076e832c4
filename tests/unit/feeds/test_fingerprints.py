"""What makes two posts the same, through all that sites do to their feeds."""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.feeds.fingerprints import (
    FingerprintKind,
    canonical_address,
    content_fingerprint,
    fingerprints,
    fold,
)
from digest.feeds.types import ParsedPost, Picture

FEED = "https://news.example.org/feed/"
POST = ParsedPost(
    guid="https://news.example.org/?p=12",
    url="https://news.example.org/2026/11/harbour/",
    title="The harbour opens again in spring",
    author="Ani Petrosyan",
    published_at=dt.datetime(2026, 11, 20, 8, 0, tzinfo=dt.UTC),
    excerpt="YEREVAN -- It opens.",
    body_html="<p>It <b>opens</b>.</p>",
)


def values(post: ParsedPost, feed_url: str = FEED) -> dict[FingerprintKind, str]:
    return {found.kind: found.value for found in fingerprints(post, feed_url=feed_url)}


def test_a_post_has_a_fingerprint_of_each_kind() -> None:
    """All kinds, each 64 hexadecimal digits, all different."""
    found = values(POST)
    assert set(found) == set(FingerprintKind)
    assert len(set(found.values())) == len(FingerprintKind)
    assert all(len(value) == 64 and int(value, 16) for value in found.values())


def test_what_is_missing_gives_no_fingerprint() -> None:
    """No id, no address, no title tell nothing; nor does the date of a title like "Weather"."""
    bare = ParsedPost(guid=" ", url="", title="...", published_at=POST.published_at)
    assert fingerprints(bare, feed_url=FEED) == ()
    assert set(values(dataclasses.replace(bare, title="Weather"))) == {FingerprintKind.TITLE}
    undated = dataclasses.replace(POST, guid="", published_at=None)
    assert set(values(undated)) == {FingerprintKind.ADDRESS, FingerprintKind.PATH, FingerprintKind.TITLE}


def test_the_front_page_is_no_address_of_a_post() -> None:
    """A feed whose items all lead to the front page has several posts; a blog's `/?p=12` is an address."""
    one, two = (
        dataclasses.replace(POST, guid="", url="https://news.example.org/", title=title)
        for title in ("The harbour opens again in spring", "The mill closes for the winter")
    )
    assert not set(values(one).values()) & set(values(two).values())
    plain = dataclasses.replace(POST, url="https://news.example.org/?p=12")
    assert FingerprintKind.PATH in values(plain)


def test_a_wordpress_number_outlives_its_host() -> None:
    """`?p=12` of one blog is the same number on another host, and another one in another blog."""
    kind = FingerprintKind.WORDPRESS
    moved = dataclasses.replace(POST, guid="https://courier.example.net/?p=12")
    other_blog = dataclasses.replace(POST, guid="https://news.example.org/sport/?p=12")
    assert values(moved)[kind] == values(POST)[kind] != values(other_blog)[kind]
    assert kind not in values(dataclasses.replace(POST, guid="https://news.example.org/?page=12"))


@pytest.mark.parametrize(
    "guid",
    [
        "urn:uuid:F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6",
        "tag:news.example.org,2026:post-12",
        "https://a.example.org/?p=1",
    ],
)
def test_an_id_that_is_unique_in_the_world_holds_on_every_host(guid: str) -> None:
    """A feed that moves keeps its posts."""
    post = dataclasses.replace(POST, guid=guid)
    kind = FingerprintKind.GUID
    assert values(post)[kind] == values(post, "https://feeds.example.net/x")[kind]


def test_any_other_id_holds_for_its_host_only() -> None:
    """Two sites may both count from 1; one site may move from http to https and from www."""
    post = dataclasses.replace(POST, guid="12")
    kind = FingerprintKind.GUID
    assert values(post)[kind] != values(post, "https://other.example.org/feed/")[kind]
    assert values(post)[kind] == values(post, "http://www.news.example.org/rss")[kind]
    assert values(post)[kind] != values(dataclasses.replace(post, guid="13"))[kind]


CHANGES = {
    "scheme": lambda post: dataclasses.replace(
        post, guid=post.guid.replace("https", "http"), url=post.url.replace("https", "http")
    ),
    "host": lambda post: dataclasses.replace(post, url=post.url.replace("//", "//WWW.")),
    "new ids": lambda post: dataclasses.replace(post, guid="urn:uuid:00000000-0000-4000-8000-000000000001"),
    "no ids": lambda post: dataclasses.replace(post, guid=""),
    "new address": lambda post: dataclasses.replace(post, url="https://news.example.org/reopening/"),
    "new title": lambda post: dataclasses.replace(post, title="Harbour to open in spring, says the mayor"),
    "campaign": lambda post: dataclasses.replace(post, url=post.url + "?utm_source=rss&fbclid=1#more"),
    "slash": lambda post: dataclasses.replace(post, url=post.url.rstrip("/")),
    "new date": lambda post: dataclasses.replace(post, published_at=dt.datetime(2026, 11, 23, tzinfo=dt.UTC)),
    "no date": lambda post: dataclasses.replace(post, published_at=None),
    "case": lambda post: dataclasses.replace(post, title=post.title.upper() + "!"),
}  # fmt: skip


@pytest.mark.parametrize(("one", "two"), list(itertools.product(CHANGES, repeat=2)))
def test_a_feed_may_change_two_things_at_once(one: str, two: str) -> None:
    """After any two of the usual changes a post is still known by at least one fingerprint."""
    changed = CHANGES[two](CHANGES[one](POST))
    assert set(fingerprints(POST, feed_url=FEED)) & set(fingerprints(changed, feed_url=FEED))


def test_two_posts_of_a_day_are_two() -> None:
    """Different articles share nothing.

    What it takes to be the same post is tested with `sources.decide`.
    """
    other = ParsedPost(
        guid="https://news.example.org/?p=13",
        url="https://news.example.org/2026/11/mill/",
        title="The mill closes for the winter",
        published_at=POST.published_at,
    )
    assert not set(fingerprints(POST, feed_url=FEED)) & set(fingerprints(other, feed_url=FEED))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://WWW.News.example.org:80/A/?b=2&a=1&utm_medium=x#y", "https://news.example.org/A?a=1&b=2"),
        ("https://news.example.org", "https://news.example.org"),
        ("https://news.example.org/", "https://news.example.org"),
        ("https://news.example.org:8443/a//", "https://news.example.org:8443/a"),
        ("https://news.example.org/%e1%a0%a1/%7Eani", "https://news.example.org/%E1%A0%A1/~ani"),
        ("https://news.example.org/Հայ", "https://news.example.org/%D5%80%D5%A1%D5%B5"),
        ("https://news.example.org/?p=12&mc_cid=1&gclid=2", "https://news.example.org?p=12"),
        ("https://news.example.org/a?b=", "https://news.example.org/a?b="),
        ("https://news.example.org/a?x=1&x=0", "https://news.example.org/a?x=0&x=1"),
        ("http://[2001:DB8::1]/a", "https://[2001:db8::1]/a"),
        ("https://Հայ.example.org/", "https://xn--y9a3aq.example.org"),
        ("mailto:a@example.org", ""),
        ("12", ""),
        ("", ""),
        ("http://[::1", ""),
    ],
)
def test_one_page_has_one_canonical_address(url: str, expected: str) -> None:
    """Spellings that lead to the same page are one; what is no address is none."""
    assert canonical_address(url) == expected


@given(
    st.one_of(
        st.text(max_size=60),
        st.builds(
            "{}://{}/{}?{}#{}".format,
            *[st.sampled_from(["http", "https", "HTTP"])],
            *[st.text(max_size=12)] * 4,
        ),
    )
)
def test_a_canonical_address_is_its_own(url: str) -> None:
    """Bringing an address into its form twice changes nothing."""
    once = canonical_address(url)
    assert canonical_address(once) == once


@given(st.text(max_size=50))
def test_folding_is_stable_and_blind_to_case(title: str) -> None:
    """A title folded twice, or written in capitals and lower case again, is the same."""
    assert fold(fold(title)) == fold(title)
    assert fold(title.lower()) == fold(title)


def test_folding_keeps_letters_of_all_scripts() -> None:
    """Armenian capitals, ligatures, quotes and dashes do not tell two titles apart."""
    assert fold("«ՆԱՎԱՀԱՆԳԻՍՏԸ» բացվում է — 2026") == fold("Նավահանգիստը բացվում է 2026!")
    assert fold("STRASSE") == fold("straße")
    assert fold("Հայ") != fold("Թերթ")


def test_the_content_fingerprint_sees_what_a_reader_sees() -> None:
    """A changed word changes it; markup, tracking and picture parameters do not."""
    before = content_fingerprint(POST)
    same = dataclasses.replace(
        POST, body_html="<p>It opens.</p>", url=POST.url + "?utm_source=x", guid="other"
    )
    assert content_fingerprint(same) == before
    pictured = dataclasses.replace(POST, picture=Picture("https://news.example.org/a.jpg?w=1"))
    resized = dataclasses.replace(POST, picture=Picture("https://news.example.org/a.jpg?w=2"))
    assert content_fingerprint(pictured) == content_fingerprint(resized) != before
    for change in (
        {"title": "The harbor"},
        {"author": "x"},
        {"body_html": "<p>It closes.</p>"},
        {"excerpt": "x"},
    ):
        assert content_fingerprint(dataclasses.replace(POST, **change)) != before

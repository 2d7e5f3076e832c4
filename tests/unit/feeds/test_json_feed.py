"""JSON Feed 1.0 and 1.1 become the same posts as RSS would, and what is wrong in them costs no more."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.feeds.json_feed import is_json
from digest.feeds.parse import parse_feed
from digest.feeds.types import ParseCode, ParsedFeed, ParseError, Picture
from tests.unit.feeds.parsing import odd

URL = "https://news.example.org/feed.json"
NOW = dt.datetime(2026, 11, 23, 6, 0, tzinfo=dt.UTC)
VERSION = "https://jsonfeed.org/version/1.1"

ITEM = {
    "id": "https://news.example.org/?p=12",
    "url": "/2026/11/harbour/?utm_source=feed",
    "title": "AT&T <returns> to the harbour",
    "authors": [{"name": "By Ani Petrosyan"}, {"name": "Bedros", "url": "https://b.example.org"}],
    "tags": ["Commentary", "Uncategorized", "ferries"],
    "date_published": "2026-11-22T10:30:00+04:00",
    "date_modified": "2026-11-22T12:00:00Z",
    "summary": "YEREVAN -- The harbour opened again.",
    "content_html": '<p class="x">YEREVAN -- It opened <a href="more/">again</a>.</p><script>x()</script>',
    "content_text": "Not this.",
    "image": "/wp/boats.jpg",
    "language": "en-US",
}


def feed(*items: object, **more: Any) -> bytes:
    given = {"version": VERSION, "title": "The Harbour Post", "language": "en", "items": list(items), **more}
    return json.dumps(given).encode()


def parsed(body: bytes, content_type: str = "application/feed+json") -> ParsedFeed:
    return parse_feed(body, url=URL, content_type=content_type, now=NOW)


def test_a_feed_in_json_is_read_whole() -> None:
    """Each field arrives clean: plain title, sections, sanitised body, absolute addresses, UTC."""
    found = parsed(feed(ITEM))
    assert (found.title, found.language, odd(found)) == ("The Harbour Post", "en", ())
    (post,) = found.posts
    assert post.guid == "https://news.example.org/?p=12"
    assert post.url == "https://news.example.org/2026/11/harbour/?utm_source=feed"
    assert post.title == "AT&T <returns> to the harbour"
    assert post.author == "Ani Petrosyan, Bedros"
    assert (post.categories, post.tags) == (("Commentary", "ferries"), ())
    assert post.published_at == dt.datetime(2026, 11, 22, 6, 30, tzinfo=dt.UTC)
    assert post.excerpt.startswith("YEREVAN -- The harbour opened")
    assert "again" in post.body_html
    assert 'href="https://news.example.org/2026/11/harbour/more/"' in post.body_html
    assert "script" not in post.body_html
    assert "class" not in post.body_html
    assert post.picture == Picture("https://news.example.org/wp/boats.jpg")
    assert post.language == "en-US"


def test_the_first_version_is_read_too() -> None:
    """One author, a number as id, text without markup, a picture among the attachments."""
    item = {
        "id": 12,
        "url": "https://news.example.org/12",
        "content_text": "Tea & <b>bread</b>\nat six",
        "author": {"name": "Ani Petrosyan"},
        "date_modified": "2026-11-22T10:30:00",
        "attachments": [
            {"url": "https://news.example.org/a.mp3", "mime_type": "audio/mpeg"},
            {"url": "https://news.example.org/a.jpg", "mime_type": "image/jpeg"},
        ],
    }
    (post,) = parsed(feed(item, version="https://jsonfeed.org/version/1")).posts
    assert (post.guid, post.author) == ("12", "Ani Petrosyan")
    assert post.title == "Tea & <b>bread</b> at six"
    assert "Tea &amp; &lt;b&gt;bread&lt;/b&gt;" in post.body_html
    assert post.published_at == dt.datetime(2026, 11, 22, 10, 30, tzinfo=dt.UTC)
    assert post.picture == Picture("https://news.example.org/a.jpg")
    assert post.language == "en"


def test_the_feed_signs_for_its_items() -> None:
    """An item without authors has the feed's (1.1, "authors")."""
    item = {"id": "1", "url": "https://news.example.org/1", "title": "One"}
    (post,) = parsed(feed(item, authors=[{"name": "The Editors"}])).posts
    assert post.author == "The Editors"


def test_a_page_elsewhere_is_an_address_too() -> None:
    """`external_url` stands in where the item has no page of its own, the id where it is an address."""
    items = (
        {"id": "1", "external_url": "https://other.example.org/1", "title": "One"},
        {"id": "https://news.example.org/2", "title": "Two"},
    )
    assert [post.url for post in parsed(feed(*items)).posts] == [
        "https://other.example.org/1",
        "https://news.example.org/2",
    ]


@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        (b'{"a": 1}', "", True),
        (b'\xef\xbb\xbf \n{"a": 1}', "text/html", True),
        (b"[1]", "application/rss+xml", True),
        (b"<rss/>", "application/feed+json", False),
        (b" \n<?xml?>", "application/json", False),
        (b"null", "application/json; charset=utf-8", True),
        (b"hello", "text/plain", False),
        (b"", "application/json", False),
    ],
)
def test_the_first_sign_says_what_it_is(body: bytes, content_type: str, expected: bool) -> None:  # noqa: FBT001
    """Servers name types wrongly; the type only decides where the first sign does not."""
    assert is_json(body, content_type) is expected


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b"{", "broken"),
        (b"null", "no JSON Feed"),
        (b"[]", "no JSON Feed"),
        (b'{"code": "rest_no_route", "data": {"status": 404}}', "no JSON Feed"),
        (b'{"version": 1.1, "items": []}', "no JSON Feed"),
        (b'{"version": "https://jsonfeed.org/version/2", "items": []}', "no JSON Feed"),
        (f'{{"version": "{VERSION}"}}'.encode(), "without a list of items"),
        (f'{{"version": "{VERSION}", "items": {{}}}}'.encode(), "without a list of items"),
        (b"[" * 90_000, "nested"),
        (b'{"a":' * 90_000, "nested"),
        (b"[" + b"{}," * 200_000 + b"{}]", "more than any feed"),
        (b"[" + b'"a",' * 300_000 + b'"a"]', "more than any feed"),
        (b"[" + b"1," * 1_100_000 + b"1]", "more than any feed"),
        (b'{"version": ' + b"9" * 10_000 + b"}", "broken"),
    ],
)
def test_what_is_no_feed_is_refused_in_words(body: bytes, word: str) -> None:
    """Broken, of something else, or a bomb: NOT_A_FEED, and the detail says which."""
    with pytest.raises(ParseError, match=word) as caught:
        parsed(body, "application/json")
    assert caught.value.code is ParseCode.NOT_A_FEED


def test_nothing_is_empty() -> None:
    """No bytes are no feed, whatever their type; a feed without items is one."""
    with pytest.raises(ParseError) as caught:
        parsed(b"  ")
    assert caught.value.code is ParseCode.EMPTY
    assert odd(parsed(feed())) == ("There is no story in it.",)


def test_the_good_items_are_kept() -> None:
    """Items of the wrong shape are left out and counted, fields of the wrong type are not there."""
    wrong = {"id": [1], "url": 7, "title": {"a": 1}, "tags": "News", "authors": [3, None, {"name": 4}]}
    broken = {**wrong, "url": "https://news.example.org/3", "title": "Three", "date_published": "soon"}
    future = {"id": "4", "url": "https://news.example.org/4", "title": "Four", "date_published": "2030-01-01"}
    found = parsed(feed(None, "x", wrong, broken, future, ITEM))
    assert [post.title for post in found.posts] == ["Three", "Four", "AT&T <returns> to the harbour"]
    assert found.posts[0].author == ""
    said = " ".join(odd(found))
    assert "without an address, left out: 3" in said
    assert "date that cannot be read: 1" in said
    assert "more than a day ahead: 1" in said


def test_too_many_items_are_cut_and_said() -> None:
    """The limit is that of every feed."""
    items = [{"id": str(n), "url": f"https://news.example.org/{n}", "title": f"No. {n}"} for n in range(620)]
    found = parsed(feed(*items))
    assert len(found.posts) == 500
    assert odd(found)[0] == "Only its first 500 stories were read; 120 more were left out."


def test_letters_that_no_database_takes_are_dropped() -> None:
    """Half a letter, NUL and controls, written as JSON allows them, do not come through."""
    item = {
        "id": "a\ud800\x00b",
        "url": "https://news.example.org/\ud800",
        "title": "One\x00 \ud83dtwo",
        "content_html": "<p>\ufffe\x01Body\udfff</p>",
        "tags": ["Ne\x00ws"],
    }
    (post,) = parsed(feed(item)).posts
    assert (post.guid, post.title, post.categories) == ("ab", "One two", ("News",))
    for text in (post.guid, post.url, post.title, post.body_html, *post.categories):
        text.encode()


values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=6), inner, max_size=4)
    ),
    max_leaves=8,
)
items = st.fixed_dictionaries(
    {},
    optional={name: st.one_of(values, st.just(value)) for name, value in ITEM.items()}
    | dict.fromkeys(("author", "attachments", "external_url", "banner_image"), values),
)


@given(
    st.lists(st.one_of(values, items), max_size=6), st.dictionaries(st.text(max_size=8), values, max_size=3)
)
def test_any_shape_gives_posts_or_our_error(found: list[object], more: dict[str, object]) -> None:
    """Whatever stands where, the result is a feed that can be stored."""
    body = json.dumps({**more, "version": VERSION, "items": found}).encode()
    for post in parsed(body).posts:
        assert post.title
        assert post.url.startswith(("http://", "https://"))
        "".join((post.guid, post.url, post.title, post.author, post.body_html, *post.categories)).encode()
        assert post.published_at is None or post.published_at.tzinfo is dt.UTC


@given(st.integers(0, 3000), st.binary(max_size=8))
def test_any_damage_gives_posts_or_our_error(place: int, junk: bytes) -> None:
    """A feed cut or overwritten anywhere is a feed or a ParseError."""
    body = feed(ITEM, {**ITEM, "id": "2"})
    place %= len(body)
    for damaged in (body[:place], body[:place] + junk + body[place + len(junk) :]):
        with contextlib.suppress(ParseError):
            assert parsed(damaged).title is not None

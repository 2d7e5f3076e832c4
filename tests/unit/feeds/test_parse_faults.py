"""What is broken, hostile or no feed at all: posts where there are good ones, else a clear error."""

from __future__ import annotations

import datetime as dt
import gzip
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.feeds.types import ParseCode, ParsedFeed, ParseError
from tests.unit.feeds.parsing import item, odd, one, parse, refused, rss
from tests.unit.feeds.strategies import markup


@pytest.mark.parametrize(
    "broken",
    [
        rss(item()).replace("</channel></rss>", ""),
        rss(item(title="Fish & chips")),
        rss(item("<description><p>open</description>")),
        rss(item()).replace("<rss", "<rss broken=1"),
        rss(item("<x:y>z</x:y>")),
        "some words before it " + rss(item("<br>")),
    ],
    ids=["cut", "ampersand", "open-tag", "attribute", "namespace", "words-before"],
)
def test_a_malformed_feed_that_can_be_read_gives_posts(broken: str) -> None:
    """What could be read is taken, and an editor is told."""
    feed = parse(broken)
    assert [post.url for post in feed.posts] == ["https://news.example.org/1"]
    assert "It is not well-formed XML; what could be read was taken." in odd(feed)


@pytest.mark.parametrize(
    "before", ["", "\n\n  ", "\ufeff", '<?xml version="1.0"?>', "<!-- <rss> -->", "junk"]
)
def test_what_stands_before_the_feed_does_not_matter(before: str) -> None:
    """White space, marks and comments before the first element are passed over."""
    feed = parse(before + rss(item()))
    assert len(feed.posts) == 1
    assert odd(feed) == ("Stories without a date: 1.",)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", ParseCode.EMPTY),
        (b" \r\n\t\0", ParseCode.EMPTY),
        (b"<!DOCTYPE html><html><body><p>News</p></body></html>", ParseCode.NOT_A_FEED),
        (b"<HTML><item></item></HTML>", ParseCode.NOT_A_FEED),
        (b"<!doctype html><head><title>x</title></head><p>x", ParseCode.NOT_A_FEED),
        (b"<p>Not found</p>", ParseCode.NOT_A_FEED),
        (b"<?xml version='1.0'?><urlset><url><loc>x</loc></url></urlset>", ParseCode.NOT_A_FEED),
        (b'{"version": "https://jsonfeed.org/version/1.1"}', ParseCode.NOT_A_FEED),
        (b"Forbidden", ParseCode.NOT_A_FEED),
        (b"https://news.example.org/feed", ParseCode.NOT_A_FEED),
        (b"/etc/passwd", ParseCode.NOT_A_FEED),
        (gzip.compress(b"<rss/>", mtime=0), ParseCode.NOT_A_FEED),
        (b"<rss>" + b"<a>" * 2000, ParseCode.NOT_A_FEED),
        # A place without its frame ends in a KeyError inside of the library.
        (
            b"<rss xmlns:gml='http://www.opengis.net/gml'><channel><gml:pos>1 2</gml:pos></channel></rss>",
            ParseCode.NOT_A_FEED,
        ),
        (b"<rss>" + b"<a/>" * 200_000, ParseCode.NOT_A_FEED),
    ],
)
def test_what_is_no_feed_is_refused(body: bytes, code: ParseCode) -> None:
    """A code for the caller and a reason in words."""
    assert refused(body) == code


def bomb(levels: int) -> str:
    lines = ['<!ENTITY a0 "ha">', *(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, levels))]
    return f"<?xml version='1.0'?><!DOCTYPE rss [{''.join(lines)}]>" + rss(item(title=f"&a{levels - 1};"))


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"]
)
@pytest.mark.parametrize(
    "text",
    [
        bomb(9),
        f"<!DOCTYPE rss SYSTEM 'x>y' [<!ENTITY a SYSTEM 'file:///etc/passwd'>]>{rss(item(title='&a;'))}",
        f"<!-- c --><!doctype rss [<!-- ] --> <!entity % p SYSTEM 'http://127.0.0.1/'>]>{rss(item())}",
        f"<?x <rss ?><!ENTITY a 'b'>{rss(item())}",
    ],
    ids=["bomb", "file", "parameter", "bare"],
)
def test_a_feed_that_declares_entities_is_refused(text: str, encoding: str) -> None:
    """Before any parser sees it, in every encoding a parser could know."""
    started = time.process_time()
    assert refused(text.encode(encoding)) == ParseCode.ENTITIES
    assert time.process_time() - started < 5  # a bomb that goes off takes minutes, and the memory


def test_entities_declared_where_no_parser_looks_do_nothing() -> None:
    """In a comment, or behind the first element, a declaration is nothing."""
    inside = "<description>&lt;!ENTITY a 'ha'&gt; explained</description>"
    feed = parse("<!-- <!DOCTYPE rss [<!ENTITY a 'ha'>]> -->" + rss(item(inside, title="x &amp;a; y")))
    assert (feed.posts[0].title, feed.posts[0].excerpt) == ("x &a; y", "explained")


def test_a_plain_doctype_is_passed_over() -> None:
    """Old feeds name the DTD of their kind."""
    doctype = (
        '<!DOCTYPE rss PUBLIC "-//Netscape Communications//DTD RSS 0.91//EN" "http://example.org/rss.dtd">'
    )
    assert len(parse(doctype + rss(item())).posts) == 1


TEXT = "Հարավ и юг, été"


@pytest.mark.parametrize(
    ("encoding", "declared", "content_type", "title"),
    [
        ("utf-8", "utf-8", "", TEXT),
        ("utf-8", "iso-8859-1", "", TEXT),
        ("utf-8", "utf-8", "text/xml", TEXT),
        ("utf-8", "utf-8", "text/xml; charset=iso-8859-1", TEXT),
        ("utf-8-sig", "", "", TEXT),
        ("utf-16", "utf-16", "", TEXT),
        ("utf-16-be", "utf-16", "", TEXT),
        ("windows-1251", "windows-1251", "application/xml", "и юг"),
        ("windows-1251", "", "application/xml; charset=windows-1251", "и юг"),
        ("windows-1251", "windows-1251", "text/xml; charset=ISO-8859-1", "и юг"),
        ("windows-1252", "iso-8859-1", "", "été “quoted” €"),
        ("windows-1252", "utf-8", "", "“été” €" * 9),
        ("windows-1252", "", "", "“été” €" * 9),
        ("windows-1252", "utf-7", "", "“été” €" * 9),
        ("gb18030", "gb2312", "", "新闻"),
    ],
)
def test_letters_come_out_right(encoding: str, declared: str, content_type: str, title: str) -> None:
    """What the bytes are goes before what feed or server say they are."""
    declaration = f'<?xml version="1.0" encoding="{declared}"?>' if declared else ""
    body = (declaration + rss(item(title=title))).encode(encoding)
    assert parse(body, content_type).posts[0].title == title


def test_a_few_broken_letters_do_not_spoil_the_rest() -> None:
    """A text cut in the middle of a letter is still UTF-8, and an editor is told."""
    body = (
        rss(item(title="Հարավ " * 20))
        .encode()
        .replace("Հարավ ".encode() * 20, "Հարավ ".encode() * 20 + b"\xd5")
    )
    feed = parse(body)
    assert feed.posts[0].title == "Հարավ " * 20 + "\ufffd"
    assert "Some of its letters cannot be read." in odd(feed)


def test_a_wrong_declaration_is_said() -> None:
    """An editor learns what to tell the site's owner."""
    feed = parse(rss(item(title="été")).encode(), "text/xml; charset=koi8-r")
    assert any("koi8-r" in oddity for oddity in odd(feed))


def test_an_empty_feed_is_a_feed() -> None:
    """Nothing published yet is no error, but worth a word."""
    feed = parse(rss())
    assert (feed.title, feed.posts, odd(feed)) == ("News", (), ("There is no story in it.",))


@pytest.mark.parametrize(
    "element", ["author", "dc:creator", "title", "guid", "pubDate", "category", "description"]
)
@pytest.mark.parametrize("piece", ["a", " ", "&amp;", "a,", ".", "&lt;b&gt;"])
def test_no_field_however_long_takes_long(element: str, piece: str) -> None:
    """The time grows with the size, not with its square: 60 kB of letters stop the library's own way."""
    namespace = 'xmlns:dc="http://purl.org/dc/elements/1.1/"'
    inner = f"<{element} {namespace}>{piece * (100_000 // len(piece))}</{element}>"
    started = time.process_time()
    feed = parse(rss(item(inner), head=inner))
    assert time.process_time() - started < 30
    assert len(feed.posts) == 1


def check(feed: ParsedFeed) -> None:
    """What every caller may rely on."""
    for post in feed.posts:
        assert post.url.startswith(("https://", "http://"))
        assert 0 < len(post.title) <= 500
        for text in (post.title, post.author, post.excerpt, *post.categories, *post.tags):
            assert text == " ".join(text.split())
        assert len(post.excerpt.split()) <= 40
        assert len(post.guid) <= 500
        assert post.published_at is None or post.published_at.tzinfo is dt.UTC
        assert "<script" not in post.body_html


@given(st.binary(max_size=400))
def test_any_bytes_give_a_feed_or_our_error(body: bytes) -> None:
    """Nothing but ParsedFeed or ParseError comes out."""
    try:
        check(parse(body))
    except ParseError as error:
        assert error.code in ParseCode  # noqa: PT017 - the other way out is a feed


@given(markup, markup, st.binary(max_size=20), st.integers(0, 900))
def test_a_feed_with_anything_in_it_is_read(title: str, body: str, junk: bytes, position: int) -> None:
    """Markup in fields, bytes thrown in, an early end: posts or our error, in time."""
    text = rss(item(f"<description>{body}</description><author>{title}</author>", title=title)).encode(
        "utf-8", "replace"
    )
    for changed in (text, text[:position] + junk + text[position:], text[:position]):
        try:
            check(parse(changed))
        except ParseError as error:
            assert error.code in ParseCode  # noqa: PT017


@given(markup)
def test_markup_in_cdata_is_read_the_same_way(body: str) -> None:
    """A body in CDATA is HTML as it stands."""
    escaped = body.replace("]]>", "").replace("\x00", "")
    post = one(f"<description><![CDATA[{escaped}]]></description>")
    check(ParsedFeed("", None, (post,)))

"""What a page says of its feeds is found, whatever it is written like; what only looks like one is not."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.feeds.discover import (
    MOST_CANDIDATES,
    Discovery,
    FoundBy,
    as_rest_root,
    discover,
    discover_beside,
    is_main_feed,
    rest_address,
)
from digest.feeds.links import with_parameters
from digest.feeds.page import is_page, scan
from digest.feeds.rest_site import read_posts, read_root, read_terms
from tests.unit.feeds.strategies import markup

URL = "https://courier.example/"


def found(html: str, *, url: str = URL, link: str = "") -> Discovery:
    return discover(html.encode(), url=url, headers={"link": link} if link else {}, content_type="text/html")


def urls(html: str, by: FoundBy, **more: str) -> list[str]:
    return [one.url for one in found(html, **more).feeds if one.found_by is by]


@pytest.mark.parametrize(
    ("tag", "url"),
    [
        ('<link rel="alternate" type="application/rss+xml" href="/feed/">', "https://courier.example/feed/"),
        (
            "<LINK HREF=/atom.xml TYPE='application/atom+xml' REL=ALTERNATE>",
            "https://courier.example/atom.xml",
        ),
        (
            '<link rel="alternate home" type="application/feed+json; charset=utf-8" href="feed.json" />',
            "https://courier.example/feed.json",
        ),
        (
            '<link rel="alternate" type="application/json" href="https://courier.example/feed.json">',
            "https://courier.example/feed.json",
        ),
        ('<link rel="feed" href="//feeds.example/x?a=1&amp;b=2">', "https://feeds.example/x?a=1&b=2"),
        ('<base href="/en/"><link rel=feed href="rss">', "https://courier.example/en/rss"),
        (
            "<link\n\trel='alternate'\n type='text/xml' href='/rss.php?id=1' >",
            "https://courier.example/rss.php?id=1",
        ),
    ],
)
def test_a_link_tag_names_a_feed(tag: str, url: str) -> None:
    """Any spelling of HTML, any of the types, relative to the page's base."""
    assert urls(f"<html><head>{tag}</head></html>", FoundBy.LINK) == [url]


@pytest.mark.parametrize(
    "tag",
    [
        '<!-- <link rel="alternate" type="application/rss+xml" href="/old/"> -->',
        '<script>var x = \'<link rel="alternate" type="application/rss+xml" href="/js/">\';</script>',
        "<textarea><link rel=feed href=/x></textarea>",
        '<link rel="alternate" type="application/json" href="/wp-json/wp/v2/posts/12">',
        '<link rel="alternate" type="application/json+oembed" href="/wp-json/oembed/1.0/embed?url=x">',
        '<link rel="alternate" type="application/json" href="/api/page/12">',
        '<link rel="alternate" hreflang="hy" href="/hy/">',
        '<link rel="stylesheet" type="text/css" href="/x.css">',
        '<link rel="alternate" type="application/rss+xml" href="javascript:alert(1)">',
        '<link rel="alternate" type="application/rss+xml" href="http://a:b@courier.example/feed">',
        '<link rel="alternate" type="application/rss+xml" title="Courier Comments Feed" href="/c/">',
        '<link rel="alternate" type="application/rss+xml" href="/comments/feed/">',
        '<link rel="alternate" type="application/rss+xml" href="/?feed=comments-rss2">',
        '<link rel="alternate" type="application/rss+xml">',
    ],
)
def test_what_only_looks_like_one_is_none(tag: str) -> None:
    """Comments, scripts, interfaces, comments of readers, addresses that are none of the web."""
    assert urls(f"<html><head>{tag}</head></html>", FoundBy.LINK) == []


def test_an_opinion_page_is_no_comments_feed() -> None:
    """A section called Comment is what the digest is made of."""
    tag = '<link rel="alternate" type="application/rss+xml" title="Comment" href="/comment/rss">'
    assert urls(tag, FoundBy.LINK) == ["https://courier.example/comment/rss"]


def test_a_header_names_a_feed_and_the_interface() -> None:
    """The Link header counts as a tag in the page (RFC 8288)."""
    link = (
        '<https://courier.example/wp-json/>; rel="https://api.w.org/", '
        '<https://courier.example/a,b/feed>; rel="alternate"; type="application/rss+xml", <broken'
    )
    page = found("<html></html>", link=link)
    assert page.feeds[0].url == "https://courier.example/a,b/feed"
    assert page.rest_roots[0] == "https://courier.example/wp-json/"
    assert (page.is_named, page.is_wordpress) == (True, True)


def test_links_in_the_page_are_offers_too() -> None:
    """What looks like a feed at this site or a feed service; what lies elsewhere is somebody else's."""
    html = (
        '<a href="/rss">RSS</a><a href="/news/feed.xml"><b>News</b></a>'
        '<a href="https://other.example/rss">x</a>'
        '<a href="/feedback/">Write</a><a href="https://feeds.example/courier.rss">F</a>'
        '<a href="?format=feed">J</a>'
        '<a href="https://notcourier.example/feed">y</a><a href="https://blog.courier.example/feed/">Blog</a>'
    )
    assert urls(html, FoundBy.ANCHOR) == [
        "https://courier.example/rss",
        "https://courier.example/news/feed.xml",
        "https://feeds.example/courier.rss",
        "https://courier.example/?format=feed",
        "https://blog.courier.example/feed/",
    ]
    assert found(html).feeds[1].title == ""
    assert found(html).feeds[0].title == "RSS"


def test_the_usual_places_come_last() -> None:
    """Beside a front page of a language or section, then at the root; never below an article."""
    shallow = urls("", FoundBy.WELL_KNOWN, url="https://courier.example/hy/")
    assert shallow[0] == "https://courier.example/hy/feed/"
    assert "https://courier.example/rss.xml" in shallow
    deep = urls("", FoundBy.WELL_KNOWN, url="https://courier.example/2026/11/harbour/")
    assert deep[0] == "https://courier.example/feed/"
    assert not [url for url in deep if "harbour" in url]
    both = found('<link rel=feed href="/feed">')
    assert both.feeds[0].found_by is FoundBy.LINK
    assert both.feeds[-1].found_by is FoundBy.WELL_KNOWN
    assert [one.url.rstrip("/") for one in both.feeds].count("https://courier.example/feed") == 1


@pytest.mark.parametrize(
    ("html", "roots"),
    [
        (
            '<link rel="https://api.w.org/" href="https://courier.example/blog/wp-json/" />',
            ["https://courier.example/blog/wp-json/", "https://courier.example/wp-json/"],
        ),
        (
            '<link rel="https://api.w.org/" href="https://courier.example/index.php?rest_route=/" />',
            ["https://courier.example/index.php?rest_route=/", "https://courier.example/wp-json/"],
        ),
        (
            '<meta name="generator" content="WordPress 6.8.1">',
            ["https://courier.example/wp-json/", "https://courier.example/?rest_route=/"],
        ),
        (
            '<img src="/wp-content/uploads/x.jpg">',
            ["https://courier.example/wp-json/", "https://courier.example/?rest_route=/"],
        ),
        ('<meta name="generator" content="Hugo 0.140">', []),
    ],
)
def test_the_interface_of_a_wordpress_is_found(html: str, roots: list[str]) -> None:
    """Named by the page, or where it most often is if the site has the marks of a WordPress."""
    assert list(found(html).rest_roots)[:2] == roots


def test_a_feed_tells_of_its_wordpress() -> None:
    """By its server's header, or by the generator that it names."""
    rss = b"<rss><channel><generator>https://wordpress.org/?v=6.8</generator></channel></rss>"
    assert discover_beside(rss, url=f"{URL}feed/", headers={}).rest_roots[0] == f"{URL}wp-json/"
    link = {"link": '<https://courier.example/x/wp-json/>; rel="https://api.w.org/"'}
    assert discover_beside(b"<rss/>", url=f"{URL}feed/", headers=link).rest_roots[0] == f"{URL}x/wp-json/"
    assert discover_beside(b"<rss/>", url=f"{URL}feed/", headers={}).rest_roots == ()


_HREFLANG = '<link rel="alternate" hreflang="{}" href="{}">'


def test_language_versions_by_folder() -> None:
    """Each with its feed, where WordPress would have it; x-default is no language."""
    html = (
        '<html lang="en-US"><link href="/wp-content/plugins/polylang/x.css">'
        + _HREFLANG.format("en-US", URL)
        + _HREFLANG.format("hy", f"{URL}hy/")
        + _HREFLANG.format("x-default", URL)
    )
    page = found(html)
    assert [(one.language, one.code) for one in page.languages] == [("en-US", "en"), ("hy", "hy")]
    assert page.language == "en-US"
    assert page.language_parameter == "lang"
    assert urls(html, FoundBy.LANGUAGE) == [f"{URL}hy/feed/"]


@pytest.mark.parametrize("parameter", ["lang", "language", "wpml_language"])
def test_language_versions_by_parameter(parameter: str) -> None:
    """As WPML and Polylang have it where there are no folders; the site's own code is kept."""
    html = (
        '<html lang="en"><meta name="generator" content="WPML ver:4.7 stt:1,4;">'
        '<meta name="generator" content="WordPress 6.8">'
        + _HREFLANG.format("en", URL)
        + _HREFLANG.format("hy-AM", f"{URL}?{parameter}=hy_AM")
    )
    page = found(html)
    assert page.language_parameter == parameter
    assert [one.code for one in page.languages] == ["en", "hy_AM"]
    assert urls(html, FoundBy.LANGUAGE) == [f"{URL}feed/?{parameter}=hy_AM"]


@pytest.mark.parametrize(
    ("href", "section"),
    [
        ("/wp-json/wp/v2/categories/12", ("categories", 12)),
        ("/?rest_route=/wp/v2/tags/3", ("tags", 3)),
        ("/wp-json/wp/v2/posts/3", None),
        ("/wp-json/wp/v2/categories/x", None),
    ],
)
def test_a_section_page_names_its_record(href: str, section: tuple[str, int] | None) -> None:
    """A WordPress page of a category or tag says which."""
    assert found(f'<link rel="alternate" type="application/json" href="{href}">').section == section


def test_addresses_below_a_root() -> None:
    """In the root's own form, with and without pretty addresses."""
    assert as_rest_root("https://a.example/wp-json") == "https://a.example/wp-json/"
    assert as_rest_root("https://a.example/?rest_route=/wp/v2") == "https://a.example/?rest_route=/"
    assert rest_address("https://a.example/wp-json/", "wp/v2/posts", per_page=1, _fields="id,link") == (
        "https://a.example/wp-json/wp/v2/posts?per_page=1&_fields=id,link"
    )
    assert rest_address("https://a.example/?rest_route=/", "wp/v2/posts", per_page=1) == (
        "https://a.example/?rest_route=/wp/v2/posts&per_page=1"
    )
    assert with_parameters("https://a.example/?feed=rss2&cat=1", [("cat", "2,3")]) == (
        "https://a.example/?feed=rss2&cat=2,3"
    )


@pytest.mark.parametrize(
    ("url", "root", "expected"),
    [
        ("https://a.example/feed/", "https://a.example/wp-json/", True),
        ("https://www.a.example/feed/rss2/", "https://a.example/wp-json/", True),
        ("https://a.example/?feed=rss2", "https://a.example/?rest_route=/", True),
        ("https://a.example/index.php/feed/", "https://a.example/index.php?rest_route=/", True),
        ("https://a.example/blog/feed/", "https://a.example/blog/wp-json/", True),
        ("https://a.example/hy/feed/", "https://a.example/wp-json/", False),
        ("https://a.example/category/news/feed/", "https://a.example/wp-json/", False),
        ("https://a.example/feed/?cat=3", "https://a.example/wp-json/", False),
        ("https://feeds.example/a", "https://a.example/wp-json/", False),
    ],
)
def test_the_feed_of_all_stories_is_told_from_a_part(url: str, root: str, expected: bool) -> None:  # noqa: FBT001
    """Only for it may the interface be asked for everything."""
    assert is_main_feed(url, root) is expected


@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        (b"<!doctype html><p>x", "text/html", True),
        (b"<html>", "", True),
        (b"<p>Only a piece", "text/html; charset=utf-8", True),
        (b"<html>", "application/rss+xml", True),
        (b"\x89PNG", "image/png", False),
        (b"%PDF-1.7", "application/pdf", False),
        (b"hello", "text/plain", False),
        (b"", "text/html", False),
    ],
)
def test_a_page_is_told_from_a_file(body: bytes, content_type: str, expected: bool) -> None:  # noqa: FBT001
    """By type and beginning; a server that names the type wrongly is not believed."""
    assert is_page(body, content_type) is expected


def test_letters_of_a_page() -> None:
    """By the page's own word where the server says nothing."""
    html = '<meta charset="windows-1252"><title>Caf\u00e9 &amp; Co</title>'.encode("cp1252")
    assert scan(html).title == "Café & Co"


_HEAVY = {
    "tags": b"<a " * 200_000,
    "attributes": b"<a " + b"x" * 500_000 + b">",
    "pairs": (b"<a " + b"x=y " * 700 + b">") * 200,
    "quotes": b"<link " + b"a='\" " * 100_000,
    "comments": b"<!--" * 100_000,
    "scripts": b"<script>" * 80_000,
    "titles": b"<title" * 200_000,
    "anchors": (b"<a href='/feed/x.xml'>" + b"&lt;" * 40 + b"</a>") * 3_000,
    "letters": "İ".encode() * 250_000,
}


@pytest.mark.parametrize("name", _HEAVY)
def test_a_page_made_to_be_slow_is_not(name: str) -> None:
    """Time grows with the page and nothing else: the worst takes a part of a second, not hours."""
    start = time.process_time()
    assert len(found(_HEAVY[name].decode()).feeds) <= MOST_CANDIDATES
    assert time.process_time() - start < 60


@given(st.one_of(st.binary(max_size=300), markup.map(str.encode)), st.text(max_size=60), st.text(max_size=20))
def test_any_page_gives_addresses_of_the_web(body: bytes, link: str, content_type: str) -> None:
    """Whatever the bytes and headers, there are only http addresses, bounded in number, each once."""
    page = discover(body, url=URL, headers={"link": link}, content_type=content_type)
    every = [one.url for one in page.feeds]
    assert len(every) == len(set(every)) <= MOST_CANDIDATES
    for url in (*every, *page.rest_roots, *(one.url for one in page.languages)):
        assert url.startswith(("http://", "https://"))
    assert all(len(one.code) <= 12 for one in page.languages)


_PIECES = st.sampled_from(
    [
        *(
            "<link ",
            "<a ",
            "rel=",
            "alternate",
            '"',
            "'",
            " ",
            "href=",
            "/feed/",
            "//[::1",
            "http://",
            "?lang=",
            ">",
        ),
        *(
            "type=application/rss+xml",
            "hreflang=hy",
            "https://api.w.org/",
            "rest_route=",
            "<!--",
            "<script>",
            "&#0;",
        ),
    ]
)


@given(st.lists(_PIECES, max_size=30).map("".join))
def test_any_links_give_addresses_of_the_web(html: str) -> None:
    """Broken tags and addresses are passed over."""
    for one in found(html, link=html).feeds:
        assert one.url.startswith(("http://", "https://"))


@given(
    st.one_of(
        st.binary(max_size=100),
        st.from_regex(r'[\[{]("id": -?[0-9]+|"name"|[\]},:{\[]){0,20}').map(str.encode),
    )
)
def test_any_answer_of_an_interface_is_read_or_nothing(body: bytes) -> None:
    """What the interface says has the shape that is expected, or is not there."""
    root = read_root(body)
    assert root is None or root.title == root.title.strip()
    for term in read_terms(body):
        assert term.id > 0
    for post in read_posts(body) or ():
        assert post.id > 0


def test_an_interface_is_read() -> None:
    """Its name, what it has, its sections with plain names, its posts with dates in UTC."""
    root = read_root(b'{"name": "The &amp; Courier", "namespaces": ["wp/v2", "pll/v1"]}')
    assert root is not None
    assert (root.title, root.has_posts, root.has_language) == ("The & Courier", True, True)
    assert read_root(b'{"code": "rest_no_route"}') is None
    assert read_root(b"[" * 100_000) is None
    terms = read_terms(
        b'[{"id": 7, "name": "Arts &amp; Letters", "slug": "arts", "count": 9}, {"id": "x"}, 3]'
    )
    assert [(term.id, term.name, term.posts) for term in terms] == [(7, "Arts & Letters", 9)]
    posts = read_posts(b'[{"id": 1, "title": {"rendered": "A<b>B</b>"}, "date_gmt": "2026-11-22T08:00:00"}]')
    assert posts is not None
    assert (posts[0].title, posts[0].published_at.isoformat()) == ("AB", "2026-11-22T08:00:00+00:00")
    assert read_posts(b'{"code": "rest_forbidden"}') is None

"""From any address of a site to its sources, against sites on loopback: what is found, asked, wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from digest.errors import InputError
from digest.feeds.types import ParseCode
from digest.i18n import LANGUAGES, translator
from digest.models import SourceKind
from digest.net.http import FetchCode, Fetcher
from digest.sources.find import find
from digest.sources.find_parts import narrowed
from digest.sources.find_words import (
    REASONS,
    SENTENCES,
    FindCode,
    Why,
    find_sentence,
    reason_sentence,
)
from digest.sources.found import Found, Option
from tests.servers.news_site import NewsSite, Page
from tests.servers.wordpress_pages import HTML, feed_of, page, put_wordpress

FEED_LINK = '<link rel="alternate" type="application/rss+xml" href="{}">'


@pytest.fixture
def site() -> Iterator[NewsSite]:
    with NewsSite() as running:
        yield running


def look(site: NewsSite, path: str = "/", *, pauses: list[float] | None = None, most: int = 24) -> Found:
    """Find what is at a path of the site, without waiting."""
    waited = [] if pauses is None else pauses
    with Fetcher([site.host], user_agent="Digest/test") as fetcher:
        return find(site.url(path), fetcher, agent="Digest", pause=waited.append, most=most)


def best(found: Found) -> Option:
    assert found.best is not None, (found.fault, found.detail)
    return found.best


def asked(site: NewsSite) -> list[str]:
    return [request.path for request in site.requests]


def test_a_feed_is_taken_as_it_stands(site: NewsSite) -> None:
    """One question, and no other: not even for robots.txt, for a person gave the address."""
    site.put("/news.xml", Page(feed_of(site, "One", "Two")))
    found = look(site, "/news.xml")
    assert (best(found).url, best(found).kind, best(found).why) == (
        site.url("/news.xml"),
        SourceKind.FEED,
        Why.GIVEN,
    )
    assert [post.title for post in best(found).feed.posts] == ["One", "Two"]
    assert asked(site) == ["/news.xml"]


def test_a_page_leads_to_the_feeds_that_it_names(site: NewsSite) -> None:
    """RSS and JSON Feed of the same stories are one; another section's is another."""
    same = {
        "version": "https://jsonfeed.org/version/1.1",
        "items": [{"id": "1", "url": site.url("/posts/1/"), "title": "One"}],
    }
    links = "".join(map(FEED_LINK.format, ("/rss.xml", "/feed.json", "/sport.xml", "/comments/feed/")))
    site.put("/", Page(page(links), content_type=HTML))
    site.put("/rss.xml", Page(feed_of(site, "One")))
    site.put("/feed.json", Page(json.dumps(same).encode(), content_type="application/feed+json"))
    site.put("/sport.xml", Page(feed_of(site, "Goal", "Draw")))
    found = look(site)
    assert [option.url for option in found.options] == [site.url("/rss.xml"), site.url("/sport.xml")]
    assert best(found).why is Why.NAMED
    # Nothing is guessed where the page names what works.
    assert asked(site) == ["/", "/robots.txt", "/rss.xml", "/feed.json", "/sport.xml"]


def test_a_json_feed_is_a_source(site: NewsSite) -> None:
    """Whatever type its server gives it."""
    item = {"id": "1", "url": site.url("/1"), "title": "One", "image": "/a.jpg", "content_html": "<p>x</p>"}
    given = {"version": "https://jsonfeed.org/version/1", "title": "Paper", "language": "hy", "items": [item]}
    site.put(
        "/", Page(page('<link rel="alternate" type="application/feed+json" href="/f">'), content_type=HTML)
    )
    site.put("/f", Page(json.dumps(given).encode(), content_type="text/html"))
    option = best(look(site))
    assert (option.url, option.feed.title, option.language) == (site.url("/f"), "Paper", "hy")
    assert option.feed.posts[0].picture is not None


def test_links_in_the_page_are_followed_where_it_names_none(site: NewsSite) -> None:
    """A list of feeds for people is one for us."""
    site.put("/feeds", Page(page("", '<a href="/a.rss">A</a> <a href="/b.rss">B</a>'), content_type=HTML))
    site.put("/a.rss", Page(feed_of(site, "A1")))
    site.put("/b.rss", Page(feed_of(site, "B1", "B2")))
    found = look(site, "/feeds")
    assert [(option.url, option.why) for option in found.options] == [
        (site.url("/a.rss"), Why.LINKED),
        (site.url("/b.rss"), Why.LINKED),
    ]


@pytest.mark.parametrize(
    "path", ["/feed/", "/rss.xml", "/atom.xml", "/index.xml", "/feed.json", "/rss", "/feed.xml"]
)
def test_the_usual_places_are_tried_last(site: NewsSite, path: str) -> None:
    """Where a site says nothing; a page that stands at such a place is no feed."""
    site.put("/", Page(page(), content_type=HTML))
    site.put("/feed/", Page(page(), content_type=HTML))
    site.put(path, Page(feed_of(site, "One")))
    option = best(look(site))
    assert (option.url, option.why) == (site.url(path), Why.GUESSED)


def test_a_feed_that_moved_for_good_is_taken_where_it_is(site: NewsSite) -> None:
    """A lasting redirect gives the new address, a passing one the old."""
    site.put("/", Page(page(FEED_LINK.format("/old")), content_type=HTML))
    site.put("/new", Page(feed_of(site, "One")))
    site.redirect("/old", "/new", 301)
    assert best(look(site)).url == site.url("/new")
    site.redirect("/old", "/new", 302)
    assert best(look(site)).url == site.url("/old")
    site.redirect("/older", "/new", 308)
    assert best(look(site, "/older")).url == site.url("/new")


def test_http_is_tried_where_https_does_not_answer(site: NewsSite) -> None:
    """An address without its scheme."""
    site.put("/feed/", Page(feed_of(site, "One")))
    with Fetcher([site.host]) as fetcher:
        found = find(f"{site.host}/feed/", fetcher, agent="Digest")
    assert best(found).url == site.url("/feed/")


@pytest.mark.parametrize("path", ["/", "/feed/"])
@pytest.mark.parametrize(
    ("rest", "header", "api"),
    [("open", True, "/wp-json/"), ("plain", True, "/?rest_route=/"), ("open", False, "/wp-json/")],
)
def test_an_open_wordpress_is_suggested_as_one(
    site: NewsSite,
    path: str,
    rest: str,
    header: bool,  # noqa: FBT001
    api: str,
) -> None:
    """From its page and from its feed, in both forms of its interface; its sections come along."""
    put_wordpress(site, rest=rest, header=header)
    if not header:
        generator = b"<generator>https://wordpress.org/?v=6.8</generator><item>"
        site.put("/feed/", Page(feed_of(site, "The bridge opens").replace(b"<item>", generator, 1)))
    found = look(site, path)
    option = best(found)
    assert (option.kind, option.url, option.api_url, option.query, option.why) == (
        SourceKind.WORDPRESS,
        site.url("/feed/"),
        site.url(api),
        {},
        Why.REST_OPEN,
    )
    assert [(term.id, term.name, term.posts) for term in found.categories] == [
        (3, "News", 40),
        (7, "Arts & Letters", 9),
    ]
    assert [term.name for term in found.tags] == ["Harbour"]
    assert found.options[1].kind is SourceKind.FEED


def test_a_shut_wordpress_is_a_feed(site: NewsSite) -> None:
    """And it is said why."""
    put_wordpress(site, rest="shut")
    option = best(look(site))
    assert (option.kind, option.why, option.api_url) == (SourceKind.FEED, Why.REST_SHUT, None)


def test_an_interface_alone_is_enough(site: NewsSite) -> None:
    """A WordPress whose feeds are off has its stories in its interface."""
    put_wordpress(site)
    for path in ("/feed/", "/hy/feed/"):
        site.put(path, Page(b"", status=410))
    option = best(look(site))
    assert (option.kind, option.url, option.api_url, option.why) == (
        SourceKind.WORDPRESS,
        site.url("/feed/"),
        site.url("/wp-json/"),
        Why.REST_ALONE,
    )
    assert [post.title for post in option.feed.posts] == ["The bridge opens", "Choir seeks tenors"]


def test_a_section_of_a_wordpress_is_asked_for_by_its_number(site: NewsSite) -> None:
    """The page of a category leads to its feed and to that part of the interface, not to all of it."""
    put_wordpress(site)
    option = best(look(site, "/category/arts/"))
    assert (option.kind, option.url, option.query) == (
        SourceKind.WORDPRESS,
        site.url("/category/arts/feed/"),
        {"categories": [7]},
    )


def test_a_section_feed_never_brings_the_whole_site(site: NewsSite) -> None:
    """Where the interface cannot be asked for the same stories, the feed stays a feed."""
    put_wordpress(site)
    link = ("Link", f'<{site.url("/wp-json/")}>; rel="https://api.w.org/"')
    site.put("/category/arts/feed/", Page(feed_of(site, "A new play"), headers=(link,)))
    found = look(site, "/category/arts/feed/")
    assert [option.kind for option in found.options] == [SourceKind.FEED]
    assert best(found).url == site.url("/category/arts/feed/")


def test_each_language_of_a_site_is_its_own_source(site: NewsSite) -> None:
    """The page of a language leads to its feed, and the interface is asked in that language."""
    put_wordpress(site, languages=True)
    found = look(site)
    assert [version.language for version in found.languages] == ["en", "hy"]
    assert best(found).query == {"lang": "en", "lang_parameter": "lang"}
    armenian = best(look(site, "/hy/"))
    assert (armenian.url, armenian.language) == (site.url("/hy/feed/"), "hy")
    assert armenian.query == {"lang": "hy", "lang_parameter": "lang"}
    chosen = narrowed(found, language="hy")
    assert (chosen.kind, chosen.url, chosen.query) == (
        SourceKind.WORDPRESS,
        site.url("/hy/feed/"),
        {"lang": "hy", "lang_parameter": "lang"},
    )
    as_feed = narrowed(found, kind=SourceKind.FEED, language="hy-AM")
    assert (as_feed.url, as_feed.query) == (site.url("/hy/feed/"), {})
    with pytest.raises(InputError, match=r"'fr' was found here; there is: en, hy\.$"):
        narrowed(found, kind=SourceKind.FEED, language="fr")


def test_sections_are_chosen_by_name(site: NewsSite) -> None:
    """Name, slug or number, as the site writes them; the feed's address is that of the part."""
    put_wordpress(site)
    found = look(site)
    chosen = narrowed(found, categories=["arts & letters", "3", "ARTS"], tags=["harbour"])
    assert chosen.query == {"categories": [7, 3], "tags": [21]}
    assert chosen.url == site.url("/feed/?cat=7,3&tag_id=21")
    assert chosen.kind is SourceKind.WORDPRESS
    assert narrowed(found, kind=SourceKind.FEED, categories=["News"]).url == site.url("/feed/?cat=3")
    with pytest.raises(InputError, match=r"no category 'Sport' .*there is: News, Arts & Letters\.$"):
        narrowed(found, categories=["Sport"])
    with pytest.raises(InputError, match="one tag only"):
        narrowed(
            replace(found, tags=(*found.tags, replace(found.tags[0], id=22, name="Mill", slug="mill"))),
            kind=SourceKind.FEED,
            tags=["harbour", "mill"],
        )


def test_what_a_site_does_not_have_cannot_be_chosen(site: NewsSite) -> None:
    """A plain feed has no sections to ask for and no interface."""
    site.put("/feed/", Page(feed_of(site, "One")))
    found = look(site, "/feed/")
    with pytest.raises(InputError, match="WordPress site with an open interface only"):
        narrowed(found, categories=["News"])
    with pytest.raises(InputError, match="add it as a feed"):
        narrowed(found, kind=SourceKind.WORDPRESS)
    assert narrowed(found, language="en").url == site.url("/feed/")


def test_robots_txt_is_heeded_for_what_we_found(site: NewsSite) -> None:
    """A forbidden feed is not asked for; the same address given by a person is."""
    site.put("/", Page(page(FEED_LINK.format("/private/feed")), content_type=HTML))
    site.put("/private/feed", Page(feed_of(site, "One")))
    site.put(
        "/robots.txt", Page(b"User-agent: digest\nDisallow: /private/\nDisallow: /*feed\nDisallow: /*rss\n")
    )
    found = look(site, most=40)
    assert not site.asked("/private/feed")
    assert best(look(site, "/private/feed")).why is Why.GIVEN
    site.put("/robots.txt", Page(b"User-agent: *\nDisallow: /\n"))
    found = look(site)
    assert (found.fault, found.options) == (FindCode.FORBIDDEN, ())
    assert asked(site)[-2:] == ["/", "/robots.txt"]


def test_a_site_that_cannot_say_its_rules_forbids_all(site: NewsSite) -> None:
    """RFC 9309 2.3.1.4: a server's fault is not leave; that there is no file is."""
    site.put("/", Page(page(FEED_LINK.format("/feed")), content_type=HTML))
    site.put("/feed", Page(feed_of(site, "One")))
    site.put("/robots.txt", Page(status=500))
    assert look(site).fault == FindCode.FORBIDDEN
    site.put("/robots.txt", Page(status=403))
    assert best(look(site)).url == site.url("/feed")


def test_a_site_gets_the_time_that_it_asks_for(site: NewsSite) -> None:
    """Crawl-delay between questions, never more than five seconds; one question at a time."""
    put_wordpress(site)
    site.put("/robots.txt", Page(b"User-agent: *\nCrawl-delay: 2\n"))
    pauses: list[float] = []
    look(site, pauses=pauses)
    assert len(pauses) >= 4
    assert set(pauses) == {2.0}
    site.put("/robots.txt", Page(b"User-agent: *\nCrawl-delay: 3600\n"))
    pauses.clear()
    look(site, pauses=pauses)
    assert set(pauses) == {5.0}


def test_a_site_that_says_later_is_not_asked_again(site: NewsSite) -> None:
    """One 429 ends the round, with its own sentence."""
    site.put("/", Page(page(FEED_LINK.format("/a") + FEED_LINK.format("/b")), content_type=HTML))
    site.put("/a", Page(status=429, headers=(("Retry-After", "60"),)))
    site.put("/b", Page(feed_of(site, "One")))
    assert look(site).fault == FindCode.BUSY
    assert not site.asked("/b")
    site.put("/", Page(status=503, headers=(("Retry-After", "60"),)))
    assert look(site).fault == FindCode.BUSY


def test_the_number_of_questions_is_bounded(site: NewsSite) -> None:
    """A page of a thousand feeds is asked for a few."""
    links = "".join(FEED_LINK.format(f"/feed/{n}.xml") for n in range(1000))
    site.put("/", Page(page(links), content_type=HTML))
    assert look(site, most=10).fault == FindCode.BROKEN
    assert len(site.requests) == 1 + 1 + 10  # the page, robots.txt, the questions
    for n in range(1000):
        site.put(
            f"/feed/{n}.xml", Page(feed_of(site, f"Story {n}", f"Other {n}").replace(b"/posts/", b"/%d/" % n))
        )
    assert len(look(site).options) == 8


def test_the_time_for_it_all_is_bounded(site: NewsSite) -> None:
    """When it is over nothing more is asked, and what was found is told."""
    put_wordpress(site)
    with Fetcher([site.host]) as fetcher:
        found = find(site.url("/feed/"), fetcher, agent="Digest", seconds=0)
    assert best(found).url == site.url("/feed/")
    assert asked(site) == ["/feed/"]


_CHALLENGE = Page(
    b"<!doctype html><title>Just a moment...</title><script>window._cf_chl_opt={}</script>",
    status=403,
    content_type=HTML,
    headers=(("cf-mitigated", "challenge"),),
)
_RSS = "/rss.xml"


def _broken(site: NewsSite) -> None:
    site.put("/", Page(page(FEED_LINK.format(_RSS)), content_type=HTML))
    site.put(_RSS, Page(b"<?xml version='1.0'?><channel <<< & title>Half a"))


def _comments(site: NewsSite) -> None:
    site.put("/", Page(page(FEED_LINK.format(_RSS)), content_type=HTML))
    site.put(_RSS, Page(feed_of(site, "Re: One", comments=True)))


def _guarded_feed(site: NewsSite) -> None:
    site.put("/", Page(page(FEED_LINK.format(_RSS)), content_type=HTML))
    site.put(_RSS, _CHALLENGE)


_FAULTS = {
    "nothing there": (lambda site: site.put("/", Page(page(), content_type=HTML)), FindCode.NO_FEED),
    "a picture": (
        lambda site: site.put("/", Page(b"\x89PNG\r\n", content_type="image/png")),
        FindCode.NOT_A_PAGE,
    ),
    "nothing": (lambda site: site.put("/", Page(b"")), ParseCode.EMPTY),
    "a bomb": (lambda site: site.put("/", Page(b"<!DOCTYPE x [<!ENTITY a 'b'>]><rss/>")), ParseCode.ENTITIES),
    "a broken feed": (_broken, FindCode.BROKEN),
    "comments": (_comments, FindCode.COMMENTS),
    "a guard before the page": (lambda site: site.put("/", _CHALLENGE), FetchCode.CHALLENGE),
    "a guard before the feed": (_guarded_feed, FetchCode.CHALLENGE),
    "an error": (lambda site: site.put("/", Page(status=500)), FetchCode.HTTP_STATUS),
    "a loop": (lambda site: site.redirect("/", "/"), FetchCode.TOO_MANY_REDIRECTS),
    "a private network": (lambda site: site.redirect("/", "http://10.0.0.1/"), FetchCode.REFUSED_ADDRESS),
    "packed wrongly": (
        lambda site: site.put("/", Page(b"x", headers=(("Content-Encoding", "gzip"),))),
        FetchCode.BAD_ANSWER,
    ),
}


@pytest.mark.parametrize("name", _FAULTS)
def test_why_nothing_was_found_is_told(site: NewsSite, name: str) -> None:
    """Each reason has its code and, in each language, a sentence of its own."""
    put, code = _FAULTS[name]
    put(site)
    found = look(site)
    assert (found.fault, found.options) == (code, ())
    for language in LANGUAGES:
        told = find_sentence(str(found.fault), found.detail, translator(language))
        assert bool(re.match("[\u0531-\u0587]", told)) == (language == "hy"), told


def test_a_guard_is_asked_once(site: NewsSite) -> None:
    """What counts our questions against us gets no second one."""
    site.put("/", Page(page(FEED_LINK.format("/a") + FEED_LINK.format("/b")), content_type=HTML))
    site.put("/a", _CHALLENGE)
    site.put("/b", Page(feed_of(site, "One")))
    assert look(site).fault == FetchCode.CHALLENGE
    assert asked(site) == ["/", "/robots.txt", "/a"]


def test_an_address_that_is_none_is_refused(site: NewsSite) -> None:
    """Before anything is asked."""
    with Fetcher() as fetcher:
        for address in ("ftp://courier.example/", "", "https://", "https://a:b@courier.example/", "a b"):
            assert find(address, fetcher, agent="Digest").fault == FetchCode.BAD_ADDRESS, address


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_has_its_words(language: str) -> None:
    """Faults and reasons, all different, in each language."""
    words = translator(language)
    assert set(SENTENCES) == set(FindCode)
    assert set(REASONS) == set(Why)
    told = {find_sentence(code, "", words) for code in FindCode} | {
        reason_sentence(why, words) for why in Why
    }
    assert len(told) == len(FindCode) + len(Why)
    assert all(bool(re.search("[\u0531-\u0587]", each)) == (language == "hy") for each in told)

"""A site that behaves as WordPress does, from its feed and REST to what an edition is offered."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest

from digest.db import Database
from digest.feeds.oddities import Odd, OddCode
from digest.models import SourceKind, Withdrawal
from tests.integration.newsroom_wordpress import FULL, INTERVAL, Newsroom, wordpress_newsroom
from tests.servers.news_site import Page
from tests.servers.wordpress_posts import BRIDGES, CHOIRS, COMMENTARY, NEWS, NO_DIGEST
from tests.servers.wordpress_site import Pages, Rest, WordPressPost

SHUT = [Rest.UNAUTHORISED, Rest.FORBIDDEN, Rest.MISSING, Rest.PAGE]
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def newsroom(database: Database) -> Iterator[Newsroom]:
    with wordpress_newsroom(database) as found:
        found.collect()
        yield found


def test_feed_and_rest_make_one_post(newsroom: Newsroom) -> None:
    """Picture, author, categories apart from tags and plain texts come of REST; the post is there once."""
    newsroom.site.publish(
        "The choir&#8217;s year &amp; ours",
        slug="choir",
        categories=[COMMENTARY],
        tags=[CHOIRS],
        picture="choir",
    )
    assert newsroom.collect().new == 1
    assert newsroom.offered() == ["The choir’s year & ours"]
    post = newsroom.post("The choir’s year & ours")
    assert (post.author, post.categories, post.tags) == ("Lusine Abelian", ["Arts & Commentary"], ["Choirs"])
    assert post.excerpt == "YEREVAN — The reading room opened on Monday…"
    assert post.picture is not None
    assert (post.picture["width"], post.picture["alt"]) == (1536, "The old bridge at dusk")
    assert post.url == newsroom.site.url("/choir/")
    assert newsroom.source().oddities == []


def test_dates_without_a_zone_are_utc(newsroom: Newsroom) -> None:
    """The site's clock is four hours ahead; a post is as old as it is."""
    moment = newsroom.site.now
    newsroom.site.publish("On the hour")
    newsroom.collect()
    post = newsroom.post("On the hour")
    assert (post.published_at, post.modified_at) == (moment, moment)


@pytest.mark.parametrize("rest", [Rest.OPEN, Rest.FORBIDDEN])
def test_a_post_behind_a_password_is_never_offered(newsroom: Newsroom, rest: Rest) -> None:
    """The feed names it, in full or in summary, with the interface open or shut."""
    newsroom.site.rest = rest
    newsroom.site.publish("For members", password="lavash")
    newsroom.site.publish("For all")
    newsroom.collect()
    assert newsroom.offered() == ["For all"]


@pytest.mark.parametrize("status", ["draft", "private", "future"])
def test_what_is_not_published_is_never_offered(newsroom: Newsroom, status: str) -> None:
    """Only a published post goes out, and a planned one when its time has come."""
    post = newsroom.site.publish("Not yet", status=status)
    newsroom.site.publish("Here")
    newsroom.collect()
    assert newsroom.offered() == ["Here"]
    post.status, post.published_at = "publish", newsroom.site.now
    newsroom.collect()
    assert newsroom.offered() == ["Not yet", "Here"]


def test_a_sticky_post_has_no_special_place(newsroom: Newsroom) -> None:
    """An old post that the site keeps on top stands where its date puts it."""
    newsroom.site.publish("Old and sticky", is_sticky=True, published_at=newsroom.site.now - HOUR)
    newsroom.site.publish("New")
    newsroom.collect()
    assert newsroom.offered() == ["New", "Old and sticky"]


@pytest.mark.parametrize("rest", [Rest.OPEN, Rest.FORBIDDEN])
def test_a_no_digest_tag_keeps_a_post_out_and_its_removal_lets_it_in(newsroom: Newsroom, rest: Rest) -> None:
    """An editor of the site decides by a tag, before and after the post is known."""
    newsroom.site.rest = rest
    post = newsroom.site.publish("A note to ourselves", tags=[CHOIRS, NO_DIGEST])
    other = newsroom.site.publish("A story")
    newsroom.collect()
    assert newsroom.offered() == ["A story"]
    newsroom.site.edit(other, tags=[NO_DIGEST])
    newsroom.site.edit(post, tags=[])
    newsroom.collect()
    assert newsroom.offered() == ["A note to ourselves"]
    assert newsroom.post("A story").withdrawn is Withdrawal.KEPT_OUT
    newsroom.site.edit(other, tags=[])
    newsroom.collect(after=2 * HOUR)
    assert set(newsroom.offered()) == {"A note to ourselves", "A story"}


def test_the_tag_that_keeps_out_has_the_name_that_the_source_says(database: Database) -> None:
    """Another paper calls it otherwise; then `no-digest` is a tag like any other."""
    with wordpress_newsroom(database, keep_out="choirs") as newsroom:
        newsroom.site.publish("Out", tags=[CHOIRS])
        newsroom.site.publish("In", tags=[NO_DIGEST])
        newsroom.collect()
        assert newsroom.offered() == ["In"]


def test_an_excerpt_that_ends_its_own_section_is_read(newsroom: Newsroom) -> None:
    """`]]>` in an excerpt breaks the feed's XML; the posts beside it and its own text come through."""
    newsroom.site.publish("Before")
    newsroom.site.publish("Odd", excerpt="<p>In code, x[y[0]]> 1 holds.</p>", published_at=newsroom.site.now)
    newsroom.site.publish("After")
    newsroom.collect()
    assert set(newsroom.offered()) == {"Before", "Odd", "After"}
    assert newsroom.post("Odd").excerpt == "In code, x[y[0]]> 1 holds."


def test_a_304_hides_a_trashed_post_until_the_full_check(newsroom: Newsroom) -> None:
    """The site says "not modified"; the slower check sees the post gone, and its return."""
    lost, last = newsroom.site.publish("To be trashed"), newsroom.site.now + INTERVAL
    newsroom.site.publish("The last one", published_at=last)
    newsroom.collect()
    newsroom.site.trash(lost)
    feeds = len(newsroom.site.asked("/feed/"))
    assert newsroom.collect().known == 0
    assert newsroom.site.asked("/feed/")[feeds:][0].headers.get("if-none-match")
    assert newsroom.offered() == ["The last one", "To be trashed"]
    newsroom.collect(after=FULL)
    assert newsroom.site.asked("/feed/")[-1].headers.get("if-none-match") is None
    assert newsroom.offered() == ["The last one"]
    assert newsroom.post("To be trashed").withdrawn is Withdrawal.GONE
    lost.status = "publish"
    newsroom.collect(after=FULL)
    assert newsroom.offered() == ["The last one", "To be trashed"]


def test_the_full_check_sees_an_edit_of_a_post_that_left_the_feed(newsroom: Newsroom) -> None:
    """Beyond the ten posts of a feed, edits come of the list of what was changed."""
    post = newsroom.site.publish("First words")
    newsroom.collect()
    for number in range(12):
        newsroom.site.publish(f"Later {number}", published_at=newsroom.site.now + dt.timedelta(days=1))
    newsroom.collect(after=dt.timedelta(days=1))
    newsroom.site.now += dt.timedelta(days=1)
    newsroom.site.edit(post, title="Better words")
    newsroom.collect(after=FULL)
    assert "Better words" in newsroom.offered()
    assert "First words" not in newsroom.offered()


def test_silence_alone_withdraws_nothing(newsroom: Newsroom) -> None:
    """A post that no list has any more, but whose page is there, stays: lists have many reasons."""
    post = newsroom.site.publish("Filed elsewhere")
    newsroom.site.publish("Beside it", published_at=newsroom.site.now + INTERVAL)
    newsroom.set_source(query={"categories": [NEWS.number]})
    newsroom.collect()
    newsroom.site.edit(post, categories=[COMMENTARY])
    newsroom.collect(after=FULL)
    assert newsroom.post("Filed elsewhere").withdrawn is None


@pytest.mark.parametrize("pages", [Pages.GUARDED, Pages.BROKEN, Pages.TO_FRONT])
def test_a_page_that_cannot_be_looked_at_withdraws_nothing(newsroom: Newsroom, pages: Pages) -> None:
    """A guard, a fault and a front page in place of the post are no proof."""
    post = newsroom.site.publish("Nobody knows")
    newsroom.site.publish("Beside it", published_at=newsroom.site.now + INTERVAL)
    newsroom.collect()
    newsroom.site.trash(post)
    newsroom.site.pages = pages
    newsroom.collect(after=FULL)
    assert newsroom.post("Nobody knows").withdrawn is None


def test_a_post_in_a_feed_that_a_cache_keeps_is_left_out_if_it_is_gone(newsroom: Newsroom) -> None:
    """The feed still names what is in the bin; REST does not know it, and its page is missing."""
    lost = newsroom.site.publish("In the bin")
    newsroom.site.publish("Here", published_at=newsroom.site.now + INTERVAL)
    newsroom.site.keep_feed()
    newsroom.site.trash(lost)
    assert newsroom.collect().new == 1
    assert newsroom.offered() == ["Here"]


def test_a_known_post_that_gets_a_password_is_withdrawn(newsroom: Newsroom) -> None:
    """What was for all yesterday is not today."""
    post = newsroom.site.publish("Once for all")
    newsroom.collect()
    newsroom.site.edit(post, password="lavash")
    newsroom.collect()
    assert newsroom.offered() == []
    assert newsroom.post("Once for all").withdrawn is Withdrawal.PROTECTED


@pytest.mark.parametrize("caps_silently", [False, True])
def test_a_site_that_gives_ten_at_a_time_is_read_page_by_page(
    newsroom: Newsroom, *, caps_silently: bool
) -> None:
    """100 at once are refused, or cut to 10 without a word; posts beyond the feed are found all the same."""
    newsroom.site.most_a_page, newsroom.site.caps_silently = 10, caps_silently
    newsroom.site.feed_size = 3
    for number in range(14):
        newsroom.site.publish(f"Story number {number}", published_at=newsroom.site.now)
    assert newsroom.collect().new == 14
    asked = [(one["per_page"], one["page"]) for one in newsroom.site.asked_rest()]
    refused = [("100", "1"), ("10", "1"), ("10", "2")]
    assert asked[-3:] == refused if not caps_silently else asked[-2:] == [("100", "1"), ("100", "2")]


@pytest.mark.parametrize("rest", SHUT)
def test_with_rest_shut_the_feed_goes_on_alone_and_it_is_said(newsroom: Newsroom, rest: Rest) -> None:
    """401, 403, 404 or a web page in its place: stories come, and the source says what is missing."""
    newsroom.site.rest = rest
    newsroom.site.publish("By the feed alone")
    assert newsroom.collect().new == 1
    assert newsroom.offered() == ["By the feed alone"]
    assert newsroom.source().oddities == [Odd(OddCode.REST_SHUT).as_kept()]
    assert newsroom.source().alarms == []  # the feed is sound
    assert newsroom.source().fault_code is None
    newsroom.site.rest = Rest.OPEN
    newsroom.site.publish("With all of it", picture="bridge")
    newsroom.collect()
    assert newsroom.source().oddities == []


def test_an_interface_that_robots_txt_forbids_is_not_asked(database: Database) -> None:
    """Nobody gave its address: no collection and no last look asks there; the rules are kept a day."""
    with wordpress_newsroom(database) as newsroom:
        site = newsroom.site
        site.put("/robots.txt", Page(b"User-agent: *\nDisallow: /wp-json/\n", content_type="text/plain"))
        site.publish("By the feed alone", slug="alone")
        assert newsroom.collect().new == 1
        assert newsroom.source().oddities == [Odd(OddCode.REST_SHUT).as_kept()]
        newsroom.collect()
        assert newsroom.recheck("By the feed alone").unknown == {}
        assert site.asked("/alone/")  # the feed names it for readers
        assert site.asked_rest() == []
        assert len(site.asked("/robots.txt")) == 1


def test_an_interface_is_not_asked_where_robots_txt_cannot_be_read(database: Database) -> None:
    """The feed was given, and is read; the rules are asked for again the next time."""
    with wordpress_newsroom(database) as newsroom:
        site = newsroom.site
        site.put("/robots.txt", Page(b"", status=500))
        site.publish("By the feed alone")
        assert newsroom.collect().new == 1
        assert newsroom.source().oddities == [Odd(OddCode.REST_SILENT).as_kept()]
        assert site.asked_rest() == []
        site.put("/robots.txt", Page(b"User-agent: *\nDisallow: /wp-admin/\n"))
        newsroom.collect()
        assert newsroom.source().oddities == []
        assert site.asked_rest() != []


@pytest.mark.parametrize("rest", [Rest.BROKEN, Rest.FORBIDDEN])
def test_a_moment_without_rest_takes_nothing_away(newsroom: Newsroom, rest: Rest) -> None:
    """The feed has no picture and mixes tags with categories: what REST has told before stays."""
    post = newsroom.site.publish("Rich", picture="bridge", tags=[BRIDGES])
    newsroom.collect()
    newsroom.site.rest = rest
    newsroom.site.edit(post, content="<p>Other words.</p>")
    newsroom.collect()
    kept = newsroom.post("Rich")
    assert (kept.tags, kept.picture is not None) == (["Bridges"], True)
    newsroom.site.rest = Rest.OPEN
    newsroom.collect(after=INTERVAL if rest is Rest.BROKEN else FULL)
    assert "Other words." in newsroom.post("Rich").body_html


def test_rest_that_is_silent_for_a_moment_is_asked_again(newsroom: Newsroom) -> None:
    """The feed's validators are not kept, so that its next answer is not a 304 without a question to REST."""
    newsroom.site.rest = Rest.BROKEN
    newsroom.site.publish("Plain at first", picture="bridge")
    newsroom.collect()
    assert newsroom.post("Plain at first").picture is None
    assert newsroom.source().oddities == [Odd(OddCode.REST_SILENT).as_kept()]
    newsroom.site.rest = Rest.OPEN
    newsroom.collect()
    assert newsroom.post("Plain at first").picture is not None


def test_a_site_that_asks_us_to_wait_is_left_alone_so_long(newsroom: Newsroom) -> None:
    """Retry-After of REST holds for the source, though its feed was read."""
    newsroom.site.rest = Rest.BUSY
    newsroom.site.publish("Taken meanwhile")
    assert newsroom.collect().new == 1
    assert newsroom.source().next_fetch_at >= newsroom.site.now + dt.timedelta(seconds=7200)


def test_a_feed_that_is_shut_leaves_rest_alone(newsroom: Newsroom) -> None:
    """A site without a feed is collected by its records, and it is said."""
    newsroom.site.feed_status = 404
    newsroom.site.publish("By REST alone")
    assert newsroom.collect().new == 1
    assert newsroom.source().oddities == [Odd(OddCode.FEED_SHUT).as_kept()]
    assert newsroom.source().alarms == []
    newsroom.site.rest = Rest.FORBIDDEN
    assert newsroom.collect().fault == "http_status"
    assert newsroom.offered() == ["By REST alone"]


def test_the_other_form_of_the_address_works(newsroom: Newsroom) -> None:
    """A site without pretty addresses has its interface at `?rest_route=/`."""
    newsroom.set_source(api_url=newsroom.site.url("/?rest_route=/"))
    newsroom.site.publish("Plainly", tags=[CHOIRS])
    newsroom.collect()
    assert newsroom.post("Plainly").tags == ["Choirs"]
    assert newsroom.site.asked_rest()[-1]["rest_route"] == "/wp/v2/posts"


def test_only_the_wanted_part_of_a_site_is_taken(database: Database) -> None:
    """By categories and tags, in the feed and in REST alike."""
    with wordpress_newsroom(database, categories=[COMMENTARY.number], tags=[CHOIRS.number]) as newsroom:
        newsroom.site.publish("Both", categories=[COMMENTARY], tags=[CHOIRS])
        newsroom.site.publish("Only the category", categories=[COMMENTARY])
        newsroom.site.publish("Only the tag", tags=[CHOIRS])
        newsroom.collect()
        assert newsroom.offered() == ["Both"]


def test_an_id_that_many_posts_share_withdraws_only_the_one(newsroom: Newsroom) -> None:
    """Not a WordPress: one id for all. The tag of one post says nothing of the others."""
    item = (
        "<item><guid isPermaLink='false'>same</guid><title>{0}</title><link>{1}/{0}/</link>"
        "<pubDate>Mon, 23 Nov 2026 06:00:00 GMT</pubDate><category>{2}</category></item>"
    )

    def feed(*tags: str) -> Page:
        items = "".join(item.format(f"Story-{n}", newsroom.site.root, tag) for n, tag in enumerate(tags))
        return Page(f"<rss version='2.0'><channel><title>C</title>{items}</channel></rss>".encode())

    newsroom.set_source(kind=SourceKind.FEED, news_since=dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    newsroom.site.put("/feed/", feed("News"))
    newsroom.collect()
    newsroom.site.put("/feed/", feed("News", "no-digest"))
    newsroom.collect()
    assert newsroom.offered() == ["Story-0"]


def test_a_part_that_the_feed_cannot_give_is_a_fault_when_rest_is_shut(database: Database) -> None:
    """WordPress takes one tag in a feed's address: with two and no REST, nothing unwanted comes."""
    with wordpress_newsroom(database, tags=[CHOIRS.number, BRIDGES.number]) as newsroom:
        newsroom.site.rest = Rest.FORBIDDEN
        newsroom.site.publish("Unwanted")
        assert newsroom.collect().fault == "http_status"
        assert newsroom.offered() == []


@pytest.mark.parametrize("hears", [True, False])
def test_one_language_of_a_site_is_taken(database: Database, *, hears: bool) -> None:
    """The parameter of a translation plugin is sent; where only the feed hears it, the feed decides."""
    with wordpress_newsroom(database, lang="hy", lang_parameter="lang") as newsroom:
        newsroom.site.hears_language = hears
        newsroom.site.publish("Գրադարանի նոր սրահը", language="hy")
        newsroom.site.publish("The new reading room", language="en")
        newsroom.collect()
        assert newsroom.offered() == ["Գրադարանի նոր սրահը"]
        assert newsroom.site.asked_rest()[-1]["lang"] == "hy"


def test_a_changed_slug_is_the_same_post(newsroom: Newsroom) -> None:
    """Its new address is taken, and it is not offered twice."""
    post = newsroom.site.publish("The bridge reopens on Sunday", slug="bridge")
    newsroom.collect()
    newsroom.site.edit(post, slug="bridge-reopens")
    newsroom.collect()
    assert newsroom.offered() == ["The bridge reopens on Sunday"]
    assert newsroom.post("The bridge reopens on Sunday").url.endswith("/bridge-reopens/")


def test_hidden_authors_come_from_the_feed(newsroom: Newsroom) -> None:
    """A site that shows its users to nobody still signs its articles."""
    newsroom.site.hides_authors = True
    newsroom.site.publish("Signed", author="Ani Sarafian")
    newsroom.collect()
    assert newsroom.post("Signed").author == "Ani Sarafian"


def test_an_unchanged_feed_costs_one_request(newsroom: Newsroom) -> None:
    """Between the full checks a 304 is believed, and REST is not asked."""
    newsroom.site.publish("Here")
    newsroom.collect()
    before = len(newsroom.site.requests)
    newsroom.collect()
    assert len(newsroom.site.requests) == before + 1


def test_requests_to_a_site_follow_one_another(newsroom: Newsroom) -> None:
    """Feed, records and looks: never two connections at once."""
    posts: list[WordPressPost] = [newsroom.site.publish(f"Story {number}") for number in range(5)]
    newsroom.collect()
    for post in posts[:4]:
        newsroom.site.trash(post)
    newsroom.site.publish("Last", published_at=newsroom.site.now)
    newsroom.collect(after=FULL)
    assert newsroom.offered() == ["Last", "Story 4"]
    assert newsroom.site.most_at_once == 1

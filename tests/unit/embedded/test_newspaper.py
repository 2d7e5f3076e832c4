"""The invented newspaper's content, markup, clock, feeds and people."""

from __future__ import annotations

import datetime as dt
import re
import struct
from importlib import resources

import feedparser
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from digest.addresses import parse_address
from digest.embedded.newspaper import content, demo_data, feeds, markup, paper, routes
from digest.embedded.newspaper.content import Article
from digest.embedded.newspaper.newspaper import Newspaper
from digest.embedded.newspaper.people import ABSENT, READERS, people
from digest.embedded.newspaper.routes import Page, Reading
from digest.embedded.newspaper.site import is_unchanged
from digest.errors import InputError
from digest.feeds.parse import parse_feed
from digest.models.audience import SubscriptionStatus

START = dt.datetime(2026, 11, 23, 15, 0, 0, 250_000, tzinfo=dt.UTC)
BASE = "http://paper.test:81"
# Unicode, General Punctuation and Armenian: what an Armenian text here may consist of beside foreign words.
ARMENIAN = re.compile(r"[\u0531-\u0556\u0561-\u0587\u0589\u055a-\u055f«»().,… \d—–*-]*")


def chosen(language: str, *, later: bool) -> list[Article]:
    return [a for a in content.articles() if a.language == language and (a.later is not None) == later]


def get(path: str, newspaper: Newspaper | None = None, *, now: dt.datetime = START) -> Page:
    return routes.find(Reading(newspaper or Newspaper(START), now, BASE), path)


@pytest.mark.parametrize("language", content.LANGUAGES)
def test_each_language_has_fifteen_posts_and_five_later_ones(language: str) -> None:
    """The front page is full in both languages, and goes on growing in both."""
    now, later = chosen(language, later=False), chosen(language, later=True)
    assert (len(now), len(later)) == (15, 5)
    assert sum(a.section.slug == "commentary" for a in now) >= 3
    assert sum(a.section.slug == "commentary" for a in later) >= 1
    assert {a.section.slug for a in now} == {section.slug for section in content.SECTIONS}


def test_names_and_ids_are_unique() -> None:
    """No post hides another: ids over the whole paper, names and titles too."""
    articles = content.articles()
    for values in ([a.id for a in articles], [a.slug for a in articles], [a.title for a in articles]):
        assert len(set(values)) == len(articles)
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", a.slug) for a in articles)


def test_commentaries_are_essays_with_the_papers_sign_off() -> None:
    """A commentary has five or six full paragraphs of 450 to 650 words, then the paper's own line."""
    for article in (a for a in content.articles() if a.section.slug == "commentary"):
        *text, last = article.paragraphs
        words = len(" ".join(text).split())
        assert len(text) in {5, 6}, article.slug
        assert 450 <= words + len(last.split()) <= 650, (article.slug, words)
        assert last.startswith("*")
        assert last.endswith("*")
        assert paper.WORDS[article.language].name in last
        assert article.picture is not None


def test_reports_open_with_a_dateline() -> None:
    """Whatever is not a commentary begins with a place in capitals and a dash."""
    for article in (a for a in content.articles() if a.section.slug != "commentary"):
        place, dash, _ = article.paragraphs[0].partition(" — ")
        assert dash, article.slug
        assert place.strip(), article.slug
        assert place == place.upper(), article.slug
        assert 2 <= len(article.paragraphs) <= 4, article.slug
        assert article.excerpt.startswith(f"{place} — ")
        assert article.excerpt.endswith(" […]")


def test_armenian_is_written_in_armenian_letters_and_signs() -> None:
    """No Latin look-alike letter, colon for a full stop, or foreign quotation mark in an Armenian text."""
    for article in (a for a in content.articles() if a.language == "hy"):
        for text in (article.title, *article.paragraphs, article.author):
            assert ARMENIAN.fullmatch(text), (article.slug, ARMENIAN.match(text))
            assert text.count("«") == text.count("»"), article.slug
        assert all("։" in p for p in article.paragraphs), article.slug


def test_english_uses_typographic_signs() -> None:
    """No typewriter quotation marks or double hyphens in print."""
    for article in (a for a in content.articles() if a.language == "en"):
        for text in (article.title, *article.paragraphs):
            assert not re.search(r"[\"'`]|--|  |\.\.\.", text), (article.slug, text[:60])
            assert text.count("“") == text.count("”"), article.slug


@pytest.mark.parametrize("name", sorted(content.picture_names()))
def test_pictures_are_wide_and_light(name: str) -> None:
    """Each is a PNG of the stated size under 80 kB, shown by some post, with its drawing beside it."""
    data = content.picture_bytes(name)
    assert data is not None
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", data[16:24]) == content.PICTURE_SIZE
    assert len(data) <= 80_000
    shown = [a.picture for a in content.articles() if a.picture and a.picture.name == name]
    assert shown
    assert all(20 <= len(picture.alt) <= 160 and picture.size_bytes == len(data) for picture in shown)
    source = resources.files("digest.embedded.newspaper") / "pictures" / f"{name}.svg"
    etree.fromstring(source.read_bytes())


def test_alt_texts_are_in_the_language_of_the_post() -> None:
    """A picture is described in the words of the page it stands on."""
    for article in content.articles():
        if article.picture:
            is_armenian = bool(re.search(r"[\u0561-\u0587]", article.picture.alt))
            assert is_armenian == (article.language == "hy"), article.slug


def test_the_paper_is_light() -> None:
    """All that ships with the demo newspaper stays under 1.2 MB."""

    def size(folder: resources.abc.Traversable) -> int:
        return sum(
            size(entry) if entry.is_dir() else len(entry.read_bytes())
            for entry in folder.iterdir()
            if entry.name != "__pycache__"
        )

    assert size(resources.files("digest.embedded.newspaper")) < 1_200_000


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("No head at all", "must begin with a head"),
        ("+++\nid = 1\n", "must begin with a head"),
        ("+++\nid = \n+++\nx", "is not TOML"),
        ("+++\nid = 1\nslug = 'a'\n+++\nx", "lacks"),
        ("+++\n{good}\nhours = 1\ncolour = 'red'\n+++\nx", "unknown"),
        ("+++\n{good}\nhours = 1\nlater = 1\n+++\nx", "either hours or later"),
        ("+++\n{good}\n+++\nx", "either hours or later"),
        ("+++\n{good}\nhours = 1\n+++\n\n \n", "has no text"),
        ("+++\n{good}\nhours = 1\npicture = 'nothing'\nalt = 'x'\n+++\nx", "needs a drawing"),
        ("+++\n{good}\nhours = 1\npicture = 'bus'\n+++\nx", "needs a drawing"),
        ("+++\n{odd}\nhours = 1\n+++\nx", "does not have"),
    ],
)
def test_a_broken_article_is_refused_by_name(text: str, reason: str) -> None:
    """A faulty file stops with a sentence that names it, not with a page half empty."""
    good = "id = 1\nslug = 'a'\nauthor = 'B'\ntitle = 'C'\nsection = 'news'"
    filled = text.replace("{good}", good).replace("{odd}", good.replace("news", "weather"))
    with pytest.raises(InputError, match=reason) as caught:
        content.parse_article(filled, language="en", name="x.md")
    assert "x.md" in str(caught.value)


def test_markup_escapes_all_but_stress() -> None:
    """An author's angle brackets are words; only *stress* becomes an element."""
    parts = markup.paragraphs("One <b>&\nstill one *very*\n\n\n two")
    assert parts == ("One <b>& still one *very*", "two")
    assert markup.to_html(parts) == "<p>One &lt;b&gt;&amp; still one <em>very</em></p>\n<p>two</p>"
    assert markup.to_text(parts) == "One <b>& still one very two"


@given(st.text())
def test_markup_lets_no_markup_through(text: str) -> None:
    """Whatever is written, the HTML has paragraphs and stress and nothing else."""
    html = markup.to_html(markup.paragraphs(text))
    assert not re.sub(r"</?(p|em)>", "", html).count("<")


@pytest.mark.parametrize(("count", "ending"), [(1, "w"), (55, "w"), (56, "w […]"), (300, "w […]")])
def test_excerpts_end_in_a_mark_only_when_cut(count: int, ending: str) -> None:
    """Fifty-five words at most, and "[…]" only if there was more."""
    found = markup.excerpt(("w " * count,))
    assert found.endswith(ending)
    assert found.count("w") == min(count, 55)


def test_stories_are_fresh_and_spread_over_four_days() -> None:
    """The newest is two hours old and the oldest within four days, whenever the paper is started."""
    stories = Newspaper(START).stories(START)
    ages = [START - story.published_at for story in stories]
    assert len(stories) == 30
    assert ages == sorted(ages)
    assert dt.timedelta(hours=2) <= ages[0] <= dt.timedelta(hours=2, seconds=1)
    assert dt.timedelta(days=3) < ages[-1] < dt.timedelta(days=4)
    assert all(story.published_at.microsecond == 0 for story in stories)


def test_later_stories_appear_one_after_another() -> None:
    """With publish_every they come at their own moments, however seldom somebody looks."""
    newspaper = Newspaper(START, publish_every=60)
    assert len(newspaper.stories(START + dt.timedelta(seconds=59))) == 30
    found = newspaper.stories(START + dt.timedelta(seconds=200))
    assert len(found) == 33
    assert [START - s.published_at for s in found[:3]] == [
        dt.timedelta(seconds=-180, microseconds=250_000),
        dt.timedelta(seconds=-120, microseconds=250_000),
        dt.timedelta(seconds=-60, microseconds=250_000),
    ]
    assert [s.article.later for s in found[:3]] == [3, 2, 1]
    assert len(newspaper.stories(START + dt.timedelta(days=1))) == 40
    assert newspaper.left == 0


def test_publish_next_publishes_now_and_ends() -> None:
    """Each call brings one story, dated now, in both languages by turns; then None."""
    newspaper = Newspaper(START)
    moments = [START + dt.timedelta(hours=hour) for hour in range(1, 12)]
    found = [newspaper.publish_next(moment) for moment in moments]
    assert found[-1] is None
    published = [story for story in found if story]
    assert [s.published_at for s in published] == [m.replace(microsecond=0) for m in moments[:-1]]
    assert [s.article.language for s in published] == ["en", "hy"] * 5
    assert newspaper.stories(moments[-1])[0] == published[-1]


def test_publish_next_does_not_overtake_what_is_due() -> None:
    """A story that fell due before the call comes first, under its own time."""
    newspaper = Newspaper(START, publish_every=60)
    story = newspaper.publish_next(START + dt.timedelta(seconds=90))
    assert story is not None
    assert story.article.later == 2


def test_a_paper_needs_a_zone_and_a_pace() -> None:
    """A naive start, and a pace that would never end, are refused."""
    with pytest.raises(ValueError, match="aware"):
        Newspaper(START.replace(tzinfo=None))
    with pytest.raises(ValueError, match="more than 0"):
        Newspaper(START, publish_every=0)


@pytest.mark.parametrize("language", content.LANGUAGES)
def test_feeds_say_the_same_in_rss_and_atom(language: str) -> None:
    """A feed reader finds the same posts, complete, in both forms, and nothing to complain about."""
    rss, atom = (feedparser.parse(get(f"/{language}/feed/{form}").body) for form in ("", "atom/"))
    assert not rss.bozo
    assert not atom.bozo
    assert [e.id for e in rss.entries] == [e.id for e in atom.entries]
    stories = Newspaper(START).stories(START, language=language)
    assert len(rss.entries) == len(stories) == 15
    for story, entry, other in zip(stories, rss.entries, atom.entries, strict=True):
        article = story.article
        assert entry.title == other.title == article.title
        assert entry.link == other.link == f"{BASE}/{language}/{article.slug}/"
        assert entry.author == other.author == article.author
        assert [tag.term for tag in entry.tags] == [article.section_name, *article.tags]
        assert dt.datetime(*entry.published_parsed[:6], tzinfo=dt.UTC) == story.published_at
        assert entry.content[0].value.endswith(article.body_html)
        assert entry.summary == f"<p>{article.excerpt.replace('&', '&amp;')}</p>"
        assert entry.published_parsed == other.published_parsed


def test_rss_items_are_as_newsroom_software_writes_them() -> None:
    """The guid is no link, creator and categories are CDATA, the picture is Media RSS with its size."""
    body = get("/en/feed/").body
    assert b'<guid isPermaLink="false">https://footbridge.example/?p=101</guid>' in body
    assert b"<dc:creator><![CDATA[Sirvart Aghpurian]]></dc:creator>" in body
    assert b"<category><![CDATA[Commentary]]></category>" in body
    assert b"<content:encoded><![CDATA[<p>" in body  # a post without a picture
    assert b"<content:encoded><![CDATA[<figure><img src=" in body
    media = etree.fromstring(body).find(".//{http://search.yahoo.com/mrss/}content")
    assert media is not None
    assert media.get("url", "").startswith(f"{BASE}/pictures/")
    assert (media.get("width"), media.get("height"), media.get("type")) == ("1200", "675", "image/png")


def test_guids_outlive_a_new_start_on_another_port() -> None:
    """A demo that is started again is the same paper: no post comes twice."""
    again = Newspaper(START + dt.timedelta(days=9))
    before = feedparser.parse(get("/hy/feed/").body)
    after = feedparser.parse(
        routes.find(Reading(again, START + dt.timedelta(days=9), "http://else.test"), "/hy/feed/").body
    )
    assert [e.id for e in before.entries] == [e.id for e in after.entries]


@pytest.mark.parametrize("path", ["/en/feed/", "/hy/feed/", "/en/feed/atom/", "/hy/feed/atom/"])
def test_our_own_reader_finds_all_that_was_written(path: str) -> None:
    """Digest's feed parser takes title, author, section, beginning, picture and its words."""
    page = get(path)
    found = parse_feed(page.body, url=f"{BASE}{path}", content_type=page.content_type, now=START)
    stories = Newspaper(START).stories(START, language=path[1:3])
    assert found.oddities == ()
    for post, story in zip(found.posts, stories, strict=True):
        article = story.article
        assert (post.title, post.author) == (article.title, article.author)
        assert post.categories[0] == article.section_name
        assert post.published_at == story.published_at
        assert post.excerpt[:60] == article.excerpt[:60]
        assert (post.picture.alt if post.picture else None) == (
            article.picture.alt if article.picture else None
        )


def test_section_feeds_hold_their_section_only() -> None:
    """The commentary feed has the commentaries, and says so in its title."""
    found = feedparser.parse(get("/hy/category/commentary/feed/").body)
    assert len(found.entries) == 3
    assert {e.tags[0].term for e in found.entries} == {"Տեսակետ"}
    assert found.feed.title == "Տեսակետ – Կամրջակ"


def test_a_feed_ends_after_its_newest_stories() -> None:
    """A feed never grows past its length, and stays under 100 kB."""
    newspaper = Newspaper(START, publish_every=1)
    for language in content.LANGUAGES:
        page = get(f"/{language}/feed/", newspaper, now=START + dt.timedelta(hours=1))
        assert len(feedparser.parse(page.body).entries) == feeds.FEED_LENGTH
        assert len(page.body) < 100_000


def test_an_empty_feed_is_still_a_feed() -> None:
    """A section without stories gives a valid feed without entries."""
    head = feeds.FeedHead("T", "D", "en", BASE, f"{BASE}/en/", f"{BASE}/en/feed/")
    for write in (feeds.rss, feeds.atom):
        found = feedparser.parse(write(head, ()))
        assert (found.bozo, found.entries, found.feed.title) == (False, [], "T")


def test_every_story_has_its_page_and_every_link_leads_somewhere() -> None:
    """Following each link of each page stays inside the paper and never meets a 404."""
    newspaper = Newspaper(START, publish_every=1)
    now = START + dt.timedelta(minutes=1)
    seen, queue = {"/en/"}, ["/en/"]
    while queue:
        page = get(queue.pop(), newspaper, now=now)
        assert page.status in {200, 302}
        if page.content_type.startswith("text/html"):
            tree = etree.HTML(page.body.decode())
            assert len(tree.findall(".//h1")) == 1
            for link in (str(link) for link in tree.xpath("//@href | //@src")):
                path = link.removeprefix(BASE)
                assert path.startswith("/")
                if path not in seen:
                    seen.add(path)
                    queue.append(path)
    assert {paper.article_path(a) for a in content.articles()} <= seen


@pytest.mark.parametrize(
    ("path", "status", "location"),
    [
        ("/", 302, "/en/"),
        ("/feed", 301, "/en/feed/"),
        ("/en", 301, "/en/"),
        ("/hy/feed", 301, "/hy/feed/"),
        ("/fr/", 404, None),
        ("/en/no-such-story/", 404, None),
        ("/en/category/weather/", 404, None),
        ("/en/category/weather/feed/", 404, None),
        ("/en/feed/json/", 404, None),
        ("/en/category/news/feed/atom/", 404, None),
        ("/en/reading-room-extends-its-hours-by-index-card/", 404, None),
        ("/pictures/bus.svg", 404, None),
        ("/pictures/..%2f__init__.png", 404, None),
        ("/../pyproject.toml", 404, None),
        ("/%00/", 404, None),
    ],
)
def test_paths_that_are_no_page(path: str, status: int, location: str | None) -> None:
    """Old and unfinished addresses lead on; others, and stories still to come, get the paper's own 404."""
    page = get(path)
    assert (page.status, page.location) == (status, location)
    assert status != 404 or b"<h1>" in page.body


def test_the_missing_page_speaks_the_language_of_the_address() -> None:
    """A lost Armenian reader is told so in Armenian."""
    assert paper.WORDS["hy"].missing_title in get("/hy/chka/").body.decode()


def test_pictures_may_be_kept_and_pages_may_not() -> None:
    """A drawing never changes under its name; a front page changes by the minute."""
    assert "immutable" in get("/pictures/bus.png").cache_control
    assert "must-revalidate" in get("/en/").cache_control


@pytest.mark.parametrize(
    ("if_none_match", "if_modified_since", "unchanged"),
    [
        (None, None, False),
        ('"{etag}"', None, True),
        ('W/"{etag}"', None, True),
        ('"other", "{etag}"', None, True),
        ("*", None, True),
        ('"other"', "Mon, 23 Nov 2026 15:00:00 GMT", False),
        (None, "Mon, 23 Nov 2026 15:00:00 GMT", True),
        (None, "Mon, 23 Nov 2026 15:00:01 -0000", True),
        (None, "Mon, 23 Nov 2026 14:59:59 GMT", False),
        (None, "yesterday", False),
    ],
)
def test_conditional_requests(
    if_none_match: str | None, if_modified_since: str | None, *, unchanged: bool
) -> None:
    """The ETag decides where it is given, the date otherwise, and nonsense is not believed."""
    page = Page(200, b"x", last_modified=START.replace(microsecond=0))
    tag = if_none_match.replace('"{etag}"', page.etag) if if_none_match else None
    assert is_unchanged(page, tag, if_modified_since) is unchanged


def test_a_feed_is_the_same_bytes_until_something_is_published() -> None:
    """The ETag holds for hours, and changes with the next story of that language alone."""
    newspaper = Newspaper(START)
    first = get("/en/feed/", newspaper)
    hours_later = START + dt.timedelta(hours=5)
    assert get("/en/feed/", newspaper, now=hours_later).etag == first.etag
    armenian = get("/hy/feed/", newspaper).etag
    newspaper.publish_next(hours_later)
    after = get("/en/feed/", newspaper, now=hours_later)
    assert after.etag != first.etag
    assert after.last_modified == hours_later.replace(microsecond=0)
    assert get("/hy/feed/", newspaper, now=hours_later).etag == armenian


def test_the_readers_are_invented_and_reachable_nowhere() -> None:
    """Every address is well formed, unique, and under a domain that is reserved for examples."""
    keys = {parse_address(person.address).key for person in people()}
    assert len(keys) == len(people()) == 30
    assert all(re.search(r"@(example\.org|[a-z-]+\.(example|test))$", p.address) for p in people())


def test_both_digests_have_readers_in_the_five_cities() -> None:
    """Fifteen read in English and ten in Armenian; some want large letters; five are away."""
    assert [sum(p.language == code for p in READERS) for code in ("en", "hy")] == [15, 10]
    assert len({p.zone for p in READERS}) == 5
    assert {p.status for p in READERS} == {SubscriptionStatus.ACTIVE}
    assert {p.status for p in ABSENT} == {SubscriptionStatus.PAUSED, SubscriptionStatus.ENDED}
    for language in content.LANGUAGES:
        assert len({p.text_size for p in READERS if p.language == language}) == 2


def test_the_digests_find_their_feed_and_their_commentary() -> None:
    """The demo's rules fit the paper: the feed is there, and the featured category is in it."""
    for digest in demo_data.DIGESTS:
        found = feedparser.parse(get(digest.feed_path).body)
        assert found.feed.language == digest.language
        terms = {tag.term for entry in found.entries for tag in entry.tags}
        assert digest.featured_value in terms
        assert set(digest.sections) <= terms
        assert get(digest.home_path).status == 200
        parse_address(digest.sender_address)
        parse_address(digest.reply_to)

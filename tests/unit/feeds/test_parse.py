"""RSS, Atom and RDF become posts, field by field."""

from __future__ import annotations

import datetime as dt
import itertools

import pytest

from digest.feeds.parse import parse_feed
from digest.feeds.types import ParsedPost, Picture
from tests.unit.feeds.parsing import item, odd, one, parse, rss

WORDPRESS = """<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"
  xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:media="http://search.yahoo.com/mrss/">
<channel>
  <title>The Harbour Post &#8211; News</title>
  <link>https://news.example.org</link>
  <language>en-US</language>
  <item>
    <title>Harbour opens &#038; ferries return</title>
    <link>https://news.example.org/2026/11/harbour/?utm_source=rss</link>
    <dc:creator><![CDATA[By ANI PETROSYAN]]></dc:creator>
    <pubDate>Sun, 22 Nov 2026 10:30:00 +0400</pubDate>
    <category><![CDATA[Commentary]]></category>
    <category><![CDATA[Uncategorized]]></category>
    <category domain="post_tag"><![CDATA[ferries]]></category>
    <guid isPermaLink="false">https://news.example.org/?p=12</guid>
    <description><![CDATA[<p>YEREVAN -- The harbour opened again on Sunday [&hellip;]</p>
<p>The post <a href="https://news.example.org/2026/11/harbour/">Harbour</a> appeared first on
<a href="https://news.example.org">The Harbour Post</a>.</p>]]></description>
    <content:encoded><![CDATA[<p class="lead">YEREVAN -- The harbour opened again on Sunday.</p>
<figure><img src="/wp/boats-1024x683.jpg" alt="Boats" width="1024" height="683"/></figure>
<p>It had been <a href="../../10/closed/">closed</a> for a year.</p>
<script>count()</script><img src="https://pixel.example.net/b.gif" width="1" height="1"/>
<p>The post <a href="https://news.example.org/2026/11/harbour/">Harbour</a> appeared first on
<a href="https://news.example.org">The Harbour Post</a>.</p>]]></content:encoded>
    <media:content url="https://secure.gravatar.com/avatar/0?s=96" medium="image"/>
  </item>
</channel></rss>"""

ATOM = """<?xml version="1.0"?>
<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="hy" xml:base="https://news.example.org/hy/">
  <title type="html">Նավահանգիստ &amp;amp; թերթ</title>
  <entry xml:lang="en_GB">
    <title type="html">AT&amp;amp;T &lt;em&gt;returns&lt;/em&gt;</title>
    <link rel="alternate" href="att/"/>
    <id>tag:news.example.org,2026:att</id>
    <author><name>Ani Petrosyan</name><email>ani@example.org</email></author>
    <author><name>Bedros</name></author>
    <updated>2026-11-22T08:00:00Z</updated>
    <category term="economy" label="Economy"/>
    <category term="phones" scheme="https://news.example.org/tag/"/>
    <summary type="text">Use &lt;b&gt; &amp; more.</summary>
    <content type="xhtml">
      <div xmlns="http://www.w3.org/1999/xhtml"><p>One <a href="more/">two</a>.</p></div></content>
  </entry>
  <entry>
    <title>Երկրորդ</title>
    <link href="https://news.example.org/hy/2/"/>
    <id>https://news.example.org/hy/2/</id>
    <published>2026-11-20T08:00:00+04:00</published>
    <updated>2026-11-21T08:00:00+04:00</updated>
  </entry>
</feed>"""

RDF = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
  xmlns:dc="http://purl.org/dc/elements/1.1/">
  <channel rdf:about="https://news.example.org/"><title>Old style</title>
    <items><rdf:Seq><rdf:li rdf:resource="https://news.example.org/1"/></rdf:Seq></items></channel>
  <item rdf:about="https://news.example.org/1"><title>First</title><link>https://news.example.org/1</link>
    <dc:date>2026-11-22T08:00:00Z</dc:date><dc:subject>Notes</dc:subject></item>
</rdf:RDF>"""


def test_a_wordpress_feed_is_read_whole() -> None:
    """Title, byline, sections, date, excerpt, body and picture of a post, each cleaned."""
    feed = parse(WORDPRESS)
    assert (feed.title, feed.language, odd(feed)) == ("The Harbour Post – News", "en-US", ())
    assert feed.posts == (
        ParsedPost(
            guid="https://news.example.org/?p=12",
            url="https://news.example.org/2026/11/harbour/?utm_source=rss",
            title="Harbour opens & ferries return",
            author="ANI PETROSYAN",
            categories=("Commentary",),
            tags=("ferries",),
            published_at=dt.datetime(2026, 11, 22, 6, 30, tzinfo=dt.UTC),
            excerpt="YEREVAN -- The harbour opened again on Sunday…",
            body_html="<p>YEREVAN -- The harbour opened again on Sunday.</p>"
            '<p><img src="https://news.example.org/wp/boats-1024x683.jpg" alt="Boats"'
            ' width="1024" height="683"></p>'
            '<p>It had been <a href="https://news.example.org/2026/10/closed/">closed</a> for a year.</p>',
            picture=Picture("https://news.example.org/wp/boats-1024x683.jpg", 1024, 683, "Boats"),
            language="en-US",
        ),
    )


def test_an_atom_feed_is_read_whole() -> None:
    """Types of text, xml:base, xml:lang, several authors, labels, updated where published is missing."""
    feed = parse(ATOM)
    assert (feed.title, feed.language, odd(feed)) == ("Նավահանգիստ & թերթ", "hy", ())
    first, second = feed.posts
    assert (first.title, first.url) == ("AT&T returns", "https://news.example.org/hy/att/")
    assert (first.author, first.language) == ("Ani Petrosyan, Bedros", "en-GB")
    assert (first.categories, first.tags) == (("Economy",), ("phones",))
    assert first.excerpt == "Use <b> & more."
    assert first.body_html == '<p>One <a href="https://news.example.org/hy/more/">two</a>.</p>'
    assert first.published_at == dt.datetime(2026, 11, 22, 8, 0, tzinfo=dt.UTC)
    assert second.published_at == dt.datetime(2026, 11, 20, 4, 0, tzinfo=dt.UTC)
    assert (second.language, second.body_html, second.excerpt) == ("hy", "", "")


def test_an_rdf_feed_is_read() -> None:
    """RSS 1.0 gives posts too."""
    (post,) = parse(RDF).posts
    assert (post.title, post.url, post.categories) == ("First", "https://news.example.org/1", ("Notes",))


@pytest.mark.parametrize(
    ("given_title", "expected"),
    [
        ("AT&amp;T", "AT&T"),
        ("AT&amp;amp;T", "AT&T"),
        ("AT&amp;amp;amp;T", "AT&T"),
        ("AT&amp;amp;amp;amp;T", "AT&amp;T"),
        ("The paper&#8217;s year", "The paper’s year"),
        ("The paper&amp;#8217;s year", "The paper’s year"),
        ("The paper&amp;amp;#8217;s year", "The paper’s year"),
        ("Caf&amp;amp;eacute; &amp;amp;hellip;", "Café …"),
        ("Use &amp;amp;lt; in HTML", "Use &lt; in HTML"),
        ("<![CDATA[AT&amp;T]]>", "AT&T"),
        ("&lt;i&gt;Hamlet&lt;/i&gt; returns", "Hamlet returns"),
        ("<![CDATA[<em>Hamlet</em> returns]]>", "Hamlet returns"),
        ("<b>Bold</b> news", "Bold news"),
        ("Use &amp;lt;b&amp;gt; tags", "Use <b> tags"),
        ("2 &lt; 3 &gt; 1", "2 < 3 > 1"),
        ("<![CDATA[&#8220;Peace&#8221;&nbsp;now]]>", "“Peace” now"),
        ("caf&eacute; &amp; bar", "café & bar"),
        ("  two\n lines ", "two lines"),
        ("a\u202eb\u2066c\u200ed\u00ade", "abcde"),
        ("a&#x7;b&#0;c&#xD800;d&#1114112;", "abcd"),
        ("&lt;em&gt;&lt;style&gt;p{}&lt;/style&gt;News&lt;/em&gt;", "News"),
        ("Հարազատ", "Հարազատ"),
        ("e\u0301te\u0301", "été"),
    ],
)
def test_titles_are_plain_text(given_title: str, expected: str) -> None:
    """Entities once, tags gone, one line, no controls, composed letters."""
    assert one(title=given_title).title == expected


def test_a_very_long_title_is_cut_at_a_word() -> None:
    """No title is longer than 500 letters."""
    title = one(title="word " * 300).title
    assert len(title) <= 500
    assert title.endswith("word…")


def test_a_post_without_a_title_takes_its_first_words() -> None:
    """A short note is still a post; one with neither title nor text is left out, and said."""
    note = item("<description>Fog in the harbour. Ferries wait.</description>", title="")
    feed = parse(rss(note, item(title="")))
    assert [post.title for post in feed.posts] == ["Fog in the harbour. Ferries wait."]
    assert "Stories without a title or text, left out: 1." in odd(feed)


@pytest.mark.parametrize(
    ("author", "expected"),
    [
        ("ani@example.org (Ani Petrosyan)", "Ani Petrosyan"),
        ("Ani Petrosyan &lt;ani@example.org&gt;", "Ani Petrosyan"),
        ("By JANE DOE", "JANE DOE"),
        ("by Byron Smith", "Byron Smith"),
        ("By", "By"),
        ("ani@example.org", ""),
        ("&lt;b&gt;Ani&lt;/b&gt;", "Ani"),
        ("", ""),
    ],
)
def test_authors_are_names(author: str, expected: str) -> None:
    """No mail address, no "By", no markup."""
    assert one(f"<author>{author}</author>").author == expected


def test_a_name_said_twice_is_one_author() -> None:
    """Feeds give dc:creator and author both."""
    inner = (
        '<x:creator xmlns:x="http://purl.org/dc/elements/1.1/">Ani P</x:creator>'
        "<author>a@example.org (ANI P)</author>"
    )
    assert one(inner).author == "Ani P"


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        (
            "<pubDate>Sun, 22 Nov 2026 10:30:00 EST</pubDate>",
            dt.datetime(2026, 11, 22, 15, 30, tzinfo=dt.UTC),
        ),
        ("<pubDate>2026-11-22 10:30</pubDate>", dt.datetime(2026, 11, 22, 10, 30, tzinfo=dt.UTC)),
        ("<pubDate>Thu, 01 Jan 1970 00:00:00 GMT</pubDate>", None),
        ("<pubDate>yesterday</pubDate>", None),
        ("<pubDate>99999-99-99T99:99:99Z</pubDate>", None),
        ("<pubDate>0000-00-00 00:00:00</pubDate>", None),
        # A day that the month does not have is counted on, as a slip of a day or two is read.
        ("<pubDate>2026-02-30T10:00:00Z</pubDate>", dt.datetime(2026, 3, 2, 10, tzinfo=dt.UTC)),
        ("<pubDate>Mon, 32 Nov 2026 10:30:00 GMT</pubDate>", None),
        ("<pubDate>1774000000</pubDate>", None),
        ("<pubDate>Sun, 22 Nov 2026 25:61:00 GMT</pubDate>", None),
        ("<pubDate>նոյեմբերի 22, 2026</pubDate>", None),
        ("<pubDate>" + "9" * 5000 + "</pubDate>", None),
        ("", None),
    ],
)
def test_dates_are_aware_and_in_utc_or_missing(date: str, expected: dt.datetime | None) -> None:
    """A date that cannot be read is none, and the feed's oddities say so."""
    feed = parse(rss(item(date)))
    assert feed.posts[0].published_at == expected
    words = "Stories with a date that cannot be read: 1." if date else "Stories without a date: 1."
    assert (words in odd(feed)) == (expected is None)


def test_a_date_far_ahead_is_kept_and_said() -> None:
    """The decision what to do with it is not the parser's."""
    soon = "<pubDate>Tue, 24 Nov 2026 05:00:00 GMT</pubDate>"
    late = "<pubDate>Wed, 25 Nov 2026 05:00:00 GMT</pubDate>"
    feed = parse(rss(item(soon), item(late, link="https://news.example.org/2")))
    assert [post.published_at and post.published_at.day for post in feed.posts] == [24, 25]
    assert odd(feed) == ("Stories dated more than a day ahead: 1.",)


@pytest.mark.parametrize(
    ("guid", "expected"),
    [
        ("<guid>12</guid>", "12"),
        ("<guid><![CDATA[ 12 ]]></guid>", "12"),
        ('<guid isPermaLink="false">/relative</guid>', "/relative"),
        ("<guid>https://news.example.org/a</guid>", "https://news.example.org/a"),
        ("", ""),
    ],
)
def test_ids_stay_as_the_feed_gave_them(guid: str, expected: str) -> None:
    """An id is never joined to the feed's address, or a moved feed would be all new."""
    assert one(guid).guid == expected


def test_an_endless_id_is_kept_as_its_hash() -> None:
    """Two long ids that begin alike stay two."""
    first, second = (one(f"<guid>{'x' * 600}{n}</guid>").guid for n in (1, 2))
    assert first != second
    assert first.startswith("sha256:")
    assert len(first) < 100


def test_links_are_absolute_and_of_the_web() -> None:
    """A relative link is joined; a post that leads nowhere is left out, and said."""
    feed = parse(rss(item(link="/a"), item(link="javascript:alert(1)"), item(link="")))
    assert [post.url for post in feed.posts] == ["https://news.example.org/a"]
    assert "Stories without an address, left out: 2." in odd(feed)


def test_a_guid_that_is_an_address_stands_in_for_a_missing_link() -> None:
    """RSS 2.0: a guid is a permalink unless it says otherwise."""
    body = "<item><title>t</title><guid>https://news.example.org/a</guid></item>"
    assert parse(rss(body)).posts[0].url == "https://news.example.org/a"


def test_a_language_that_nobody_says_is_told_by_the_words() -> None:
    """Of each post by itself; what the feed says stands, and names alone tell nothing."""
    texts = (
        ("Կամուրջը նորոգվեց", "Երկու տարի անց կամուրջը կրկին բաց է։"),
        ("A bridge is mended", "After two years the bridge is open again, and it was not the last."),
        ("Ani Petrosyan", ""),
    )
    items = [item(f"<description>{text}</description>", title=title) for title, text in texts]
    assert [post.language for post in parse(rss(*items)).posts] == ["hy", "en", None]
    said = parse(rss(*items, head="<language>fr</language>"))
    assert [post.language for post in said.posts] == ["fr", "fr", "fr"]


def test_ids_that_repeat_are_said() -> None:
    """Two posts with one id are both kept: deciding is not the parser's."""
    feed = parse(rss(item("<guid>1</guid>"), item("<guid>1</guid>", link="https://news.example.org/2")))
    assert len(feed.posts) == 2
    assert "Stories with an id that another story has: 1." in odd(feed)


def test_only_the_first_five_hundred_posts_are_taken() -> None:
    """A feed that gives its whole history costs no more than its beginning."""
    items = [item(f"<guid>{n}</guid>", link=f"https://news.example.org/{n}") for n in range(10_000)]
    feed = parse(rss(*items, head="<language>hy</language>") + "<!-- end -->")
    assert [post.guid for post in feed.posts] == [str(n) for n in range(500)]
    assert feed.language == "hy"
    assert "Only its first 500 stories were read; 9,500 more were left out." in odd(feed)
    assert not any("well-formed" in oddity for oddity in odd(feed))


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_a_pictures_own_words_are_not_the_posts(order: tuple[int, ...]) -> None:
    """The title and description inside a media element never stand for those of the post."""
    elements = (
        "<title>Hello, world of apricots</title>",
        "<description>The right words.</description>",
        '<media:content url="https://paper.example/p.jpg" medium="image"><media:title>IMG_0042</media:title>'  # noqa: ISC004
        "<media:description>A bowl</media:description></media:content>",
    )
    item = "".join(elements[place] for place in order)
    feed = (
        '<rss version="2.0" xmlns:media="http://search.yahoo.com/mrss/"><channel><title>T</title>'
        f"<item><link>https://paper.example/1</link>{item}</item></channel></rss>"
    )
    (post,) = parse_feed(feed.encode(), url="https://paper.example/feed/").posts
    assert (post.title, post.excerpt) == ("Hello, world of apricots", "The right words.")

"""Foreign HTML becomes the few elements of a mail, always in the same form."""

from __future__ import annotations

import time
from html.parser import HTMLParser

import nh3
import pytest
from hypothesis import example, given

from digest.feeds.sanitise import LARGEST_BODY, blocks, plain_text, sanitise
from tests.unit.feeds.strategies import markup

BASE = "https://news.example.org/2026/11/harbour/"
ALLOWED = {
    "a": {"href"},
    "img": {"src", "alt", "width", "height"},
    **{
        tag: set()
        for tag in (
            "p",
            "br",
            "strong",
            "em",
            "b",
            "i",
            "u",
            "blockquote",
            "ul",
            "ol",
            "li",
            "h2",
            "h3",
            "h4",
        )
    },
}


@pytest.mark.parametrize(
    ("given_html", "expected"),
    [
        ("plain", "<p>plain</p>"),
        ("<div>a</div><div>b <b>c </b>d</div>", "<p>a</p><p>b <b>c</b> d</p>"),
        ("one<br><br>two<br>three<br>", "<p>one</p><p>two<br>three</p>"),
        ("<b><p>one</p><p>two</p></b>", "<p><b>one</b></p><p><b>two</b></p>"),
        ("<h1>Big</h1><h6>Small</h6>", "<h2>Big</h2><h4>Small</h4>"),
        ("<p> </p><p>&nbsp;</p><p><b></b></p>x", "<p>x</p>"),
        ("<pre>a verse\nof two lines\n\nand more</pre>", "<p>a verse<br>of two lines</p><p>and more</p>"),
        (
            "<table><tr><td>12:00</td><td>Lunch</td></tr><tr><td>13:00</td></tr></table>",
            "<p>12:00 Lunch</p><p>13:00</p>",
        ),
        ("<ul><li><p>a</p><p>b</p></li><li>c</li></ul>", "<ul><li>a<br>b</li><li>c</li></ul>"),
        ("<ul><li>a</li><ul><li>b</li></ul></ul>", "<ul><li>a</li><li><ul><li>b</li></ul></li></ul>"),
        ("<li>stray</li><p>after</p>", "<ul><li>stray</li></ul><p>after</p>"),
        ("<ul>loose<li>kept</li></ul>", "<ul><li>loose</li><li>kept</li></ul>"),
        ("<blockquote>said<p>she</p></blockquote>", "<blockquote><p>said</p><p>she</p></blockquote>"),
        ("1 < 2 & 3 > 2 &amp;amp;", "<p>1 &lt; 2 &amp; 3 &gt; 2 &amp;amp;</p>"),
        ("a<!-- no -->b<script>no()</script><style>p{}</style><svg><text>no</text></svg>c", "<p>abc</p>"),
        ("<form>no<input><button>no</button></form><iframe>no</iframe><video>no</video>yes", "<p>yes</p>"),
        ("<p class=x style='color:red' onclick=no() id=y>a</p>", "<p>a</p>"),
        ("10&nbsp;000 copies&nbsp; ", "<p>10&nbsp;000 copies</p>"),
        ("in\u202everted", "<p>inverted</p>"),
    ],
)
def test_markup_comes_into_one_form(given_html: str, expected: str) -> None:
    """Blocks hold the text, unwanted elements go with their content, other elements leave theirs."""
    assert sanitise(given_html, BASE) == expected


@pytest.mark.parametrize(
    ("href", "expected"),
    [
        ("https://example.org/a b", '<p><a href="https://example.org/a%20b">x</a></p>'),
        ("/r?a=1&amp;b=2#c", '<p><a href="https://news.example.org/r?a=1&amp;b=2#c">x</a></p>'),
        ("more.html", '<p><a href="https://news.example.org/2026/11/harbour/more.html">x</a></p>'),
        ("//example.org/", '<p><a href="https://example.org/">x</a></p>'),
        ("https://Հայ.example.org/", '<p><a href="https://xn--y9a3aq.example.org/">x</a></p>'),
        ("javascript:alert(1)", "<p>x</p>"),
        ("JaVa&#10;Script:alert(1)", "<p>x</p>"),
        ("mailto:a@example.org", "<p>x</p>"),
        ("https://who@example.org/", "<p>x</p>"),
        ("http://[::1", "<p>x</p>"),
        ("", "<p>x</p>"),
    ],
)
def test_links_are_absolute_or_text(href: str, expected: str) -> None:
    """Only links of the web stay, made absolute against the post; the text of the others stays."""
    assert sanitise(f'<a href="{href}">x</a>', BASE) == expected


def test_a_relative_link_without_a_base_is_text() -> None:
    """There is nothing it could be relative to."""
    assert sanitise('<a href="/a">x</a><img src="/b.jpg">') == "<p>x</p>"


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (
            '<img src="/a.jpg" width="600px" height="400.5" alt=" A  boat ">',
            'src="https://news.example.org/a.jpg" alt="A boat" width="600" height="400"',
        ),
        (
            '<img src="a.jpg" width="100%" srcset="b.jpg 2x" loading="lazy">',
            f'src="{BASE}b.jpg" alt=""',
        ),
        (
            '<img src="data:image/gif;base64,AA" data-lazy-src="/real.jpg">',
            'src="https://news.example.org/real.jpg" alt=""',
        ),
        (
            "<img src='/q.jpg' alt='say &quot;cheese&quot; <b>'>",
            'src="https://news.example.org/q.jpg" alt="say &quot;cheese&quot; &lt;b&gt;"',
        ),
    ],
)
def test_pictures_keep_address_size_and_words(image: str, expected: str) -> None:
    """A picture keeps what a mail client needs and nothing else; a lazy one shows its real address."""
    assert sanitise(image, BASE) == f"<p><img {expected}></p>"


@pytest.mark.parametrize(
    "image",
    [
        '<img src="/x.gif" width="1" height="1">',
        '<img src="/x.gif" height="0">',
        '<img src="/x.gif" style="border:0; width: 1px">',
        '<img src="/x.gif" style="display:none">',
        '<img src="https://pixel.example.org/c?id=3">',
        '<img src="https://stats.example.org/hit.gif">',
        '<img src="/spacer.gif">',
        '<img src="https://feeds.feedburner.com/~r/news/~4/abc">',
        '<img src="data:image/png;base64,AAAA">',
        '<img src="file:///etc/passwd">',
        "<img>",
    ],
)
def test_pictures_that_count_readers_go(image: str) -> None:
    """Pixels, spacers, hidden pictures and those of counting services are dropped."""
    assert sanitise(f"<p>text {image}</p>", BASE) == "<p>text</p>"


def test_an_emoji_drawn_as_a_picture_is_a_letter_again() -> None:
    """A mail needs no picture for it."""
    emoji = '<img src="https://s.w.org/images/core/emoji/15/72x72/1f600.png" alt="😀" style="height:1em">'
    assert sanitise(f"<p>Hello {emoji}!</p>") == "<p>Hello 😀!</p>"


def test_a_figure_becomes_a_picture_and_a_line() -> None:
    """The caption is a paragraph below the picture."""
    caption = "<figcaption>The <em>Arev</em> at anchor</figcaption>"
    html = f'<figure class="wp"><img src="/a.jpg" alt="A">{caption}</figure>'
    assert blocks(html, BASE) == [
        '<p><img src="https://news.example.org/a.jpg" alt="A"></p>',
        "<p>The <em>Arev</em> at anchor</p>",
    ]


def test_a_large_body_is_cut_between_blocks() -> None:
    """What is kept is whole, within the limit, and stays the same on a second pass."""
    calm = "The water was quiet all day. " * 6
    paragraph = "<p>" + f"{calm}The <em>boats</em> lay <b>still</b>. " * 7 + "</p>"
    items = "<ul>" + f"<li>{calm}One more line of the list.</li>" * 550 + "</ul>"
    quotations = f"<blockquote>{paragraph}</blockquote>" * 150
    for body in (paragraph * 150, items * 2, f"<blockquote>{paragraph * 150}</blockquote>", quotations):
        result = sanitise(body)
        assert LARGEST_BODY * 0.99 < len(result) < LARGEST_BODY + 100
        assert result.endswith((".</p>", ".</li></ul>", ".</p></blockquote>"))
        assert "<em>boats</em> lay <b>still</b>.</" in result[-200:] or "list.</li></ul>" in result[-200:]
        assert sanitise(result) == result


def test_one_endless_paragraph_is_cut_at_a_word() -> None:
    """A body without any block still gives its beginning."""
    result = sanitise("boats " * 200_000)
    assert result.endswith("boats…</p>")
    assert sanitise(result) == result


@pytest.mark.parametrize(
    "piece",
    [
        "<div>",
        "<ul><li>",
        "<b>",
        "<p><b>",
        "<table><tr><td>",
        "<blockquote>",
        "<!--",
        "<![CDATA[",
        "&",
        "<",
        "<p>x",
        "<br>x",
    ],
)
def test_hostile_markup_costs_little(piece: str) -> None:
    """150 kB of any one thing are read in a moment, not in minutes."""
    started = time.process_time()
    result = sanitise(piece * (150_000 // len(piece)))
    assert time.process_time() - started < 60
    assert len(result) <= LARGEST_BODY + 100


def test_formatting_that_multiplies_is_refused_to() -> None:
    """Open elements that a parser repeats in each paragraph do not blow up."""
    fonts = "".join(f"<font size={n}>" for n in range(75))
    result = sanitise(fonts + "<p>x" * 100_000)
    assert len(result) <= LARGEST_BODY + 100


class _Checker(HTMLParser):
    """Collects whatever a mail must not hold."""

    def __init__(self) -> None:
        super().__init__()
        self.wrong: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name not in ALLOWED.get(tag, set()):
                self.wrong.append(f"{tag} {name}")
            if name in {"href", "src"} and not (value or "").startswith(("https://", "http://")):
                self.wrong.append(f"{tag} {name}={value}")
        if tag not in ALLOWED:
            self.wrong.append(tag)
        if tag not in {"br", "img"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"/{tag}")

    def handle_comment(self, data: str) -> None:
        self.wrong.append("comment")

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] in {"ul", "ol", "blockquote"}:
            self.wrong.append(f"text outside of a block: {data!r}")


@given(markup)
@example("<svg><style><img src=x onerror=alert(1)></style></svg>")
@example(
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>"
)
@example("<noscript><p title='</noscript><img src=x onerror=alert(1)>'>")
@example('<a href="https://example.org/"><table><tr><td><a href="https://example.org/b">x</a>')
@example("<ul><b><li>x</b>y<p>z</ul>w")
def test_whatever_comes_in_only_the_mail_s_elements_come_out(html: str) -> None:
    """For any markup: allowed elements and attributes, rightly nested, links of the web, no loose text."""
    result = sanitise(html, BASE)
    checker = _Checker()
    checker.feed(result)
    checker.close()
    assert checker.wrong == []
    assert checker.open == []
    assert "\u202e" not in result


@given(markup)
def test_sanitising_twice_changes_nothing(html: str) -> None:
    """The form is a fixed point, with and without the base, and for nh3's own strict pass."""
    once = sanitise(html, BASE)
    assert sanitise(once, BASE) == once
    assert sanitise(once) == once
    strict = nh3.Cleaner(tags=set(ALLOWED), attributes={k: v for k, v in ALLOWED.items() if v}, link_rel=None)
    assert strict.clean(once) == once


@given(markup)
def test_plain_text_is_one_line_without_markup(html: str) -> None:
    """No line break and no double space survives; text in blocks is not glued."""
    text = plain_text(html)
    assert text == " ".join(text.split())


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>one</p><p>two</p>", "one two"),
        ("a<br>b<ul><li>c</li><li>d</li></ul>", "a b c d"),
        ("AT&amp;T &lt;b&gt; 10&nbsp;000", "AT&T <b> 10 000"),
        ('<img src="https://news.example.org/a.jpg" alt="a > b"> seen', "seen"),
        ('<a href="https://news.example.org/?a=%3Eb">x</a>y', "xy"),
    ],
)
def test_plain_text_reads_as_the_page_does(html: str, text: str) -> None:
    """Blocks are separated, entities resolved once, attributes never shown."""
    assert plain_text(html) == text

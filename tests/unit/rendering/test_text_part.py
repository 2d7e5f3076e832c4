"""The text part of the digest: contents first, 72 columns, and all that the HTML part has."""

from __future__ import annotations

import dataclasses
import datetime as dt
import html
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html as lxml_html
from lxml.html import HtmlElement

from digest.embedded.newspaper import content
from digest.feeds.excerpt import make_excerpt
from digest.rendering.contexts import EditionContext, RenderedMail, SisterLink, Story
from digest.rendering.digest_email import render_mail
from digest.rendering.plain_text import COLUMNS, rule, width
from digest.rendering.theme import SHARE_TARGETS, Layout, Look, SocialLink, Sponsor, TimeForm
from tests.unit.rendering.samples import SLOT, edition, featured, story

LINK = re.compile(r"(?:\[\d+\] )?((?:https?|mailto|viber):\S+|%%unsubscribe_url%%(?:/page)?)")
BIDI = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# Latin, Armenian, wide, combining, right-to-left, and a letter of several signs.
LETTERS = (
    "a",
    "Q",
    "ա",
    "և",
    "՝",
    "日",
    "本",
    "。",
    "e\u0301",
    "ש",
    "ع",
    "👩\u200d🚀",
    "\u202e",
    " ",
    " ",
    " ",
)
LISTS = ("<ul><li>{}</li><li>{}</li></ul>", "<ol><li>{}<ul><li>{}</li></ul></li></ol>")
BLOCKS = ("<p>{}<br>{}</p>", "<h3>{} {}</h3>", "<blockquote><p>{}</p><p>{}</p></blockquote>", *LISTS)
words = st.lists(st.sampled_from(LETTERS), max_size=120).map(lambda letters: "x" + "".join(letters))
numbers = st.integers(1, 10**6)


def squeezed(text: str) -> str:
    """The text without white space: what is the same however lines are folded."""
    return "".join(text.split())


def alphabetic(text: str) -> str:
    """The letters alone, without the marks of lists and the numbers of links."""
    return "".join(letter for letter in text if letter.isalpha())


@st.composite
def bodies(draw: st.DrawFn) -> str:
    """Markup of a commentary or an intro: some blocks, every other run of words a link."""

    def run() -> str:
        linked = draw(st.booleans())
        return f'<a href="https://b.test/{draw(numbers)}">{draw(words)}</a>' if linked else draw(words)

    kinds = draw(st.lists(st.sampled_from(BLOCKS), max_size=4))
    return "".join(kind.format(run(), run()) for kind in kinds)


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """A story; some lack an address, a section, an author or an excerpt."""
    return Story(
        title=draw(words),
        url=draw(st.just("") | numbers.map("https://a.test/{}".format)),
        author=draw(st.just("") | words),
        section=draw(st.just("") | words),
        excerpt=draw(st.just("") | words),
        published_at=SLOT - dt.timedelta(hours=draw(st.integers(0, 300))),
        language=draw(st.sampled_from(["en", "hy", "he"])),
    )


@st.composite
def editions(draw: st.DrawFn) -> EditionContext:
    """An edition in English or Armenian with or without each of its parts."""
    lead: dict[str, Any] = {"body_html": draw(bodies()), "is_cut": draw(st.booleans())}
    look = Look(
        layout=draw(st.sampled_from(Layout)),
        time_form=draw(st.sampled_from(TimeForm)),
        show_share_links=draw(st.booleans()),
        share=SHARE_TARGETS,
        motto=draw(st.just("") | words),
        footer=draw(st.just("") | words),
        social=draw(st.sampled_from([(), (SocialLink("x", "X", "https://x.test/paper"),)])),
        sponsor=draw(st.none() | st.builds(Sponsor, words, url=st.sampled_from(["", "https://shop.test/"]))),
    )
    first = draw(stories())
    leads = featured(title=first.title, url=first.url, author=first.author, section=first.section, **lead)
    made = {
        "featured": draw(st.sampled_from([leads, None])),
        "language": draw(st.sampled_from(["en", "hy"])),
        "intro_html": draw(bodies()),
        "note_html": draw(bodies()),
        "sign_off_html": draw(bodies()),
        "parting_html": draw(bodies()),
        "sign_up_url": draw(st.sampled_from(["", "https://mail.test/s/readers"])),
        "sisters": draw(st.sampled_from([(), (SisterLink("X", "https://mail.test/s/hy", "hy", "Y"),)])),
        "correction": draw(st.just("") | words),
        "look": look,
    }
    return with_recent(draw(st.lists(stories(), max_size=12)), made)


def with_recent(recent: list[Story], made: dict[str, Any]) -> EditionContext:
    """An edition with these headlines."""
    return dataclasses.replace(edition(**made), recent=tuple(recent))


def parts(text: str) -> tuple[list[str], str]:
    """What stands between the whole rules, and what follows the line that begins the signature."""
    assert text.count("\n-- \n") == 1
    above, foot = text.split("\n-- \n")
    return above.split(f"\n{rule()}\n"), foot


def first(root: HtmlElement, name: str) -> str:
    """The words of an element of a class, or "" if there is none."""
    found = root.find_class(name)
    return squeezed(found[0].text_content()) if found else ""


def check_same(mail: RenderedMail) -> None:
    """Both parts have the same stories in the same order with the same words, and the same links."""
    is_briefing = 0 <= mail.html.find('class="recents"') < mail.html.find('class="title')
    root = lxml_html.document_fromstring(mail.html)
    lines = mail.text.split("\n")
    linked = [found[1] for line in lines if (found := LINK.fullmatch(line))]
    assert {str(link.get("href")) for link in root.iter("a")} == set(linked)
    assert [line for line in lines if width(line) > COLUMNS and not LINK.fullmatch(line)] == []
    assert not set(mail.text) & BIDI
    sections, _ = parts(mail.text)
    lead = first(root, "title")
    items = [cell for cell in root.find_class("item") if cell.find_class("headline")]
    titles = [first(cell, "headline") for cell in items]
    titles.insert(len(titles) if is_briefing else 0, lead) if lead else None
    listed = "".join(f"{number}.{title}" for number, title in enumerate(titles, 1))
    contents = squeezed(sections.pop(0))
    assert re.search(f"(?:Inthisedition:|Այսհամարում՝){re.escape(listed)}$", contents) or not titles
    if lead:
        place = len(items) + 1 if is_briefing else 1
        at = next(at for at, one in enumerate(sections) if f"{place}.{lead}=" in squeezed(one))
        check_commentary(squeezed(sections.pop(at)), root, f"{first(root, 'kicker')}{place}.{lead}")
    if paid := first(root, "paid"):
        label = first(root.find_class("sponsor")[0], "label")
        at = next(at for at, one in enumerate(sections) if squeezed(one).startswith(label))
        assert squeezed(sections.pop(at)).endswith(paid + "".join(root.xpath("//*[@class='paid']//@href")))
    if items:
        pieces = sections.pop(0).split(f"\n{rule('-', 30)}\n")
        assert len(pieces) == len(items)
        start = 1 if is_briefing or not lead else 2
        for number, (piece, cell) in enumerate(zip(pieces, items, strict=True), start):
            url = "".join(str(link.get("href")) for link in cell.iter("a"))
            label = f"{first(cell, 'label')}·" if first(cell, "label") else ""
            said = f"{first(cell, 'headline')}{label}{first(cell, 'meta')}{first(cell, 'excerpt')}"
            # A time that stands by itself has a capital; behind a section it has none.
            assert squeezed(piece).casefold().endswith(f"{number}.{said}{url}".casefold())


def check_commentary(piece: str, root: HtmlElement, head: str) -> None:
    """The commentary's piece has its kicker, number, title, byline and words."""
    assert piece.startswith(f"{head}=")
    assert piece[len(head) :].lstrip("=").startswith(first(root, "byline"))
    told = "".join(cell.text_content() for cell in root.find_class("story"))
    assert alphabetic(told) in alphabetic(piece)


@given(editions())
def test_both_parts_say_the_same(context: EditionContext) -> None:
    """Whatever an edition holds: stories, their words and the links are those of the HTML part, folded."""
    check_same(render_mail(context))


@pytest.mark.parametrize("language", ["en", "hy"])
def test_a_briefing_of_the_demo_says_the_same(language: str) -> None:
    """Its headlines come first, the commentary last; the numbers of the contents follow."""
    mail = render_mail(dataclasses.replace(demo(language), look=Look(layout=Layout.BRIEFING)))
    check_same(mail)
    assert mail.text.index("\n12. ") < mail.text.index("\n13. ")


@pytest.mark.parametrize("language", ["en", "hy"])
def test_the_demos_editions_say_the_same(language: str) -> None:
    """The invented newspaper's own commentary and headlines, in English and in Armenian."""
    mail = render_mail(demo(language))
    check_same(mail)
    sections, _ = parts(mail.text)
    wanted = {
        "en": ["In this edition:", "By ", "Recent headlines", "Share:"],
        "hy": ["Այս համարում՝", "Հեղինակ՝ ", "Վերջին լուրեր", "Կիսվել՝"],
    }[language]
    assert [word for word, section in zip(wanted, sections, strict=True) if f"\n{word}" in section] == wanted


def demo(language: str) -> EditionContext:
    """An edition of the invented newspaper: a commentary whole, and twelve headlines."""
    told = [each for each in content.articles() if each.language == language]
    told.sort(key=lambda each: each.section.slug != "commentary")
    made = [
        story(
            each.id,
            title=each.title,
            author=each.author,
            section=each.section.names[language],
            excerpt=make_excerpt("".join(f"<p>{html.escape(one)}</p>" for one in each.paragraphs), 40),
            body_html="".join(f"<p>{html.escape(one)}</p>" for one in each.paragraphs),
            language=language,
        )
        for each in told[:13]
    ]
    return with_recent(made[1:], {"featured": made[0], "language": language})


def test_contents_come_first_and_their_numbers_lead_to_the_pieces() -> None:
    """The featured story is the first; the numbers stand in line and come back before each piece."""
    sections, foot = parts(render_mail(edition(recent=10)).text)
    contents = sections[0].split("In this edition:\n\n")[1].strip("\n").split("\n")
    assert contents[0] == " 1. A bench in front of the library"
    assert contents[10] == "11. Apricot growers expect harvest number 9"
    assert "\n1. A bench in front of the library\n==================================\nBy Nareg" in sections[1]
    assert sections[2].startswith("\nRecent headlines\n================\n\n2. Apricot growers")
    assert "\n11. Apricot growers expect harvest number 9\nCommunity · Sunday, 5:30 pm," in sections[2]
    assert foot.startswith("You get this mail because")


def test_a_long_title_hangs_under_its_number() -> None:
    """In the contents and above the piece a title's further lines begin where its first did."""
    long = "A title of many words that nobody at the desk has thought of making any shorter"
    text = render_mail(edition(recent=1, featured=featured(title=long))).text
    folded = "1. A title of many words that nobody at the desk has thought of making\n   any shorter\n"
    assert text.count(folded) == 2
    assert f"{folded}{'=' * 70}\n" in text


def test_lists_and_quotations_of_a_commentary() -> None:
    """Bullets, numbers that count, a quotation behind its signs; a list is told from the next one."""
    body = (
        "<ul><li>One</li><li>Two</li></ul><ol><li><p>First</p><p>and on</p></li><li>Second</li></ol>"
        "<blockquote><p>Said</p><p>and said " + "again " * 14 + "</p></blockquote><p>End</p>"
    )
    text = render_mail(edition(featured=featured(body_html=body))).text
    quoted = "> and said " + "again " * 9 + "again\n> again again again again\n\nEnd\n"
    assert f"\n  * One\n  * Two\n\n 1. First\n\n    and on\n 2. Second\n\n> Said\n>\n{quoted}" in text


def test_links_of_a_text_stand_under_it() -> None:
    """A number behind the words, the address whole on a line of its own with nothing after it."""
    long = "https://b.test/" + "long-" * 30
    body = f'<p>See <a href="{long}">this one</a>, and <a href="https://c.test/">that</a>.</p>'
    text = render_mail(edition(featured=featured(body_html=body), intro_html=body)).text
    noted = f"See this one [1], and that [2].\n\n[1] {long}\n[2] https://c.test/\n\n"
    assert text.count(noted) == 2

"""The two layouts with everything that a theme can add to them."""

from __future__ import annotations

import dataclasses
import itertools
import re
from pathlib import Path

import pytest
from lxml import html as lxml_html

from digest.rendering.contexts import EditionContext, Personal, SisterLink, Story, TextSize
from digest.rendering.digest_email import MAX_HTML_BYTES, render_mail, render_web
from digest.rendering.theme import Layout, Look, SocialLink, Sponsor, ThemePicture
from tests.unit.rendering.samples import edition, featured, story
from tests.unit.rendering.test_digest_email import links, words

PERSONAL = ("%%unsubscribe_url%%", "%%unsubscribe_url%%/page", "https://mail.example.org/e/42")


def dressed(layout: Layout = Layout.PAPER, **changes: object) -> EditionContext:
    """An edition with every part that there is."""
    look = Look(
        layout=layout,
        logo=ThemePicture("https://mail.example.org/p/a.png", 300, 80, "The Courier"),
        logo_dark=ThemePicture("https://mail.example.org/p/b.png", 300, 80),
        motto="Printed in Watertown",
        footer="Published by the Linden Street Society.",
        social=(SocialLink("facebook", "Facebook", "https://facebook.test/courier"),),
        sponsor=Sponsor("Braided bread on Fridays", url="https://bakery.test/"),
    )
    return edition(
        look=look,
        intro_html='<p>Good morning, %%name%%. See the <a href="https://choir.test/">choir</a>.</p>',
        note_html="<p>Our office is closed.</p>",
        sign_off_html="<p><em>Until tomorrow</em>, %%name%%.</p>",
        personal=(Personal("name", "text", "dear <reader>"),),
        sign_up_url="https://mail.example.org/s/readers",
        sisters=(SisterLink("Առավոտյան պարկ", "https://mail.example.org/s/hy", "hy", "Հայերեն"),),
        **changes,
    )


@pytest.mark.parametrize("layout", Layout)
@pytest.mark.parametrize("lead", [featured(), None])
def test_the_sign_off_of_an_edition_closes_it(layout: Layout, lead: Story | None) -> None:
    """Below all stories, with or without a commentary, above the foot; nothing of it without one."""
    words = "<p><em>That was it</em>, %%name%%.</p>"
    context = dataclasses.replace(dressed(layout, featured=lead), parting_html=words)
    mail, page = render_mail(context), render_web(context)
    stories = [*(story.title for story in context.recent), *([lead.author] if lead else [])]
    for part, said, foot in (
        (mail.html, ">That was it<", "Sent by a friend?"),
        (mail.text, "That was it, %%name%%.", "\n-- \n"),
        (page, "<em>That was it</em>, dear &lt;reader&gt;.", "</main>"),
    ):
        assert part.count("That was it") == 1
        assert max(part.rindex(one) for one in stories) < part.index(said) < part.index(foot)
    without = dataclasses.replace(context, parting_html="")
    assert 'class="parting"' not in render_web(without)
    assert mail.html != render_mail(without).html


@pytest.mark.parametrize("layout", Layout)
def test_every_part_of_a_theme_is_in_both_parts_and_on_the_web(layout: Layout) -> None:
    """Words and links of the theme stand in the HTML part, the text part and the web edition alike."""
    mail, page = render_mail(dressed(layout)), render_web(dressed(layout))
    for said in (
        *("Printed in Watertown", "Published by the Linden Street Society.", "Braided bread on Fridays"),
        *(
            "Advertisement",
            "Editor’s note",
            "Our office is closed.",
            "Sent by a friend?",
            "Հայերեն: Առավոտյան պարկ",
        ),
    ):
        assert said in mail.html
        assert said in " ".join(mail.text.split())
        assert said in page
    assert links(mail.html) == set(re.findall(r"(?:https?:|mailto:|%%unsub)\S+", mail.text))
    assert links(page) - {"#commentary"} == links(mail.html) - set(PERSONAL)
    assert "%%" not in page
    assert "Good morning, dear &lt;reader&gt;." in page
    assert "Good morning, %%name%%." in mail.html
    assert "Until tomorrow, %%name%%." in mail.text
    assert mail.preheader.startswith("Good morning, dear <reader>. See the choir.")


@pytest.mark.parametrize("layout", Layout)
def test_layouts_differ_in_their_order_alone(layout: Layout) -> None:
    """The paper has its commentary first, the briefing its headlines; both have a whole order of headings."""
    mail = render_mail(dressed(layout))
    is_first = mail.html.index('class="title') < mail.html.index('class="recents')
    assert is_first == (layout is Layout.PAPER)
    assert (mail.subject == story(0).title) == (layout is Layout.BRIEFING)
    for markup in (mail.html, render_web(dressed(layout))):
        root = lxml_html.document_fromstring(markup)
        levels = [int(str(found.tag)[1]) for found in root.iter("h1", "h2", "h3", "h4", "h5", "h6")]
        assert levels.count(1) == 1
        assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
        assert len(root.find_class("headline") or root.xpath("//ol/li/h3")) == 12


def test_a_briefing_has_a_line_of_contents() -> None:
    """Sections in the order of their first stories with how many there are; those beyond six are others."""
    sections = ("News", "", "Arts", "News", "A", "B", "C", "D", "E")
    recent = tuple(story(number, section=section) for number, section in enumerate(sections))
    context = dataclasses.replace(edition(look=Look(layout=Layout.BRIEFING)), recent=recent)
    line, commentary = words(render_mail(context).html, "contents")
    assert line == "In this edition: News (2) · Arts (1) · A (1) · B (1) · C (1) · Other stories (3)"
    assert commentary == "Commentary: A bench in front of the library"
    plain = tuple(story(number, section="") for number in range(3))
    assert not words(render_mail(dataclasses.replace(context, recent=plain)).html, "contents")


def test_a_logo_has_a_twin_for_the_dark() -> None:
    """The dark one is hidden for Word and for whoever shows no styles; without one it gets a light plate."""
    root = lxml_html.document_fromstring(render_mail(dressed()).html)
    day, night = root.xpath("//h1//img")
    assert (day.get("alt"), day.get("width"), day.get("height")) == ("The Courier", "300", "80")
    assert "mso-hide:all" in night.getparent().get("style")
    assert "display:none" in night.getparent().get("style")
    plain = dataclasses.replace(dressed(), look=dataclasses.replace(dressed().look, logo_dark=None))
    (only,) = lxml_html.document_fromstring(render_mail(plain).html).xpath("//h1//img")
    assert "plate" in only.get("class")


@pytest.mark.parametrize("layout", Layout)
def test_no_letter_is_smaller_than_16_pixels_but_in_the_foot(layout: Layout) -> None:
    """With all parts of a theme, in both layouts."""
    root = lxml_html.document_fromstring(render_mail(dressed(layout)).html)
    for element in root.xpath("//*[contains(@style, 'font-size')]"):
        size = int(re.findall(r"font-size:\s*(\d+)px", element.get("style"))[-1])
        if "font-size:1px" not in element.get("style") and element.text_content().strip():
            least = 15 if "foot" in (element.get("class") or "") else 16
            assert size >= least, (element.tag, element.get("class"))


def test_forty_stories_and_a_whole_theme_stay_below_the_limit() -> None:
    """In both layouts and the large size."""
    for layout in Layout:
        made = render_mail(dressed(layout, recent=40, text_size=TextSize.LARGE))
        assert len(made.html.encode()) < MAX_HTML_BYTES


def test_a_newsrooms_own_digest_is_for_both_layouts(tmp_path: Path) -> None:
    """A file in `email/digest/`, where ours once were, still comes first; one of a layout is for it alone."""
    for name, text in (("digest/subject.txt", "Ours"), ("briefing/body.txt", "Brief: {{ subject }} %%x%%\n")):
        (tmp_path / "email" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "email" / name).write_text(text, encoding="utf-8")
    paper = render_mail(edition(), templates=tmp_path)
    briefing = render_mail(edition(look=Look(layout=Layout.BRIEFING)), templates=tmp_path)
    assert paper.subject == briefing.subject == "Ours"
    assert briefing.text == "Brief: Ours %%x%%\n"
    assert paper.text.startswith("The Morning Post-Bag\n")


def test_stories_cannot_plant_anything_through_a_theme() -> None:
    """A person's placeholders work in the newsroom's own words, never in a story's."""
    lead = featured(title="%%name%%", body_html="<p>%%name%%</p>")
    made = render_mail(dressed(featured=lead, recent=1))
    assert made.html.count("%%name%%") == made.text.count("%%name%%") == 2


@pytest.mark.parametrize("layout", Layout)
def test_a_long_title_is_set_smaller(layout: Layout) -> None:
    """Ninety letters are a headline; what has more would fill a phone in the size of one."""
    for letters, wanted in ((90, False), (91, True)):
        context = dressed(layout, featured=featured(title="a" * letters), recent=1)
        lead = lxml_html.document_fromstring(render_mail(context).html).find_class("title")[0]
        assert ("long" in str(lead.get("class"))) is wanted
        assert ("font-size:26px" in str(lead.get("style"))) is wanted


def test_a_long_title_is_cut_in_the_line_of_contents() -> None:
    """There it only says what is to come; it stands whole above its story."""
    title = "What a ferry timetable knows " * 10
    made = render_mail(dressed(Layout.BRIEFING, featured=featured(title=title), recent=1)).html
    line = words(made, "contents")[1]
    assert line.startswith("Commentary: What a ferry")
    assert line.endswith("…")
    assert len(line) < 110
    assert words(made, "title") == [title.strip()]


def test_both_layouts_tell_the_parts_of_a_mail_apart_by_a_line() -> None:
    """One between commentary and headlines; in a briefing one more, below its contents."""
    for layout, count in ((Layout.PAPER, 1), (Layout.BRIEFING, 2)):
        assert render_mail(dressed(layout)).html.count('class="heavy"') == count
    alone = dataclasses.replace(dressed(), featured=None)
    assert 'class="heavy"' not in render_mail(alone).html
    plain = tuple(story(number, section="") for number in range(3))
    bare = dataclasses.replace(dressed(Layout.BRIEFING), recent=plain)
    assert render_mail(bare).html.count('class="heavy"') == 1  # none where nothing stands above it

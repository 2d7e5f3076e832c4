"""The digest mail and the web edition."""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
import re

import pytest
from lxml import html as lxml_html

from digest.rendering.contexts import UNSUBSCRIBE_URL, Story, StoryPicture, TextSize
from digest.rendering.digest_email import MAX_HTML_BYTES, render_mail, render_web
from digest.rendering.theme import Look, TimeForm
from tests.unit.rendering.samples import SLOT, armenian, edition, featured, story

LINES = re.compile(r"^(?:\[\d+\] )?((?:https?|mailto):\S+|%%unsubscribe_url%%(?:/page)?)$", re.MULTILINE)


def links(markup: str) -> set[str]:
    """Every address that a page links to."""
    return {str(link.get("href")) for link in lxml_html.document_fromstring(markup).iter("a")}


def words(markup: str, selector: str) -> list[str]:
    """The texts of all elements of a class."""
    root = lxml_html.document_fromstring(markup)
    return [" ".join(found.text_content().split()) for found in root.find_class(selector)]


@pytest.mark.parametrize("context", [edition(), armenian(), edition(look=Look(show_share_links=False))])
def test_both_parts_have_the_same_links(context: object) -> None:
    """Every link of the HTML part stands in the text part on a line of its own, and the reverse."""
    mail = render_mail(context)  # type: ignore[arg-type]
    assert links(mail.html) == set(LINES.findall(mail.text))
    assert all(link.startswith(("https://", "mailto:", "%%")) for link in links(mail.html))


def test_both_parts_have_every_story() -> None:
    """Titles, excerpts and times of all stories are in both parts."""
    context = edition()
    mail = render_mail(context)
    text = " ".join(mail.text.split())
    assert words(mail.html, "headline") == [each.title for each in context.recent]
    for each in (context.featured, *context.recent):
        assert each is not None
        assert each.title in text
    assert words(mail.html, "meta")[0] == "Community · Monday, 2:30 am, Los Angeles"
    assert "Community · Monday, 2:30 am, Los Angeles" in text
    assert "A door is also a sentence" in text
    assert "Tuesday, until nine" in text


def test_the_placeholder_survives_exactly_twice_in_each_part() -> None:
    """The way to sign off and the reader's page are left as a placeholder, in an href and on a line."""
    mail = render_mail(edition())
    assert f'href="{UNSUBSCRIBE_URL}"' in mail.html
    assert f'href="{UNSUBSCRIBE_URL}/page"' in mail.html
    assert mail.html.count("%%") == mail.text.count("%%") == 4
    assert f"\n{UNSUBSCRIBE_URL}/page\n" in mail.text
    assert mail.text.endswith(f"\n{UNSUBSCRIBE_URL}\n")


def test_a_feed_cannot_plant_the_placeholder() -> None:
    """A story that carries our placeholder in words, links or markup gets no reader's address."""
    evil = "https://evil.test/?u=%%unsubscribe_url%%"
    planted = featured(
        title="Take %%unsubscribe_url%% here",
        url=evil,
        body_html=f'<p>%%unsubscribe_url%% &#37;%x%&#37; <a href="{evil}">x</a><img src="{evil}"></p>',
    )
    hostile = story(1, title="%%%unsubscribe_url%%%", excerpt="%%unsubscribe_url%%", section="%%%%", url=evil)
    mail = render_mail(edition(featured=planted, intro="%%unsubscribe_url%%", recent=0, reason="%%"))
    other = render_mail(dataclasses.replace(edition(), recent=(hostile,)))
    for found in (mail, other):
        assert found.html.count("%%") == 4
        assert found.text.count("%%") == 4
        assert "%%" not in found.subject + found.preheader


def test_the_style_is_inlined_and_the_rest_is_kept() -> None:
    """One style block is left, with the rules for dark mode; what matters stands in style attributes."""
    mail = render_mail(edition())
    root = lxml_html.document_fromstring(mail.html)
    (style,) = root.iter("style")
    assert "prefers-color-scheme: dark" in str(style.text)
    assert "[data-ogsc] .ink" in str(style.text)
    assert " !important" in str(style.text)
    assert len(str(style.text).encode()) < 16_000
    paragraph = root.find_class("story")[0].find("p")
    assert paragraph is not None
    assert "margin" in str(paragraph.get("style"))
    assert "font-size:18px" in str(root.find_class("story")[0].get("style"))
    assert mail.html.count("<!--[if mso]>") == mail.html.count("<![endif]-->") == 3
    for table in root.iter("table"):
        assert table.get("role") == "presentation"
        assert (table.get("cellpadding"), table.get("cellspacing"), table.get("border")) == ("0", "0", "0")


def test_no_letter_is_smaller_than_16_pixels_but_in_the_footer() -> None:
    """Old eyes: only the footer is below 16 px, and it is 15; story text is 17 or more."""
    root = lxml_html.document_fromstring(render_mail(edition()).html)
    for element in root.xpath("//*[contains(@style, 'font-size')]"):
        size = int(re.findall(r"font-size:\s*(\d+)px", element.get("style"))[-1])
        if not (element.text_content() or "").strip() or "font-size:1px" in element.get("style"):
            continue
        least = 15 if "foot" in (element.get("class") or "") else 16
        least = 17 if {"story", "excerpt"} & set((element.get("class") or "").split()) else least
        assert size >= least, (element.tag, element.get("class"), size)


def test_large_text_is_a_fifth_larger() -> None:
    """The reader's choice of text size changes lengths of letters, not the words."""
    normal, large = render_mail(edition()), render_mail(edition(text_size=TextSize.LARGE))
    assert "font-size:22px" in large.html
    assert large.text == normal.text
    assert words(large.html, "story") == words(normal.html, "story")


def test_headings_are_in_order_and_there_is_one_h1() -> None:
    """The digest's name is the only h1; no level is skipped on the way down."""
    for context in (edition(), edition(featured=None), edition(featured=None, recent=0)):
        root = lxml_html.document_fromstring(render_mail(context).html)
        levels = [int(str(found.tag)[1]) for found in root.iter("h1", "h2", "h3", "h4", "h5", "h6")]
        assert levels.count(1) == 1
        assert levels[0] == 1
        assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_capitals_are_for_english_only() -> None:
    """Kicker and byline are in capitals in English; Armenian letters are never transformed or spaced."""
    assert "text-transform:uppercase" in render_mail(edition()).html
    mail = render_mail(armenian())
    assert "text-transform" not in mail.html
    assert "letter-spacing" not in mail.html


def test_an_edition_speaks_its_language() -> None:
    """The words around the stories are Armenian in an Armenian edition, and the page says so."""
    mail = render_mail(armenian())
    root = lxml_html.document_fromstring(mail.html)
    assert (root.get("lang"), root.get("dir")) == ("hy", "ltr")
    assert "Recent headlines" not in mail.html + mail.text
    assert "Վերջին լուրեր" in mail.html
    assert "Վերջին լուրեր" in mail.text
    assert "երկուշաբթի, 13:30, Երևան" in mail.html


def test_a_story_in_another_language_says_so() -> None:
    """An Armenian story in an English edition carries its own `lang`; a right-to-left title is kept apart."""
    foreign = story(1, title="Ընթերցանության ակումբ", language="hy")
    hebrew = story(2, title="ספר חדש", language="he")
    mail = render_mail(dataclasses.replace(edition(), recent=(foreign, hebrew)))
    root = lxml_html.document_fromstring(mail.html)
    marked = [(cell.get("lang"), cell.get("dir")) for cell in root.iter("td") if cell.get("lang")]
    assert marked == [("hy", "ltr"), ("he", "rtl")]
    assert [found.text for found in root.iter("span") if found.get("dir") == "rtl"] == ["ספר חדש"]


def test_relative_times_count_from_the_edition() -> None:
    """`3 hours ago` is a setting of the look, with the moment it counts from; old stories show a date."""
    old = story(1, published_at=SLOT - dt.timedelta(days=9))
    ahead = story(2, published_at=SLOT + dt.timedelta(minutes=5))
    context = dataclasses.replace(
        edition(look=Look(time_form=TimeForm.RELATIVE)), recent=(story(0), old, ahead)
    )
    mail = render_mail(context)
    as_of, *stories = words(mail.html, "meta")
    assert as_of == "As of Monday, 5:30 am, Los Angeles"
    assert f"\n\n{as_of}\n\n" in mail.text
    times = [found.split(" · ")[1] for found in stories]
    assert times == ["3 hours ago", "Saturday, November 14, 2026", "just now"]


def test_old_stories_show_their_date() -> None:
    """A weekday alone would mislead for what is older than six days."""
    context = dataclasses.replace(edition(), recent=(story(1, published_at=SLOT - dt.timedelta(days=6)),))
    assert words(render_mail(context).html, "meta") == ["Community · Tuesday, November 17, 2026"]


def test_a_cut_commentary_is_continued_on_the_site() -> None:
    """Only where the body ends early is there a button, and its label names the story."""
    whole, cut = render_mail(edition()), render_mail(edition(featured=featured(is_cut=True)))
    assert "Continue reading" not in whole.html + whole.text
    root = lxml_html.document_fromstring(cut.html)
    (button,) = [cell[0] for cell in root.find_class("button")]
    assert button.get("href") == "https://news.example.org/2026/11/100/"
    assert button.get("aria-label") == "Continue reading: A bench in front of the library"
    assert "Continue reading:\nhttps://news.example.org/2026/11/100/\n" in cut.text


@pytest.mark.parametrize("lead", [featured(), None])
@pytest.mark.parametrize("count", [0, 1, 12])
def test_editions_without_a_part_render_well(lead: Story | None, count: int) -> None:
    """No commentary, no headlines, or neither: no empty heading, no lone frame, a whole mail."""
    mail = render_mail(edition(featured=lead, recent=count))
    assert ("Recent headlines" in mail.html) == (count > 0)
    assert ("Share:" in mail.html) == (lead is not None)
    assert ("There are no new stories this time." in mail.html) == (lead is None and not count)
    assert 40 <= len(mail.preheader) <= 100
    assert mail.preheader != mail.subject
    assert "\n\n\n\n" not in mail.text


def test_a_story_without_a_safe_address_is_not_linked() -> None:
    """Only absolute http(s) addresses become links; the title stays."""
    context = dataclasses.replace(edition(featured=None), recent=(story(1, url="javascript:alert(1)"),))
    mail = render_mail(context)
    assert "javascript:" not in mail.html + mail.text
    assert words(mail.html, "headline") == [story(1).title]


def test_pictures_fit_the_column() -> None:
    """Each picture has alt and width, is never wider than the column, and keeps its proportions."""
    root = lxml_html.document_fromstring(render_mail(edition()).html)
    shown = {
        img.get("src"): (img.get("alt"), img.get("width"), img.get("height")) for img in root.iter("img")
    }
    assert shown == {
        "https://news.example.org/bench.jpg": ("The reading room at dusk", "544", "306"),
        "https://news.example.org/lamp.jpg": ("A lamp", "544", "272"),
    }
    for img in root.iter("img"):
        assert re.search(r"max-width:\s*544px", img.get("style", ""))
        assert re.search(r"(?<!-)width:\s*100%", img.get("style", ""))


def test_a_picture_of_unknown_size_fills_the_column() -> None:
    """Without width and height a picture is as wide as the text; without a safe address there is none."""
    for url, wanted in (
        ("https://news.example.org/a.jpg", [("544", None)]),
        ("data:image/png;base64,AA", []),
    ):
        lead = featured(body_html="<p>a</p>", picture=StoryPicture(url, ""))
        root = lxml_html.document_fromstring(render_mail(edition(featured=lead)).html)
        assert [(img.get("width"), img.get("height")) for img in root.iter("img")] == wanted


def test_text_lines_are_at_most_72_columns_but_for_addresses() -> None:
    """The text part is folded at 72 columns; only a line with an address may be longer."""
    text = render_mail(edition()).text
    assert all(len(line) <= 72 or "http" in line for line in text.split("\n"))
    assert text.split("\n")[:3] == ["The Morning Post-Bag", "Monday, November 23, 2026", "=" * 72]


def test_forty_stories_stay_below_the_limit() -> None:
    """Gmail hides what comes after about 100 kB: an edition of forty stories is well below 90 kB."""
    assert len(render_mail(edition(recent=40)).html.encode()) < MAX_HTML_BYTES


def test_rendering_repeats_itself() -> None:
    """The same edition gives the same bytes."""
    assert render_mail(edition()) == render_mail(edition())


def test_a_newsrooms_own_template_comes_first(tmp_path: object) -> None:
    """A file in the newsroom's folder replaces ours; the others are still found."""
    from pathlib import Path

    folder = Path(str(tmp_path)) / "email" / "digest"
    folder.mkdir(parents=True)
    (folder / "subject.txt").write_text("The paper:\r\n{{ featured.title }}\n", encoding="utf-8")
    mail = render_mail(edition(), templates=Path(str(tmp_path)))
    assert mail.subject == "The paper: A bench in front of the library"
    assert "<title>The paper: A bench in front of the library</title>" in mail.html


def test_the_web_edition_is_for_everyone() -> None:
    """No placeholder, no inline style or script, the canonical address, times that a machine can read."""
    page = render_web(edition(look=Look(time_form=TimeForm.RELATIVE)))
    root = lxml_html.document_fromstring(page)
    assert "%%" not in page
    assert not root.xpath("//@style | //style | //script[not(@src)] | //@onclick")
    assert root.xpath("//link[@rel='canonical']/@href") == ["https://mail.example.org/e/42"]
    assert root.xpath("//li//time[@data-live]/@datetime")[0] == "2026-11-23T10:30:00+00:00"
    assert [str(found.tag) for found in root.xpath("//body/div/*")] == ["header", "main"]
    assert len(root.xpath("//ol[@class='headlines']/li")) == 12
    assert not render_web(edition()).count("data-live")


def test_the_web_edition_has_the_stories_of_the_mail() -> None:
    """Whatever the mail links to, but for the way to sign off and itself, the web edition links to."""
    personal = {UNSUBSCRIBE_URL, f"{UNSUBSCRIBE_URL}/page", "https://mail.example.org/e/42"}
    assert links(render_web(edition())) == links(render_mail(edition()).html) - personal

"""Both layouts with everything that a theme can add, in both directions."""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from lxml import html as lxml_html
from lxml.html import HtmlElement

from digest.preflight.mail import judge_mail
from digest.preflight.mail_findings import Code
from digest.rendering.archive import ArchiveFrame, ArchiveMonth, ArchiveMonthPage, render_archive
from digest.rendering.contexts import EditionContext, SisterLink
from digest.rendering.digest_email import render_mail, render_web
from digest.rendering.fonts import fonts_of
from digest.rendering.theme import Font, Layout, Look, SocialLink, Sponsor
from tests.unit.preflight.mails import facts_of
from tests.unit.rendering.samples import edition, featured, story
from tests.unit.rendering.test_tongues import arabic

_PUBLIC_CSS = Path(__file__).resolve().parents[3] / "src/digest/web/static/public.css"
_RENDERED = [
    pytest.param(lambda context: render_mail(context).html, id="mail"),
    pytest.param(render_web, id="web"),
]
_LANGUAGES = {"ARMENIAN": {"hy", "hyw"}, "ARABIC": {"ar", "ar-LB"}, "HEBREW": {"he"}}
_SISTERS = (
    SisterLink("The Morning Post-Bag", "https://mail.example.org/s/en", "en", "English"),
    SisterLink("Առաւօտեան պարկ", "https://mail.example.org/s/hyw", "hyw", "Արեւմտահայերէն"),
    SisterLink("بريد الصباح", "https://mail.example.org/s/ar", "ar", "العربية"),
)
Render = Callable[[EditionContext], str]


def dressed(context: EditionContext, layout: Layout, words: str) -> EditionContext:
    """With a sponsor, a note, a correction, a motto, a footer and all links, in the digest's own words."""
    look = Look(
        layout=layout,
        motto=words,
        footer=words,
        sponsor=Sponsor(words=words, label=words, url="https://sponsor.example.org/"),
        social=(SocialLink("facebook", "Facebook", "https://facebook.test/courier"),),
    )
    note = f"<p>{words}</p><ul><li>{words}</li></ul><blockquote><p>{words}</p></blockquote>"
    return dataclasses.replace(
        context,
        look=look,
        correction=words,
        intro_html=note,
        note_html=note,
        sign_off_html=note,
        parting_html=note,
        sisters=tuple(one for one in _SISTERS if not context.language.startswith(one.language)),
        sign_up_url="https://mail.example.org/s/a",
    )


def english(layout: Layout) -> EditionContext:
    recent = (
        story(1),
        story(2, title="مقعد أمام المكتبة", section="رأي", excerpt="يريفان — البساتين", language="ar"),
        story(3, title="Ծիրանագործները կը սպասեն", section="Հայաստան", excerpt="", language="hy"),
    )
    lead = featured(title="مقعد", section="رأي", language="ar", body_html="<p>مقعد خشبي</p>", author="")
    made = edition(featured=dataclasses.replace(lead, picture=None))
    return dressed(dataclasses.replace(made, recent=recent), layout, "Good morning.")


def hebrew(layout: Layout) -> EditionContext:
    """In a language that we have no words in, so that the page is English and runs the other way."""
    lead = featured(title="ספסל", section="דעה", language="he", body_html="<p>ספסל ישן</p>", picture=None)
    made = edition(language="he", digest_title="שק הדואר", intro="", sign_off="", featured=lead)
    recent = (story(1), story(2, title="מגדלי המשמש", section="קהילה", excerpt="", language="he"))
    return dressed(dataclasses.replace(made, recent=recent), layout, "בוקר טוב לכולם.")


def whole_arabic(layout: Layout) -> EditionContext:
    return dressed(arabic(), layout, "صباح الخير.")


def texts(root: HtmlElement) -> Iterator[tuple[str, HtmlElement]]:
    """Every run of words that is shown, and where it stands; the hidden preheader is a mixture."""
    body = root.find("body")
    assert body is not None
    for hidden in body.xpath("div[contains(@style, 'display:none')]"):
        hidden.drop_tree()
    for element in body.iter():
        is_shown = isinstance(element.tag, str) and element.tag not in {"style", "script"}
        if is_shown and element.text and element.text.strip():
            yield element.text, element
        parent = element.getparent()
        if parent is not None and element is not body and element.tail and element.tail.strip():
            yield element.tail, parent


def nearest(element: HtmlElement, name: str) -> str:
    return next((str(one.get(name)) for one in (element, *element.iterancestors()) if one.get(name)), "")


def ways(text: str) -> set[str]:
    kinds = {unicodedata.bidirectional(letter) for letter in text}
    return {way for way, of in (("ltr", {"L"}), ("rtl", {"R", "AL"})) if kinds & of}


@pytest.mark.parametrize("render", _RENDERED)
@pytest.mark.parametrize("layout", Layout)
@pytest.mark.parametrize("make", [english, whole_arabic, hebrew])
def test_no_run_of_words_is_left_without_its_way_and_its_language(
    make: Callable[[Layout], EditionContext], layout: Layout, render: Render
) -> None:
    """What runs against its place has a `dir`; another script has its `lang`."""
    root = lxml_html.document_fromstring(render(make(layout)))
    seen = 0
    for text, element in texts(root):
        if len(ways(text)) == 1 and "%%" not in text:
            assert ways(text) == {nearest(element, "dir")}, text
        for script, languages in _LANGUAGES.items():
            if any(unicodedata.name(letter, "").startswith(script) for letter in text if letter.isalpha()):
                assert nearest(element, "lang") in languages, text
                seen += 1
    assert seen > 3


@pytest.mark.parametrize("layout", Layout)
def test_nothing_of_ours_is_on_the_left_or_leans_in_an_arabic_mail(layout: Layout) -> None:
    """Bars and the room of lists are on the right in every part: correction, note, introduction, sign-off."""
    context = dataclasses.replace(whole_arabic(layout), recent=())
    html = render_mail(context).html.partition("<body")[2]
    assert "border-right:4px" in html.replace(" ", "")
    assert "border-left" not in html
    assert "italic" not in html
    assert not re.search(r"padding:\s*0 0 0 \d", html)


@pytest.mark.parametrize("layout", Layout)
def test_words_that_run_the_other_way_than_their_mail_have_their_bar_on_their_side(layout: Layout) -> None:
    """The note of a Hebrew digest, whose frame is English: on the right, and upright."""
    root = lxml_html.document_fromstring(render_mail(hebrew(layout)).html)
    note = root.find_class("aside")[0]
    style = str(note.get("style")).replace(" ", "")
    assert "border-right:4px" in style
    assert "border-left:0" in style
    assert "text-align:right" in style
    assert "italic" not in str(root.find_class("intro")[0].get("style"))


@pytest.mark.parametrize(
    ("language", "block"), [("en", ":root {"), ("hyw", ":lang(hyw)"), ("ar", '[dir="rtl"]')]
)
def test_the_house_s_own_pages_have_the_fonts_of_the_mails(language: str, block: str) -> None:
    """The one sheet that is no theme's names the same stacks, for each script."""
    rules = _PUBLIC_CSS.read_text("utf-8").partition(block)[2].partition("}")[0].replace('"', "'")
    fonts = fonts_of(Font.CLASSIC, language)
    assert f"--serif: {fonts.serif};" in rules
    assert f"--sans: {fonts.sans};" in rules


@pytest.mark.parametrize("make", [english, whole_arabic, hebrew])
def test_what_keeps_words_apart_is_not_dropped_by_webmail(make: Callable[[Layout], EditionContext]) -> None:
    """Gmail and Outlook know no `<bdi>`: in mails it is a `dir`, which only Word's engine does not know."""
    mail = render_mail(make(Layout.PAPER))
    assert "bdi" not in mail.html
    codes = {finding.code for finding in judge_mail(facts_of(make(Layout.PAPER)))}
    assert Code.NOT_SUPPORTED not in codes


@pytest.mark.parametrize(("language", "arrow"), [("fr-CA", "←"), ("ar", "→")])
def test_the_way_back_in_an_archive_points_where_a_line_starts(language: str, arrow: str) -> None:
    """An arrow is not turned by itself, as a bracket is; and the page has the region of its digest."""
    frame = ArchiveFrame("Courier", "Courier", "", "/a", "/a/2026-11", "/a/feed.xml", "/a/feed.json")
    page = ArchiveMonthPage(frame, "2026-11", (), earlier=ArchiveMonth("2026-10", "/a/2026-10", 1))
    root = lxml_html.document_fromstring(render_archive(page, language, templates=None))
    assert root.get("lang") == language
    assert root.find_class("turn")[0].text_content().split() == [arrow, "2026-10"]

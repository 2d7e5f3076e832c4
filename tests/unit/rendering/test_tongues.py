"""Mails and pages in other scripts: from right to left, and each run of another language marked as one."""

from __future__ import annotations

import dataclasses

import pytest
from lxml import html as lxml_html
from lxml.html import HtmlElement

from digest.i18n import READER_LANGUAGES
from digest.rendering.body import read_body
from digest.rendering.contexts import EditionContext
from digest.rendering.digest_email import render_mail, render_web
from digest.rendering.environment import environment
from digest.rendering.fonts import fonts_of
from digest.rendering.notices import ConfirmNotice, NoticeKind, render_notice
from digest.rendering.scripts import sides_of
from digest.rendering.theme import Font
from tests.unit.rendering.samples import edition, featured, story

_WORDS = (
    "<p>في حي برج حمود مقعد خشبي قديم.</p><blockquote><p>«الباب جملة».</p></blockquote>"
    "<ul><li>الثلاثاء</li></ul><p>The library is open.</p>"
)


def arabic(**changes: object) -> EditionContext:
    """An Arabic edition with an English and a Western Armenian story among its own."""
    lead = featured(title="مقعد أمام المكتبة", section="رأي", language="ar", body_html=_WORDS, picture=None)
    recent = (
        story(1, title="مزارعو المشمش", section="أرمينيا", language="ar", excerpt="يريفان — البساتين…"),
        story(2, title="Apricot growers", section="Community"),
        story(3, title="Ծիրանագործները կը սպասեն", section="Հայաստան", language="hyw", excerpt=""),
    )
    made = edition(
        digest_title="بريد الصباح",
        language="ar-LB",
        zone="Asia/Beirut",
        featured=lead,
        intro="صباح الخير.",
        sender_name="The Courier",
    )
    return dataclasses.replace(made, recent=recent, **changes)  # type: ignore[arg-type]


def parsed(markup: str) -> HtmlElement:
    return lxml_html.document_fromstring(markup)


def style(element: HtmlElement) -> dict[str, str]:
    """An element's inline style."""
    pairs = (one.split(":", 1) for one in str(element.get("style", "")).split(";") if ":" in one)
    return {name.strip(): value.strip() for name, value in pairs}


def test_an_arabic_mail_runs_from_right_to_left() -> None:
    """The frame says so; quotes have their bar, lists their room on the right; nothing leans or is spaced."""
    root = parsed(render_mail(arabic()).html)
    frame = root.find(".//div[@role='article']")
    assert (root.get("dir"), root.get("lang")) == ("rtl", "ar-LB")
    assert frame is not None
    assert (frame.get("dir"), frame.get("lang")) == ("rtl", "ar-LB")
    quote, listed = root.find(".//blockquote"), root.find(".//ul")
    assert quote is not None
    assert listed is not None
    assert "border-right" in style(quote)
    assert "border-left" not in style(quote)
    assert style(quote)["padding"] == "2px 16px 2px 0"
    assert style(listed)["padding"] == "0 24px 0 0"
    assert style(quote)["font-style"] == "normal"
    assert not any("caps" in str(one.get("class")) for one in root.find_class("kicker"))


def test_in_a_latin_mail_the_bar_stays_on_the_left() -> None:
    """The same templates, the other way."""
    quote = parsed(render_mail(edition()).html).find(".//blockquote")
    assert quote is not None
    assert "border-left" in style(quote)
    assert style(quote)["padding"] == "2px 0 2px 16px"
    assert style(quote)["font-style"] == "italic"


@pytest.mark.parametrize("render", [lambda context: render_mail(context).html, render_web])
def test_each_story_in_another_language_is_marked_and_our_words_in_it_are_not(render: object) -> None:
    """A story has its own `lang` and `dir`; the time beneath it, which is ours, has the mail's."""
    root = parsed(render(arabic()))  # type: ignore[operator]
    marked = {one.get("lang"): one for one in root.iter("td", "li") if one.get("lang")}
    assert {tag: one.get("dir") for tag, one in marked.items()} == {"en": "ltr", "hyw": "ltr"}
    for one in marked.values():
        ours = [inner for inner in one.iterdescendants() if inner.get("lang") == "ar-LB"]
        assert [inner.get("dir") for inner in ours] == ["rtl"]


def test_a_story_from_right_to_left_in_a_latin_mail_is_turned() -> None:
    """Its quotes and lists are on the right though all others are on the left."""
    lead = featured(title="مقعد", language="ar", section="", body_html=_WORDS, picture=None)
    root = parsed(render_mail(edition(featured=lead)).html)
    quote, listed = root.find(".//blockquote"), root.find(".//ul")
    assert quote is not None
    assert listed is not None
    assert "border-right" in style(quote)
    assert style(quote)["border-left"] == "0"
    assert style(listed)["padding"] == "0 24px 0 0"
    kicker, byline = root.find_class("kicker")[0], root.find_class("byline")[0]
    assert (kicker.get("lang"), kicker.text_content()) == ("en", "Commentary")
    assert (byline.get("lang"), byline.get("dir")) == ("en", "ltr")


def test_in_a_language_that_we_do_not_speak_the_newsroom_s_words_are_marked() -> None:
    """A German digest: English around it, its own title, introduction, sign-off and sender as German."""
    context = edition(
        language="de",
        digest_title="Der Morgen",
        intro="Guten Morgen.",
        featured=featured(language="de"),
        recent=0,
    )
    root = parsed(render_mail(context).html)
    assert root.get("lang") == "en"
    marked = [
        " ".join(one.text_content().split()) for one in root.iter("h1", "p", "td") if one.get("lang") == "de"
    ]
    for words in ("Der Morgen", "Guten Morgen.", "The Courier welcomes letters."):
        assert words in marked
    assert any(words.startswith("The Linden Street Courier") for words in marked)


def test_a_name_that_runs_the_other_way_is_kept_apart() -> None:
    """Inside of a sentence of ours the value alone is isolated, and what it holds is escaped."""
    line = environment("en").from_string('{{ told(_("By %(author)s"), author=name) }}')
    assert line.render(name="عصام <b>") == 'By <bdi dir="rtl">عصام &lt;b&gt;</bdi>'
    assert line.render(name="Ani") == "By Ani"
    assert line.render(name="Ani مقعد أمام") == 'By <bdi dir="rtl">Ani مقعد أمام</bdi>'
    turned = environment("ar").from_string('{{ told(_("By %(author)s"), author=name) }}|{{ name | run }}')
    assert turned.render(name="Ani") == 'بقلم <bdi dir="ltr">Ani</bdi>|<bdi dir="ltr">Ani</bdi>'


@pytest.mark.parametrize(
    ("way", "markup", "wanted"),
    [
        ("ltr", "<p>On <b>שלום</b> we wait</p>", "<p>On <b>שלום</b> we wait</p>"),
        ("ltr", "<p>Ani: مقعد أمام المكتبة</p>", '<p dir="rtl">Ani: مقعد أمام المكتبة</p>'),
        ("rtl", "<p>مقعد أمام المكتبة (Ani)</p>", "<p>مقعد أمام المكتبة (Ani)</p>"),
        ("rtl", "<p>The end.</p>", '<p dir="ltr">The end.</p>'),
        ("rtl", "<p>1915</p>", "<p>1915</p>"),
        (
            "rtl",
            "<ul><li>One</li><li>مقعد أمام المكتبة العامة</li></ul>",
            '<ul><li dir="ltr">One</li><li>مقعد أمام المكتبة العامة</li></ul>',
        ),
    ],
)
def test_a_paragraph_that_runs_against_its_place_says_so(way: str, markup: str, wanted: str) -> None:
    """By most of its letters: one foreign name does not turn a paragraph round."""
    assert str(read_body(markup, way).page) == wanted


@pytest.mark.parametrize("language", READER_LANGUAGES)
def test_single_mails_speak_each_language(language: str) -> None:
    """Subject, both parts and the frame; no English is left in them."""
    values = ConfirmNotice("Պարկ", "https://mail.example.org/c/1", "Courier", "Linden 12")
    mail = render_notice(NoticeKind.CONFIRM, language, values)
    root = parsed(mail.html)
    assert root.get("lang") == language
    assert root.get("dir") == ("rtl" if language == "ar" else "ltr")
    assert ("Please confirm" in mail.subject) is (language == "en")
    assert ("do nothing" in mail.text) is (language == "en")


@pytest.mark.parametrize("font", Font)
def test_every_stack_of_fonts_has_armenian_letters(font: Font) -> None:
    """A name in Armenian may stand in any mail; Arabic begins with fonts of its own in every theme."""
    for language in (*READER_LANGUAGES, "de", "fa"):
        stacks = dataclasses.astuple(fonts_of(font, language))
        assert all("Armenian'" in stack and "Sylfaen" in stack for stack in stacks)
    assert "'Geeza Pro'" in fonts_of(font, "fa").display
    assert fonts_of(font, "hy-arevmda") == fonts_of(font, "hy") != fonts_of(font, "fr")


def test_a_style_knows_where_a_line_starts() -> None:
    """A mail's styles have no logical sides: they are written out for each direction."""
    assert (sides_of("rtl").start, sides_of("ltr").start) == ("right", "left")
    assert sides_of("ltr").box(1, 2, 3, 4) == "1px 2px 3px 4px"
    assert sides_of("rtl").box(1, 2, 0, 4) == "1px 4px 0 2px"

"""Any Unicode in any field: no new tags, the words survive, the page parses back."""

from __future__ import annotations

import dataclasses
import functools

from hypothesis import example, given
from hypothesis import strategies as st
from lxml import html as lxml_html

from digest.rendering.body import read_body
from digest.rendering.contexts import RenderedMail, SisterLink, StoryPicture
from digest.rendering.digest_email import render_mail, render_web
from digest.rendering.theme import Layout, Look, Sponsor, ThemePicture
from digest.rendering.words import clean_address, clean_text
from tests.unit.rendering.samples import edition, featured, story

ANY = st.text(st.characters(codec=None), max_size=300).map(lambda text: "x" + text)
BODY_TAGS = ("p", "br", "a", "b", "strong", "em", "i", "u", "blockquote", "ul", "ol", "li", "img")
HEADINGS = ("h3", "h4", "h5", "h6")
NASTY = (
    "x--> <!-- ]]> </style></title><script>alert(1)</script>",
    "x<![endif]--> <!--[if mso]>",
    'x" onmouseover="alert(1)" \' {{ 7*7 }} {% raw %} %(name)s',
    "xشالوم \u202eשלום\u202c \u2067abc",
    "x\x00\x1b[31m\r\nBcc: everyone\u2028\ud800\ufffe",
    "x" + "W" * 300,
    "x👩‍👩‍👧‍👦 և՝ Ա́ %%unsubscribe_url%% &amp; &#60;b&#62;",
)


def tags(page: str) -> list[str]:
    """The elements of a page in order, without those that only keep runs of words apart."""
    root = lxml_html.document_fromstring(page)
    shown = [
        found for found in root.iter() if found.tag not in {"bdi", "span"} or list(found.keys()) != ["dir"]
    ]
    return [found.tag if isinstance(found.tag, str) else "!" for found in shown]


def shown(page: str, name: str) -> str:
    return lxml_html.document_fromstring(page).find_class(name)[0].text_content().strip()


def mail_with(text: str) -> tuple[RenderedMail, str]:
    """A mail and a web edition with the text in every field that holds words."""
    picture = StoryPicture("https://news.example.org/p.jpg", text, 600, 400)
    each = {"title": text, "author": text, "section": text, "excerpt": text}
    logo = ThemePicture("https://news.example.org/l.png", 300, 80, text)
    look = Look(
        layout=Layout.BRIEFING,
        motto=text,
        footer=text,
        logo=logo,
        sponsor=Sponsor(text, label=text, url="https://bakery.test/", picture=logo),
    )
    context = dataclasses.replace(
        edition(digest_title=text, sender_name=text, postal_address=text, reason=text, intro=text),
        featured=featured(**each, picture=picture),
        recent=(story(1, **each),),
        sign_off=text,
        correction=text,
        look=look,
        sisters=(SisterLink(text, "https://mail.example.org/s/hy", "hy", text),),
    )
    return render_mail(context), render_web(context)


@functools.cache
def plain_tags() -> tuple[list[str], list[str]]:
    """The elements of a harmless mail and of its web edition."""
    mail, page = mail_with("x")
    return tags(mail.html), tags(page)


@given(ANY)
@example(NASTY[0])
@example(NASTY[1])
@example(NASTY[2])
@example(NASTY[3])
@example(NASTY[4])
@example(NASTY[5])
@example(NASTY[6])
def test_any_words_in_any_field_stay_words(text: str) -> None:
    """The structure of both pages is that of a harmless edition, and the words come out as they went in."""
    mail, page = mail_with(text)
    assert (tags(mail.html), tags(page)) == plain_tags()
    wanted = clean_text(text)
    assert shown(mail.html, "title") == wanted
    assert shown(mail.html, "headline") == wanted
    assert shown(mail.html, "excerpt") == wanted
    assert "".join(wanted.split()) in "".join(mail.text.split())  # a word wider than a line is cut
    mail.html.encode()
    mail.text.encode()
    assert mail.subject.isprintable() or not set(mail.subject) & set("\r\n\x00")
    assert mail.html.count("%%") == mail.text.count("%%") == 4


@given(st.text(st.characters(codec="utf-8"), max_size=300))
@example('<style>@import url("http://127.0.0.1/x");</style><link rel=stylesheet href="http://127.0.0.1/y">')
@example(
    '<p style="background:url(http://127.0.0.1/)" class=page onclick=x><!-- a --><!--[if mso]>b<![endif]-->'
)
@example("<table><tr><td>a<svg><style><img src=x onerror=y></style></svg></td></tr></table><h2></h2>")
def test_any_markup_in_the_body_is_only_what_a_mail_may_carry(markup: str) -> None:
    """Whatever the body holds, nothing that styles, runs or comments is left, and the mail can be made."""
    root = lxml_html.fragment_fromstring(read_body(markup).mail, create_parent="div")
    allowed = {"div", *BODY_TAGS, *HEADINGS}
    assert {found.tag for found in root.iter()} <= allowed
    assert {name for found in root.iter() for name in found.attrib} <= {
        *("href", "src", "alt", "width", "height", "class", "style", "dir")
    }
    render_mail(edition(featured=featured(body_html=markup), recent=0))


@given(ANY)
@example("x\u2025")  # in ASCII a host of two dots
def test_an_address_is_safe_or_none(text: str) -> None:
    """What comes out is empty, or ASCII, absolute, without blanks and quotes, and stable."""
    for given_url in (text, "https://example.org/" + text, "https://" + text, "http://example.org:80" + text):
        found = clean_address(given_url)
        assert found == "" or (found.isascii() and found.startswith(("http://", "https://")))
        assert not set(found) & set(' "<>\r\n\t\\`{}|^')
        assert "%%" not in found
        assert clean_address(found) == found

"""What a mail must carry and must not, its size, its stories: defects that are planted, and what is none."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.preflight.mail import judge_mail
from digest.preflight.mail_facts import MailFacts
from digest.preflight.mail_findings import Code, MailLevel
from digest.preflight.mail_html import read_page
from digest.rendering.contexts import UNSUBSCRIBE_URL, EditionContext
from digest.rendering.digest_email import MAX_HTML_BYTES
from tests.unit.preflight.mails import changed, facts_of, with_body, with_html
from tests.unit.rendering import samples

Plant = Callable[[MailFacts], MailFacts]
ADDRESS = "12 Linden Street, Watertown"
OVERSIZE = MAX_HTML_BYTES + 1


@cache
def clean() -> MailFacts:
    return facts_of(samples.edition())


def body(markup: str) -> Plant:
    return lambda facts: with_body(facts, markup)


def text_instead(old: str, new: str) -> Plant:
    return lambda facts: changed(facts, text=facts.text.replace(old, new))


def html_instead(old: str, new: str) -> Plant:
    return lambda facts: with_html(facts, facts.html.replace(old, new))


def stories(*changes: dict[str, Any]) -> Plant:
    """Stories that are told apart by their numbers, with these changes."""
    made = tuple(samples.story(number, **values) for number, values in enumerate(changes))
    return lambda facts: changed(facts, stories=made)


def filled_up(size: int) -> Plant:
    """The mail with a comment that brings its HTML to a size in bytes."""
    return lambda facts: with_body(facts, f"<!--{'x' * (size - len(facts.html.encode()) - 7)}-->")


def stubbed(facts: MailFacts) -> MailFacts:
    return changed(facts, text=f"See the HTML part.\n{ADDRESS}\n{UNSUBSCRIBE_URL}\n")


OLD = {"published_at": samples.SLOT - dt.timedelta(hours=25)}
FRESH = {"published_at": samples.SLOT - dt.timedelta(hours=23)}
HY = {"language": "hy"}

PLANTED: list[tuple[str, Plant, Code]] = [
    ("no story", lambda facts: changed(facts, stories=()), Code.EMPTY_EDITION),
    ("no words", lambda facts: with_html(facts, "<p><img src='https://a.example/a.png'></p>"),
     Code.EMPTY_EDITION),
    ("nothing at all", lambda facts: with_html(facts, ""), Code.EMPTY_EDITION),
    ("no link in the HTML", html_instead(UNSUBSCRIBE_URL, "https://news.example.org/"),
     Code.NO_SIGN_OFF_LINK),
    ("a hidden link", lambda facts: with_html(
        facts, f'<p>News</p><div style="display: none"><a href="{UNSUBSCRIBE_URL}">Unsubscribe</a></div>',
    ), Code.NO_SIGN_OFF_LINK),
    ("a link of no words", lambda facts: with_html(facts, f'<p>News</p><a href="{UNSUBSCRIBE_URL}"> </a>'),
     Code.NO_SIGN_OFF_LINK),
    ("a link in a comment", lambda facts: with_html(facts, f'<p>N</p><!--<a href="{UNSUBSCRIBE_URL}">-->'),
     Code.NO_SIGN_OFF_LINK),
    ("no link in the text", text_instead(UNSUBSCRIBE_URL, "-"), Code.NO_SIGN_OFF_LINK),
    ("no address set", lambda facts: changed(facts, postal_address=" \n"), Code.NO_ADDRESS_SET),
    ("no address in the HTML", html_instead(ADDRESS, ""), Code.ADDRESS_NOT_SHOWN),
    ("an address that is hidden", html_instead(ADDRESS, f"<b hidden>{ADDRESS}</b>"), Code.ADDRESS_NOT_SHOWN),
    ("no address in the text", text_instead(ADDRESS, ""), Code.ADDRESS_NOT_SHOWN),
    ("another address", lambda facts: changed(facts, postal_address="1 Mill Lane"), Code.ADDRESS_NOT_SHOWN),
    *((f"left: {left}", body(f"<p>Dear {left},</p>"), Code.PLACEHOLDER_LEFT)
      for left in ("{{ name }}", "{{name", "{% if name %}", "%(name)s", "%%first_name%%", "*|FNAME|*")),
    ("left in the text", text_instead("Good morning", "Good morning {{ name }}"), Code.PLACEHOLDER_LEFT),
    ("left in the subject", lambda facts: changed(facts, subject="News for %%name%%"), Code.PLACEHOLDER_LEFT),
    ("left in a link", body('<a href="https://a.example/{{ id }}">x</a>'), Code.PLACEHOLDER_LEFT),
    ("left in a picture's words", body('<img src="https://a.example/a.png" width="9" alt="{{ alt }}">'),
     Code.PLACEHOLDER_LEFT),
    *((f"dangerous: {markup}", body(markup), Code.DANGEROUS) for markup in (
        "<script>1</script>", "<SCRIPT src=x></SCRIPT>", "<iframe src='https://a.example'></iframe>",
        "<form action='https://a.example'></form>", "<object data=x></object>", "<input name=a>",
        "<link rel=stylesheet href='https://a.example/a.css'>", "<base href='https://a.example/'>",
        "<img src='https://a.example/a.png' alt='A' width=9 onerror=alert(1)>", "<p ONCLICK='x()'>x</p>",
        "<a href='javascript:alert(1)'>x</a>", "<a href=' java&#10;script:alert(1)'>x</a>",
        "<a href='vbscript:x'>x</a>", "<img src='file:///etc/hosts' alt='A' width=9>",
        "<a href='data:text/html,x'>x</a>", "<p style=\"background:url('file:///x')\">x</p>",
        "<style>@import url(https://a.example/a.css);</style>", "<meta http-equiv=Refresh content='0'>",
        "<!--[if mso]><script>1</script><![endif]-->", "<!--><script>1</script>-->",
        "</body></html><script>1</script>", "<body onload=x()>", "<p/onclick=x()>",
        "<p title=it's><script>'</script>",
        "<p title='><p onclick=x>' onclick=x>", '<p title="a"onclick=x>',
    )),
    ("over the size", filled_up(OVERSIZE), Code.TOO_LARGE),
    ("styles", body(f"<style>{'p { color: #111111; } ' * 800}</style>"), Code.STYLES_TOO_LARGE),
    ("a stub", stubbed, Code.THIN_TEXT),
    ("one title twice", stories({"title": "A bridge opens"}, {"title": "A Bridge Opens!"}), Code.SAME_STORY),
    ("one address twice", stories({"url": "https://a.example/1/"}, {"url": "http://www.a.example/1?utm_source=x"}),
     Code.SAME_STORY),
    ("today", stories(OLD | {"title": "Mill Bridge opens today"}), Code.OLD_TODAY),
    ("today in French", stories(OLD | {"language": "fr-FR", "title": "Le pont ouvre aujourd’hui"}),
     Code.OLD_TODAY),
    ("tomorrow in an excerpt", stories(OLD | {"excerpt": "Tomorrow the choir sings."}), Code.OLD_TODAY),
    *((f"old: {word}", stories(OLD | HY | {"title": f"Կամուրջը բացվում է {word}"}), Code.OLD_TODAY)
      for word in ("այսօր", "այսօ՞ր", "Այսօրվանից", "վաղը", "վաղվա", "երեկ", "երէկ", "այս երեկո")),
]  # fmt: skip

NOT_PLANTED: list[tuple[str, Plant, Code]] = [
    ("markup in words for a picture",
     body('<img src="https://a.example/a.png" width="9" alt="<style>@import x</style><script>">'),
     Code.DANGEROUS),
    ("a link with a picture", lambda facts: with_html(
        facts, f'<p>News</p><a href="{UNSUBSCRIBE_URL}"><img alt="Leave"></a>',
    ),
     Code.NO_SIGN_OFF_LINK),
    ("an address over two lines", text_instead(ADDRESS, ADDRESS.replace(" ", "\n")), Code.ADDRESS_NOT_SHOWN),
    ("an address with marks of direction", html_instead(ADDRESS, ADDRESS.replace(",", "\u200e,")),
     Code.ADDRESS_NOT_SHOWN),
    *((f"is none: {words}", body(f"<p>{words}</p>"), Code.PLACEHOLDER_LEFT) for words in (
        "up 5 % (five percent)", "100%", "{a, b}", "90%(of all) and more", "Dear %%name%%", "* | *",
    )),
    ("braces in a style", body("<style>@media (x){p{a:b}}</style>"), Code.PLACEHOLDER_LEFT),
    *((f"harmless: {markup}", body(markup), Code.DANGEROUS) for markup in (
        "<p>A script for a form in an iframe: onclick= and javascript:</p>",
        "<a href='https://a.example/javascript:x'>x</a>", "<a href='mailto:a@a.example'>x</a>",
        "<p style='background:url(https://a.example/file:x)'>x</p>", "<meta charset='utf-8'>",
        "<!--[if mso]><table><tr><td>x</td></tr></table><![endif]-->", "<p>&lt;script&gt;</p>",
        "<p title='<script> onclick=x'>x</p>", '<p title="a > b <form>">x</p>', "<p title = onclick>x</p>",
    )),
    ("just the size", filled_up(OVERSIZE - 1), Code.TOO_LARGE),
    ("a short mail", lambda facts: stubbed(with_html(facts, "<p>One line of news.</p>")), Code.THIN_TEXT),
    ("two stories", stories({"url": "https://a.example/?p=1"}, {"url": "https://a.example/?p=2"}),
     Code.SAME_STORY),
    ("two without an address", stories({"url": ""}, {"url": ""}), Code.SAME_STORY),
    ("today of today", stories(FRESH | {"title": "Mill Bridge opens today"}), Code.OLD_TODAY),
    ("a paper's name", stories(OLD | {"title": "USA Today has a new editor"}), Code.OLD_TODAY),
    ("a part of a word", stories(OLD | {"title": "Todays and yesterdays"}), Code.OLD_TODAY),
    ("an evening", stories(OLD | HY | {"title": "Երեկոյան համերգ վաղ գարնանը"}), Code.OLD_TODAY),
    ("another language", stories(OLD | {"language": "fr", "title": "Today, un journal"}), Code.OLD_TODAY),
    ("an excerpt that is not shown", stories(OLD | {"excerpt": "Today.", "body_html": "<p>x</p>"}),
     Code.OLD_TODAY),
]  # fmt: skip

BLOCKING = {
    Code.EMPTY_EDITION,
    Code.NO_SIGN_OFF_LINK,
    Code.NO_ADDRESS_SET,
    Code.ADDRESS_NOT_SHOWN,
    Code.PLACEHOLDER_LEFT,
    Code.DANGEROUS,
    Code.TOO_LARGE,
}


@pytest.mark.parametrize(
    "context",
    [
        samples.edition(),
        samples.armenian(),
        samples.edition(recent=40),
        samples.edition(recent=0),
        samples.edition(featured=None),
    ],
    ids=["English", "Armenian", "forty", "one", "no commentary"],
)
def test_a_normal_edition_is_clean(context: EditionContext) -> None:
    """What our own templates make of an edition gives nothing to say."""
    assert judge_mail(facts_of(context)) == []


@pytest.mark.parametrize(("plant", "code"), [case[1:] for case in PLANTED], ids=[case[0] for case in PLANTED])
def test_a_planted_defect_is_found(plant: Plant, code: Code) -> None:
    """Each rule sees its defect in a mail that is clean without it, at its level."""
    found = [each for each in judge_mail(plant(clean())) if each.code is code]
    assert found
    assert {each.level is MailLevel.BLOCK for each in found} == {code in BLOCKING}


@pytest.mark.parametrize(
    ("plant", "code"), [case[1:] for case in NOT_PLANTED], ids=[case[0] for case in NOT_PLANTED]
)
def test_what_is_no_defect_is_let_through(plant: Plant, code: Code) -> None:
    """What only looks like a defect gives no finding."""
    assert code not in {each.code for each in judge_mail(plant(clean()))}


def test_a_finding_names_what_is_wrong() -> None:
    """The words that were found, the sizes and the part stand in the facts; one thing is told once."""
    twice = with_body(clean(), "<p>{{ name }}</p><p>{{ name }}</p>")
    assert [dict(each.facts) for each in judge_mail(twice)] == [{"found": "{{ name }}"}]
    (large,) = judge_mail(filled_up(OVERSIZE)(clean()))
    assert dict(large.facts) == {"size": OVERSIZE, "most": MAX_HTML_BYTES}
    without = changed(clean(), postal_address="1 Mill Lane")
    assert [dict(each.facts)["part"] for each in judge_mail(without)] == ["HTML part", "text part"]


@given(st.text(max_size=200), st.sampled_from(["", "<p", "<!--[if", "<![", "<style>", "<table><tr>"]))
def test_any_text_can_be_looked_at(words: str, start: str) -> None:
    """No markup, however broken, and no text is too odd for the rules."""
    facts = changed(clean(), html=start + words, page=read_page(start + words), text=words)
    story = samples.story(title=words, url=words, excerpt=words, **OLD)
    judge_mail(changed(facts, subject=words, preheader=words, postal_address=words, stories=(story,)))

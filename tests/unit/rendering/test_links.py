"""Links through our own domain: which are turned, and into what."""

from __future__ import annotations

import dataclasses
import re

import pytest
from lxml import html as lxml_html

from digest.rendering.contexts import Counting, EditionContext, RenderedMail, TextSize
from digest.rendering.digest_email import render_mail, render_web
from digest.rendering.links import CODE, Through, code_of, is_ours
from tests.unit.rendering.samples import BODY, edition, featured, story

OURS = "https://mail.example.org"
COUNTING = Counting(OURS, "edition-1")
_URL = re.compile(r"https?://[^\s<>\"]+")


def counted(**changes: object) -> EditionContext:
    """An edition with a link of each kind, whose digest counts."""
    body = BODY + (
        f'<p><a href="{OURS}/e/older">Last week</a> <a href="mailto:desk@example.org">write</a></p>'
        '<p><a href="https://news.example.org/2026/11/100/?a=1&amp;b=2">the same story, otherwise</a></p>'
    )
    lead = featured(body_html=body, is_cut=True)
    intro = '<p>See <a href="https://fair.example.org/">the fair</a>.</p>'
    last = '<p>Next: <a href="https://choir.example.org/">the choir</a>.</p>'
    made = edition(recent=3, featured=lead, intro_html=intro, parting_html=last, counting=COUNTING)
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]


def links_of(mail: RenderedMail) -> set[str]:
    return {
        str(link) for element, _, link, _ in lxml_html.fromstring(mail.html).iterlinks() if element.tag == "a"
    }


def test_a_code_never_changes() -> None:
    """It stands in mails for years: this pins how it is made."""
    assert code_of("edition-1", "https://news.example.org/2026/11/1/") == "gyda7fi4h56vbmr4"


def test_codes_differ_by_edition_and_address() -> None:
    """No two of a thousand are the same, nor of two editions, and where one text ends counts."""
    codes = {code_of(f"e{one}", f"https://a.test/{two}") for one in range(20) for two in range(50)}
    assert len(codes) == 1000
    assert all(CODE.fullmatch(code) for code in codes)
    assert code_of("e1", "1x") != code_of("e11", "x")


@pytest.mark.parametrize(
    ("url", "is_it"),
    [
        (OURS, True),
        (f"{OURS}/l/abc", True),
        (f"{OURS}?x", True),
        (f"{OURS}#x", True),
        ("https://mail.example.organ/", False),
        ("https://mail.example.org.evil.test/", False),
        ("http://mail.example.org/", False),
    ],
)
def test_our_own_pages_are_known(url: str, *, is_it: bool) -> None:
    """By scheme, host and port, never by the beginning of a name."""
    assert is_ours(OURS, url) is is_it


def test_every_link_to_a_story_goes_through_our_domain() -> None:
    """Titles, "Continue reading", links in the commentary, intro and sign-off; in HTML and text alike."""
    mail = render_mail(counted())
    known = dict(mail.links)
    wanted = {
        *(f"https://news.example.org/2026/11/{number}/" for number in (100, 0, 1, 2)),
        "https://library.example.org/hours",
        "https://fair.example.org/",
        "https://choir.example.org/",
        "https://news.example.org/2026/11/100/?a=1&b=2",
    }
    assert set(known.values()) == wanted
    assert all(code_of("edition-1", url) == code for code, url in known.items())
    in_html = {url for url in links_of(mail) if url.startswith(f"{OURS}/l/")}
    in_text = {url for url in _URL.findall(mail.text) if url.startswith(f"{OURS}/l/")}
    assert in_html == in_text == {f"{OURS}/l/{code}" for code in known}
    anchors = lxml_html.fromstring(mail.html).findall(".//a")
    to_lead = [
        each for each in anchors if each.get("href") == f"{OURS}/l/{code_of('edition-1', featured().url)}"
    ]
    assert {each.text_content().strip() for each in to_lead} >= {featured().title, "Continue reading"}


def test_all_other_links_stay_as_they_are() -> None:
    """Signing off, the reader's page, the web edition, mail addresses, the paper's site, shared ones."""
    direct, through = render_mail(counted(counting=None)), render_mail(counted())
    gone = links_of(direct) - links_of(through)
    assert gone == set(dict(through.links).values())
    kept = links_of(through)
    assert {"%%unsubscribe_url%%", "%%unsubscribe_url%%/page", f"{OURS}/e/42", f"{OURS}/e/older"} <= kept
    assert {"mailto:desk@example.org", "https://news.example.org/"} <= kept
    shared = [url for url in kept if "sharer" in url or url.startswith("mailto:?")]
    assert len(shared) == 2
    assert all("news.example.org%2F2026%2F11%2F100%2F" in url for url in shared)


def test_a_digest_that_does_not_count_has_no_such_link() -> None:
    """Nor has the web edition of one that does: who reads there is not counted, and the addresses last."""
    mail = render_mail(counted(counting=None))
    assert mail.links == ()
    for part in (mail.html, mail.text, render_web(counted())):
        assert "/l/" not in part
    assert render_web(counted()) == render_web(counted(counting=None))


def test_all_variants_have_the_same_addresses() -> None:
    """Rendered again, and in large letters."""
    normal, large = render_mail(counted()), render_mail(counted(text_size=TextSize.LARGE))
    assert normal.links == large.links == render_mail(counted()).links


def test_what_is_hung_on_for_analytics_does_not_change_a_code() -> None:
    """The link leads to the tagged address; it is found again by the story's own one."""
    through = Through(COUNTING)
    made = through("https://news.example.org/1/?utm_source=mail", "https://news.example.org/1/")
    assert through("https://news.example.org/1/") == made
    code = code_of("edition-1", "https://news.example.org/1/")
    assert through.found == {code: "https://news.example.org/1/?utm_source=mail"}
    assert made == f"{OURS}/l/{code}"


def test_what_has_no_address_gets_none() -> None:
    """A story without an address, or with one that is not of the web."""
    mail = render_mail(counted(featured=None, recent=(story(1, url=""), story(2, url="javascript:x"))))
    assert [url for _, url in mail.links] == ["https://fair.example.org/", "https://choir.example.org/"]
    assert Through(COUNTING)("%%unsubscribe_url%%") == "%%unsubscribe_url%%"

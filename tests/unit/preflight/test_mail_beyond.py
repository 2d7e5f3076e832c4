"""What filters count, what clients do not know, what lies elsewhere: planted defects, and what is none."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from functools import cache

import pytest

from digest.preflight.clients import ALLOWED, CLIENTS, client_name, data, is_allowed
from digest.preflight.looked import Kind, Looked, Seen, Wanted
from digest.preflight.mail import judge_mail
from digest.preflight.mail_facts import MailFacts
from digest.preflight.mail_findings import Code, MailLevel, block, forbids, found_of, merged, stored, warn
from digest.rendering.contexts import UNSUBSCRIBE_URL, Story
from tests.unit.preflight import test_mail_content, test_mail_lines
from tests.unit.preflight.mails import changed, facts_of, with_body, with_html
from tests.unit.rendering import samples

Plant = Callable[[MailFacts], MailFacts]
LAMP, PAGE = "https://news.example.org/lamp.jpg", "https://library.example.org/hours"
SINGLE = {Code.EMPTY_MAIL, Code.LINK_MISSING}  # of single mails: test_single_mails
# What mends is tested where it mends: tests of editions.mend and of the freeze.
MENDED = {Code.PICTURE_DROPPED, Code.EXCERPTS_SHORTENED, Code.EXCERPTS_LEFT_OUT}


@cache
def clean() -> MailFacts:
    return facts_of(samples.edition())


def body(markup: str) -> Plant:
    return lambda facts: with_body(facts, markup)


def link(url: str, words: str = "a page") -> Plant:
    return body(f'<p><a href="{url}">{words}</a></p>')


def seen(kind: Kind, url: str, what: Seen, title: str = "A bench") -> Plant:
    return lambda facts: changed(facts, looked=(Looked(Wanted(kind, url, title), what),))


def old(days: int, *, featured: bool = True) -> Plant:
    story = samples.featured(published_at=samples.SLOT - dt.timedelta(days=days))
    return lambda facts: changed(facts, stories=(story, samples.story(1)), has_featured=featured)


def raw(pattern: bytes, put: bytes) -> Plant:
    """The mail with another header."""

    def plant(facts: MailFacts) -> MailFacts:
        made, count = re.subn(pattern, put, facts.raw, count=1, flags=re.IGNORECASE | re.MULTILINE)
        assert count == 1
        return changed(facts, raw=made)

    return plant


def page(markup: str) -> Plant:
    return lambda facts: with_html(facts, markup)


def titled(markup: str) -> Plant:
    return lambda facts: with_html(facts, re.sub("<title>.*?</title>", markup, facts.html))


def styled(css: str) -> Plant:
    return body(f'<p style="{css}">Words</p>')


FOOT = f'<p>12 Linden Street, Watertown <a href="{UNSUBSCRIBE_URL}">Unsubscribe</a></p>'


def told_of(story: Story, *links: str) -> Plant:
    """An edition's story that this mail lacks, and where the desk's own words lead."""
    return lambda facts: changed(facts, left_out=(story,), own_links=links)


def ends_with(story: Story, *links: str) -> Plant:
    """The same, where the edition's own sign-off leads."""
    return lambda facts: changed(facts, left_out=(story,), last_links=links)


PLANTED: list[tuple[str, Plant, Code]] = [
    ("a link that is gone", seen(Kind.LINK, PAGE, Seen.GONE), Code.LINK_DEAD),
    ("a site that is down", seen(Kind.LINK, PAGE, Seen.UNREACHABLE), Code.LINK_UNREACHABLE),
    ("a heavy picture", seen(Kind.PICTURE, LAMP, Seen.HEAVY), Code.PICTURE_HEAVY),
    ("a picture's site is down", seen(Kind.PICTURE, LAMP, Seen.UNREACHABLE), Code.PICTURE_UNREACHABLE),
    ("a logo that is gone", seen(Kind.PICTURE, LAMP, Seen.GONE), Code.PICTURE_UNREACHABLE),
    ("no time", seen(Kind.LINK, PAGE, Seen.NOT_ASKED), Code.NOT_LOOKED_AT),
    ("an old commentary", old(15), Code.FEATURED_OLD),
    ("a picture alone", page(f'<img src="{LAMP}" alt="A" width="500">{FOOT}'), Code.PICTURES_ALONE),
    ("white on white", styled("color:#ffffff;background-color:#fffefe"), Code.FAINT_WORDS),
    ("nearly white by name", styled("background:#fdfdfd;color:white"), Code.FAINT_WORDS),
    ("short colours", styled("color:#eee;background-color:#fff"), Code.FAINT_WORDS),
    ("a font's colour", body('<p bgcolor="#ffffff"><font color="#fefefe">x</font></p>'), Code.FAINT_WORDS),
    ("handed down", body('<div style="color:#fff;background-color:#fff"><i>x</i></div>'), Code.FAINT_WORDS),
    *((f"unseen: {css}", styled(css), Code.UNSEEN_WORDS)
      for css in ("font-size:1px", "font-size: 0", "color:transparent", "opacity:0", "x:y;font-size:.5px")),
    ("a small preheader", body('<div style="display:none;font-size:1px">News</div>'), Code.UNSEEN_WORDS),
    *((f"number: {url}", link(url), Code.NUMBER_LINK)
      for url in ("http://203.0.113.9/a", "https://[2001:db8::1]/", "http://3405803777/", "http://0xcb.0x0.0x71.9/")),
    ("short", link("https://bit.ly/3xyz"), Code.SHORT_LINK),
    ("says other", link("https://evil.example/x", "www.library.example.org/hours"), Code.LINK_SAYS_OTHER),
    ("says another scheme and host", link("https://a.example/", "https://b.example/"), Code.LINK_SAYS_OTHER),
    ("nowhere", link(""), Code.LINK_EMPTY),
    ("a hash", link("#"), Code.LINK_EMPTY),
    ("no address", body("<a>Words</a>"), Code.LINK_EMPTY),
    ("another title", titled("<title>News</title>"), Code.TITLE_DIFFERS),
    ("no title", titled(""), Code.TITLE_DIFFERS),
    *((f"no {name}", raw(rb"^%s: .*\r\n" % name.encode(), b""), Code.HEADER_MISSING)
      for name in ("Date", "To", "Message-ID", "MIME-Version")),
    ("two of From", raw(rb"^(From: .*\r\n)", rb"\1\1"), Code.HEADER_MISSING),
    ("raw bytes", raw(rb"^Subject: ", "Subject: Ծ".encode()), Code.HEADER_RAW),
    ("a coded list header", raw(rb"^List-Unsubscribe: <", b"List-Unsubscribe: =?utf-8?q?=3C"),
     Code.HEADER_RAW),
    ("a free sender", raw(rb"news@example\.org", b"news@gmail.com"), Code.FREE_MAIL_SENDER),
    *((f"unsupported: {css}", styled(css), Code.NOT_SUPPORTED) for css in (
        "display:flex", "display:grid", "position:absolute", "color:var(--ink)", "font-size:2rem",
        "width:calc(100% - 4px)", "color:oklch(40% 0.2 30)", "padding-inline:4px", "clip-path:none")),
    *((f"unsupported: {markup}", body(markup), Code.NOT_SUPPORTED) for markup in (
        "<video src='https://a.example/a.mp4'></video>", "<svg></svg>", "<picture></picture>",
        "<dialog>x</dialog>", "<img src='https://a.example/a.webp' alt='A' width='9'>",
        "<style>.a:nth-child(2) { color: #111111 }</style>", "<style>@font-face { font-family: X }</style>")),
]  # fmt: skip

PLANTED += [
    ("an intro about what is not here", told_of(samples.story(40), "https://www.news.example.org/2026/11/40"),
     Code.INTRO_ELSEWHERE),
    ("a note with a tag in its link",
     told_of(samples.story(40), f"{samples.story(40).url}?utm_source=note#top"), Code.INTRO_ELSEWHERE),
    ("a sign-off about what is not here", ends_with(samples.story(40), samples.story(40).url),
     Code.SIGN_OFF_ELSEWHERE),
]  # fmt: skip

NOT_PLANTED: list[tuple[str, Plant, Code]] = [
    ("a page that is there", seen(Kind.LINK, PAGE, Seen.FINE), Code.LINK_DEAD),
    ("a page that is there 2", seen(Kind.LINK, PAGE, Seen.FINE), Code.LINK_UNREACHABLE),
    ("a picture is no link", seen(Kind.PICTURE, LAMP, Seen.GONE), Code.LINK_DEAD),
    ("a good picture", seen(Kind.PICTURE, LAMP, Seen.FINE), Code.PICTURE_HEAVY),
    ("a good picture 2", seen(Kind.PICTURE, LAMP, Seen.FINE), Code.PICTURE_UNREACHABLE),
    ("a picture that was not asked for", seen(Kind.PICTURE, LAMP, Seen.NOT_ASKED), Code.PICTURE_UNREACHABLE),
    ("all was asked", seen(Kind.LINK, PAGE, Seen.GONE), Code.NOT_LOOKED_AT),
    ("two weeks", old(14), Code.FEATURED_OLD),
    ("an old headline", old(40, featured=False), Code.FEATURED_OLD),
    ("one story", lambda _: facts_of(samples.edition(recent=1)), Code.PICTURES_ALONE),
    ("few words alone", page(f"<p>News</p>{FOOT}"), Code.PICTURES_ALONE),
    ("white on black", styled("color:#ffffff;background-color:#111111"), Code.FAINT_WORDS),
    ("a faint rule", body('<div style="color:#fff;background-color:#fff">&nbsp;</div>'), Code.FAINT_WORDS),
    ("a hidden preheader", body('<div style="display:none;color:#fff;background-color:#fff">x</div>'),
     Code.FAINT_WORDS),
    ("a spacer", body('<div style="font-size:1px;line-height:8px">&nbsp;</div>'), Code.UNSEEN_WORDS),
    ("11 pixels", styled("font-size:11px"), Code.UNSEEN_WORDS),
    ("1.5 em", styled("font-size:1.5em"), Code.UNSEEN_WORDS),
    ("half clear", styled("opacity:0.5"), Code.UNSEEN_WORDS),
    ("figures in a name", link("https://24.example.org/"), Code.NUMBER_LINK),
    ("a trial on this machine", link("http://127.0.0.1:8080/a"), Code.NUMBER_LINK),
    ("our own place", link(f"{UNSUBSCRIBE_URL}/page"), Code.NUMBER_LINK),
    ("like a shortener", link("https://habit.ly/"), Code.SHORT_LINK),
    ("says so", link("https://www.library.example.org/hours", "library.example.org"), Code.LINK_SAYS_OTHER),
    ("words with a dot", link("https://a.example/", "St. Mary"), Code.LINK_SAYS_OTHER),
    ("the subject in two lines", lambda facts: with_html(facts, facts.html.replace("<title>", "<title>\n ")),
     Code.TITLE_DIFFERS),
    ("an address of one's own", raw(rb"news@example\.org", b"news@gmail.com.example"), Code.FREE_MAIL_SENDER),
    ("what may be missing", styled("word-break:break-word"), Code.NOT_SUPPORTED),
    ("for Outlook alone", body("<!--[if mso]><v:rect style='position:absolute'></v:rect><![endif]-->"),
     Code.NOT_SUPPORTED),
    ("of a maker", styled("-webkit-clip-path:none;mso-hide:all"), Code.NOT_SUPPORTED),
    ("an intro about what is here", told_of(samples.story(40), samples.story(3).url), Code.INTRO_ELSEWHERE),
    ("the same page twice", told_of(samples.story(3), samples.story(3).url), Code.INTRO_ELSEWHERE),
    ("no address", told_of(samples.story(40, url=""), "mailto:desk@example.org"), Code.INTRO_ELSEWHERE),
    ("a sign-off about what is here", ends_with(samples.story(40), samples.story(3).url),
     Code.SIGN_OFF_ELSEWHERE),
    ("a sign-off is no intro", ends_with(samples.story(40), samples.story(40).url), Code.INTRO_ELSEWHERE),
    ("words about CSS", body("<p>display:flex and position:absolute</p>"), Code.NOT_SUPPORTED),
]  # fmt: skip


def test_a_clean_mail_has_no_finding() -> None:
    """The templates that come along hold in all of the clients, in both languages and text sizes."""
    assert judge_mail(clean()) == []
    assert judge_mail(facts_of(samples.armenian())) == []


@pytest.mark.parametrize(("plant", "code"), [each[1:] for each in PLANTED], ids=[each[0] for each in PLANTED])
def test_a_planted_defect_is_found(plant: Plant, code: Code) -> None:
    """One defect in a clean mail: it may go out, and it is told of."""
    levels = {each.level for each in judge_mail(plant(clean())) if each.code is code}
    assert levels == {MailLevel.WARN}


@pytest.mark.parametrize(
    ("plant", "code"), [each[1:] for each in NOT_PLANTED], ids=[each[0] for each in NOT_PLANTED]
)
def test_a_clean_case_is_not(plant: Plant, code: Code) -> None:
    """What only looks like a defect gives no finding."""
    assert code not in {each.code for each in judge_mail(plant(clean()))}


def test_each_rule_has_its_defect() -> None:
    """No code is without a case in which it is found."""
    lists = (PLANTED, test_mail_content.PLANTED, test_mail_lines.PLANTED)
    assert {code for planted in lists for _, _, code in planted} | MENDED | SINGLE == set(Code)


def test_what_is_found_names_clients_as_people_do() -> None:
    """The feature's title and the clients' names, not the words of the data."""
    found = [
        one for one in judge_mail(styled("position:absolute")(clean())) if one.code is Code.NOT_SUPPORTED
    ]
    assert [dict(one.facts)["feature"] for one in found] == ["position"]
    assert "Gmail (Desktop Webmail)" in str(dict(found[0].facts)["clients"])
    assert {client_name(client) for client in CLIENTS}.isdisjoint(CLIENTS)


def test_every_allowance_is_of_something() -> None:
    """An allowance that matches no feature that is missing anywhere has outlived its reason."""
    missing = data().missing
    for one in ALLOWED:
        alone = [
            (slug, client) for slug, clients in missing.items() for client in clients
            if is_allowed(slug, client, (one,))
        ]  # fmt: skip
        assert alone, one


def test_findings_come_back_from_where_they_are_kept() -> None:
    """Stored and read again they are the same; a code of another version is left out, and still stops."""
    found = merged(
        {"normal": [warn(Code.THIN_TEXT, share=4)], "large": [block(Code.TOO_LARGE, size=1, most=2)]}
    )
    kept = [stored(one) for one in found]
    assert found_of(kept) == found
    assert forbids(kept)
    assert not forbids(kept[1:])
    other = {"level": "block", "code": "of_another_version", "facts": {}, "variants": []}
    assert found_of([other]) == []
    assert forbids([other])

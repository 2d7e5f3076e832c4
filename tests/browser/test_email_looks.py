"""Mails and public pages in a real browser: readable by all, in both schemes, on the smallest phone."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

from digest.rendering.contexts import RenderedMail, TextSize
from digest.rendering.digest_email import render_mail, render_web
from digest.rendering.notices import NoticeKind, render_notice
from digest.rendering.pages import render_page
from digest.rendering.theme import Layout, Look, TimeForm
from digest.rendering.theme_form import read_look
from digest.rendering.web_theme import style_sheet
from tests.browser import axe
from tests.unit.rendering.samples import armenian, edition, featured
from tests.unit.rendering.test_layouts import dressed
from tests.unit.rendering.test_notices import NOTICES
from tests.unit.rendering.test_pages import PAGES

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page, Route

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[2]
STATIC = ROOT / "src" / "digest" / "web" / "static"
SITE = "http://pages.test"
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src https:; "
    "form-action 'self'; frame-src 'self'"
)
LONG = "W" * 300
LONG_THEME = read_look(
    {"layout": "briefing", "font": "news", "rules": "heavy", "accent": "#0b5563", "light.ink": "#14202a"}
    | {"dark.card": "#151d22", "light.page": "#e9eef0", "motto": LONG[:160], "footer": LONG}
    | {"masthead": LONG[:120], "sponsor.words": LONG, "sponsor.url": "https://bakery.test/"}
)
Scheme = Literal["light", "dark"]


@dataclass(frozen=True, slots=True)
class Tabs:
    """What the tests look at things in. They share it: a new tab costs ten times what is done in it."""

    mails: Page
    pages: Page


def _mails() -> dict[str, Callable[[], RenderedMail]]:
    """How each mail is made; only what is looked at is made."""
    return {
        "english": lambda: render_mail(edition()),
        "armenian": lambda: render_mail(armenian()),
        "cut, large": lambda: render_mail(edition(featured=featured(is_cut=True), text_size=TextSize.LARGE)),
        "no commentary": lambda: render_mail(edition(featured=None)),
        "nothing": lambda: render_mail(edition(featured=None, recent=0)),
        "long words": lambda: render_mail(
            edition(digest_title=LONG, featured=featured(title=LONG, section=LONG), recent=1)
        ),
        "dressed": lambda: render_mail(dressed()),
        "briefing": lambda: render_mail(dressed(Layout.BRIEFING, text_size=TextSize.LARGE)),
        "briefing, long words": lambda: render_mail(armenian(look=LONG_THEME, note_html=f"<p>{LONG}</p>")),
        **{kind.value: functools.partial(render_notice, kind, "hy", NOTICES[kind]) for kind in NoticeKind},
    }


def _pages() -> dict[str, Callable[[], str]]:
    """How each page is made."""
    return {
        "edition": lambda: render_web(edition(look=Look(time_form=TimeForm.RELATIVE))),
        "edition hy": lambda: render_web(armenian()),
        "edition dressed": lambda: render_web(dressed()),
        "edition briefing": lambda: render_web(armenian(look=LONG_THEME, note_html=f"<p>{LONG}</p>")),
        **{
            f"{type(page).__name__} {number}": functools.partial(render_page, page, "en")
            for number, page in enumerate(PAGES)
        },
    }


MAILS = _mails()
WEB = _pages()


@functools.cache
def mail(name: str) -> str:
    """The HTML of one of the mails."""
    return MAILS[name]().html


@pytest.fixture(scope="module")
def tabs(browser: Browser) -> Iterator[Tabs]:
    """A tab for mails, one for pages; nothing is fetched but what the tests serve, so pictures stay away."""
    context = browser.new_context()
    context.route("**/*", _serve)
    axe.keep_at_hand(context)
    yield Tabs(mails=context.new_page(), pages=context.new_page())
    context.close()


@pytest.fixture(params=["light", "dark"])
def page(tabs: Tabs, request: pytest.FixtureRequest) -> Page:
    """The tab for mails, in one colour scheme."""
    tabs.mails.emulate_media(color_scheme=request.param)
    tabs.mails.set_viewport_size({"width": 1000, "height": 800})
    return tabs.mails


def _serve(route: Route) -> None:
    path = route.request.url.removeprefix(SITE)
    if path.startswith("/static/"):
        route.fulfill(path=STATIC / path.removeprefix("/static/"))
    elif path.startswith("/look/"):
        route.fulfill(body=style_sheet(path.removeprefix("/look/")), content_type="text/css")
    elif path.startswith("/page/"):
        html = WEB[path.removeprefix("/page/").replace("%20", " ")]()
        headers = {"Content-Security-Policy": POLICY, "Content-Type": "text/html; charset=utf-8"}
        route.fulfill(body=html, headers=headers)
    else:
        route.abort()


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than the screen."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def test_axe_is_the_one_that_was_vendored() -> None:
    """The copy of axe-core is whole."""
    wanted = (axe.FOLDER / "axe.min.js.sha256").read_text(encoding="utf-8").split()[0]
    assert hashlib.sha256((axe.FOLDER / "axe.min.js").read_bytes()).hexdigest() == wanted
    assert (axe.FOLDER / "VERSION").read_text(encoding="utf-8").strip() in axe.script()[:200]


def test_axe_finds_what_is_wrong(page: Page) -> None:
    """The judge judges: faint words, a picture without words and a skipped heading are found."""
    page.set_content(
        mail("english")
        .replace("color:#1c1917", "color:#fdf0e0")
        .replace("color: #ece7dd", "color: #222222")
        .replace("<h3", "<h5")
        .replace('alt="A lamp"', "")
    )
    assert {"color-contrast", "heading-order", "image-alt"} <= {
        fault["rule"] for fault in axe.faults(page, without=axe.PAGE_ONLY)
    }


@pytest.mark.parametrize("name", MAILS)
def test_a_mail_is_accessible_and_fits_every_screen(tabs: Tabs, name: str) -> None:
    """In both schemes axe-core finds nothing, and nothing is scrolled sideways from 320 to 1,000 pixels."""
    tabs.mails.set_content(mail(name))
    _fits_and_is_accessible(tabs.mails, {"light": 320, "dark": 600}, (320, 360, 600, 1000), axe.PAGE_ONLY)


@pytest.mark.parametrize("name", ["english", "armenian", "long words", "briefing, long words"])
def test_a_mail_whose_styles_are_stripped_still_fits(page: Page, name: str) -> None:
    """Some of Gmail's readers get no style block at all: what is inline must do."""
    page.set_viewport_size({"width": 320, "height": 800})
    page.set_content(mail(name))
    page.evaluate("document.querySelectorAll('style').forEach(style => style.remove())")
    assert overflow(page) == 0
    wanted = "26px" if name == "long words" else "32px"
    assert page.evaluate("getComputedStyle(document.querySelector('.title')).fontSize") == wanted


def test_what_is_tapped_is_large_enough(page: Page) -> None:
    """Share links, the button and the footer's links are at least 44 pixels high."""
    page.set_viewport_size({"width": 320, "height": 800})
    for name, count in (("cut, large", 23), ("dressed", 26)):
        page.set_content(mail(name))
        heights = page.evaluate(
            "[...document.querySelectorAll('a')].filter(a => !a.closest('.story, .intro'))"
            ".map(a => [a.offsetHeight, a.textContent])"
        )
        assert len(heights) == count
        assert [found for found in heights if found[0] < 44] == []


def test_a_theme_is_on_the_page(tabs: Tabs) -> None:
    """The style sheet that the page's head names is taken: its colours, fonts and lines are seen."""
    for scheme, ground in (("light", "rgb(233, 238, 240)"), ("dark", "rgb(18, 17, 15)")):
        tabs.pages.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        tabs.pages.goto(f"{SITE}/page/edition briefing")
        assert tabs.pages.evaluate("getComputedStyle(document.body).backgroundColor") == ground
        assert (
            tabs.pages.evaluate("getComputedStyle(document.querySelector('.folio')).borderTopWidth") == "4px"
        )
        assert "Arial" in tabs.pages.evaluate("getComputedStyle(document.querySelector('h1')).fontFamily")


def test_the_logo_changes_with_the_scheme(page: Page) -> None:
    """One of the two is seen: the dark one where the reader asks for the dark."""
    page.set_content(mail("dressed"))
    seen = page.evaluate("[...document.querySelectorAll('h1 img')].map(one => one.offsetHeight > 0)")
    is_dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    assert seen == [not is_dark, is_dark]


def test_the_dark_scheme_is_dark(page: Page) -> None:
    """The card is dark with light words where the reader asks for it, and light otherwise."""
    page.set_content(mail("english"))
    is_dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    card = page.evaluate("getComputedStyle(document.querySelector('.card')).backgroundColor")
    assert card == ("rgb(29, 27, 24)" if is_dark else "rgb(255, 254, 251)")


@pytest.mark.parametrize("name", WEB)
def test_a_page_is_accessible_and_fits_every_screen(tabs: Tabs, name: str) -> None:
    """In both schemes axe-core finds nothing, 320 pixels are wide enough, and the strict policy is kept."""
    complaints: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        if "Security Policy" in message.text:
            complaints.append(message.text)

    tabs.pages.on("console", listen)
    tabs.pages.goto(f"{SITE}/page/{name}")
    _fits_and_is_accessible(tabs.pages, {"light": 320, "dark": 1000}, (320, 1000))
    tabs.pages.remove_listener("console", listen)
    assert complaints == []


def _fits_and_is_accessible(
    tab: Page, judged_at: dict[Scheme, int], widths: Sequence[int], without: Sequence[str] = ()
) -> None:
    """axe looks at one width in each scheme, for its answers do not change with the width."""
    for scheme, judged in judged_at.items():
        tab.emulate_media(color_scheme=scheme)
        for width in widths:
            tab.set_viewport_size({"width": width, "height": 800})
            assert overflow(tab) == 0, (scheme, width)
            if width == judged:
                assert axe.faults(tab, without=without) == [], scheme


def test_times_of_the_web_edition_are_live(browser: Browser) -> None:
    """The script writes how long ago it was as of now, and keeps the exact time as a tooltip."""
    page = browser.new_page()
    page.route("**/*", _serve)
    page.clock.set_fixed_time("2026-11-23T15:30:00Z")
    page.goto(f"{SITE}/page/edition")
    time = page.locator("time[data-live]").first
    assert time.text_content() == "5 hours ago"
    assert time.get_attribute("title") == "Monday, 2:30 am, Los Angeles"
    page.close()

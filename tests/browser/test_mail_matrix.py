"""The rest of the matrix, for `make proof`: each width and twice the text before axe-core, copies, the web.

What each run looks at is in test_mail_cases.py and test_every_page.py.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from digest.rendering.contexts import TextSize
from digest.rendering.copies import as_first_copy
from digest.rendering.digest_email import render_mail, render_web
from digest.rendering.web_theme import style_sheet
from tests.browser import axe, markup
from tests.mail_cases import LANGUAGES, LAYOUTS, SLOT, Case, everything

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page, Route

pytestmark = [pytest.mark.browser, pytest.mark.slow]

STATIC = Path(__file__).resolve().parents[2] / "src" / "digest" / "web" / "static"
EDITION = "http://pages.test/edition"
WIDTHS = (320, 360, 640)
EVERY = pytest.mark.parametrize("case", list(everything()), ids=str)
NORMAL = pytest.mark.parametrize(
    "case", [Case(layout, language, "normal") for layout in LAYOUTS for language in LANGUAGES], ids=str
)
ENLARGED = "html { -webkit-text-size-adjust: 200%; text-size-adjust: 200%; }"


class Tab:
    """One page of a browser: mails are put into it, web editions are gone to; nothing else is fetched."""

    def __init__(self, context: BrowserContext) -> None:
        self.served = ""
        context.route("**/*", self._serve)
        axe.keep_at_hand(context)
        self.page = context.new_page()

    def _serve(self, route: Route) -> None:
        path = route.request.url.removeprefix("http://pages.test")
        if route.request.url == EDITION:
            route.fulfill(body=self.served, content_type="text/html; charset=utf-8")
        elif path.startswith("/static/"):
            route.fulfill(path=STATIC / path.removeprefix("/static/"))
        elif path.startswith("/look/"):
            route.fulfill(body=style_sheet(path.removeprefix("/look/")), content_type="text/css")
        else:
            route.abort()

    def go_to_edition(self, html: str) -> None:
        self.served = html
        self.page.goto(EDITION)


@pytest.fixture(scope="module")
def tab(browser: Browser) -> Iterator[Tab]:
    """With scripts, as most have it."""
    context = browser.new_context()
    yield Tab(context)
    context.close()


@pytest.fixture(scope="module")
def scriptless(browser: Browser) -> Iterator[Tab]:
    """A browser in which no script runs."""
    context = browser.new_context(java_script_enabled=False)
    yield Tab(context)
    context.close()


def overflow(page: Page) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def check_everywhere(page: Page, *, without: tuple[str, ...] = ()) -> None:
    """In both schemes at each width, and with the text twice as large: nothing is found, nothing is wide."""
    wrong = []
    for is_enlarged in (False, True):
        if is_enlarged:
            page.add_style_tag(content=ENLARGED)
            page.evaluate("document.body.style.zoom = 2")
        for width in (640,) if is_enlarged else WIDTHS:  # 320 pixels of the page's own
            page.set_viewport_size({"width": width, "height": 800})
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
                if found := axe.faults(page, without=without):
                    wrong.append((width, scheme, is_enlarged, found))
            if (over := overflow(page)) > 0:
                wrong.append((width, "too wide by", is_enlarged, over))
    assert wrong == []


@EVERY
def test_a_mail_is_for_everybody_at_every_width(tab: Tab, case: Case) -> None:
    """Each layout, language and hard case; its markup too."""
    html = render_mail(case.context()).html
    assert markup.faults(tab.page, html) == []
    tab.page.set_content(html)
    check_everywhere(tab.page, without=axe.PAGE_ONLY)


@NORMAL
def test_larger_text_is_for_everybody(tab: Tab, case: Case) -> None:
    """The variant that a reader may choose; its markup too."""
    html = render_mail(dataclasses.replace(case.context(), text_size=TextSize.LARGE)).html
    assert markup.faults(tab.page, html) == []
    tab.page.set_content(html)
    check_everywhere(tab.page, without=axe.PAGE_ONLY)


@pytest.mark.parametrize("language", ["en", "hy"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_first_copy_is_for_everybody(tab: Tab, layout: str, language: str) -> None:
    """With findings whose words are long and come from a feed, above the link that stops it."""
    mail = render_mail(Case(layout, language, "normal").context())
    html, _ = as_first_copy(
        mail.html,
        mail.text,
        language=language,
        goes_out_at=SLOT + dt.timedelta(minutes=5),
        zone="Asia/Yerevan",
        stop_url="https://mail.footbridge.example/stop/" + "T" * 60,
        checks=[f"Mended: {number}, https://footbridge.example/{'x' * 300}.png" for number in range(7)],
    )
    assert markup.faults(tab.page, html) == []
    tab.page.set_content(html)
    check_everywhere(tab.page, without=axe.PAGE_ONLY)


@EVERY
def test_a_web_edition_is_for_everybody(tab: Tab, case: Case) -> None:
    """With its own style sheet: WCAG AA and good practice, landmarks too."""
    tab.go_to_edition(render_web(case.context()))
    check_everywhere(tab.page)


@EVERY
def test_a_web_edition_needs_no_script(tab: Tab, scriptless: Tab, case: Case) -> None:
    """Where none runs it has the very same words; every link is there and every time is said."""
    html = render_web(case.context())
    words = []
    for each in (tab, scriptless):
        each.go_to_edition(html)
        words.append(each.page.locator("body").inner_text())
        assert each.page.locator("a").count() == html.count("<a ")
    assert words[0] == words[1]

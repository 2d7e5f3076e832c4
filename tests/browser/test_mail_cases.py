"""The hard cases of a mail before judges that nobody here wrote, on every width, in both schemes.

A pairwise sample in each run; the full matrix in `make proof ARGS=email`.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from digest.rendering.digest_email import render_mail
from digest.rendering.previews import View, as_seen
from tests.browser import axe, markup
from tests.mail_cases import Case, everything, pairwise

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

WIDTHS = (320, 360, 640)
_SAMPLE = pairwise()
CASES = [
    *(pytest.param(case, id=str(case)) for case in _SAMPLE),
    *(
        pytest.param(case, id=str(case), marks=pytest.mark.slow)
        for case in everything()
        if case not in _SAMPLE
    ),
]


@functools.lru_cache(maxsize=4)
def html_of(case: Case) -> str:
    """A case's mail."""
    return render_mail(case.context()).html


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    """A tab in which nothing is fetched, so that pictures stay away."""
    context = browser.new_context()
    context.route("**/*", lambda route: route.abort())
    axe.keep_at_hand(context)
    yield context.new_page()
    context.close()


@pytest.fixture(scope="module")
def bench(browser: Browser) -> Iterator[Page]:
    """A tab for the judge of markup."""
    made = browser.new_page()
    yield made
    made.close()


def _overflow(page: Page) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


@pytest.mark.parametrize("case", CASES)
def test_its_markup_is_valid(bench: Page, case: Case) -> None:
    """HTML's rules and those of WCAG on markup, as html-validate reads them."""
    assert markup.faults(bench, html_of(case)) == []


@pytest.mark.parametrize("case", CASES)
def test_all_can_read_it_at_every_width(page: Page, case: Case) -> None:
    """Both schemes, 320 to 640 pixels, twice the text: nothing for axe-core to find, nothing to scroll."""
    page.set_content(html_of(case))
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.set_viewport_size({"width": 360, "height": 800})
        assert axe.faults(page, without=axe.PAGE_ONLY) == []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        assert _overflow(page) <= 0, width
    # Text at 200 %: as mail programs on phones enlarge it.
    page.add_style_tag(content="html { -webkit-text-size-adjust: 200%; text-size-adjust: 200%; }")
    page.evaluate("document.body.style.zoom = 2")
    page.set_viewport_size({"width": 640, "height": 800})
    assert _overflow(page) <= 0


@pytest.mark.parametrize("case", CASES)
def test_it_is_readable_without_styles_and_pictures(page: Page, case: Case) -> None:
    """Where all style blocks are thrown away: nothing wider than the phone, every word still there."""
    whole = html_of(case)
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 360, "height": 800})
    page.set_content(whole)
    words = page.evaluate("document.body.innerText").split()
    page.set_content(as_seen(whole, View("poorest", 360, has_pictures=False, has_styles=False)))
    assert page.evaluate("document.body.innerText").lower().split() == [word.lower() for word in words]
    assert _overflow(page) <= 0
    assert axe.faults(page, without=axe.PAGE_ONLY) == []


def test_the_judge_is_the_one_that_was_vendored(bench: Page) -> None:
    """The copy is whole, and it finds what is wrong."""
    wanted = (markup.FOLDER / "html-validate.js.sha256").read_text(encoding="utf-8").split()[0]
    assert hashlib.sha256((markup.FOLDER / "html-validate.js").read_bytes()).hexdigest() == wanted
    broken = html_of(_SAMPLE[0]).replace(' lang="en"', "", 1).replace("</h1>", "", 1)
    rules = {fault["rule"] for fault in markup.faults(bench, broken)}
    assert {"close-order"} <= rules or {"element-required-attributes"} <= rules

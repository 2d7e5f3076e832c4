"""Single mails before judges that nobody here wrote: a few in each run, every one in `pytest -m slow`."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from digest.rendering.notices import render_notice
from digest.rendering.previews import View, as_seen
from tests.browser import axe, markup
from tests.single_mails import LOUD, PLAIN, Case, sample, values_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

FEW = (Case("confirm", "ar", LOUD), Case("welcome", "hy", LOUD), Case("goodbye", "fr", PLAIN))
CASES = [
    *(pytest.param(case, id=str(case)) for case in FEW),
    *(pytest.param(case, id=str(case), marks=pytest.mark.slow) for case in sample() if case not in FEW),
]


@functools.lru_cache(maxsize=4)
def html_of(case: Case) -> str:
    """A case's mail."""
    values = values_of(case.name, case.language)
    return render_notice(case.kind, case.language, values, look=case.look).html


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


@pytest.mark.parametrize("case", CASES)
def test_all_can_read_it(bench: Page, page: Page, case: Case) -> None:
    """Valid markup; nothing for axe-core in either scheme; no scrolling; one button, large enough."""
    html = html_of(case)
    assert markup.faults(bench, html) == []
    page.set_content(html)
    for scheme, width in (("light", 320), ("dark", 640)):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.set_viewport_size({"width": width, "height": 800})
        assert axe.faults(page, without=axe.PAGE_ONLY) == []
        assert _overflow(page) == 0
    page.set_viewport_size({"width": 390, "height": 800})
    buttons = page.evaluate(
        "[...document.querySelectorAll('.call a')].map(a => [a.offsetHeight, a.offsetWidth])"
    )
    assert len(buttons) <= 1
    assert all(height >= 56 and width >= 350 for height, width in buttons)
    sizes = page.evaluate(
        "[...document.querySelectorAll('.prose p')].map(p => parseInt(getComputedStyle(p).fontSize))"
    )
    assert sizes
    assert min(sizes) >= 17
    page.set_content(as_seen(html, View("", 320, has_styles=False)))
    page.set_viewport_size({"width": 320, "height": 800})
    assert _overflow(page) == 0


def _overflow(page: Page) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))

"""Every public page held against every check: readable and usable by all, on any screen, without scripts."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from fastapi.routing import APIRoute
from starlette.routing import Match, Mount

from digest import config
from digest.rendering.environment import template_folders
from digest.web.app import create_app
from tests.browser import axe, page_rows
from tests.browser.page_list import NO_PAGE_TEMPLATES, NO_PAGES, PAGES, Seen
from tests.browser.sites import Site, complaints

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

# The whole of axe-core looks at English by day and at Armenian by night; at the other time it looks at
# colours alone, and only for `make proof`: those take a large part of the judging.
SCHEMES: Final = {"en": ("light", "dark"), "hy": ("dark", "light")}
COLOURS: Final = ("color-contrast", "link-in-text-block")
SCRIPTS: Final = {"edition": ["/static/live.js"]}  # it makes times relative; without it they are there

# In the subject of a mail stands what its sender likes.
BROKEN_WORDS = """() =>
[...document.querySelectorAll("button, a.button, .note :is(h1, h2)")].flatMap(button => {
  const range = document.createRange();
  const walker = document.createTreeWalker(button, NodeFilter.SHOW_TEXT), texts = [];
  while (walker.nextNode()) texts.push(walker.currentNode);
  return texts.flatMap(text => [...text.data.matchAll(/\\S+/g)].filter(word => {
    range.setStart(text, word.index);
    range.setEnd(text, word.index + word[0].length);
    return range.getClientRects().length > 1;
  }).map(word => word[0]));
})"""
SMALL_BUTTONS = """() =>
  [...document.querySelectorAll("button, summary, a.button, input:not([type=hidden])")]
  .filter(each => each.checkVisibility())
  .map(each => each.closest("label") || each)
  .filter(each => each.getBoundingClientRect().height < 44)
  .map(each => each.outerHTML)"""
# What would need a script: a script, a handler, a button that posts nothing, a link that leads nowhere.
WANTS_SCRIPTS = """() => [
  ...[...document.scripts].map(each => each.getAttribute("src") || each.outerHTML),
  ...[...document.querySelectorAll("*")]
    .filter(each => [...each.attributes].some(one => one.name.startsWith("on"))).map(each => each.outerHTML),
  ...[...document.querySelectorAll("button")]
    .filter(each => each.type !== "submit" || each.form?.method !== "post")
    .map(each => each.outerHTML),
  ...[...document.querySelectorAll("a")]
    .filter(each => !/^https?:/.test(each.protocol + "") && each.protocol !== "mailto:")
    .map(each => each.outerHTML),
]"""


@pytest.fixture(scope="module")
def tabs(browser: Browser) -> Iterator[dict[str, Page]]:
    """A tab of a reader of each language. A new one costs more than what is done in it."""
    contexts = {language: browser.new_context(locale=language) for language in SCHEMES}
    for context in contexts.values():
        axe.keep_at_hand(context)
    yield {language: context.new_page() for language, context in contexts.items()}
    for context in contexts.values():
        context.close()


def go_to(page: Page, url: str) -> None:
    """Go to an address; once more where the page before, which renews itself, did so at that very moment."""
    from playwright.sync_api import Error

    try:
        page.goto(url)
    except Error as error:
        if "ERR_ABORTED" not in str(error):
            raise
        page.goto(url)


def open_page(site: Site, page: Page, seen: Seen, language: str) -> tuple[int, str]:
    """Go to a page as a reader does; the status of the last answer, and the path of the page before it."""
    with site.database.write() as session:  # each page is the first that anybody asks for
        page_rows.forget_limits(session)
    statuses = []
    page.on("response", note := lambda answer: statuses.append((answer.request.resource_type, answer.status)))
    path = seen.path(site, language)
    go_to(page, site.url + path)
    if seen.press is not None:
        with page.expect_navigation():
            seen.press(page)
    page.remove_listener("response", note)
    return [status for kind, status in statuses if kind == "document"][-1], path


def is_accessible(page: Page, language: str, *, both_times: bool = False) -> list[Any]:
    """axe-core finds nothing, by day or by night as goes with the language; or at both times."""
    found: list[Any] = []
    times = zip(SCHEMES[language], ((), COLOURS), strict=True)
    for scheme, only in itertools.islice(times, 2 if both_times else 1):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        found += axe.faults(page, only=only)
    return found


def fits_small_screens(page: Page, _: str) -> list[Any]:
    """At 320 pixels nothing is too wide (WCAG 1.4.10), no button small, no word of one broken."""
    page.set_viewport_size({"width": 320, "height": 640})
    found = page.evaluate(BROKEN_WORDS) + page.evaluate(SMALL_BUTTONS)
    return [*found, *too_wide(page)]


def fits_large_letters(page: Page, _: str) -> list[Any]:
    """With letters twice as large (WCAG 1.4.4), on a telephone too."""
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    found = []
    for width in (320, 640):
        page.set_viewport_size({"width": width, "height": 800})
        found += too_wide(page)
    page.evaluate("document.documentElement.style.fontSize = ''")
    return found


def works_without_scripts(page: Page, _: str) -> list[Any]:
    """Nothing in the page waits for a script."""
    return list(page.evaluate(WANTS_SCRIPTS))


def speaks_the_language(page: Page, language: str) -> list[Any]:
    """It says which language it is in, has a title, and one first heading."""
    html = page.locator("html")
    found = [] if html.get_attribute("lang") == language else [html.get_attribute("lang")]
    if page.locator("h1").count() != 1 or not page.title().strip():
        found.append(page.title())
    return found


CHECKS: Final[dict[str, Callable[[Page, str], list[Any]]]] = {
    "language": speaks_the_language,
    "axe-core AA": is_accessible,
    "320 pixels": fits_small_screens,
    "200 % text": fits_large_letters,
    "no scripts": works_without_scripts,
}


def _cases() -> Iterator[Any]:
    """Every page in both languages, at both times; a run tries each in one of them, the next in the other."""
    for number, name in enumerate(PAGES):
        for place, language in enumerate(SCHEMES):
            if number % 2 == place:
                yield pytest.param(name, language, False, id=f"{name}-{language}")
            yield pytest.param(name, language, True, id=f"{name}-{language}-proof", marks=pytest.mark.slow)


@pytest.mark.parametrize(("name", "language", "both_times"), [*_cases()])
def test_a_page_is_for_everybody(
    site: Site, tabs: dict[str, Page], name: str, language: str, *, both_times: bool
) -> None:
    """No check finds anything, and the page breaks no policy of its own."""
    page, seen = tabs[language], PAGES[name]
    page.set_viewport_size({"width": 1000, "height": 800})
    found = complaints(page)
    status, path = open_page(site, page, seen, language)
    assert status == seen.status
    assert f"<!-- made by {seen.template} -->" in page.content()
    assert seen.route == route_of(path)
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    checks = CHECKS | {"axe-core AA": functools.partial(is_accessible, both_times=both_times)}
    faults = {check: wrong for check, look in checks.items() if (wrong := look(page, language))}
    if seen.template in SCRIPTS:
        assert faults.pop("no scripts") == SCRIPTS[seen.template]
    assert faults == {}
    if page.locator("iframe").count() == 0:  # the mail in the frame is not ours
        assert [text for text in found if "Failed to load resource" not in text] == []


@functools.cache
def get_routes() -> dict[str, APIRoute | Mount]:
    """What the application answers to GET, by the routes' paths."""
    folder = Path("unused")
    app = create_app(config.load(data_dir=folder, catcher_dir=folder))
    routes = [each for each in app.routes if isinstance(each, APIRoute | Mount)]
    found = [each for each in routes if isinstance(each, Mount) or "GET" in each.methods]
    # The desk has a table of its own, and tests of its own over it.
    return {each.path: each for each in found if not each.path.startswith("/desk")}


def route_of(path: str) -> str:
    """The route of a path; "" if there is none."""
    scope = {"type": "http", "method": "GET", "path": path.partition("?")[0], "headers": []}
    return next((name for name, route in get_routes().items() if route.matches(scope)[0] is Match.FULL), "")


def test_no_page_is_missing_from_the_list() -> None:
    """Every route that answers to GET and every page's template has its place in the list; none is stale."""
    assert {seen.route for seen in PAGES.values()} - {""} == get_routes().keys() - NO_PAGES.keys()
    assert NO_PAGES.keys() <= get_routes().keys()
    templates = {path.stem for path in (template_folders()[0] / "web" / "public").iterdir()}
    assert {seen.template for seen in PAGES.values()} == templates - NO_PAGE_TEMPLATES.keys()
    assert NO_PAGE_TEMPLATES.keys() <= templates


def too_wide(page: Page) -> list[str]:
    """By how much the page is wider than the screen, if it is."""
    wide, width = page.evaluate("[document.scrollingElement.scrollWidth, innerWidth]")
    return [f"{wide} of {width} pixels"] if wide > width else []

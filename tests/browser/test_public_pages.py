"""The public pages in a real browser: usable by everybody, with and without scripts, and safe."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from digest.models import (
    EditionState,
    Subscription,
    SubscriptionStatus,
)
from tests.browser.page_rows import empty_inbox, hostile_mail
from tests.browser.sites import Site, complaints
from tests.factories.moments import NOW
from tests.integration.web.rows import Scene, make_copy

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Route

pytestmark = pytest.mark.browser

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f64540"
    "0000000049454e44ae426082"
)


def new_context(browser: Browser, *, scripts: bool = True) -> BrowserContext:
    """A fresh reader's browser. Pictures of other hosts are one pixel."""
    opened = browser.new_context(java_script_enabled=scripts)
    opened.route(lambda url: not url.startswith("http://127.0.0.1"), paint)
    opened.set_default_timeout(120_000)
    return opened


@pytest.fixture(scope="module")
def contexts(browser: Browser) -> Iterator[dict[bool, BrowserContext]]:
    """A reader's browser with scripts and one without.

    The tests share the two, for a new one costs more than what most of them do; our pages leave no trace.
    """
    opened = {scripts: new_context(browser, scripts=scripts) for scripts in (True, False)}
    yield opened
    for each in opened.values():
        each.close()


@pytest.fixture
def context(contexts: dict[bool, BrowserContext], request: pytest.FixtureRequest) -> Iterator[BrowserContext]:
    """The one with scripts, unless a test asks for the other; its pages are closed after the test."""
    taken = contexts[getattr(request, "param", True)]
    yield taken
    for page in taken.pages:
        page.close()


def paint(route: Route) -> None:
    route.fulfill(body=PIXEL, content_type="image/png")


def status_of(site: Site, scene: Scene) -> SubscriptionStatus:
    with site.database.read() as session:
        return session.get_one(Subscription, scene.subscription_id).status


@pytest.mark.parametrize(
    "context",
    [True, False],
    ids=["scripts", "no scripts"],
    indirect=True,
)
def test_a_reader_leaves_by_two_presses(site: Site, context: BrowserContext) -> None:
    """Opening the link changes nothing; the one button does, with or without scripts, and sets no cookie."""
    reader = site.new_reader()
    page = context.new_page()
    found = complaints(page)
    page.goto(f"{site.url}/u/{reader.token}")
    page.reload()
    assert status_of(site, reader) is SubscriptionStatus.ACTIVE
    assert page.get_by_role("button").all_inner_texts() == ["Unsubscribe", "Weekly instead", "Pause"]
    page.get_by_role("button", name="Unsubscribe").click()
    page.get_by_role("heading", name="You have left The Daily Courier").wait_for()
    assert status_of(site, reader) is SubscriptionStatus.ENDED
    page.goto(f"{site.url}/u/{reader.token}")
    assert page.get_by_role("heading", level=1).inner_text() == "You have left The Daily Courier"
    assert context.cookies() == []
    assert found == []


@pytest.mark.parametrize(
    "context",
    [True, False],
    ids=["scripts", "no scripts"],
    indirect=True,
)
def test_the_staff_stop_an_edition_by_two_presses(site: Site, context: BrowserContext) -> None:
    """Opening the link changes nothing; the one button stops, without a login."""
    copy = make_copy(site.database, site.settings)
    page = context.new_page()
    found = complaints(page)
    page.goto(site.url + copy.path)
    page.reload()
    assert copy.edition().state is EditionState.FROZEN
    page.get_by_role("button", name="Stop this edition").click()
    page.get_by_role("heading", name="This edition is stopped").wait_for()
    assert copy.edition().state is EditionState.HELD
    assert context.cookies() == []
    assert found == []


def test_the_button_is_reached_and_pressed_by_keyboard(site: Site, context: BrowserContext) -> None:
    """Tab, Enter: it is the first thing there is, and large enough for any thumb."""
    reader = site.new_reader("hy")
    page = context.new_page()
    page.goto(f"{site.url}/u/{reader.token}")
    box = page.get_by_role("button").first.bounding_box()
    assert box is not None
    assert box["height"] >= 44
    assert box["width"] >= 200
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Սուրհանդակը նամակով").wait_for()
    page.wait_for_function("document.querySelector('form').action.includes('/undo/')")
    assert status_of(site, reader) is SubscriptionStatus.ENDED
    assert page.locator("html").get_attribute("lang") == "hy"


def test_an_edition_shows_times_as_of_now(site: Site, browser: Browser) -> None:
    """The edition's one script runs under its policy: what was 3 hours old at the slot is 4 an hour later."""
    context = new_context(browser)  # its clock is set
    page = context.new_page()
    found = complaints(page)
    page.clock.set_fixed_time(NOW + dt.timedelta(hours=1))
    page.goto(f"{site.url}/e/{site.papers['en'].public_id}")
    assert page.get_by_role("heading", level=1).inner_text() == "The Morning Post-Bag"
    assert page.locator("time[data-live]").first.inner_text() == "4 hours ago"
    assert page.get_by_role("img").first.evaluate("image => image.naturalWidth") == 1
    assert found == []
    context.close()


def test_a_caught_mail_can_do_nothing_but_open_its_links(site: Site, context: BrowserContext) -> None:
    """Its scripts, frames and forms are dead; its link opens a page of ours that works, in a new window."""
    reader = site.new_reader()
    name = site.catch(hostile_mail(f"{site.url}/u/{reader.token}"))
    page = context.new_page()
    asked: list[str] = []
    context.on("request", lambda request: asked.append(urlsplit(request.url).query))
    page.goto(f"{site.url}/inbox/{name}")
    frame = page.frame_locator("iframe.mail")
    frame.get_by_role("link", name="Unsubscribe").wait_for()
    frame.get_by_role("button", name="Send").click()
    with context.expect_page() as opened:
        frame.get_by_role("link", name="Unsubscribe").click()
    opened.value.get_by_role("button", name="Unsubscribe").click()
    opened.value.get_by_role("heading", name="You have left").wait_for()
    assert status_of(site, reader) is SubscriptionStatus.ENDED
    assert opened.value.evaluate("document.referrer") in {"", f"{site.url}/u/{reader.token}"}
    page.goto(f"{site.url}/inbox/{name}/html")
    page.goto(f"{site.url}/inbox")
    assert "ran" not in asked


def test_an_inbox_that_waits_shows_the_first_mail(site: Site, context: BrowserContext) -> None:
    """Whoever looks at the empty inbox sees the mail when it comes, without a press."""
    page = context.new_page()
    page.goto(site.url + empty_inbox(site, "en"))
    assert page.get_by_text("Nothing has come yet").is_visible()
    site.catch(hostile_mail("https://news.example.org/"), into="notices")
    page.get_by_role("link", name="Good morning").wait_for()

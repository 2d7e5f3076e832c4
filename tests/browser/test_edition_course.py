"""An edition on its way in a browser: its figures move by themselves, with a stream and without one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import pytest

from digest import clock
from digest.accounts.sessions import open_session
from digest.db import Database
from digest.deliveries import control
from digest.models import AccountRole, Edition, EditionState
from tests.browser.desk_scene import quiet
from tests.browser.sites import complaints
from tests.factories import make_account
from tests.integration.newsroom import make_newsroom
from tests.integration.web.desk.test_edition_course import hand_over
from tests.integration.web.rows import make_settings
from tests.integration.web.served import served
from tests.servers.migrated import migrate

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, BrowserContext, Page

pytestmark = pytest.mark.browser


class Watched(NamedTuple):
    """An edition that is being handed over to four people, and the address of its page."""

    url: str
    database: Database
    edition: int
    token: str

    def open(self, context: BrowserContext) -> Page:
        cookie = {"name": "desk", "value": self.token, "domain": "127.0.0.1", "path": "/desk"}
        context.add_cookies([cookie])  # type: ignore[list-item]
        return context.new_page()

    def pause(self) -> None:
        with self.database.write() as session:
            found = session.get_one(Edition, self.edition)
            control.pause(session, found, actor="cli:nare", now=clock.utc_now())


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    with quiet():  # hints to a broker that is not there would be waited for
        yield from _watched(tmp_path)


def _watched(tmp_path: Path) -> Iterator[Watched]:
    settings = make_settings(tmp_path / "data", f"sqlite:///{tmp_path / 'digest.db'}")
    database = Database(settings.database)
    migrate(database)
    room = make_newsroom(database)
    for _ in range(3):
        room.add_reader()
    room.publish("The harbour", categories=["Commentary"])
    edition = room.edition()
    room.freeze(edition)
    assert room.send(edition) is EditionState.SENDING
    with database.write() as session:
        me = make_account(session, role=AccountRole.ADMIN, password_hash="x")
        token = open_session(session, me, is_whole=True, network="", agent="", now=clock.utc_now())
    with served(settings, tmp_path) as running:
        yield Watched(f"{running.url}/desk/editions/{edition}", database, edition, token)
    database.close()


def figure(page: Page, words: str) -> str:
    return page.locator(f"#way dt:text-is('{words}') + dd").inner_text()


def test_figures_and_buttons_follow_by_the_stream(watched: Watched, context: BrowserContext) -> None:
    """Each change is shown by itself; once it is paused, the page offers what can be done then."""
    page = watched.open(context)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    said = complaints(page)
    page.goto(watched.url)
    page.locator("#way dt:text-is('waiting') + dd:text-is('4')").wait_for()
    hand_over(watched.database, watched.edition, 3)
    page.locator("#way dt:text-is('handed over') + dd:text-is('3')").wait_for()
    assert figure(page, "waiting") == "1"
    watched.pause()
    page.get_by_role("button", name="Go on").wait_for()
    page.locator("summary", has_text="By receiving provider").wait_for()
    assert said == []
    assert any("/stream?" in url for url in asked)


def test_the_detail_follows_the_figures(watched: Watched, context: BrowserContext) -> None:
    """By provider it is told anew when the figures are others; what was folded open stays open."""
    page = watched.open(context)
    said = complaints(page)
    page.goto(watched.url)
    fold = page.locator("#detail [data-fold=providers]")
    fold.locator("summary").click()
    hand_over(watched.database, watched.edition, 3)
    fold.locator("td:nth-child(2):text-is('3')").wait_for()
    assert fold.get_attribute("open") is not None
    assert page.evaluate("document.activeElement.matches('[data-fold=providers] > summary')")
    assert said == []


@pytest.mark.slow
def test_figures_follow_where_there_is_no_stream(watched: Watched, browser: Browser) -> None:
    """A browser or a proxy that knows none: the part asks by itself, and the page comes anew at the end."""
    context = browser.new_context()
    context.set_default_timeout(120_000)
    context.add_init_script("delete window.EventSource")
    page = watched.open(context)
    page.goto(watched.url)
    hand_over(watched.database, watched.edition, 3)
    page.locator("#way dt:text-is('handed over') + dd:text-is('3')").wait_for()
    watched.pause()
    page.get_by_role("button", name="Go on").wait_for()
    context.close()

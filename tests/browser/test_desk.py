"""The desk in a browser: from the first link to signing out, dangerous acts, htmx."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from digest import clock
from digest.accounts import codes
from digest.accounts.sessions import open_session
from digest.accounts.set_up import set_up_link
from digest.db import Database
from digest.models import Account, AccountRole, EditionState, Reason
from tests.browser.sites import complaints
from tests.factories import make_account, make_cadence, make_digest
from tests.integration.web.desk.hands import CHEAP
from tests.integration.web.rows import make_edition, make_settings
from tests.integration.web.served import served
from tests.servers.migrated import migrate

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

pytestmark = pytest.mark.browser

PASSWORD = "five walking green horses"


@dataclass(frozen=True, slots=True)
class House:
    """A running installation, with an admin who is in by `token`."""

    url: str
    database: Database
    token: str
    people: dict[str, int]


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """An installation in which nobody has an account yet."""
    yield from _house(tmp_path_factory.mktemp("empty"), is_peopled=False)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """An installation with people and editions."""
    yield from _house(tmp_path_factory.mktemp("house"), is_peopled=True)


def _house(folder: Path, *, is_peopled: bool) -> Iterator[House]:
    settings = make_settings(folder / "data", f"sqlite:///{folder / 'digest.db'}")
    database = Database(settings.database)
    migrate(database)
    token, people = _people(database) if is_peopled else ("", {})
    with served(settings, folder) as running:
        yield House(running.url, database, token, people)
    database.close()


def _people(database: Database) -> tuple[str, dict[str, int]]:
    now = clock.utc_now()
    with database.write() as session:
        me = make_account(session, "nare@courier.example", role=AccountRole.ADMIN, password_hash=CHEAP)
        codes.offer(session, me, key=b"x" * 32)
        other = make_account(session, "aram@courier.example", name="Aram Petrosian", password_hash=CHEAP)
        gone = make_account(session, "lus@courier.example", name="Lusine", disabled_at=now)
        for state in (EditionState.UPCOMING, EditionState.FROZEN, EditionState.HELD):
            cadence = make_cadence(session, make_digest(session))
            edition = make_edition(session, cadence, state)
            edition.send_at = edition.due_at = now + dt.timedelta(hours=3)
            edition.reason = Reason.UNUSUAL_NEWS if state is EditionState.HELD else None
        for agent in ("Firefox/140 Windows", "Safari iPhone"):
            token = open_session(session, me, is_whole=True, network="192.0.2.1", agent=agent, now=now)
        return token, {
            "me": me.id,
            "other": other.id,
            "gone": gone.id,
            "cadence": cadence.id,
            "digest": cadence.digest_id,
        }


def test_from_the_first_link_to_signing_out(empty: House, context: BrowserContext) -> None:
    """Link, account, in, codes for the telephone, out, in again with a code; nothing breaks a policy."""
    with empty.database.write() as session:
        path = set_up_link(session, public_url="", now=clock.utc_now())
    page = context.new_page()
    found = complaints(page)
    page.goto(empty.url + path)
    page.get_by_label("Your name").fill("Nare Saroyan")
    page.get_by_label("Mail address").fill("nare@courier.example")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password, once more").fill(PASSWORD)
    page.get_by_role("button", name="Make the account").click()
    _sign_in(page)
    page.get_by_role("link", name="Nare Saroyan").click()
    page.get_by_role("button", name="Set it up").click()
    secret = page.locator(".mono").inner_text().replace(" ", "")
    page.get_by_label("Code").fill(codes.code_at(secret, clock.utc_now() - dt.timedelta(seconds=30)))
    page.get_by_role("button", name="Ask for codes").click()
    assert page.locator(".codes li").count() == 10
    page.get_by_role("button", name="Sign out").click()
    _sign_in(page)
    page.get_by_label("Code").fill(codes.code_at(secret, clock.utc_now() + dt.timedelta(seconds=30)))
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("heading", name="What happens next").wait_for()
    page.get_by_role("button", name="Dark colours").click()
    assert page.locator("html").get_attribute("data-bs-theme") == "dark"
    page.get_by_role("button", name="Sign out").click()
    page.get_by_text("You are signed out.").wait_for()
    page.goto(f"{empty.url}/desk")
    assert page.url.startswith(f"{empty.url}/desk/sign-in")
    assert found == []


def _sign_in(page: Page) -> None:
    page.get_by_label("Mail address").fill("nare@courier.example")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def test_a_dangerous_act_asks_first_and_is_left_by_a_key(house: House, context: BrowserContext) -> None:
    """The dialog says with numbers what will happen; Escape leaves everything as it is."""
    context.add_cookies([{"name": "desk", "value": house.token, "domain": "127.0.0.1", "path": "/desk"}])
    with house.database.write() as session:
        session.get_one(Account, house.people["me"]).language = "en"
    page = context.new_page()
    page.goto(f"{house.url}/desk/people/{house.people['other']}")
    page.get_by_role("button", name="Leaves the paper").press("Enter")
    dialog = page.get_by_role("dialog")
    dialog.wait_for()
    assert "0 browsers are signed out at once." in dialog.inner_text()
    assert dialog.locator("form").evaluate("form => form.checkValidity()")  # nobody need take over
    page.keyboard.press("Escape")
    dialog.wait_for(state="hidden")
    with house.database.read() as session:
        assert session.get_one(Account, house.people["other"]).disabled_at is None


def test_htmx_shows_the_token_and_is_led_on(house: House, context: BrowserContext) -> None:
    """A change that htmx sends is known as ours and leads to another page; a filter exchanges rows alone."""
    context.add_cookies([{"name": "desk", "value": house.token, "domain": "127.0.0.1", "path": "/desk"}])
    page = context.new_page()
    found = complaints(page)
    page.goto(f"{house.url}/desk/trail")
    page.evaluate("document.querySelector('h1').dataset.here = 'yes'")
    page.locator("select[name=action]").select_option("account.")
    page.wait_for_url(re.compile(r"action=account\."))
    assert page.locator("h1[data-here]").count() == 1
    with page.expect_navigation(url=f"{house.url}/desk/account"):
        page.evaluate(
            "htmx.ajax('POST', '/desk/account/scheme', {values: {scheme: 'dark', back: '/desk/account'}})"
        )
    assert page.locator("html").get_attribute("data-scheme") == "dark"
    assert found == []

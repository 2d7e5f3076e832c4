"""Signing up in a real browser: by everybody, without scripts, on small screens, in large letters."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from digest import keys
from digest.db import Database
from digest.db.schema import upgrade
from digest.lists.form import open_lists
from digest.lists.manage import ListChanges, set_list
from digest.lists.topics import add_topic
from digest.models import MailingList, Notice, Subscriber, Subscription, SubscriptionStatus
from digest.rendering.sign_up import SignUpPage, plain_form
from digest.web.sign_up_fields import Fields, shown
from tests.factories import make_cadence, make_digest, make_list, make_subscriber, make_subscription
from tests.factories.moments import NOW
from tests.integration.web.rows import make_settings
from tests.integration.web.served import served

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

pytestmark = pytest.mark.browser

AXE = Path(__file__).parents[1] / "vendor" / "axe-core" / "axe.min.js"
SEVERAL = "/s?list=daily&list=weekend"


@dataclass(frozen=True, slots=True)
class Site:
    """A running installation with open lists in English and Armenian."""

    url: str
    database: Database
    token_key: bytes

    def link_for(self, address: str) -> str:
        """The path of the confirmation page that was mailed to an address."""
        with self.database.read() as session:
            query = sa.select(Notice.message).where(Notice.address == address, Notice.kind == "confirm")
            body = message_from_bytes(session.scalars(query).one(), policy=default).get_body(("plain",))
        assert body is not None
        (found,) = re.findall(r"/c/[\w-]+", body.get_content())
        return str(found)

    def statuses(self, address: str) -> list[SubscriptionStatus]:
        with self.database.read() as session:
            query = sa.select(Subscription.status).join(Subscriber).where(Subscriber.address == address)
            return list(session.scalars(query))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("sign-up")
    settings = make_settings(folder / "data", f"sqlite:///{folder / 'digest.db'}")
    database = Database(settings.database)
    upgrade(database)
    with database.write() as session:
        english = make_digest(session, sister_group="courier")
        armenian = make_digest(session, language="hy", title="Սուրհանդակ", sister_group="courier")
        for digest, names, topics in (
            (english, ("every morning, Yerevan time", "Sunday best-of"), ("Culture and books", "Sport")),
            (
                armenian,
                ("ամեն առավոտ, Երևանի ժամանակով", "կիրակնօրյա"),
                ("Մշակույթ և գրականություն", "Սփյուռք"),
            ),
        ):
            for name, cron in zip(names, ("0 7 * * *", "0 9 * * 0"), strict=True):
                make_cadence(session, digest, name, cron=cron)
            for number, title in enumerate(topics):
                add_topic(session, digest, name=f"t{number}", title=title, sections=[title], now=NOW)
        for digest, name, title in (
            (english, "daily", "The Daily Courier"),
            (english, "weekend", "The Weekend Courier"),
            (armenian, "armenian", "Սուրհանդակը նամակով"),
        ):
            set_list(make_list(session, digest, name, title=title), ListChanges(is_open=True))
    with served(settings, folder) as server:
        yield Site(server.url, database, keys.load(settings.secrets_folder).address_key)
    database.close()


@pytest.fixture
def context(browser: Browser, request: pytest.FixtureRequest) -> Iterator[BrowserContext]:
    opened = browser.new_context(**getattr(request, "param", {}))
    opened.set_default_timeout(20_000)
    yield opened
    opened.close()


def pages(site: Site, page: Page) -> Iterator[str]:
    """Each page in its turn, open: forms, a form with a fault, the answers, in both languages."""
    for path in ("/s/daily", SEVERAL, "/s/armenian"):
        page.goto(site.url + path)
        yield path
    for path, language in (("/s/daily", "en"), ("/s/armenian", "hy")):
        page.goto(site.url + path)
        page.locator("form").evaluate("form => form.noValidate = true")
        page.locator("#address").fill("no address " + "x" * 60)
        page.locator("button").click()
        page.get_by_role("alert").wait_for()
        yield f"{path} with a fault"
        address = f"reader.{language}.{page.viewport_size and page.viewport_size['width']}@example.org"
        page.locator("#address").fill(address)
        page.locator("button").click()
        page.wait_for_function("!document.querySelector('form')")
        yield f"{path} taken"
        page.goto(site.url + site.link_for(address))
        yield f"{path} confirm"
        page.locator("button").click()
        page.wait_for_function("!document.querySelector('form')")
        yield f"{path} confirmed"


def note(found: list[str], message: ConsoleMessage) -> None:
    """What a page complains of; that we have no icon is the browser's own question."""
    if message.type == "error" and not message.location["url"].endswith("/favicon.ico"):
        found.append(message.text)


@pytest.mark.parametrize(
    "context",
    [{"java_script_enabled": True}, {"java_script_enabled": False}],
    ids=["scripts", "no scripts"],
    indirect=True,
)
def test_a_reader_signs_up_and_confirms(
    site: Site, context: BrowserContext, request: pytest.FixtureRequest
) -> None:
    """Form, mail, button; with and without scripts, no cookie, no complaint of the policy."""
    found: list[str] = []
    page = context.new_page()
    page.on("console", lambda message: note(found, message))
    address = f"{request.node.callspec.id.replace(' ', '-')}@example.org"
    page.goto(f"{site.url}{SEVERAL}")
    page.get_by_label("Mail address").fill(address)
    page.get_by_role("checkbox", name="Sport").first.check()
    page.get_by_role("radio", name="Weekly").first.check()
    assert page.get_by_label("Leave this empty").is_hidden()
    page.get_by_role("button", name="Sign up").click()
    page.get_by_role("heading", name="Look into your mailbox").wait_for()
    assert site.statuses(address) == [SubscriptionStatus.PENDING] * 2
    page.goto(site.url + site.link_for(address))
    page.reload()
    assert site.statuses(address) == [SubscriptionStatus.PENDING] * 2
    assert page.get_by_role("button").count() == 1
    page.get_by_role("button", name="Yes, I want to receive it").click()
    page.get_by_role("heading", name="Welcome to The Daily Courier, The Weekend Courier").wait_for()
    assert site.statuses(address) == [SubscriptionStatus.ACTIVE] * 2
    assert context.cookies() == []
    assert found == []


@pytest.mark.parametrize("context", [{"color_scheme": "light"}, {"color_scheme": "dark"}], indirect=True)
def test_every_page_is_accessible(site: Site, context: BrowserContext) -> None:
    """axe-core finds nothing at all, in daylight and at night."""
    page = context.new_page()
    dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    page.set_viewport_size({"width": 901 if dark else 900, "height": 700})
    faults = {}
    for name in pages(site, page):
        page.evaluate(AXE.read_text())
        seen = page.evaluate("() => axe.run({resultTypes: ['violations']})")
        assert seen["passes"]
        if seen["violations"]:
            faults[name] = [(each["id"], each["nodes"][0]["html"]) for each in seen["violations"]]
    assert faults == {}


@pytest.mark.parametrize("size", ["16px", "32px"], ids=["plain", "200 %"])
@pytest.mark.parametrize("context", [{"viewport": {"width": 320, "height": 640}}], indirect=True)
def test_nothing_is_wider_than_a_small_screen(site: Site, context: BrowserContext, size: str) -> None:
    """At 320 pixels, and with letters twice as large on a screen twice as wide, nothing scrolls sideways."""
    page = context.new_page()
    width = 320 if size == "16px" else 640
    page.set_viewport_size({"width": width, "height": 640})
    wide = {}
    for name in pages(site, page):
        # The policy forbids styles in the page; a browser's own setting is not bound by it.
        page.evaluate("size => { document.documentElement.style.fontSize = size }", size)
        found = page.evaluate("document.scrollingElement.scrollWidth")
        if found > width:
            wide[name] = found
    assert wide == {}


def test_the_form_is_filled_by_keyboard(site: Site, context: BrowserContext) -> None:
    """Tab, space and Enter; every control is seen to have the focus, the hidden one never gets it."""
    page = context.new_page()
    page.goto(f"{site.url}/s/daily")
    page.locator("nav a").focus()
    names = []
    for _ in range(6):
        page.keyboard.press("Tab")
        focused = "document.activeElement"
        names.append(page.evaluate(f"{focused}.name || {focused}.innerText"))
        assert page.evaluate(f"getComputedStyle({focused}).outlineStyle") == "solid"
        if names[-1] == "address":
            page.keyboard.type("keys@example.org")
    assert names == ["address", "name", "cadence", "topic", "topic", "Sign up"]
    page.locator("button").focus()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Look into your mailbox").wait_for()
    assert site.statuses("keys@example.org") == [SubscriptionStatus.PENDING]


def test_a_copied_form_works_on_another_site(site: Site, context: BrowserContext, tmp_path: Path) -> None:
    """The plain form in a page of the paper's own leads to ours; a known reader sees the same as anybody."""
    with site.database.write() as session:
        (one,) = open_lists(session, ["weekend"])
        person = make_subscriber(session, "known@example.org", address_key=site.token_key)
        make_subscription(session, session.get_one(MailingList, one.id), person)
    form = plain_form(
        SignUpPage(
            one.paper, f"{site.url}/s/weekend", shown(Fields(), [one], is_several=False, now=NOW), "en"
        ),
        "en",
    )
    file = tmp_path / "paper.html"
    file.write_text(f"<!DOCTYPE html><html lang=en><title>Paper</title>{form}", encoding="utf-8")
    seen = set()
    for address in ("copied@example.org", "known@example.org"):
        page = context.new_page()
        page.goto(file.as_uri())
        page.get_by_label("Mail address").fill(address)
        page.get_by_role("button", name="Sign up").click()
        page.get_by_role("heading", name="Look into your mailbox").wait_for()
        seen.add(page.content())
    assert len(seen) == 1

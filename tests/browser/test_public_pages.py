"""The public pages in a real browser: usable by everybody, with and without scripts, and safe."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

import pytest

from digest import keys
from digest.db import Database
from digest.db.schema import upgrade
from digest.lists.permission import start_run
from digest.mail import mailbox
from digest.models import (
    Edition,
    EditionState,
    MailingList,
    PermissionAsk,
    Subscription,
    SubscriptionStatus,
)
from digest.tokens import Claim, Purpose
from tests.browser import axe
from tests.factories.moments import NOW
from tests.integration.web.rows import Scene, make_copy, make_scene, make_settings
from tests.integration.web.served import served

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page, Route

pytestmark = pytest.mark.browser

# A desk by day, a telephone by night.
SCREENS: tuple[tuple[Literal["light", "dark"], int], ...] = (("light", 1000), ("dark", 320))

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f64540"
    "0000000049454e44ae426082"
)


@dataclass(frozen=True, slots=True)
class Site:
    """A running installation with an English and an Armenian digest."""

    url: str
    database: Database
    settings: Any
    english: Scene
    armenian: Scene

    def new_reader(self, language: str = "en") -> Scene:
        """One more digest with a reader who has not left yet."""
        return make_scene(self.database, self.settings, language=language)

    def catch(self, raw: bytes, *, into: str = "inbox") -> str:
        """Keep a mail as the catcher would; its name."""
        folder = self.settings.catcher_dir / into
        return mailbox.store(folder, raw, recipients=["reader@mail.test"], sender="", now=NOW).name

    def stop_pages(self) -> dict[str, str]:
        """What the staff see behind the links of their first copies."""
        made = {
            language: make_copy(self.database, self.settings, language=language) for language in ("en", "hy")
        }
        over = make_copy(self.database, self.settings)
        for copy, state in ((made["hy"], EditionState.SENDING), (over, EditionState.SENT)):
            with self.database.write() as session:
                session.get_one(Edition, copy.edition_id).state = state
        stopped = make_copy(self.database, self.settings, language="hy")
        with self.database.write() as session:
            session.get_one(Edition, stopped.edition_id).state = EditionState.HELD
        return {
            "stop": made["en"].path,
            "Armenian stop": made["hy"].path,
            "nothing to stop": over.path,
            "Armenian stopped": stopped.path,
        }

    def keep_pages(self) -> dict[str, str]:
        """What the long silent see: the question, the thanks, and that it is too late."""
        signer = keys.load(self.settings.secrets_folder).signer
        found = {}
        for language in ("en", "hy"):
            for name in ("keep", "kept", "too late to keep"):
                scene = self.new_reader(language)
                with self.database.write() as session:
                    readers = session.get_one(MailingList, scene.list_id)
                    readers.is_open = True
                    span = dt.timedelta(days=30)
                    run = start_run(
                        session, readers, silent_for=span, answer_within=span, actor="test", now=NOW
                    )
                    ask = PermissionAsk(run_id=run.id, subscription_id=scene.subscription_id, asked_at=NOW)
                    session.add(ask)
                    if name == "kept":
                        ask.answered_at = NOW
                    if name == "too late to keep":
                        subscription = session.get_one(Subscription, scene.subscription_id)
                        subscription.status = SubscriptionStatus.ENDED
                token = signer.sign(Claim(Purpose.KEEP, scene.list_id, scene.subscriber_id))
                found[f"{name} ({language})"] = f"/k/{token}"
        return found

    def pages(self) -> dict[str, str]:
        """One page of each kind."""
        left = self.new_reader()
        mail = self.catch(hostile_mail(f"{self.url}/u/{self.english.token}"))
        return {
            "front": "/",
            "edition": f"/e/{self.english.public_id}",
            "Armenian edition": f"/e/{self.armenian.public_id}",
            "sign-off": f"/u/{self.english.token}",
            "Armenian sign-off": f"/u/{self.armenian.token}",
            "another sign-off": f"/u/{left.token}",
            "link not valid": "/u/other",
            "no such page": "/other",
            "inbox": "/inbox",
            "mail as it looks": f"/inbox/{mail}",
            "mail as text": f"/inbox/{mail}?view=text",
            "mail as source": f"/inbox/{mail}?view=source",
            **self.stop_pages(),
            **self.keep_pages(),
        }


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The installation, served by a process of its own."""
    folder = tmp_path_factory.mktemp("site")
    settings = make_settings(
        folder / "data", f"sqlite:///{folder / 'digest.db'}", catcher_dir=folder / "mail"
    )
    database = Database(settings.database)
    upgrade(database)
    english, armenian = (make_scene(database, settings, language=each) for each in ("en", "hy"))
    with served(settings, folder) as server:
        yield Site(server.url, database, settings, english, armenian)
    database.close()


@pytest.fixture
def pages(site: Site) -> dict[str, str]:
    """One page of each kind, to be looked at only."""
    return site.pages()


def hostile_mail(link: str) -> bytes:
    """A mail with a plain link, and with everything that would like to run."""
    mail = EmailMessage()
    mail["Subject"] = "Good morning <script>fetch('/health?ran')</script>"
    mail["From"], mail["To"] = "news@courier.example", "reader@mail.test"
    mail.set_content("Good morning.\n" + "a-very-long-word" * 40 + "\n")
    mail.add_alternative(
        "<!DOCTYPE html><html lang=en><head><title>Good morning</title><script>fetch('/health?ran')</script>"
        "</head><body onload=\"fetch('/health?ran')\"><img src=x alt='' onerror=\"fetch('/health?ran')\">"
        "<iframe src='/health?ran' title=x></iframe><form action='/health?ran'><button>Send</button></form>"
        f"<p><a href='{link}'>Unsubscribe</a></p></body></html>",
        subtype="html",
    )
    return mail.as_bytes()


def new_context(browser: Browser, *, scripts: bool = True) -> BrowserContext:
    """A fresh reader's browser. Pictures of other hosts are one pixel."""
    opened = browser.new_context(java_script_enabled=scripts)
    opened.route(lambda url: not url.startswith("http://127.0.0.1"), paint)
    opened.set_default_timeout(20_000)
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


def complaints(page: Page) -> list[str]:
    """Everything that the page complains of while it is open, breaches of its policy among them."""
    found: list[str] = []
    page.on("console", lambda message: found.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: found.append(str(error)))
    return found


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
    assert page.get_by_role("button").all_inner_texts() == ["Unsubscribe", "Pause"]
    page.get_by_role("button", name="Unsubscribe").click()
    page.get_by_role("heading", name="You have left The Morning Post-Bag").wait_for()
    assert status_of(site, reader) is SubscriptionStatus.ENDED
    page.goto(f"{site.url}/u/{reader.token}")
    assert page.get_by_role("heading", level=1).inner_text() == "You have left The Morning Post-Bag"
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
    page.get_by_role("heading", name="Առավոտյան պարկ").wait_for()
    page.wait_for_function("document.querySelector('form').action.includes('/undo/')")
    assert status_of(site, reader) is SubscriptionStatus.ENDED
    assert page.locator("html").get_attribute("lang") == "hy"


def test_every_page_is_accessible_and_fits_a_small_screen(
    site: Site, pages: dict[str, str], context: BrowserContext
) -> None:
    """axe-core finds nothing, in daylight and at night, and no page breaks its own policy.

    At 320 pixels no page scrolls sideways, whatever long words a mail has (WCAG 1.4.10). axe looks at each
    page in one of the two: every template is looked at in both in `test_email_looks`.
    """
    page = context.new_page()
    found = complaints(page)
    faults: dict[str, Any] = {}
    for number, (name, path) in enumerate(pages.items()):
        found.clear()
        answer = page.goto(site.url + path)
        wrong: list[Any] = []
        # The mail in the frame is not ours, neither its faults nor its breaches of the policy.
        if answer is not None and answer.ok and name != "mail as it looks":
            wrong += found
        for turn, (scheme, width) in enumerate(SCREENS):
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size({"width": width, "height": 700})
            if number % len(SCREENS) == turn:
                wrong += axe.faults(page)
            if page.evaluate("document.scrollingElement.scrollWidth") > width:
                wrong.append(f"wider than {width} pixels")
        if wrong:
            faults[name] = wrong
    assert faults == {}


BROKEN_WORDS = """() => [...document.querySelectorAll("button, a.button")].flatMap(button => {
  const range = document.createRange();
  const walker = document.createTreeWalker(button, NodeFilter.SHOW_TEXT), texts = [];
  while (walker.nextNode()) texts.push(walker.currentNode);
  return texts.flatMap(text => [...text.data.matchAll(/\\S+/g)].filter(word => {
    range.setStart(text, word.index);
    range.setEnd(text, word.index + word[0].length);
    return range.getClientRects().length > 1;
  }).map(word => word[0]));
})"""


def test_no_word_of_a_button_is_broken(site: Site, pages: dict[str, str], context: BrowserContext) -> None:
    """At 320 pixels the longest Armenian word stands on one line."""
    page = context.new_page()
    page.set_viewport_size({"width": 320, "height": 640})
    for name in ("stop", "Armenian stop", "sign-off", "Armenian sign-off"):
        page.goto(site.url + pages[name])
        assert page.locator("button").count() >= 1, name
        assert page.evaluate(BROKEN_WORDS) == [], name


def test_an_edition_shows_times_as_of_now(site: Site, browser: Browser) -> None:
    """The edition's one script runs under its policy: what was 3 hours old at the slot is 4 an hour later."""
    context = new_context(browser)  # its clock is set
    page = context.new_page()
    found = complaints(page)
    page.clock.set_fixed_time(NOW + dt.timedelta(hours=1))
    page.goto(f"{site.url}/e/{site.english.public_id}")
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
    shutil.rmtree(site.settings.catcher_dir, ignore_errors=True)
    page = context.new_page()
    page.goto(f"{site.url}/inbox")
    assert page.get_by_text("Nothing has come yet").is_visible()
    site.catch(hostile_mail("https://news.example.org/"), into="notices")
    page.get_by_role("link", name="Good morning").wait_for()

"""The public pages in a real browser: usable by everybody, with and without scripts, and safe."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import TYPE_CHECKING, Any
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
from tests.factories.moments import NOW
from tests.integration.web.rows import Scene, make_copy, make_scene, make_settings
from tests.integration.web.served import served

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page, Route

pytestmark = pytest.mark.browser

AXE = Path(__file__).parents[1] / "vendor" / "axe-core" / "axe.min.js"
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f64540"
    "0000000049454e44ae426082"
)


@dataclass(frozen=True, slots=True)
class Site:
    """A running installation with an English and an Armenian digest, and one caught mail."""

    url: str
    database: Database
    settings: Any
    english: Scene
    armenian: Scene
    mail: str

    def new_reader(self, language: str = "en") -> Scene:
        """One more digest with a reader who has not left yet."""
        return make_scene(self.database, self.settings, language=language)

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
            "mail as it looks": f"/inbox/{self.mail}",
            "mail as text": f"/inbox/{self.mail}?view=text",
            "mail as source": f"/inbox/{self.mail}?view=source",
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
        raw = hostile_mail(f"{server.url}/u/{english.token}")
        stored = mailbox.store(
            folder / "mail" / "inbox", raw, recipients=["reader@mail.test"], sender="", now=NOW
        )
        yield Site(server.url, database, settings, english, armenian, stored.name)
    database.close()


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


@pytest.fixture
def context(browser: Browser, request: pytest.FixtureRequest) -> Iterator[BrowserContext]:
    """A fresh reader's browser; a test may ask for options. Pictures of other hosts are one pixel."""
    opened = browser.new_context(**getattr(request, "param", {}))
    opened.route(lambda url: not url.startswith("http://127.0.0.1"), paint)
    opened.set_default_timeout(20_000)
    yield opened
    opened.close()


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
    [{"java_script_enabled": True}, {"java_script_enabled": False}],
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
    assert page.get_by_role("button").count() == 1
    page.get_by_role("button", name="Unsubscribe").click()
    page.get_by_role("heading", name="You have left The Morning Post-Bag").wait_for()
    assert status_of(site, reader) is SubscriptionStatus.ENDED
    page.goto(f"{site.url}/u/{reader.token}")
    assert page.get_by_role("heading", level=1).inner_text() == "You have left The Morning Post-Bag"
    assert context.cookies() == []
    assert found == []


@pytest.mark.parametrize(
    "context",
    [{"java_script_enabled": True}, {"java_script_enabled": False}],
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
    box = page.get_by_role("button").bounding_box()
    assert box is not None
    assert box["height"] >= 44
    assert box["width"] >= 200
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Առավոտյան պարկ").wait_for()
    page.wait_for_function("!document.querySelector('form')")
    assert status_of(site, reader) is SubscriptionStatus.ENDED
    assert page.locator("html").get_attribute("lang") == "hy"


@pytest.mark.parametrize(
    "context",
    [
        {"color_scheme": "light", "viewport": {"width": 1000, "height": 800}},
        {"color_scheme": "dark", "viewport": {"width": 360, "height": 700}},
    ],
    ids=["light", "dark"],
    indirect=True,
)
def test_every_page_is_accessible(site: Site, context: BrowserContext) -> None:
    """axe-core finds nothing, in daylight and at night; and no page breaks its own policy.

    It looks at each page in one of the two: every template is looked at in both in `test_email_looks`.
    """
    page = context.new_page()
    is_dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    found = complaints(page)
    faults: dict[str, Any] = {}
    for number, (name, path) in enumerate(site.pages().items()):
        found.clear()
        answer = page.goto(site.url + path)
        wrong = _violations(page) if number % 2 == is_dark else []
        if answer is not None and answer.ok and name != "mail as it looks":
            wrong += [("complaint", text) for text in found]
        if wrong:
            faults[name] = wrong
    assert faults == {}


def _violations(page: Page) -> list[tuple[str, str]]:
    page.evaluate(AXE.read_text())
    # The mail in the frame is not ours, neither its faults nor its breaches of the policy.
    seen = page.evaluate("() => axe.run({exclude: [['iframe']]}, {resultTypes: ['violations']})")
    assert seen["passes"], page.url
    return [(each["id"], each["nodes"][0]["html"]) for each in seen["violations"]]


@pytest.mark.parametrize("context", [{"viewport": {"width": 320, "height": 640}}], indirect=True)
def test_nothing_is_wider_than_a_small_screen(site: Site, context: BrowserContext) -> None:
    """At 320 pixels no page scrolls sideways, whatever long words a mail has (WCAG 1.4.10)."""
    page = context.new_page()
    wide = {}
    for name, path in site.pages().items():
        page.goto(site.url + path)
        width = page.evaluate("document.scrollingElement.scrollWidth")
        if width > 320:
            wide[name] = width
    assert wide == {}


_BROKEN_WORDS = """() => [...document.querySelectorAll("button, a.button")].flatMap(button => {
  const text = button.firstChild, range = document.createRange();
  return [...text.data.matchAll(/\\S+/g)].filter(word => {
    range.setStart(text, word.index);
    range.setEnd(text, word.index + word[0].length);
    return range.getClientRects().length > 1;
  }).map(word => word[0]);
})"""


@pytest.mark.parametrize("context", [{"viewport": {"width": 320, "height": 640}}], indirect=True)
def test_no_word_of_a_button_is_broken(site: Site, context: BrowserContext) -> None:
    """At 320 pixels the longest Armenian word stands on one line."""
    page = context.new_page()
    pages = site.pages()
    for name in ("stop", "Armenian stop", "sign-off", "Armenian sign-off"):
        page.goto(site.url + pages[name])
        assert page.locator("button").count() == 1, name
        assert page.evaluate(_BROKEN_WORDS) == [], name


def test_an_edition_shows_times_as_of_now(site: Site, context: BrowserContext) -> None:
    """The edition's one script runs under its policy: what was 3 hours old at the slot is 4 an hour later."""
    page = context.new_page()
    found = complaints(page)
    page.clock.set_fixed_time(NOW + dt.timedelta(hours=1))
    page.goto(f"{site.url}/e/{site.english.public_id}")
    assert page.get_by_role("heading", level=1).inner_text() == "The Morning Post-Bag"
    assert page.locator("time[data-live]").first.inner_text() == "4 hours ago"
    assert page.get_by_role("img").first.evaluate("image => image.naturalWidth") == 1
    assert found == []


def test_a_caught_mail_can_do_nothing_but_open_its_links(site: Site, context: BrowserContext) -> None:
    """Its scripts, frames and forms are dead; its link opens a page of ours that works, in a new window."""
    reader = site.new_reader()
    raw = hostile_mail(f"{site.url}/u/{reader.token}")
    folder = site.settings.catcher_dir / "inbox"
    name = mailbox.store(folder, raw, recipients=["reader@mail.test"], sender="", now=NOW).name
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


def test_an_inbox_that_waits_shows_the_first_mail(tmp_path: Path, context: BrowserContext) -> None:
    """Whoever looks at the empty inbox sees the mail when it comes, without a press."""
    settings = make_settings(
        tmp_path / "data", f"sqlite:///{tmp_path / 'x.db'}", catcher_dir=tmp_path / "mail"
    )
    database = Database(settings.database)
    upgrade(database)
    database.close()
    with served(settings, tmp_path) as server:
        page = context.new_page()
        page.goto(f"{server.url}/inbox")
        assert page.get_by_text("Nothing has come yet").is_visible()
        raw = hostile_mail("https://news.example.org/")
        mailbox.store(tmp_path / "mail" / "notices", raw, recipients=["a@mail.test"], sender="", now=NOW)
        page.get_by_role("link", name="Good morning").wait_for()

"""The reader's own pages in a real browser: a whole life without scripts, every page usable by everybody."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
import sqlalchemy as sa

from digest import clock, keys
from digest.db import Database
from digest.db.schema import upgrade
from digest.lists import consent
from digest.lists.fresh_links import FreshKind, fresh_path, make_fresh_link
from digest.lists.goodbye import undo_path
from digest.models import (
    Cadence,
    ConsentEvent,
    Digest,
    MailingList,
    Notice,
    Subscriber,
    Subscription,
    Topic,
)
from tests.browser import axe
from tests.browser.test_public_pages import BROKEN_WORDS, complaints
from tests.factories import make_cadence, make_digest, make_list
from tests.factories.moments import NOW
from tests.integration.web.rows import Scene, make_scene, make_settings
from tests.integration.web.served import served
from tests.integration.web.test_reader import mailed_path

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

pytestmark = pytest.mark.browser

WORDS = {
    "en": ("The Courier in English", "Obituaries, appeals and anniversaries", "Arts and books"),
    "hy": ("Սուրհանդակը հայերեն", "Մահազդներ, կոչեր և հոբելյաններ", "Արվեստ և գրականություն"),
}


@dataclass(frozen=True, slots=True)
class Site:
    """A running installation with an English and an Armenian digest."""

    url: str
    database: Database
    settings: Any

    def new_reader(self, language: str = "en") -> Scene:
        """A reader of a digest of their own: two cadences, a topic, one more list, a sister digest."""
        scene = make_scene(self.database, self.settings, language=language)
        sister, other, topic = WORDS[language]
        with self.database.write() as session:
            mailing_list = session.get_one(MailingList, scene.list_id)
            digest = session.get_one(Digest, mailing_list.digest_id)
            digest.sister_group = f"paper-{digest.id}"
            make_cadence(session, digest, "sunday", cron="0 9 * * 0", zone="America/Los_Angeles")
            session.add(Topic(digest_id=digest.id, name="arts", title=topic, created_at=NOW))
            make_list(session, digest, title=other).is_open = True
            foreign = "hy" if language == "en" else "en"
            twin = make_digest(session, sister_group=digest.sister_group, language=foreign)
            make_cadence(session, twin)
            make_list(session, twin, title=sister).is_open = True
        return scene

    def fresh(self, scene: Scene, kind: FreshKind, **details: str) -> str:
        signer = keys.load(self.settings.secrets_folder).signer
        with self.database.write() as session:
            link = make_fresh_link(session, scene.subscriber_id, kind, now=clock.utc_now(), details=details)
            return fresh_path(signer, link, list_id=scene.list_id)

    def undo(self, scene: Scene) -> str:
        signer = keys.load(self.settings.secrets_folder).signer
        with self.database.read() as session:
            return undo_path(signer, session.get_one(Subscription, scene.subscription_id))

    def pages(self, language: str) -> dict[str, str]:
        """One page of each kind and state."""
        reader, large, left, over = (self.new_reader(language) for _ in range(4))
        taken = self.new_reader(language)
        with self.database.write() as session:
            session.get_one(Subscriber, large.subscriber_id).text_size = "large"  # type: ignore[assignment]
            other = session.get_one(Subscriber, taken.subscriber_id).address or ""
        self.post(f"/u/{large.token}/page", do="pause_until", value="2028-01-31")
        self.post(f"/u/{left.token}", do="")
        used = self.fresh(reader, FreshKind.DATA)
        self.post(used)
        return {
            "reader": f"/u/{reader.token}/page",
            "done": f"/u/{reader.token}/page?done=cadence&was=1",
            "done under more": f"/u/{reader.token}/page?done=large",
            "paused": f"/u/{large.token}/page",
            "left": f"/u/{left.token}/page",
            "sign-off": f"/u/{reader.token}",
            "undo": self.undo(left),
            "nothing to undo": self.undo(over),
            "data": self.fresh(reader, FreshKind.DATA),
            "erase": self.fresh(reader, FreshKind.ERASE),
            "address": self.fresh(reader, FreshKind.ADDRESS),
            "new address": self.fresh(reader, FreshKind.NEW_ADDRESS, address="new@mail.test"),
            "taken address": self.fresh(reader, FreshKind.NEW_ADDRESS, address=other),
            "used": used,
        }

    def post(self, path: str, **fields: str) -> None:
        data = urlencode(fields).encode()
        with urllib.request.urlopen(self.url + path, data=data, timeout=20) as answer:
            answer.read()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The installation, served by a process of its own."""
    folder = tmp_path_factory.mktemp("readers")
    settings = make_settings(folder / "data", f"sqlite:///{folder / 'digest.db'}")
    database = Database(settings.database)
    upgrade(database)
    with served(settings, folder) as server:
        yield Site(server.url, database, settings)
    database.close()


@pytest.fixture
def context(browser: Browser, request: pytest.FixtureRequest) -> Iterator[BrowserContext]:
    """A fresh reader's browser; a test may ask for options."""
    opened = browser.new_context(**getattr(request, "param", {}))
    opened.set_default_timeout(20_000)
    yield opened
    opened.close()


class Life:
    """A reader in a browser, the mails that reach them, and the proof that each step leaves."""

    def __init__(self, site: Site, page: Page) -> None:
        self.site, self.page, self.scene = site, page, site.new_reader()
        self.seen = 1  # the sign-up

    def open(self, path: str) -> None:
        self.page.goto(self.site.url + path)

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name).first.click()

    def says(self, words: str) -> None:
        self.page.get_by_text(words).first.wait_for()

    def left_events(self, *actions: str) -> None:
        """These events and no others have come since the last look, and every chain verifies."""
        with self.site.database.read() as session:
            assert [found for _, bad in consent.verify_all(session) for found in bad] == []
            query = sa.select(ConsentEvent.action).where(
                ConsentEvent.subscription_id == self.scene.subscription_id
            )
            found = list(session.scalars(query.order_by(ConsentEvent.number)))
        assert found[self.seen :] == list(actions)
        self.seen = len(found)

    def mail(self) -> Notice:
        with self.site.database.read() as session:
            return session.scalars(sa.select(Notice).order_by(Notice.id.desc()).limit(1)).one()

    def mailed(self, part: str) -> str:
        """The path of the newest mail's link."""
        return mailed_path(self.mail().message, part)

    def more(self, button: str) -> None:
        self.open(f"/u/{self.scene.token}/page")
        self.page.locator("summary", has_text="More").click()
        self.press(button)


@pytest.mark.parametrize(
    "context", [{"java_script_enabled": False, "viewport": {"width": 320, "height": 640}}], indirect=True
)
def test_a_reader_s_life(site: Site, context: BrowserContext) -> None:
    """Rhythm, pause, another address, my data, leaving, back again, one click, erased; each is proven."""
    page = context.new_page()
    life = Life(site, page)
    url = f"/u/{life.scene.token}/page"

    life.open(url)
    page.reload()
    life.left_events()
    life.press("Weekly")
    life.says("From now on it comes as often as you chose.")
    life.left_events("change")
    page.reload()
    life.left_events()

    life.press("Pause")
    life.says("Nothing comes until you press the button again.")
    life.left_events("pause")
    life.press("Undo")
    life.says("It comes again.")
    life.left_events("resume")

    life.more("Change my address")
    life.says("We have sent a mail with a link")
    life.open(life.mailed("/f/address/"))
    new = f"new{life.scene.subscriber_id}@mail.test"
    page.get_by_label("The new address:").fill(new)
    life.press("Send a mail to the new address")
    life.says("Now look into your new mailbox")
    assert life.mail().address == new
    life.left_events()
    life.open(life.mailed("/f/new-address/"))
    life.press("Yes, send it here")
    life.says("your mail comes to the new address")
    life.left_events("address")

    life.more("Download my data")
    assert life.mail().address == new
    life.open(life.mailed("/f/data/"))
    with page.expect_download() as loading:
        life.press("Download my data")
    assert new in json.dumps(json.loads(loading.value.path().read_text()), ensure_ascii=False)
    life.left_events()

    life.open(f"/u/{life.scene.token}")
    life.press("Unsubscribe")
    life.says("You have left The Morning Post-Bag")
    life.left_events("end")
    page.get_by_label("there was too much mail").check()
    life.press("Tell us")
    life.says("Thank you for telling us.")
    life.left_events("change")
    assert life.mail().kind == "goodbye"
    life.open(life.mailed("/undo/"))
    life.press("Bring it back")
    life.says("Everything is as it was before.")
    life.left_events("revive")

    site.post(f"/u/{life.scene.token}", **{"List-Unsubscribe": "One-Click"})
    life.left_events("end")

    life.open(url)
    page.locator("summary", has_text="More").click()
    life.press("Erase everything about me")
    life.open(life.mailed("/f/erase/"))
    page.get_by_label("write this word").fill("erase")
    life.press("Erase everything about me")
    life.says("You have been erased")
    life.left_events("erase")
    with site.database.read() as session:
        assert session.get_one(Subscriber, life.scene.subscriber_id).address is None
    assert context.cookies() == []


@pytest.mark.parametrize(
    ("language", "context"),
    [
        ("en", {"color_scheme": "light", "viewport": {"width": 1000, "height": 800}}),
        ("hy", {"color_scheme": "dark", "viewport": {"width": 320, "height": 640}}),
    ],
    ids=["English, light", "Armenian, dark, small"],
    indirect=["context"],
)
def test_every_page_is_accessible_small_and_with_large_text(
    site: Site, context: BrowserContext, language: str
) -> None:
    """axe-core finds nothing; at 320 pixels and with text of 200 %, no page is wider than the screen."""
    page = context.new_page()
    found = complaints(page)
    faults: dict[str, Any] = {}
    for name, path in site.pages(language).items():
        found.clear()
        answer = page.goto(site.url + path)
        page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        wrong: list[Any] = [*axe.faults(page)]
        wrong += [text for text in found if answer is not None and answer.ok]
        wrong += page.evaluate(BROKEN_WORDS)
        wrong += [("small", each) for each in page.evaluate(_SMALL_BUTTONS)]
        if _is_too_wide(page):
            wrong.append("too wide")
        size = page.viewport_size
        assert size is not None
        page.set_viewport_size({"width": 640, "height": 800})
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        if _is_too_wide(page):
            wrong.append("too wide with large text")
        page.set_viewport_size(size)
        if wrong:
            faults[name] = wrong
    assert faults == {}


_SMALL_BUTTONS = """() =>
  [...document.querySelectorAll("button, summary, a.button, input:not([type=hidden])")]
  .map(each => each.closest("label.check") || each)
  .filter(each => each.getBoundingClientRect().height < 44)
  .map(each => each.outerHTML)"""


def _is_too_wide(page: Page) -> bool:
    return bool(page.evaluate("document.scrollingElement.scrollWidth > innerWidth"))


def test_robots_and_browsers_that_follow_everything_change_nothing(
    site: Site, context: BrowserContext
) -> None:
    """A scanner with a browser that runs scripts opens each page and each link on it: no row changes."""
    page = context.new_page()
    paths = list(site.pages("en").values())

    def rows() -> list[Any]:
        with site.database.read() as session:
            tables = (Subscription, Subscriber, ConsentEvent, Notice, Cadence)
            return [session.execute(sa.select(table.__table__)).all() for table in tables]

    before = rows()
    for path in paths:
        page.goto(site.url + path)
        links = page.eval_on_selector_all("a[href]", "all => all.map(each => each.href)")
        for link in links:
            if link.startswith(site.url):
                page.goto(link)
    assert rows() == before

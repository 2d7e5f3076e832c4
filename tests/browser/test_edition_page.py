"""The edition page in a browser: by keys alone, by dragging, for everybody; the mail follows each change."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from digest import clock
from digest.accounts.sessions import open_session
from digest.db import Database
from digest.models import Account, AccountRole
from tests.browser import axe
from tests.browser.sites import complaints
from tests.browser.test_every_page import COLOURS, too_wide
from tests.factories import make_account
from tests.integration.newsroom import Newsroom, make_newsroom
from tests.integration.web.rows import make_settings
from tests.integration.web.served import served
from tests.servers.migrated import migrate
from tests.servers.waiting import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

_HOURS = itertools.count(1)  # an edition of its own for each test


@dataclass(frozen=True, slots=True)
class House:
    """A running installation with an editor at a desk, who is in by `token`."""

    url: str
    room: Newsroom
    account: int
    token: str

    def open(self, page: Page) -> int:
        """The page of an edition of its own."""
        edition = self.room.edition(hours=next(_HOURS))
        page.goto(f"{self.url}/desk/editions/{edition}")
        return edition


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("edition")
    settings = make_settings(folder / "data", f"sqlite:///{folder / 'digest.db'}")
    database = Database(settings.database)
    migrate(database)
    room = make_newsroom(database)
    room.publish("The harbour", categories=["Commentary"], body_html="<p>A long day.</p>")
    for hours, title in enumerate(("The bridge", "The choir", "The bakery"), start=1):
        room.publish(title, hours=hours)
    with database.write() as session:
        me = make_account(session, role=AccountRole.ADMIN, password_hash="x")
        token = open_session(session, me, is_whole=True, network="", agent="", now=clock.utc_now())
    with served(settings, folder) as running:
        yield House(running.url, room, me.id, token)
    database.close()


@pytest.fixture
def page(house: House, browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    context.set_default_timeout(120_000)
    cookie = {"name": "desk", "value": house.token, "domain": "127.0.0.1", "path": "/desk"}
    context.add_cookies([cookie])  # type: ignore[list-item]
    axe.keep_at_hand(context)
    yield context.new_page()
    context.close()


def titles(page: Page) -> list[str]:
    return page.locator(".stories .story-title").all_inner_texts()


def in_the_mail(page: Page, words: str) -> None:
    page.frame_locator("#mail").get_by_text(words, exact=True).last.wait_for()


def test_an_edition_is_shaped_by_keys_alone(house: House, page: Page) -> None:
    """Moved, rewritten, taken out and back: the board and the mail follow, the focus stays on the story."""
    found = complaints(page)
    house.open(page)
    assert titles(page) == ["The harbour", "The bridge", "The choir", "The bakery"]
    page.get_by_role("button", name="Down: The bridge").press("Enter")
    page.get_by_text("The story has its place.").wait_for()
    assert titles(page) == ["The harbour", "The choir", "The bridge", "The bakery"]
    assert page.evaluate("document.activeElement.closest('[data-story]')?.innerText.includes('The bridge')")
    story = page.locator("li.story", has_text="The bridge")
    story.get_by_text("Rewrite").press("Enter")
    story.get_by_label("Title").fill("The new bridge")
    story.get_by_label("Title").press("Enter")
    page.get_by_text("The story is rewritten").wait_for()
    in_the_mail(page, "The new bridge")
    page.get_by_role("button", name="Take out: The bakery").press("Enter")
    page.get_by_text("The story is out.").wait_for()
    assert "The bakery" not in titles(page)
    page.get_by_role("button", name="Undo").first.press("Enter")
    page.get_by_text("The change is taken back.").wait_for()
    assert "The bakery" in titles(page)
    page.get_by_label("Subject", exact=True).fill("A bridge, a choir")
    assert page.locator(".inbox-subject").inner_text() == "A bridge, a choir"
    page.get_by_label("Subject", exact=True).press("Enter")
    page.get_by_text("It is written.").wait_for()
    assert found == []


def test_a_finding_is_gone_to_by_keys(house: House, page: Page) -> None:
    """The checks follow each change; Enter on one leads the focus to its field, folds or not."""
    found = complaints(page)
    house.open(page)
    page.get_by_label("Subject", exact=True).fill("A subject that goes on and on " * 4)
    page.get_by_label("Subject", exact=True).press("Enter")
    page.get_by_role("link", name="Go to it: The subject has").press("Enter")
    assert page.evaluate("document.activeElement.id") == "w-subject"
    page.get_by_label("Subject", exact=True).fill("A bridge and a choir")
    page.get_by_label("Subject", exact=True).press("Enter")
    page.get_by_role("link", name="Go to it: The subject has").wait_for(state="detached")
    assert found == []


def test_words_around_the_stories_show_while_they_are_written(house: House, page: Page) -> None:
    """In the mail before anybody has kept them; Tab leads out of the field, and nothing of it is kept."""
    found = complaints(page)
    house.open(page)
    page.locator("summary", has_text="Words below the stories").press("Enter")
    page.get_by_label("Words below the stories").press_sequentially("Until **tomorrow**")
    page.frame_locator("#mail").locator("strong", has_text="tomorrow").wait_for()
    page.locator("summary", has_text="Words on top of the stories").press("Enter")
    words = page.get_by_label("Words on top of the stories")
    words.press_sequentially("Good **evening**")
    page.frame_locator("#mail").locator("strong", has_text="evening").wait_for()
    page.frame_locator("#mail").locator(
        "strong", has_text="tomorrow"
    ).wait_for()  # of the other field, not kept
    words.press("Tab")
    assert page.evaluate("document.activeElement.innerText") == "Keep"
    assert page.evaluate("history.length") <= 2  # the way back leads off the page
    assert found == []


def test_a_story_of_ones_own_is_put_in_by_keys(house: House, page: Page) -> None:
    """Typed, sent by Enter, in its place on the board and in the mail; taken back by the newest Undo."""
    house.open(page)
    page.locator(".own-story > summary").press("Enter")
    page.get_by_label("Title").last.fill("A reading tonight")
    page.get_by_label("Title").last.press("Enter")
    page.get_by_text("The story is in, in this mail alone.").wait_for()
    assert titles(page)[1] == "A reading tonight"
    in_the_mail(page, "A reading tonight")
    page.get_by_role("button", name="Undo").first.press("Enter")
    page.get_by_text("The change is taken back.").wait_for()
    assert "A reading tonight" not in titles(page)


def test_a_story_is_dragged_to_its_place(house: House, page: Page) -> None:
    """Dropped on another place it stands there, on the server too."""
    found = complaints(page)
    edition = house.open(page)
    grips = page.locator(".story-grip")
    grips.nth(2).drag_to(grips.nth(0), target_position={"x": 5, "y": 2})
    page.get_by_text("The story has its place.").wait_for()
    wait_until(lambda: house.room.titles(edition)[1] == "The bakery", what="the place")
    assert titles(page)[1] == "The bakery"
    assert found == []


def test_the_mail_is_looked_at_as_readers_see_it(house: House, page: Page) -> None:
    """As text, dark and wide: the frame follows each choice."""
    house.open(page)
    in_the_mail(page, "The harbour")
    page.get_by_text("Plain text").click()
    page.frame_locator("#mail").locator("pre").wait_for()
    page.get_by_text("Plain text").click()
    # One mail takes the other's place when it is there: for a moment either may be in neither.
    width = "document.getElementById('mail')?.getBoundingClientRect().width"
    wait_until(lambda: 0 < (page.evaluate(width) or 0) <= 390, what="the mail of a telephone")
    page.get_by_text("Computer").click()
    wait_until(lambda: (page.evaluate(width) or 0) > 390, what="the mail of a computer")


def test_what_is_typed_outlives_the_page(house: House, page: Page) -> None:
    """Text that was never kept stands there again when the page is opened anew, or is thrown away."""
    house.open(page)
    subject = page.get_by_label("Subject", exact=True)
    before = subject.input_value()
    subject.fill("Half a thought")
    page.reload()
    page.get_by_text("What you had typed is back.").wait_for()
    assert subject.input_value() == "Half a thought"
    page.get_by_role("button", name="Throw it away").click()
    page.reload()
    assert subject.input_value() == before
    subject.fill("A whole thought")
    subject.press("Enter")
    page.locator(".inbox-subject", has_text="A whole thought").wait_for()
    page.reload()
    assert subject.input_value() == "A whole thought"
    assert page.get_by_text("What you had typed is back.").count() == 0


def test_what_is_typed_outlives_a_lost_connection(house: House, page: Page) -> None:
    """Sent into nothing or refused, it is there again, in this tab alone; once it is taken it is gone."""
    new, title = f"{house.url}/desk/lists/new", page.get_by_label("What readers see")
    page.goto(new)
    title.fill("The readers of the harbour")
    page.get_by_label("Short name").fill("No name")
    page.context.set_offline(True)
    page.get_by_role("button", name="Make the list").click()
    page.wait_for_url("chrome-error://**")
    page.context.set_offline(False)
    for _ in range(2):  # the second time after a refusal
        page.goto(new)
        page.get_by_text("What you had typed is back.").wait_for()
        assert title.input_value() == "The readers of the harbour"
        page.get_by_role("button", name="Make the list").click()
        page.get_by_role("alert").wait_for()
    assert page.evaluate("localStorage.length") == 0
    page.get_by_label("Short name").fill("harbour")
    page.get_by_role("button", name="Make the list").click()
    page.get_by_role("heading", name="The readers of the harbour").wait_for()
    page.goto(new)
    assert title.input_value() == ""
    assert page.get_by_text("What you had typed is back.").count() == 0


@pytest.mark.parametrize("language", ["en", pytest.param("hy", marks=pytest.mark.slow)])
def test_the_edition_page_is_for_everybody(house: House, page: Page, language: str) -> None:
    """axe-core finds nothing by day or by night; nothing is wider than a telephone."""
    with house.room.database.write() as session:
        session.get_one(Account, house.account).language = language
    house.open(page)
    page.locator("details").evaluate_all("all => all.forEach(each => { each.open = true; })")
    wrong: list[object] = []
    for scheme, only in zip(("light", "dark"), ((), COLOURS), strict=True):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        wrong += axe.faults(page, only=only if language == "en" else COLOURS)
    page.set_viewport_size({"width": 360, "height": 700})
    with house.room.database.write() as session:
        session.get_one(Account, house.account).language = "en"
    assert [*wrong, *too_wide(page)] == []

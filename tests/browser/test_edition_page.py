"""The edition page in a browser: by keys alone, by dragging, for everybody; the mail follows each change."""

from __future__ import annotations

import io
import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from PIL import Image

from digest import clock
from digest.accounts.sessions import open_session
from digest.db import Database
from digest.editions.slots import make_next_editions
from digest.models import (
    Account,
    AccountRole,
    Approval,
    AuditEntry,
    Cadence,
    Edition,
    EditionChange,
    EditionState,
    Notice,
    Revision,
    Subscriber,
)
from tests.browser import axe
from tests.browser.desk_scene import quiet
from tests.browser.sites import complaints
from tests.browser.test_every_page import COLOURS, too_wide
from tests.factories import make_account
from tests.integration.newsroom import Newsroom, make_newsroom
from tests.integration.web.rows import make_settings
from tests.integration.web.served import served
from tests.servers.migrated import migrate
from tests.servers.waiting import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import APIResponse, Browser, Page, Request, Route

pytestmark = pytest.mark.browser

_HOURS = itertools.count(1)  # an edition of its own for each test


@dataclass(frozen=True, slots=True)
class House:
    """A running installation with an editor at a desk, who is in by `token`."""

    url: str
    room: Newsroom
    account: int
    token: str

    def state(self, edition: int) -> EditionState:
        with self.room.database.read() as session:
            return session.get_one(Edition, edition).state

    def open(self, page: Page) -> int:
        """The page of an edition of its own."""
        edition = self.room.edition(hours=next(_HOURS))
        page.goto(f"{self.url}/desk/editions/{edition}")
        return edition


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with quiet():  # hints to a broker that is not there would be waited for
        yield from _house(tmp_path_factory.mktemp("edition"))


def _house(folder: Path) -> Iterator[House]:
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


@pytest.mark.slow
def test_stories_are_featured_put_in_and_given_a_picture_by_keys(house: House, page: Page) -> None:
    """Each by Enter; whoever has pressed stays at the stories, also where the button is gone by then."""
    found = complaints(page)
    house.open(page)
    page.get_by_role("button", name="Feature: The bridge").press("Enter")
    page.get_by_text("The story has its place.").wait_for()
    assert page.locator(".featured .story-title").all_inner_texts() == ["The bridge"]
    assert focused(page, "The bridge")
    page.get_by_role("button", name="Take out: The bakery").press("Enter")
    page.get_by_text("The story is out.").wait_for()
    assert focused(page, "Stories")
    page.locator(".out > summary").press("Enter")
    page.locator(".out li", has_text="The bakery").get_by_role("button", name="Put it in").press("Enter")
    page.get_by_text("The story is in.").wait_for()
    assert "The bakery" in titles(page)
    assert focused(page, "The bakery")
    story = page.locator("li.story", has_text="The bridge")
    story.locator("summary", has_text="Picture").press("Enter")
    drawn = io.BytesIO()
    Image.new("RGB", (640, 360), "#2255aa").save(drawn, "PNG")
    story.get_by_label("Another picture").set_input_files(
        {"name": "bridge.png", "mimeType": "image/png", "buffer": drawn.getvalue()}
    )
    story.get_by_label("What it shows").fill("A bridge at noon")
    story.get_by_label("What it shows").press("Enter")
    page.frame_locator("#mail").get_by_alt_text("A bridge at noon").wait_for()
    story.locator("summary", has_text="Picture").press("Enter")
    story.get_by_role("button", name="Without a picture").press("Enter")
    page.frame_locator("#mail").get_by_alt_text("A bridge at noon").wait_for(state="detached")
    # The mail has the picture at the public address, which is not this server's.
    assert [text for text in found if "Failed to load resource" not in text] == []


def test_the_mail_is_looked_at_and_as_another_reader_by_keys(house: House, page: Page) -> None:
    """Arrows and the space bar choose a look; an address and Enter, a reader; who gets none is told of."""
    found = complaints(page)
    edition = house.open(page)
    in_the_mail(page, "The harbour")
    asked = "document.getElementById('mail')?.src ?? ''"
    page.get_by_label("Telephone").press("ArrowRight")
    wait_until(lambda: "width=desktop" in page.evaluate(asked), what="the mail of a computer")
    for name, said in (
        ("Dark", "scheme=dark"),
        ("Larger text", "size=large"),
        ("No pictures", "pictures=no"),
    ):
        page.get_by_role("checkbox", name=name).press("Space")
        wait_until(lambda said=said: said in page.evaluate(asked), what=name)  # type: ignore[misc]
    with house.room.database.read() as session:
        reader = session.scalars(sa.select(Subscriber).where(Subscriber.address.is_not(None))).first()
    assert reader is not None
    page.get_by_label("See it as another reader").fill(reader.address or "")
    page.get_by_label("See it as another reader").press("Enter")
    page.wait_for_url(f"**/editions/{edition}?as={reader.id}")
    assert page.locator("#look-as").input_value() == str(reader.id)
    assert f"as={reader.id}" in page.evaluate(asked)
    page.get_by_label("See it as another reader").fill("nobody@example.org")
    page.get_by_label("See it as another reader").press("Enter")
    page.get_by_text("Nobody with this address gets this edition.").wait_for()
    assert found == []


def asked_first(page: Page, name: str, confirm: str) -> None:
    """A dialog by keys: it has the focus while it is open, gives it back to its button, and acts by Enter."""
    opener = page.locator("[command=show-modal]", has_text=name)
    for key in ("Enter", "Space"):
        opener.press(key)
        page.locator("dialog[open]").wait_for()
        assert page.evaluate("document.activeElement.closest('dialog[open]') !== null")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.closest('dialog[open]') !== null")
        page.keyboard.press("Escape")
        page.locator("dialog[open]").wait_for(state="detached")
        assert page.evaluate("document.activeElement.innerText.trim()") == name
    opener.press("Enter")
    page.locator("dialog[open]").get_by_role("button", name=confirm).press("Enter")


def test_an_edition_is_held_and_left_out_by_keys(house: House, page: Page) -> None:
    """A button that takes nothing away acts at once; one that does asks first."""
    edition = house.open(page)
    page.get_by_role("button", name="Hold", exact=True).press("Enter")
    page.get_by_text("The edition is held.").wait_for()
    assert house.state(edition) is EditionState.HELD
    asked_first(page, "Do not send this one", "Leave it out")
    page.get_by_text("The edition is left out").wait_for()
    assert house.state(edition) is EditionState.SKIPPED


@pytest.mark.slow
def test_the_course_of_an_edition_is_run_by_keys_alone(house: House, page: Page) -> None:
    """A date is skipped, the next one approved, paused, let go on, paused and stopped for good."""
    room = another_room(house, is_running=True, wants_approval=True)
    found = complaints(page)
    with room.database.write() as session:
        make_next_editions(session, now=room.now)
        of_room = sa.select(Edition).where(Edition.cadence_id == room.cadence_id)
        edition = session.scalars(of_room).one().id
        due_at = session.get_one(Edition, edition).due_at
    page.goto(f"{house.url}/desk/editions/{edition}")
    asked_first(page, "Skip this date", "Skip this date")
    page.get_by_text("Skipped before it").wait_for()
    with room.database.read() as session:
        assert session.get_one(Edition, edition).due_at > due_at
    room.freeze(edition)
    unapproved(room, edition)
    page.reload()
    page.get_by_role("button", name="Approve").press("Enter")
    page.get_by_text("Approved: exactly this content goes out.").wait_for()
    assert room.send(edition) is EditionState.SENDING
    page.reload()
    page.get_by_role("button", name="Pause", exact=True).press("Enter")
    page.get_by_text("The edition is paused").wait_for()
    page.get_by_role("button", name="Go on", exact=True).press("Enter")
    page.get_by_text("It goes on with those who wait.").wait_for()
    assert house.state(edition) is EditionState.SENDING
    asked_first(page, "Stop for good", "Stop it for good")
    page.get_by_text("The edition is stopped for good.").wait_for()
    assert house.state(edition) is EditionState.CANCELLED
    assert found == []


def test_a_double_click_is_one_act(house: House, page: Page) -> None:
    """Of a button that sends mail, and of the approval: by the rows that are there afterwards."""
    room = another_room(house, wants_approval=True)
    edition = room.edition()
    room.freeze(edition)
    unapproved(room, edition)
    page.goto(f"{house.url}/desk/editions/{edition}")
    posts = watched_posts(page)
    page.get_by_role("button", name="Approve").dblclick()
    page.get_by_text("Approved: this content goes out").wait_for()
    page.get_by_role("button", name="Send me a test mail").dblclick()
    page.get_by_text("The test mail is on its way.").wait_for()
    assert len(posts) == 2
    with room.database.read() as session:
        done = sa.select(AuditEntry.action).where(
            AuditEntry.target_kind == Edition.__name__, AuditEntry.target_id == edition
        )
        actions = Counter(session.scalars(done))
        assert (actions["edition.approve"], actions["edition.test"]) == (1, 1)
        approvals = sa.select(sa.func.count()).where(Approval.edition_id == edition)
        mails = sa.select(sa.func.count()).where(Notice.key.startswith(f"test:{edition}:"))
        assert (session.scalar(approvals), session.scalar(mails)) == (1, 1)


@pytest.mark.slow
def test_the_way_back_sends_nothing_twice_and_keeps_what_was_typed(house: House, page: Page) -> None:
    """Neither after a press that brought a page nor after a change in place; forward neither."""
    edition = house.open(page)
    posts = watched_posts(page)
    story = page.locator("li.story", has_text="The choir")
    story.get_by_text("Rewrite").press("Enter")
    story.get_by_label("Title").fill("The choir sings")
    story.get_by_label("Title").press("Enter")
    page.get_by_text("The story is rewritten").wait_for()
    story = page.locator("li.story", has_text="The choir sings")
    if not story.get_by_label("Excerpt").is_visible():
        story.get_by_text("Rewrite").press("Enter")
    story.get_by_label("Excerpt").fill("Nobody has kept this yet.")
    page.get_by_role("button", name="Hold", exact=True).press("Enter")
    page.get_by_text("The edition is held.").wait_for()
    page.get_by_role("link", name="What happens next").first.click()
    page.wait_for_url("**/desk")
    for step in (page.go_back, page.go_back, page.go_forward):
        step()
        if "/editions/" not in page.url:
            continue
        story.get_by_label("Excerpt").wait_for()
        assert story.get_by_label("Excerpt").input_value() == "Nobody has kept this yet."
        assert story.get_by_label("Title").input_value() == "The choir sings"
    assert posts == [f"/desk/editions/{edition}/rewrite", f"/desk/editions/{edition}/hold"]
    with house.room.database.read() as session:
        changes = sa.select(sa.func.count()).where(EditionChange.edition_id == edition)
        assert session.scalar(changes) == 1


def watched_posts(page: Page) -> list[str]:
    """The paths of whatever is sent from here on, but for looks at the mail."""
    posts: list[str] = []
    page.on(
        "request",
        lambda asked: posts.append(urlsplit(asked.url).path) if asked.method == "POST" else None,
    )
    return posts


def another_room(house: House, **values: object) -> Newsroom:
    """Another digest of the house, with a rhythm of its own."""
    room = make_newsroom(house.room.database, f"evening-{next(_HOURS)}")
    room.publish(f"Dusk {room.digest_id}", categories=["Commentary"], body_html="<p>A long day.</p>")
    room.publish(f"Lamps {room.digest_id}", hours=1)
    with room.database.write() as session:
        cadence = session.get_one(Cadence, room.cadence_id)
        cadence.slots_after = room.now
        for name, value in values.items():
            setattr(cadence, name, value)
    return room


def unapproved(room: Newsroom, edition: int) -> None:
    """As the freeze leaves it where somebody has to approve it."""
    with room.database.write() as session:
        revision = session.get_one(Revision, session.get_one(Edition, edition).revision_id)
        revision.approved_at, revision.approved_by = None, ""


def focused(page: Page, words: str) -> bool:
    """Whether the focus is at what has these words: a story, or a heading."""
    at = "const at = document.activeElement; return (at.closest('[data-story]') ?? at).innerText"
    return words in page.evaluate(f"(() => {{ {at} }})()") and page.evaluate(
        "document.activeElement !== document.body"
    )


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


def held_back(
    page: Page, wanted: Callable[[Request, int], bool]
) -> tuple[list[tuple[Route, APIResponse]], Callable[[int], None]]:
    """Keep back the `wanted` answers about checks (it is told how many are kept), and what lets one go."""
    held: list[tuple[Route, APIResponse]] = []

    def hold(route: Route) -> None:
        if wanted(route.request, len(held)):
            held.append((route, route.fetch()))
        else:
            route.continue_()

    def answer(number: int) -> None:
        route, response = held[number]
        with page.expect_event("requestfinished", lambda request: request == route.request):
            route.fulfill(response=response)

    page.route("**/checks", hold)
    return held, answer


@pytest.mark.parametrize("turned", [False, True], ids=["in order", "out of order"])
def test_slow_checks_do_not_hide_newer_ones(house: House, page: Page, *, turned: bool) -> None:
    """What was on its way when the subject was changed stands in the way of nothing that came after it."""
    found = complaints(page)
    held, answer = held_back(page, lambda _request, kept: kept < 2)
    house.open(page)
    wait_until(lambda: bool(page.evaluate("1")) and len(held) == 1, what="the checks of the page")
    page.get_by_label("Subject", exact=True).fill("A subject that goes on and on " * 4)
    page.get_by_label("Subject", exact=True).press("Enter")
    page.get_by_text("It is written.").wait_for()
    link = page.get_by_role("link", name="Go to it: The subject has")
    if turned:
        wait_until(lambda: bool(page.evaluate("1")) and len(held) == 2, what="the checks of the change")
        answer(1)
        link.wait_for()
        answer(0)
        page.wait_for_timeout(200)
    else:
        answer(0)
        wait_until(lambda: bool(page.evaluate("1")) and len(held) == 2, what="the checks of the change")
        answer(1)
    link.wait_for()
    assert found == []


def test_an_old_look_at_links_does_not_hide_newer_checks(house: House, page: Page) -> None:
    """It takes seconds, and what was changed meanwhile is looked at sooner."""
    found = complaints(page)
    held, answer = held_back(page, lambda request, _kept: request.method == "POST")
    house.open(page)
    page.get_by_role("button", name="Look at links and pictures now").click()
    wait_until(lambda: bool(page.evaluate("1")) and bool(held), what="the look")
    page.get_by_label("Subject", exact=True).fill("A subject that goes on and on " * 4)
    page.get_by_label("Subject", exact=True).press("Enter")
    link = page.get_by_role("link", name="Go to it: The subject has")
    link.wait_for()
    answer(0)
    page.wait_for_timeout(200)
    assert link.is_visible()
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
    grips.nth(0).evaluate("grip => grip.scrollIntoView({ block: 'center' })")  # both are to be in sight
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
    page.get_by_text("It is written.").wait_for()
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

"""Three days of a newsroom, in browsers, with the real site, worker tasks, mails and clock."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from digest import clock
from digest.accounts.set_up import set_up_link
from digest.deliveries import plan
from digest.models import Cadence, DeliveryStatus, Digest, Edition, EditionState, MailingList
from tests.browser.three_days import House, Person, body, opened

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.browser, pytest.mark.slow]

BEGIN = dt.datetime(2026, 3, 3, 9, tzinfo=dt.UTC)  # a Tuesday
S, D = EditionState, DeliveryStatus
READERS = [f"r{number:02}@mail.test" for number in range(30)]
IMPORTED = [f"p{number:05}@mail.test" for number in range(10_000)]
ENDED = IMPORTED[100]
FIRST = 20  # readers who are handed an edition at once on the second day, and on the third:
MORE = 500
SPREAD = dt.timedelta(minutes=30)  # the rest within this


@pytest.fixture
def house(
    database_url: str, redis_url: str, browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[House]:
    with opened(tmp_path, database_url, browser, monkeypatch, broker_url=redis_url, begin=BEGIN) as made:
        yield made


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of the kind that the test asks for."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'digest.db'}"
    return str(request.getfixturevalue("postgres_url"))


@dataclass
class Newsroom:
    """Whoever works here, and what they work on."""

    nare: Person  # an admin
    aram: Person  # an editor
    lusine: Person  # an approver
    digest: int
    digest_name: str
    edition: int  # the present one
    list: int


@pytest.mark.parametrize(
    "database_url",
    [pytest.param("sqlite", id="SQLite"), pytest.param("postgresql", id="PostgreSQL")],
    indirect=True,
)
def test_three_days_of_a_newsroom(house: House, tmp_path: Path) -> None:
    """From the first link to ten thousand readers: what goes out was approved, and nobody gets it twice."""
    room = make_a_digest(house, come_in(house))
    import_file(house, room, tmp_path, READERS)
    shape(room)
    go_out_approved(house, room)
    begin_the_second_day(house, room)
    change_what_is_approved(house, room)
    correct_on_the_way(house, room)
    bring_thousands(house, room, tmp_path)
    leave_out_who_ended(house, room)
    for each in house.people:
        assert each.complaints == []


# The first day.


def come_in(house: House) -> Person:
    """The first account, by the link that `digest up` prints."""
    with house.database.write() as session:
        path = set_up_link(session, public_url="", now=clock.utc_now())
    nare = house.person("nare@courier.example")
    nare.open(path)
    nare.fill("Your name", "Nare Saroyan")
    nare.fill("Mail address", nare.address)
    nare.choose_password()
    nare.press("Make the account")
    nare.sign_in()
    return nare


def make_a_digest(house: House, nare: Person) -> Newsroom:
    """The address of the site is pasted; what stands there then is an edition of its stories."""
    nare.follow("Digests")
    nare.follow("Make a digest")
    nare.fill("Address of the site", house.site_url)
    nare.press("Look at the site")
    nare.page.get_by_label("Sender's address").fill("news@courier.example")
    nare.page.get_by_label("Postal address").fill("1 Mill Lane, Springdale")
    nare.press("Show me the first edition")
    nare.says("this is its first edition")
    house.command("transport", "test", "catcher", "--to", nare.address)
    with house.database.read() as session:
        edition = session.get_one(Edition, int(nare.page.url.rpartition("/")[2]))
        digest = session.get_one(Digest, session.get_one(Cadence, edition.cadence_id).digest_id)
        readers = session.scalars(sa.select(MailingList.id).where(MailingList.digest_id == digest.id)).one()
    nare.open(f"/desk/cadences/{edition.cadence_id}")
    nare.page.locator("summary").first.click()
    nare.page.get_by_label("Somebody has to approve each edition").check()
    nare.press("Save")
    nare.says("Saved.")
    aram = invite(house, nare, "Aram Petrosian", "editor", digest.title)
    lusine = invite(house, nare, "Lusine Hakobian", "approver")
    return Newsroom(nare, aram, lusine, digest.id, digest.name, edition.id, readers)


def invite(house: House, nare: Person, name: str, role: str, digest: str = "") -> Person:
    """A colleague follows the link of the mail, and is in with a password of their own."""
    made = house.person(f"{name.split(maxsplit=1)[0].lower()}@courier.example")
    nare.open("/desk/people/new")
    nare.fill("Name", name)
    nare.fill("Mail address", made.address)
    nare.page.get_by_role("radio", name=role).check()
    if digest:
        nare.page.get_by_label(digest).check()
    nare.press("Invite")
    nare.says(name)
    house.work()
    made.open(house.mailed(made.address, "/desk/join/"))
    made.choose_password()
    made.press("Keep this password")
    made.sign_in()
    return made


def import_file(house: House, room: Newsroom, folder: Path, addresses: Sequence[str]) -> None:
    file = folder / f"{len(addresses)}.csv"
    file.write_text("\n".join(["address", *addresses]) + "\n", encoding="utf-8")
    nare = room.nare
    nare.open(f"/desk/lists/{room.list}/import")
    nare.page.get_by_label("The file", exact=True).set_input_files(file)
    nare.press("Look at it")
    basis = nare.page.get_by_label("How and when did they agree to get this by mail?")
    basis.fill("Signed the card at the counter.")
    nare.press("See what would be done")
    nare.says("All lines are looked at")
    house.work()  # the page looks again by itself
    nare.press(re.compile(rf"^Import {len(addresses):,} people".replace(",", ",?")))
    nare.says("People come in")
    house.work()
    nare.says("What was done")
    done = nare.page.locator("dl div, dl").filter(has_text="new on the list").first
    assert f"{len(addresses):,}" in done.inner_text()


def shape(room: Newsroom) -> None:
    """A story is moved, one is rewritten, and words of the desk's own stand on top."""
    aram = room.aram
    aram.open(f"/desk/editions/{room.edition}")
    titles = aram.page.locator(".stories .story-title").all_inner_texts()
    aram.press(f"Down: {titles[1]}")
    aram.says("The story has its place.")
    story = aram.page.locator("li.story", has_text=titles[2])
    story.get_by_text("Rewrite", exact=True).click()
    story.get_by_label("Title").fill("A title of our own")
    story.get_by_role("button", name="Keep", exact=True).click()
    aram.says("The story is rewritten")
    aram.page.locator("summary", has_text="Words on top").click()
    aram.page.get_by_role("textbox", name="Words on top of the stories").fill("A word from **Aram**.")
    aram.page.locator("details.more-words[open]").get_by_role("button", name="Keep", exact=True).click()
    aram.says("It is written.")
    shaped = aram.page.locator(".stories .story-title").all_inner_texts()
    assert shaped == [titles[0], "A title of our own", titles[1], *titles[3:]]


def go_out_approved(house: House, room: Newsroom) -> None:
    """The approver says yes by the link of the mail on her telephone; everybody gets what she saw."""
    house.wait_for(house.lock_time(room.edition))
    assert house.edition(room.edition).state is S.FROZEN
    approve_by_mail(house, room)
    house.wait_for(house.edition(room.edition).send_at)
    assert house.edition(room.edition).state is S.SENT
    assert house.ledger(room.edition) == {D.SENT: len(READERS)}
    mails = house.caught("mail.test")
    assert sorted(mail["Delivered-To"] for mail in mails) == READERS
    for mail in mails:
        assert "A title of our own" in body(mail, "html")
        assert "A word from Aram." in body(mail, "html").replace("<strong>", "").replace("</strong>", "")
    room.aram.sign_in()  # a night has gone by
    room.aram.open(f"/desk/editions/{room.edition}")
    assert figure(room.aram, "handed over") == len(READERS)


def approve_by_mail(house: House, room: Newsroom) -> str:
    """By the link of the newest mail to the approver, which is returned."""
    path = house.mailed(room.lusine.address, "/proof/.*do=approve")
    room.lusine.open(path)
    room.lusine.press("Approve")
    room.lusine.says("This edition is approved")
    return path


def figure(person: Person, words: str) -> int:
    """One of the figures of the edition page that is open."""
    found = person.page.locator(".way-figures div", has=person.page.get_by_text(words, exact=True))
    return int(found.locator("dd").inner_text().replace(",", ""))


# The second day.


def begin_the_second_day(house: House, room: Newsroom) -> None:
    """The site goes on, an edition is made of it by itself, and everybody comes in anew."""
    with house.database.read() as session:
        cadence = session.get_one(Cadence, session.get_one(Edition, room.edition).cadence_id)
    minutes = f"{int(SPREAD.total_seconds()) // 60}m"
    house.command("cadence", "set", room.digest_name, cadence.name, "--spread", minutes)
    next_morning(house, room)


def next_morning(house: House, room: Newsroom) -> None:
    room.edition = house.next_edition(room.edition)
    for person in house.people:
        person.close()
    house.clock.move_to(house.lock_time(room.edition) - dt.timedelta(hours=1))
    for _ in range(4):
        house.newspaper.publish_next(clock.utc_now())
    house.wait_for(house.lock_time(room.edition))
    assert house.edition(room.edition).state is S.FROZEN
    for person in (room.nare, room.aram, room.lusine):
        person.sign_in()


def change_what_is_approved(house: House, room: Newsroom) -> None:
    """The editor changes what the approver has approved: she sees what is otherwise, and looks anew."""
    first = approve_by_mail(house, room)
    aram, lusine = room.aram, room.lusine
    aram.open(f"/desk/editions/{room.edition}")
    aram.press("Hold")
    aram.says("The edition is held.")
    story = aram.page.locator("li.story").nth(1)
    title = story.locator(".story-title").inner_text()
    story.get_by_text("Rewrite", exact=True).click()
    story.get_by_label("Title").fill("Not what was approved")
    story.get_by_role("button", name="Keep", exact=True).click()
    aram.says("The story is rewritten")
    aram.press("Let it go on")
    aram.says("The edition goes on")
    house.work()
    assert house.edition(room.edition).state is S.FROZEN
    lusine.open(first)
    lusine.says("It has changed since")
    lusine.says("Not what was approved")
    assert title in lusine.page.locator("main").inner_text()
    lusine.open(f"/desk/editions/{room.edition}")
    lusine.page.get_by_role("heading", name="Changed since it was approved").wait_for()
    was, now = lusine.page.locator(".diff-text").all_inner_texts()
    assert title.split()[-1] in was
    assert "approved" in now
    lusine.says("Aram Petrosian rewrote a story")
    lusine.press("Approve the new version")
    lusine.says("Approved: this content goes out, and no other.")


def correct_on_the_way(house: House, room: Newsroom) -> None:
    """Some have it when a wrong title is seen: they keep it, the rest get the corrected one, nobody both."""
    aram, lusine, before = room.aram, room.lusine, len(house.caught("mail.test"))
    send_at = house.edition(room.edition).send_at
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan, "BATCH_SIZE", FIRST)
        house.wait_for(send_at)
    assert house.ledger(room.edition) == {D.SENT: FIRST, D.PENDING: len(READERS) - FIRST}
    aram.open(f"/desk/editions/{room.edition}")
    assert figure(aram, "handed over") == FIRST
    aram.press("Pause and correct")
    aram.page.get_by_role("heading", name="Correct and go on").wait_for()
    wrong = aram.page.get_by_label("Title", exact=True).nth(1)
    assert wrong.input_value() == "Not what was approved"
    wrong.fill("What is right")
    aram.press("Make the new version")
    aram.says("It waits for approval.")
    house.wait_for(send_at + SPREAD)
    assert house.ledger(room.edition)[D.SENT] == FIRST  # nobody gets what nobody has approved
    lusine.open(f"/desk/editions/{room.edition}")
    lusine.press(re.compile(f"^Approve and go on: {len(READERS) - FIRST} people"))
    lusine.says("It goes on")
    house.work()
    assert house.edition(room.edition).state is S.SENT
    assert house.ledger(room.edition) == {D.SENT: len(READERS)}
    mails = house.caught("mail.test")[before:]
    assert sorted(mail["Delivered-To"] for mail in mails) == READERS
    titles = ["What is right" in body(mail, "html") for mail in mails]
    assert titles == ["Not what was approved" not in body(mail, "html") for mail in mails]
    assert titles == [False] * FIRST + [True] * (len(READERS) - FIRST)


# The third day.


def bring_thousands(house: House, room: Newsroom, folder: Path) -> None:
    """The admin imports a file of ten thousand, finds one who has called, and takes them off."""
    next_morning(house, room)
    nare = room.nare
    import_file(house, room, folder, IMPORTED)
    nare.open("/desk/subscribers")
    nare.fill("Address", ENDED)
    nare.press("Find")
    nare.follow(ENDED)
    nare.press("End")
    dialog = nare.page.get_by_role("dialog")
    dialog.get_by_role("radio", name="by phone").check()
    dialog.get_by_role("button", name="Take them off").click()
    nare.says("ended")


def leave_out_who_ended(house: House, room: Newsroom) -> None:
    """The next edition is for all but whoever was taken off: their neighbours of the file get it."""
    before = len(house.caught("mail.test"))
    approve_by_mail(house, room)
    house.wait_for(house.edition(room.edition).send_at)
    everybody = len(READERS) + len(IMPORTED) - 1
    assert house.ledger(room.edition) == {D.SENT: MORE, D.PENDING: everybody - MORE}
    assert ENDED not in house.people_of(room.edition)
    got = [mail["Delivered-To"] for mail in house.caught("mail.test")[before:]]
    assert sorted(got) == sorted({*READERS, *IMPORTED[: MORE - len(READERS) + 1]} - {ENDED})
    room.nare.open(f"/desk/editions/{room.edition}")
    assert figure(room.nare, "handed over") == MORE

"""The edition page: stories with their reasons, acts that change them, and the very mail beside them."""

from __future__ import annotations

import re
from typing import NamedTuple

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from digest import clock
from digest.db import Database
from digest.models import (
    Account,
    AccountDigest,
    AccountRole,
    Cadence,
    Digest,
    Edition,
    EditionState,
    Notice,
    Revision,
    Subscriber,
    TextSize,
)
from tests.factories import make_account
from tests.integration.newsroom import Newsroom, make_newsroom
from tests.integration.web.desk.hands import Hands, signed_in

S = EditionState
HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>'


class Editing(NamedTuple):
    """Somebody at the page of an edition with three stories."""

    hands: Hands
    room: Newsroom
    edition: int
    posts: dict[str, int]

    @property
    def url(self) -> str:
        return f"/desk/editions/{self.edition}"

    @property
    def page(self) -> str:
        answer = self.hands.get(self.url)
        assert answer.status_code == 200, answer.text
        return answer.text

    @property
    def seen(self) -> str:
        found = re.search(r'data-version="([^"]+)"', self.page)
        assert found is not None
        return found[1]

    def act(self, path: str, status: int = 303, *, seen: str | None = None, **fields: object) -> str:
        given = {"seen": self.seen if seen is None else seen, **fields}
        answer = self.hands.post(f"{self.url}/{path}", given)
        assert answer.status_code == status, answer.text
        return answer.text

    def state(self) -> EditionState:
        with self.room.database.read() as session:
            return session.get_one(Edition, self.edition).state


@pytest.fixture
def desk(client: TestClient, database: Database) -> Editing:
    room = make_newsroom(database)
    posts = {
        "The harbour": room.publish("The harbour", categories=["Commentary"], body_html="<p>A long day.</p>"),
        "The bridge": room.publish("The bridge", hours=1),
        "The choir": room.publish("The choir", hours=3),
    }
    with database.write() as session:
        me = make_account(session, name="Ani", role=AccountRole.EDITOR)
        session.add(AccountDigest(account_id=me.id, digest_id=room.digest_id))
    return Editing(signed_in(client, database, me), room, room.edition(), posts)


def test_the_page_shows_each_story_with_its_reason(desk: Editing) -> None:
    """Who is in, at which place and why; who is out, and why; how many get it."""
    desk.room.publish("An old one", hours=24 * 30)
    page = desk.page
    assert page.index("The harbour") < page.index("The bridge") < page.index("The choir")
    assert "In it as the featured story." in page
    assert "Not in it" in page
    assert "An old one" in page
    assert "Readers who get it: 1." in page


def test_acts_change_the_order_and_can_be_taken_back(desk: Editing) -> None:
    """A story is placed, dropped, put back and featured; each change stands in the list, with who made it."""
    bridge, choir = f"post:{desk.posts['The bridge']}", f"post:{desk.posts['The choir']}"
    desk.act("place", story=choir, place=1)
    assert desk.room.titles(desk.edition) == ["The harbour", "The choir", "The bridge"]
    desk.act("drop", story=bridge)
    assert desk.room.titles(desk.edition) == ["The harbour", "The choir"]
    page = desk.page
    assert "Dropped by Ani." in page
    change = re.search(r'name="change" value="(\d+)"', page)  # the newest stands first
    assert change is not None
    desk.act("undo", change=change[1])
    assert desk.room.titles(desk.edition) == ["The harbour", "The choir", "The bridge"]
    desk.act("place", story=bridge, place=0)
    assert desk.room.titles(desk.edition)[0] == "The bridge"
    assert "Ani" in desk.page


def test_a_story_is_kept_where_it_stands_and_let_go(desk: Editing) -> None:
    """Kept at its place it stays there when news comes in; let go, the rules say where it stands."""
    bridge = f"post:{desk.posts['The bridge']}"
    assert 'aria-pressed="true"' not in desk.page
    keeps = re.search(r'value="' + bridge + r'"><input type="hidden" name="place" value="1"', desk.page)
    assert keeps is not None
    desk.act("place", story=bridge, place=1)
    page = desk.page
    assert "pinned by Ani" in page
    assert page.count('aria-pressed="true"') == 1
    desk.room.publish("The very newest", hours=0.5)
    assert desk.room.titles(desk.edition)[:2] == ["The harbour", "The bridge"]
    desk.act("place", story=bridge, place=3)
    desk.act("unpin", story=bridge)
    assert desk.room.titles(desk.edition)[:3] == ["The harbour", "The very newest", "The bridge"]
    assert 'aria-pressed="true"' not in desk.page
    assert "Nobody keeps this story at a place now." in desk.act("unpin", 422, story=bridge)


def test_a_kept_story_that_somebody_else_moved_is_not_let_go_unseen(desk: Editing) -> None:
    """Whoever lets a story go by an older page is told of the other's move first; it stays as they put it."""
    bridge = f"post:{desk.posts['The bridge']}"
    desk.act("place", story=bridge, place=2)
    old = desk.seen
    desk.act("place", story=bridge, place=1)
    assert "Ani changed the same a moment ago" in desk.act("unpin", 409, seen=old, story=bridge)
    assert desk.room.titles(desk.edition)[:2] == ["The harbour", "The bridge"]


def _test_mails(desk: Editing) -> list[str]:
    """Whom a test mail is asked for, in the order in which they were."""
    with desk.room.database.read() as session:
        return list(session.scalars(sa.select(Notice.address).order_by(Notice.id)))


def _fold(desk: Editing) -> str:
    """Where the page offers a test mail to others."""
    page = desk.page
    return page[page.index('class="test-other"') :].partition("</details>")[0]


def test_a_test_mail_goes_to_oneself_or_to_somebody_else_of_the_staff(desk: Editing) -> None:
    """Everybody whose account is open is offered, and larger text where somebody reads it in that."""
    with desk.room.database.write() as session:
        make_account(session, "vahan@courier.example", name="Vahan")
        make_account(session, "gone@courier.example", name="Gone", disabled_at=clock.utc_now())
        mine = session.scalars(sa.select(Account.address).where(Account.name == "Ani")).one()
    fold = _fold(desk)
    assert re.findall(r'<option value="([^"]+)">', fold) == ["vahan@courier.example"]
    assert "no mail in the text size" in desk.act("test", 422, address="vahan@courier.example", size="large")
    with desk.room.database.write() as session:
        session.execute(sa.update(Subscriber).values(text_size=TextSize.LARGE))
    assert 'name="size"' not in fold
    assert 'name="size"' in _fold(desk)
    desk.act("test")
    desk.act("test", address="vahan@courier.example", size="large")
    assert _test_mails(desk) == [mine, "vahan@courier.example"]
    assert "The test mail is on its way." in desk.page


def test_a_test_mail_goes_to_nobody_who_is_not_of_the_staff(desk: Editing) -> None:
    """A reader's or a stranger's address, and one that was of the staff, is refused in words on the page."""
    with desk.room.database.write() as session:
        make_account(session, "gone@courier.example", disabled_at=clock.utc_now())
    for address in ("reader@elsewhere.example", "gone@courier.example"):
        assert "No account that is active has this address." in desk.act("test", 422, address=address)
    assert 'role="alert"' in desk.act("test", 422, address="no address")
    assert _test_mails(desk) == []


def test_a_story_is_rewritten_for_the_mail_alone(desk: Editing) -> None:
    """The mail has the new title, the page the one on the site beside it."""
    story = f"post:{desk.posts['The bridge']}"
    was = {"was_title": "The bridge", "was_excerpt": "e", "was_section": ""}
    desk.act("rewrite", story=story, title="The new bridge", excerpt="e", section="", **was)
    assert "The new bridge" in desk.hands.get(f"{desk.url}/preview").text
    page = desk.page
    assert "The new bridge" in page
    assert re.search(r"<del><bdi>The bridge</bdi></del>", page)


def test_words_of_the_edition_are_set(desk: Editing) -> None:
    """Subject, the line beside it, words on top and below."""
    desk.act("words", words="subject", text="News of {featured.title}")
    desk.act("words", words="preheader", text="And of the choir")
    desk.act("words", words="intro", text="Good **morning**")
    desk.act("words", words="sign_off", text="Until **tomorrow**")
    page = desk.page
    assert "News of The harbour" in page
    assert "And of the choir" in page
    mail = re.sub(r" style=\"[^\"]*\"", "", desk.hands.get(f"{desk.url}/preview").text)
    assert mail.index("<strong>morning</strong>") < mail.index("<strong>tomorrow</strong>")
    assert "wrote the words below the stories" in page
    assert "token" in desk.act("words", 422, words="subject", text="{nothing.there}")


def test_the_second_of_two_editors_is_told_and_loses_nothing(desk: Editing) -> None:
    """Who changed the same meanwhile is named, and what was typed stands in the form still."""
    story, before = f"post:{desk.posts['The bridge']}", desk.seen
    was = {"was_title": "The bridge", "was_excerpt": "", "was_section": ""}
    desk.act("rewrite", story=story, title="Theirs", excerpt="", section="", **was)
    page = desk.act("rewrite", 409, seen=before, story=story, title="Mine", excerpt="", section="", **was)
    assert "Ani changed the same a moment ago" in page
    assert 'value="Mine"' in page
    assert "Theirs" in page
    other = f"post:{desk.posts['The choir']}"
    desk.act("drop", seen=before, story=other)  # of another story: both count


def test_an_act_by_htmx_answers_with_the_board_alone(desk: Editing) -> None:
    """No frame around it, and what was done in words."""
    answer = desk.hands.post(
        f"{desk.url}/drop",
        {"seen": desk.seen, "story": f"post:{desk.posts['The bridge']}"},
        hx_request="true",
    )
    assert answer.status_code == 200
    assert answer.text.lstrip().startswith('<section class="board"')
    assert "The story is out." in answer.text


def test_the_mail_stands_in_a_frame_in_which_nothing_runs(desk: Editing) -> None:
    """Dark, larger, without pictures, as text; always sandboxed, and for our own pages alone."""
    plain = desk.hands.get(f"{desk.url}/preview")
    assert plain.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert "frame-ancestors 'self'" in plain.headers["content-security-policy"]
    assert "The harbour" in plain.text
    assert "%%" not in plain.text
    assert "prefers-color-scheme" not in plain.text
    assert "(min-width: 0)" in desk.hands.get(f"{desk.url}/preview?scheme=dark").text
    assert desk.hands.get(f"{desk.url}/preview?view=text").text.count("<a ") == 0
    assert len({desk.hands.get(f"{desk.url}/preview?size={size}").text for size in ("normal", "large")}) == 2


def test_an_edition_without_a_story_says_so(client: TestClient, database: Database) -> None:
    """The page stands, the board is empty with what comes next, the preview gives the reason."""
    room = make_newsroom(database)
    with database.write() as session:
        me = make_account(session, role=AccountRole.ADMIN)
    desk = Editing(signed_in(client, database, me), room, room.edition(), {})
    assert "No story is in it yet" in desk.page
    assert desk.hands.get(f"{desk.url}/preview").status_code == 200


def test_an_edition_is_held_and_let_go_on(desk: Editing) -> None:
    """Hold keeps it; whoever lets it go on has it locked anew."""
    desk.act("hold")
    assert desk.state() is S.HELD
    assert "Let it go on" in desk.page
    desk.act("go-on")
    assert desk.state() is S.UPCOMING
    desk.act("go-on", 409)


def test_an_edition_on_its_way_is_paused_and_goes_on(desk: Editing) -> None:
    """Its figures stand on the page, and look again by themselves while it moves."""
    desk.room.freeze(desk.edition)
    assert desk.room.send(desk.edition) is S.SENDING
    page = desk.page
    assert 'hx-trigger="every 2s"' in page
    assert "waiting" in desk.hands.get(f"{desk.url}/progress", hx_request="true").text
    desk.act("pause")
    assert desk.state() is S.PAUSED
    assert "every 2s" not in desk.page
    desk.act("resume")
    assert desk.state() is S.SENDING
    desk.act("pause")
    desk.act("cancel")
    assert desk.state() is S.CANCELLED
    assert 'class="way-bar" max="1" value="0"' in desk.page  # nobody was handed it


def test_only_what_was_shown_is_approved(client: TestClient, database: Database, desk: Editing) -> None:
    """Another fingerprint is refused; the one on the page is approved, and the button goes."""
    desk.room.change(Cadence, wants_approval=True)
    desk.room.freeze(desk.edition)
    with database.write() as session:
        revision = session.get_one(Revision, session.get_one(Edition, desk.edition).revision_id)
        revision.approved_at, revision.approved_by = None, ""
        fingerprint = revision.fingerprint
        boss = make_account(session, role=AccountRole.APPROVER)
    at_desk = desk._replace(hands=signed_in(client, database, boss))
    assert f'value="{fingerprint}"' in at_desk.page
    assert "has changed since you looked" in at_desk.act("approve", 409, fingerprint="0" * 64)
    at_desk.act("approve", fingerprint=fingerprint)
    assert "exactly this content goes out" in at_desk.page
    assert f'value="{fingerprint}"' not in at_desk.page


def test_hostile_words_stand_on_the_page_as_words(desk: Editing) -> None:
    """Nothing that a feed or an editor wrote becomes markup."""
    desk.room.publish(HOSTILE, hours=1, excerpt=HOSTILE, author=HOSTILE, categories=[HOSTILE])
    page = desk.page
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "&lt;script&gt;alert(1)" in page


@pytest.mark.parametrize("kept", ["sqlite"], indirect=True)
def test_the_digests_closing_line_gives_way_to_the_editions_words(desk: Editing) -> None:
    """The page says which of the two the mail has, at each step; taken back, the digest's counts again."""
    desk.room.change(Digest, sign_off="So long, all of you.")
    page = desk.page
    assert "This is the digest’s closing line" in page
    assert "\nSo long, all of you.</textarea>" in page
    for words, told in (("Until **tomorrow**", "in place of the digest’s"), ("", "has no closing words")):
        desk.act("words", words="sign_off", text=words)
        page = desk.page
        assert told in page
        assert "So long, all of you." not in desk.hands.get(f"{desk.url}/preview").text
    for change in set(re.findall(r'name="change" value="(\d+)"', page)):
        desk.act("undo", change=change)
    assert "So long, all of you." in desk.hands.get(f"{desk.url}/preview").text


def test_words_around_the_stories_are_tried_before_they_are_kept(desk: Editing) -> None:
    """The mail has them while they are written; nothing of it stays, and markup of a stranger's is words."""
    tried = {"intro": f"Good **evening** {HOSTILE}", "sign_off": f"Until **tomorrow** {HOSTILE}"}
    answer = desk.hands.post(f"{desk.url}/preview", tried)
    assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    plain = re.sub(r" style=\"[^\"]*\"", "", answer.text)
    assert plain.index("<strong>evening</strong>") < plain.index("<strong>tomorrow</strong>")
    assert "<script>" not in plain
    kept = desk.hands.get(f"{desk.url}/preview").text
    assert not [word for word in ("evening", "tomorrow") if word in kept]

"""The checks beside an edition before its lock: what they say, where they lead, what is said to odd news."""

from __future__ import annotations

import datetime as dt
import html
import re

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from digest.db import Database
from digest.i18n import translator
from digest.models import Account, AccountRole, Cadence, Digest, Edition, Post, PostSource, Reason
from digest.sources.breaker import OddityCode
from tests.factories import make_account
from tests.integration.newsroom import make_newsroom
from tests.integration.web.desk.hands import signed_in
from tests.integration.web.desk.test_edition_page import Editing

LONG = "A subject that goes on and on " * 4


@pytest.fixture
def desk(client: TestClient, database: Database) -> Editing:
    room = make_newsroom(database)
    posts = {
        "The harbour": room.publish("The harbour", categories=["Commentary"], body_html="<p>A long day.</p>"),
        "The bridge": room.publish("The bridge", hours=30, excerpt="It opens today."),
        "The choir": room.publish("The choir", hours=3),
    }
    with database.write() as session:
        me = make_account(session, role=AccountRole.ADMIN)
    return Editing(signed_in(client, database, me), room, room.edition(), posts)


def checks(desk: Editing) -> str:
    answer = desk.hands.get(f"{desk.url}/checks", hx_request="true")
    assert answer.status_code == 200
    assert answer.text.lstrip().startswith('<section class="mail-side checks"')
    return answer.text


def jumps(page: str) -> list[str]:
    return re.findall(r'data-jump="([^"]+)"', page)


def test_a_finding_leads_to_what_it_is_about(desk: Editing) -> None:
    """A long subject to its field, a word of another day to the title of its story; both are on the page."""
    desk.act("words", words="subject", text=LONG)
    found, page = checks(desk), desk.page
    bridge = f"t-post-{desk.posts['The bridge']}"
    assert {"w-subject", bridge} <= set(jumps(found))
    assert all(f'id="{name}"' in page for name in jumps(found))
    desk.act("words", words="subject", text="A bridge, a harbour and a choir")
    assert "w-subject" not in jumps(checks(desk))


def test_what_would_stop_it_is_said_before_the_lock(desk: Editing) -> None:
    """Without a postal address it must not go out: the way leads to the settings."""
    desk.room.change(Digest, postal_address="")
    found = checks(desk)
    assert "Must not go out" in found
    assert f"/desk/digests/{desk.room.digest_id}/settings" in found


def test_what_cannot_be_made_is_told_in_the_editors_language(desk: Editing) -> None:
    """With the gap that nobody could fill; nothing of it is English."""
    desk.room.change(Account, language="hy")
    desk.room.change(Digest, intro="Dear %%attribute_gone%%")
    found = html.unescape(checks(desk))
    message = "The mail holds %(name)s, which nobody fills."
    assert translator("hy").gettext(message, name="%%attribute_gone%%") in found
    assert "nobody fills" not in found


def test_an_edition_that_comes_to_nothing_says_so(client: TestClient, database: Database) -> None:
    """No story: the reason stands there, and nothing is rendered."""
    room = make_newsroom(database)
    with database.write() as session:
        me = make_account(session, role=AccountRole.ADMIN)
    desk = Editing(signed_in(client, database, me), room, room.edition(), {})
    assert "nothing new since the last edition" in checks(desk)


def test_a_commentary_without_words_is_told_of(desk: Editing) -> None:
    """What is featured and has no text of its own is led to."""
    assert f"story-post-{desk.posts['The harbour']}" not in jumps(checks(desk))
    desk.act("place", story=f"post:{desk.posts['The choir']}", place=0)
    assert f"story-post-{desk.posts['The choir']}" in jumps(checks(desk))


def _make_odd(desk: Editing) -> None:
    """Thirty stories at one go from a source that brings a few."""
    now = desk.room.now
    with desk.room.database.write() as session:
        session.execute(sa.update(Cadence).values(created_at=now - dt.timedelta(hours=12)))
        at = now - dt.timedelta(days=8)
        session.execute(sa.update(PostSource).values(seen_at=at))
    for number in range(60):
        desk.room.publish(f"Old news {number}", hours=24 * 300 + number)


@pytest.mark.parametrize("word", ["accept-news", "mark-seen"])
def test_unusual_news_is_settled_before_it_holds(desk: Editing, word: str) -> None:
    """It is said beside the mail; once somebody has said a word it is usual, and the page tells who did."""
    _make_odd(desk)
    assert "Would be held" in checks(desk)
    desk.act(word)
    assert "Would be held" not in checks(desk)
    assert ("said that unusual news is meant" in desk.page) == (word == "accept-news")
    desk.act(word, 409)


def test_held_news_is_settled_on_the_page_too(desk: Editing) -> None:
    """What the lock has held it for stands there with the same two buttons."""
    remark = {
        "code": OddityCode.MANY.value,
        "facts": {"source": "The Courier", "posts": 60, "usual": 2},
        "source_id": 1,
    }
    desk.act("hold")
    desk.room.change(Edition, reason=Reason.UNUSUAL_NEWS, remarks=[remark])
    assert "60 new stories" in checks(desk)
    desk.act("accept-news")
    assert "Would be held" not in checks(desk)


def test_what_is_held_is_shown_as_it_would_go_on(desk: Editing) -> None:
    """Locked, held and changed: the mail beside the stories has the change."""
    desk.room.freeze(desk.edition)
    desk.act("hold")
    desk.act("words", words="subject", text="Another word")
    story = f"post:{desk.posts['The choir']}"
    desk.act("drop", story=story)
    assert "The choir" not in desk.hands.get(f"{desk.url}/preview").text


def test_the_checks_are_a_page_of_their_own_without_scripts(desk: Editing) -> None:
    """And looking at the links answers there, with what came of it."""
    # Addresses that the guarded client refuses without asking anybody.
    desk.room.change(Post, url=sa.literal("http://127.0.0.1:9/") + sa.cast(Post.id, sa.String))
    assert "</html>" in desk.hands.get(f"{desk.url}/checks").text
    page = desk.hands.post(f"{desk.url}/checks")
    assert page.status_code == 200
    assert "were looked at a moment ago" in page.text
    assert "could not be opened when the mail was checked" in page.text

"""Stories that changed on their sites after the lock: the page shows the difference beside "Lock again"."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from digest.db import Database
from digest.i18n import LANGUAGES, translator
from digest.models import AccountRole, EditionState, Post, Withdrawal
from digest.web.desk.since_lock import GONE
from tests.factories import make_account
from tests.integration.newsroom import make_newsroom
from tests.integration.web.desk.hands import signed_in
from tests.integration.web.desk.test_edition_page import Editing
from tests.integration.web.desk.test_statements import statements

TITLES = ("The harbour", "The bridge", "The choir")
ASKED = "Changed on the site since: lock again?"


@pytest.fixture
def desk(client: TestClient, database: Database) -> Editing:
    """An edition that is not locked yet, with three stories."""
    room = make_newsroom(database)
    posts = {
        "The harbour": room.publish(
            "The harbour", categories=["Commentary"], body_html="<p>A long day.</p><p>And a night.</p>"
        ),
        "The bridge": room.publish("The bridge", hours=1),
        "The choir": room.publish("The choir", hours=3),
    }
    with database.write() as session:
        me = make_account(session, name="Nare", role=AccountRole.APPROVER)
    return Editing(signed_in(client, database, me), room, room.edition(), posts)


def collected(desk: Editing, story: str, /, **values: Any) -> None:
    """What a later collection has stored of a post."""
    changed_at = desk.room.now + dt.timedelta(minutes=5)
    with desk.room.database.write() as session:
        post = sa.update(Post).where(Post.id == desk.posts[story])
        session.execute(post.values(changed_at=changed_at, **values))


def told(page: str) -> str:
    """The words of the part of the page, as somebody hears them."""
    section = page[page.index("since-lock") :]
    return " ".join(re.sub(r"<[^>]+>", " ", section[: section.index("</section>")]).split())


def test_what_changed_since_the_lock_stands_beside_lock_again(desk: Editing) -> None:
    """Title, text and a story that is gone, in old and new words; nothing before, nor once it is taken."""
    collected(desk, "The choir", author="Somebody else")
    assert ASKED not in desk.page  # it is not locked yet
    desk.room.freeze(desk.edition)
    assert ASKED not in desk.page
    collected(desk, "The harbour", body_html="<p>A short day.</p><p>And a night.</p>")
    collected(desk, "The bridge", title="The bridge <b>opens</b>")
    collected(desk, "The choir", withdrawn=Withdrawal.GONE)
    page = desk.page
    assert ASKED in page
    said = told(page)
    assert "3 stories are not on their sites any more as they were locked." in said
    assert "Text Locked A [gone: long ] day. On the site A [new: short ] day." in said
    assert "The bridge Title Locked The bridge On the site The bridge [new: &lt;b&gt;opens" in said
    assert "The choir It is not there any more. Locked again, the edition goes out without it." in said
    assert "And a night" not in said
    assert said.endswith("Lock again with what is there now")
    desk.act("lock-again")
    assert ASKED not in desk.page
    desk.room.freeze(desk.edition)
    assert desk.state() is EditionState.FROZEN
    assert "The choir" not in desk.room.titles(desk.edition)


def test_what_an_editor_wrote_anew_has_not_changed_on_the_site(desk: Editing) -> None:
    """Locked again it stays as the editor has it; nor is a story changed by what no reader sees."""
    was = {"was_title": "The bridge", "was_excerpt": "SPRINGDALE -- Of The bridge.", "was_section": ""}
    fields = {"title": "Our own bridge", "excerpt": was["was_excerpt"], "section": ""}
    desk.act("rewrite", story=f"post:{desk.posts['The bridge']}", **fields, **was)
    desk.room.freeze(desk.edition)
    collected(desk, "The bridge", title="The bridge opens")
    collected(desk, "The choir", tags=["music"])
    assert ASKED not in desk.page
    collected(desk, "The bridge", excerpt="It opens on Monday.")
    said = told(desk.page)
    assert "1 story is not on its site any more as it was locked." in said
    assert "Our own bridge Excerpt" in said
    assert "The bridge opens" not in said


def test_the_page_asks_no_more_for_more_changed_stories(desk: Editing, database: Database) -> None:
    """One changed story or three: the same number of statements."""
    desk.room.freeze(desk.edition)
    counts = []
    for title in TITLES:
        collected(desk, title, excerpt=f"Other words of {title}.")
        with statements(database) as seen:
            assert ASKED in desk.page
        counts.append(len(seen))
    assert len(set(counts[1:])) == 1
    assert counts[0] >= counts[1]  # the first asked for what is remembered then


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_reason_why_a_story_is_gone_has_its_words(language: str) -> None:
    """No code of ours reaches a person."""
    assert set(GONE) == set(Withdrawal)
    said = {translator(language).gettext(sentence) for sentence in GONE.values()}
    assert len(said) == len(Withdrawal)
    assert not said & ({*GONE.values()} if language != "en" else set())

"""An approval that a later change has voided: the page shows what is otherwise; the new one is approved."""

from __future__ import annotations

import re

import pytest
from fastapi.testclient import TestClient

from digest import clock
from digest.db import Database
from digest.models import AccountRole, Cadence, Edition, EditionState, Revision
from tests.factories import make_account
from tests.integration.newsroom import make_newsroom
from tests.integration.web.desk.hands import signed_in
from tests.integration.web.desk.test_edition_page import Editing


@pytest.fixture
def desk(client: TestClient, database: Database) -> Editing:
    """An edition that somebody has approved, and then locked again."""
    room = make_newsroom(database)
    posts = {
        "The harbour": room.publish("The harbour", categories=["Commentary"], body_html="<p>A long day.</p>"),
        "The bridge": room.publish("The bridge", hours=1),
        "The choir": room.publish("The choir", hours=3),
    }
    room.change(Cadence, wants_approval=True)
    with database.write() as session:
        me = make_account(session, name="Nare", role=AccountRole.APPROVER)
    made = Editing(signed_in(client, database, me), room, room.edition(), posts)
    approve(made)
    made.act("lock-again")
    return made


def approve(desk: Editing) -> None:
    """Lock it and approve what is on the page."""
    desk.room.freeze(desk.edition)
    with desk.room.database.write() as session:
        revision = session.get_one(Revision, session.get_one(Edition, desk.edition).revision_id)
        revision.approved_at, revision.approved_by = None, ""
        fingerprint = revision.fingerprint
    desk.act("approve", fingerprint=fingerprint)


def plain(page: str) -> str:
    """The words of the page, as somebody hears them."""
    section = page[page.index('class="section voided"') :]
    return " ".join(re.sub(r"<[^>]+>", "", section[: section.index("</section>")]).split())


def test_the_same_content_shows_no_difference(desk: Editing) -> None:
    """Locked again without a change there is nothing to look at; it waits for approval as ever."""
    assert "Changed since it was approved" not in desk.page


def test_a_void_approval_shows_the_old_and_the_new_words(desk: Editing) -> None:
    """Field by field, in words too; who did it; before the lock without a button, after it with one."""
    was = {"was_title": "The bridge", "was_excerpt": "SPRINGDALE -- Of The bridge.", "was_section": ""}
    fields = {"title": "The new bridge", "excerpt": was["was_excerpt"], "section": ""}
    desk.act("rewrite", story=f"post:{desk.posts['The bridge']}", **fields, **was)
    desk.act("drop", story=f"post:{desk.posts['The choir']}")
    desk.act("words", words="subject", text="The evening's news")
    desk.act("words", words="sign_off", text="Until *tomorrow*.")
    live = desk.page
    assert "Words below the stories Approvednothing Now[new: Until *tomorrow*.]" in plain(live)
    assert "It can be approved once it is locked" in live
    assert "Approve the new version" not in live
    desk.room.freeze(desk.edition)
    with desk.room.database.write() as session:
        revision = session.get_one(Revision, session.get_one(Edition, desk.edition).revision_id)
        revision.approved_at, revision.approved_by = None, ""
        revision.created_at = clock.utc_now()  # the newsroom's clock stands still; the desk's does not
    page = desk.page
    told = plain(page)
    assert "It was locked again, so the approval is void. Approved by Nare" in told
    assert "No longer in it: The choir" in told
    assert "Title: The new bridge ApprovedThe bridge NowThe [new: new ]bridge" in told
    assert "ApprovedThe [gone: harbour] NowThe [new: evening" in told
    assert "Words below the stories Approvednothing Now[new: Until" in told
    assert "Nare rewrote a story: The new bridge" in told
    assert page.count("Approve the new version") == 1
    assert len(re.findall(r'action="[^"]+/approve"', page)) == 1
    found = re.search(r'name="fingerprint" value="([^"]+)"', page)
    assert found is not None
    desk.act("approve", fingerprint=found[1])
    assert "Changed since it was approved" not in desk.page
    assert desk.state() is EditionState.FROZEN

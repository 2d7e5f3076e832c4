"""An edition that is not to come out: its date is skipped and taken back, or it is left out for good."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from digest.db import Database
from digest.editions.slots import make_next_editions
from digest.models import AccountRole, Cadence, Edition, EditionState, Reason
from tests.factories import make_account
from tests.integration.newsroom import make_newsroom
from tests.integration.web.desk.hands import signed_in
from tests.integration.web.desk.test_edition_page import Editing


@pytest.fixture
def desk(client: TestClient, database: Database) -> Editing:
    """The next edition of a rhythm that runs."""
    room = make_newsroom(database)
    posts = {"The harbour": room.publish("The harbour", categories=["Commentary"], body_html="<p>Long.</p>")}
    room.change(Cadence, is_running=True, slots_after=room.now)
    with database.write() as session:
        make_next_editions(session, now=room.now)
        me = make_account(session, role=AccountRole.ADMIN)
        edition = session.scalars(sa.select(Edition.id)).one()
    return Editing(signed_in(client, database, me), room, edition, posts)


def due(desk: Editing) -> Edition:
    with desk.room.database.read() as session:
        return session.get_one(Edition, desk.edition)


def day_in(page: str) -> str:
    """The day that the page's first form about one is for."""
    return page.split('name="day" value="')[1][:10]


def test_pressed_twice_it_skips_one_date(desk: Editing) -> None:
    """By the second press the edition stands at the next date, of which nobody has said a word."""
    day = day_in(desk.page)
    desk.act("skip", day=day)
    after = due(desk).due_at
    desk.act("skip", day=day)
    assert due(desk).due_at == after
    desk.act("skip", 409, day="2020-01-01")
    desk.act("skip", 422)
    assert due(desk).due_at == after


def test_a_date_is_skipped_and_taken_back(desk: Editing) -> None:
    """The edition moves on with what was changed in it; the way back stands on its page."""
    before = due(desk).due_at
    desk.act("words", words="subject", text="Kept on the way")
    page = desk.page
    assert "Skip this date" in page
    assert "1 edition does not come out." in page
    desk.act("skip", day=day_in(page))
    assert due(desk).due_at > before
    page = desk.page
    assert "Skipped before it" in page
    assert "Kept on the way" in page
    desk.act("unskip", day=day_in(page))
    assert due(desk).due_at == before
    assert "Skipped before it" not in desk.page


@pytest.mark.parametrize("is_locked", [False, True])
def test_one_without_a_date_to_skip_is_left_out_for_good(desk: Editing, *, is_locked: bool) -> None:
    """An extra one, coming or locked: nobody gets it, by a person's word; a second press changes nothing."""
    extra = desk._replace(edition=desk.room.edition(hours=3))
    if is_locked:
        extra.room.freeze(extra.edition)
    assert "1 person gets nothing this time." in extra.page
    extra.act("skip", 409)
    extra.act("leave-out")
    assert extra.state() in (EditionState.SKIPPED, EditionState.CANCELLED)
    assert due(extra).reason is Reason.BY_PERSON
    assert ('id="mail"' in extra.page) == is_locked  # of what was never made there is nothing to look at
    extra.act("leave-out", 409)

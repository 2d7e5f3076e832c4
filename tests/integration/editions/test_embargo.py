"""A story under embargo: held back by a person until a moment, let go again, with the trail of both."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa

from digest.db import Database
from digest.errors import InputError, NotFoundError
from digest.models import AuditEntry, Edition, Post
from digest.sources.embargo import hold_back, locked_with, release
from tests.integration.newsroom import ACTOR, Newsroom, make_newsroom

HOUR = dt.timedelta(hours=1)


@pytest.fixture
def room(database: Database) -> Newsroom:
    return make_newsroom(database)


def hold(room: Newsroom, post: int, hours: float) -> list[int]:
    """Hold a story back for some hours; the locked editions that go out before."""
    with room.database.write() as session:
        found = hold_back(session, post, room.now + hours * HOUR, actor=ACTOR, now=room.now)
        return list(locked_with(session, found))


def let_go(room: Newsroom, post: int) -> None:
    with room.database.write() as session:
        release(session, post, actor=ACTOR, now=room.now)


def trail(room: Newsroom) -> list[tuple[str, int | None, str]]:
    with room.database.read() as session:
        rows = session.scalars(
            sa.select(AuditEntry).where(AuditEntry.action.like("post.%")).order_by(AuditEntry.id)
        )
        return [(row.action, row.target_id, row.actor) for row in rows]


def test_a_story_is_held_back_until_its_moment_and_let_go(room: Newsroom) -> None:
    """An edition before the moment has it out with the reason, one after it has it in; both acts are kept."""
    post = room.publish("The council's budget")
    room.publish("The bridge")
    before, after = room.edition(hours=1), room.edition(hours=3)
    assert hold(room, post, 2) == []
    assert room.why(before)["The council's budget"] == "embargoed"
    assert room.titles(before) == ["The bridge"]
    assert "The council's budget" in room.titles(after)
    assert hold(room, post, 2) == []  # said twice, it is noted once
    let_go(room, post)
    let_go(room, post)
    assert "The council's budget" in room.titles(before)
    assert trail(room) == [("post.embargo", post, ACTOR), ("post.release", post, ACTOR)]


def test_locked_editions_that_go_out_before_are_named(room: Newsroom) -> None:
    """Nothing changes in them by itself; one that goes out later, or without the story, is none."""
    post, other = room.publish("The council's budget"), room.publish("The bridge")
    early, late = room.edition(hours=1), room.edition(hours=5)
    for edition in (early, late):
        room.freeze(edition)
    assert hold(room, post, 2) == [early]
    assert hold(room, other, 6) == [early, late]
    with room.database.read() as session:
        assert session.get_one(Edition, early).revision_id is not None


def test_an_embargo_wants_a_post_and_a_moment_to_come(room: Newsroom) -> None:
    """Nothing is changed by a refusal."""
    post = room.publish("The bridge")
    with pytest.raises(InputError, match="moment is past"):
        hold(room, post, 0)
    for number in (post + 1, 0, -1, 2**70):
        with pytest.raises(NotFoundError, match="No site brought"):
            hold(room, number, 1)
        with pytest.raises(NotFoundError):
            let_go(room, number)
    with room.database.read() as session:
        assert session.scalars(sa.select(Post.embargo_until)).all() == [None]
    assert trail(room) == []

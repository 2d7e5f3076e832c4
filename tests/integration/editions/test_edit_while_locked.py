"""An editor changes an edition while its sites are read for the lock: the change is in what is locked."""

from __future__ import annotations

import sqlalchemy as sa

from digest import clock
from digest.editions.shape import set_words
from digest.models import ChangeKind, Edition, EditionState, Revision
from digest.queueing.names import TaskName
from tests.feeds import rss
from tests.integration import hints
from tests.integration.freezing import Room, post, room
from tests.servers.news_site import Page, SiteRequest

__all__ = ["room"]


def test_a_change_during_the_lock_is_not_left_out(room: Room) -> None:
    """It is locked once more, with the change; without one in between it is locked at once."""
    room.publish(post(1, "On Patience"))
    room.add_reader()
    edition_id = room.edition()
    body = rss([post(1, "On Patience")], site=room.site.url("").rstrip("/"))
    edits: list[str] = ["A word of the day"]

    def while_it_is_read(_: SiteRequest) -> Page:
        while edits:
            with room.database.write() as session:
                edition, words = session.get_one(Edition, edition_id), edits.pop()
                now = clock.utc_now()
                set_words(session, edition, ChangeKind.SUBJECT, words, actor="nare", now=now)
        return Page(body=body)

    room.site.put("/feed/", while_it_is_read)
    hints.taken()
    assert room.freeze(edition_id) is None
    assert (TaskName.FREEZE, [edition_id]) in hints.taken()
    assert room.get(edition_id).state is EditionState.UPCOMING
    assert room.freeze(edition_id) is EditionState.FROZEN
    with room.database.read() as session:
        assert session.scalars(sa.select(Revision.subject)).all() == ["A word of the day"]

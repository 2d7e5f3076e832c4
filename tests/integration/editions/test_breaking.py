"""A breaking edition: at once, beside the schedule, before other mail."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
import sqlalchemy as sa

from digest import clock
from digest.db import Database
from digest.deliveries.handover import enqueue_due_batches, start_due
from digest.deliveries.leases import claim_next
from digest.deliveries.plan import plan
from digest.editions.cadences import add_breaking
from digest.editions.slots import make_next_editions
from digest.editions.states import move
from digest.errors import NotFoundError
from digest.models import (
    Batch,
    Cadence,
    ChangeKind,
    DigestSource,
    Edition,
    EditionChange,
    EditionKind,
    EditionState,
    PostSource,
    Source,
)
from digest.queueing.names import TaskName
from tests.factories import make_revision
from tests.integration import hints
from tests.integration.planned import Desk, let_go, make_desk, make_post

S = EditionState


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Desk:
    """A newsroom with one reader."""
    made = make_desk(database, tmp_path)
    made.add_people(1)
    return made


def carried_posts(desk: Desk, now: dt.datetime, count: int) -> list[int]:
    """So many posts of a source of the digest."""
    with desk.database.write() as session:
        source = Source(
            url="https://courier.example/feed/", news_since=now, next_fetch_at=now, created_at=now
        )
        session.add(source)
        session.flush()
        session.add(DigestSource(digest_id=desk.cadence.digest_id, source_id=source.id))
        posts = [make_post(session, now) for _ in range(count)]
        session.add_all(
            PostSource(post_id=post_id, source_id=source.id, is_news=True, seen_at=now) for post_id in posts
        )
        return posts


def test_it_is_due_now_and_touches_no_scheduled_edition(desk: Desk) -> None:
    """Its posts are pinned in the order given; a worker is told at once; the slots stay."""
    now = clock.utc_now()
    first, second = carried_posts(desk, now, 2)
    with desk.database.write() as session:
        cadence = session.get_one(Cadence, desk.cadence.id)
        cadence.is_running = True
        make_next_editions(session, now=now)
        before = session.scalars(sa.select(Edition.due_at)).all()
    hints.taken()
    with desk.database.write() as session:
        cadence = session.get_one(Cadence, desk.cadence.id)
        made = add_breaking(session, cadence, [second, first, second], actor="cli:ani", now=now)
        edition_id = made.id
        assert (made.kind, made.due_at, made.state) == (EditionKind.BREAKING, now, S.UPCOMING)
        make_next_editions(session, now=now)
    assert hints.taken() == [(TaskName.FREEZE, [edition_id])]
    with desk.database.read() as session:
        changes = session.scalars(sa.select(EditionChange).order_by(EditionChange.id)).all()
        scheduled = sa.select(Edition.due_at).where(Edition.kind == EditionKind.SCHEDULED)
        assert session.scalars(scheduled).all() == before
    assert [(one.kind, one.post_id, one.details) for one in changes] == [
        (ChangeKind.PIN, second, {"place": 0}),
        (ChangeKind.PIN, first, {"place": 1}),
    ]


def test_a_story_of_another_paper_is_refused(desk: Desk) -> None:
    """With its number, and without an edition."""
    now = clock.utc_now()
    (ours,) = carried_posts(desk, now, 1)
    with desk.database.write() as session:
        foreign = make_post(session, now)
        with pytest.raises(NotFoundError, match=f"no story {foreign}"):
            add_breaking(session, desk.cadence, [ours, foreign], actor="t", now=now)
        assert session.scalars(sa.select(Edition)).all() == []


def test_it_does_not_stand_in_line_behind_a_large_edition(desk: Desk) -> None:
    """Its batches are hinted at and claimed before those that have waited longer, and have no window."""
    now = clock.utc_now()
    desk.add_people(500)
    with desk.database.write() as session:
        session.execute(sa.update(Cadence).values(spread_seconds=3600))
    large = desk.planned(now - dt.timedelta(minutes=5))
    with desk.database.write() as session:
        session.add_all(Batch(edition_id=large, not_before=now - dt.timedelta(minutes=5)) for _ in range(150))
    with desk.database.write() as session:
        assert start_due(session, now=now) == 1
        made = add_breaking(session, desk.cadence, [], actor="t", now=now)
        made.revision_id = make_revision(session, made.id).id
        move(session, made, S.FROZEN, now=now)
        assert plan(session, made.id, now=now) == 501
        assert start_due(session, now=now) == 1
        breaking_id = made.id
    batches = [batch.id for batch in desk.batches(breaking_id)]
    assert {batch.not_before for batch in desk.batches(breaking_id)} == {now}
    hints.taken()
    with desk.database.write() as session:
        enqueue_due_batches(session, now=now, most=5)
    told = hints.taken()
    assert told[:2] == [(TaskName.SEND_BATCH, [batch_id]) for batch_id in batches]
    assert len(told) == 5
    sender = desk.sender(1, now=now)
    lease = claim_next(desk.database, sender.journal_id, transport_id=desk.transport_id, lease_seconds=60)
    let_go(sender)
    assert lease is not None
    assert lease.batch_id == batches[0]

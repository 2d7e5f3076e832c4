"""What came of editions, kept by the tick: the rows are the truth, and nobody counts them twice."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import audit, clock
from digest.db import Database, remembered
from digest.deliveries import came_of as module
from digest.deliveries.came_of import CameOf, came_of
from digest.deliveries.detail import detail_of
from digest.deliveries.keep import keep_figures
from digest.deliveries.progress import progress
from digest.models import (
    Batch,
    Cadence,
    Delivery,
    DeliveryReason,
    DeliveryStatus,
    Edition,
    EditionFigures,
    EditionState,
    Reply,
    UncertainCase,
    UncertainCause,
)
from tests.factories import make_cadence, make_digest, make_subscriber
from tests.integration.web.rows import make_edition

NOW = clock.utc_now()


@pytest.fixture
def edition_id(database: Database) -> int:
    """An edition that is over: two have it, one may have it."""
    with database.write() as session:
        edition = make_edition(session, make_cadence(session, make_digest(session)))
        edition.planned_at = edition.state_since = NOW
        statuses = (DeliveryStatus.SENT, DeliveryStatus.SENT, DeliveryStatus.UNCERTAIN)
        for number, status in enumerate(statuses, 1):
            row = {"edition_id": edition.id, "subscriber_id": number, "subscription_id": number}
            session.add(Delivery(variant_id=1, status=status, **row))
        case = {"edition_id": edition.id, "subscriber_id": 3, "attempt": 0}
        session.add(UncertainCase(since=NOW, cause=UncertainCause.NO_ANSWER, **case))
        session.add(Batch(edition_id=edition.id, not_before=NOW, closed_at=NOW))
        return edition.id


def test_the_tick_counts_an_edition_that_is_over_once(database: Database, edition_id: int) -> None:
    """Another process then shows its figures without looking at a delivery."""
    assert _keep(database) == 1
    assert _keep(database) == 0
    with _counted(database) as seen, database.read() as session:
        assert came_of(session, [edition_id])[edition_id] == CameOf(sent=2, uncertain=1)
    assert not seen


def test_the_page_of_an_edition_that_is_over_shows_what_is_kept(database: Database, edition_id: int) -> None:
    """Providers, answers and reasons are those that were counted, and the rows are not looked at."""
    with database.write() as session:
        reply = Reply(fingerprint="x", code=250, text="queued")
        session.add_all([reply, make_subscriber(session, "lus@gmail.com")])
        session.flush()
        session.execute(sa.update(Delivery).where(Delivery.subscriber_id == 1).values(reply_id=reply.id))
        skipped = {"status": DeliveryStatus.SKIPPED, "reason": DeliveryReason.NOT_WANTED}
        session.execute(sa.update(Delivery).where(Delivery.subscriber_id == 2).values(**skipped))
    with database.read() as session:
        counted = progress(session, edition_id, now=NOW)
    _keep(database)
    with _counted(database) as seen, database.read() as session:
        assert progress(session, edition_id, now=NOW) == counted
    assert not seen
    assert counted.providers[0].name == "Google"
    assert counted.replies[0].text == "queued"
    assert counted.reasons == {DeliveryReason.NOT_WANTED: 1}


def test_what_is_settled_late_is_seen_at_once(database: Database, edition_id: int) -> None:
    """The kept figures do not hold any more: the rows are counted, and the next look keeps them anew."""
    _keep(database)
    with database.write() as session:
        session.execute(sa.update(Delivery).values(status=DeliveryStatus.SENT))
        session.execute(sa.update(UncertainCase).values(settled_at=NOW))
    with _counted(database) as seen, database.read() as session:
        assert came_of(session, [edition_id])[edition_id] == CameOf(sent=3)
    assert seen
    assert _keep(database, renew=True) == 1
    assert _keep(database, renew=True) == 0
    with database.read() as session:
        assert session.get_one(EditionFigures, edition_id).sent == 3


@pytest.mark.parametrize("state", [EditionState.SENDING, EditionState.SENT])
def test_an_edition_on_which_somebody_works_is_not_kept(
    database: Database, edition_id: int, state: EditionState
) -> None:
    """Neither one that is on its way, nor one whose batch is open again."""
    with database.write() as session:
        session.get_one(Edition, edition_id).state = state
        if state is EditionState.SENT:
            session.execute(sa.update(Batch).values(closed_at=None))
    assert _keep(database) == _keep(database, renew=True) == 0


def test_what_ended_long_ago_is_left_alone(database: Database, edition_id: int) -> None:
    """After an upgrade the tick does not count the editions of years."""
    with database.write() as session:
        session.get_one(Edition, edition_id).state_since = NOW - dt.timedelta(days=31)
    assert _keep(database) == 0


@pytest.mark.parametrize("fault", ["somebody waits", "the row is refused"])
def test_an_edition_that_cannot_be_kept_stands_in_no_others_way(
    database: Database, edition_id: int, fault: str
) -> None:
    """A newer one is passed over, is not counted again while nothing of it changes, and then is kept."""
    is_refused = fault == "the row is refused"
    with database.write() as session:
        cadence = session.get_one(Cadence, session.get_one(Edition, edition_id).cadence_id)
        newer = make_edition(session, cadence, EditionState.CANCELLED, age=dt.timedelta(days=1))
        newer.planned_at = newer.state_since = NOW
        status = DeliveryStatus.SENT if is_refused else DeliveryStatus.PENDING
        row = {"edition_id": newer.id, "subscriber_id": 1, "subscription_id": 1, "variant_id": 1}
        session.add(Delivery(status=status, **row))
        session.add(Batch(edition_id=newer.id, not_before=NOW, closed_at=NOW))
        if is_refused:
            _refuse(session, newer.id)
        newer_id = newer.id
    assert newer_id > edition_id  # the newest come first
    assert _keep(database) == 1
    with database.read() as session:
        assert session.get(EditionFigures, edition_id) is not None
    with _counted(database) as seen:
        assert _keep(database) == _keep(database, renew=True) == 0
    assert not seen
    with database.write() as session:
        if is_refused:
            _refuse(session, 0)
        session.execute(sa.update(Delivery).values(status=DeliveryStatus.SENT))
        session.get_one(Edition, newer_id).state_since = NOW + dt.timedelta(seconds=1)
    assert _keep(database) == 1
    with database.read() as session:
        assert session.get_one(EditionFigures, newer_id).sent == 1


def test_figures_on_the_way_are_never_from_before_a_persons_act(
    database: Database, edition_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a large one they are remembered; what somebody at the desk has done to it is in them at once."""
    monkeypatch.setattr(remembered, "MANY", 3)
    with database.write() as session:
        session.get_one(Edition, edition_id).state = EditionState.SENDING
        session.execute(sa.update(Batch).values(closed_at=None))
        assert [make_subscriber(session, f"reader{n}@example.org").id for n in (1, 2, 3)] == [1, 2, 3]

    def shown() -> tuple[int, int, int]:
        with database.read() as session:
            of_list = came_of(session, [edition_id])[edition_id].sent
            of_page = progress(session, edition_id, now=NOW, details=False).counts[DeliveryStatus.SENT]
            detail = detail_of(session, edition_id)
            in_detail = sum(line.counts[DeliveryStatus.SENT] for line in detail.providers)
        return of_list, of_page, in_detail

    assert shown() == (2, 2, 2)
    with database.write() as session:
        session.execute(sa.update(Delivery).values(status=DeliveryStatus.SENT))
    with _counted(database) as seen:
        assert shown() == (2, 2, 2)  # as it was a moment ago
    assert not seen
    with database.write() as session:
        edition = session.get_one(Edition, edition_id)
        audit.record(session, "edition.resolve_uncertain", edition, actor="cli:nare", now=NOW)
    assert shown() == (3, 3, 3)


def _refuse(session: Session, edition_id: int) -> None:
    """The database takes no figures of this edition; with 0 it takes all again."""
    if session.get_bind().dialect.name == "sqlite":
        session.execute(sa.text("DROP TRIGGER IF EXISTS refused"))
        if edition_id:
            session.execute(
                sa.text(
                    "CREATE TRIGGER refused BEFORE INSERT ON edition_figures "
                    f"WHEN NEW.edition_id = {edition_id} BEGIN SELECT RAISE(ABORT, 'refused'); END"
                )
            )
        return
    session.execute(sa.text("ALTER TABLE edition_figures DROP CONSTRAINT IF EXISTS refused"))
    if edition_id:
        check = f"ALTER TABLE edition_figures ADD CONSTRAINT refused CHECK (edition_id <> {edition_id})"
        session.execute(sa.text(check))


def _keep(database: Database, *, renew: bool = False) -> int:
    return keep_figures(database, now=NOW, renew=renew)


@contextmanager
def _counted(database: Database) -> Iterator[list[str]]:
    """The statements over deliveries that a process takes which remembers nothing."""
    module._memories.clear()
    seen: list[str] = []
    with database.read() as session:
        engine = session.get_bind().engine

    def note(*given: object) -> None:
        if "FROM deliveries" in str(given[2]):
            seen.append(str(given[2]))

    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)

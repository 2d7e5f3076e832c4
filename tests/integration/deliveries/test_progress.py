"""The figures of a send equal what the rows say, in a constant number of statements."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
import sqlalchemy as sa

from digest.db import Database
from digest.deliveries.control import cancel
from digest.deliveries.handover import settle_cancelled
from digest.deliveries.progress import progress
from digest.models import (
    Batch,
    CoolDown,
    Delivery,
    DeliveryReason,
    DeliveryStatus,
    Edition,
    EditionState,
    EditionTotals,
    Reply,
    Security,
    Subscriber,
    Transport,
)
from tests.factories.moments import NOW
from tests.integration.planned import Desk, make_desk

SENT, FAILED, PENDING = DeliveryStatus.SENT, DeliveryStatus.FAILED, DeliveryStatus.PENDING
SKIPPED, UNCERTAIN = DeliveryStatus.SKIPPED, DeliveryStatus.UNCERTAIN
_SECOND = dt.timedelta(seconds=1)


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Desk:
    """A newsroom with one list and nobody on it yet."""
    return make_desk(database, tmp_path)


def _transport(desk: Desk, **values: object) -> int:
    with desk.database.write() as session:
        plain = {"name": "relay", "host": "127.0.0.1", "port": 25, "security": Security.NONE}
        row = Transport(**{**plain, "created_at": NOW, **values})
        session.add(row)
        session.flush()
        return row.id


def _set(desk: Desk, people: list[int], **values: object) -> None:
    with desk.database.write() as session:
        session.execute(sa.update(Delivery).where(Delivery.subscriber_id.in_(people)).values(**values))


def test_every_figure_of_a_send(desk: Desk) -> None:
    """People by status and provider, rate, waiting, replies, faults: each as the rows have it."""
    people = desk.add_people(12)
    edition_id = desk.sending(NOW)
    later = NOW + dt.timedelta(minutes=5)
    with desk.database.write() as session:
        session.add_all(
            [
                Reply(id=1, fingerprint="1", code=250, enhanced="2.0.0", text="Ok"),
                Reply(id=2, fingerprint="2", code=550, enhanced="5.1.1", text="no such user"),
                Reply(id=3, fingerprint="3", code=451, enhanced="4.7.1", text="later"),
            ]
        )
        retry = Batch(edition_id=edition_id, not_before=later)
        stuck = Batch(
            edition_id=edition_id, not_before=NOW + 10 * _SECOND, fault="no route", faults_in_a_row=1
        )
        session.add_all([retry, stuck])
        session.flush()
        retry_id, stuck_id = retry.id, stuck.id
        session.execute(sa.update(Subscriber).where(Subscriber.id.in_(people[:5])).values(domain="gmail.com"))
        session.execute(sa.update(Subscriber).where(Subscriber.id == people[5]).values(domain="web.de"))
    _set(desk, people[:3], status=SENT, sent_at=NOW - 5 * _SECOND, reply_id=1)
    _set(desk, people[3:5], status=SENT, sent_at=NOW - 30 * _SECOND, reply_id=1)
    _set(desk, people[5:6], status=FAILED, reply_id=2)
    _set(desk, people[6:7], status=UNCERTAIN, sent_at=NOW)
    _set(desk, people[7:8], status=SKIPPED, reason=DeliveryReason.NOT_WANTED)
    _set(desk, people[8:9], attempt=1, batch_id=retry_id, reply_id=3)
    _set(desk, people[9:10], batch_id=stuck_id)
    with desk.database.write() as session:
        session.execute(sa.update(Edition).values(state_since=NOW - 120 * _SECOND))
    with desk.database.read() as session:
        found = progress(session, edition_id, now=NOW)
    assert found.counts == {SENT: 5, FAILED: 1, UNCERTAIN: 1, SKIPPED: 1, PENDING: 4}
    assert found.reasons == {DeliveryReason.NOT_WANTED: 1}
    assert (found.people, found.may_have_arrived, found.is_over) == (12, 1, False)
    assert found.rate == pytest.approx(0.3)
    assert found.rate_last_minute == pytest.approx(5 / 60)
    assert (found.waiting.planned, found.waiting.planned_until) == (1, NOW + 10 * _SECOND)
    assert (found.waiting.deferred, found.waiting.next_try_at) == (1, later)
    assert found.ends_at == NOW + 36 * _SECOND  # three people at five a minute
    assert (found.batches.open, found.batches.held, found.batches.retrying) == (3, 0, 1)
    assert found.batches.next_try_at == NOW
    (fault,) = found.faults
    assert (fault.fault, fault.batches, fault.next_try_at) == ("no route", 1, NOW + 10 * _SECOND)
    assert [(line.name, line.people, line.counts[SENT]) for line in found.providers] == [
        ("Google", 5, 5),
        ("GMX & WEB.DE", 1, 0),
        ("other", 6, 0),
    ]
    assert [(line.status, line.code, line.enhanced, line.text, line.count) for line in found.replies] == [
        (FAILED, 550, "5.1.1", "no such user", 1),
        (PENDING, 451, "4.7.1", "later", 1),
        (SENT, 250, "2.0.0", "Ok", 5),
    ]


def test_rate_of_a_send_that_has_just_begun(desk: Desk) -> None:
    """Ten people in two seconds are five a second, not one."""
    people = desk.add_people(10)
    edition_id = desk.sending(NOW)
    _set(desk, people, status=SENT, sent_at=NOW + _SECOND)
    with desk.database.read() as session:
        found = progress(session, edition_id, now=NOW + 2 * _SECOND)
    assert (found.rate, found.rate_last_minute) == (5.0, 5.0)
    assert found.ends_at is None


def test_end_is_told_by_the_pace_before_the_first_is_out(desk: Desk) -> None:
    """The slower of the two limits of the service that is used first counts; a paused one has no end."""
    desk.add_people(10)
    edition_id = desk.sending(NOW)
    _transport(desk, per_second=5.0, per_hour=3600, rank=1)
    _transport(desk, name="second", per_second=0.1, rank=2)
    with desk.database.read() as session:
        assert progress(session, edition_id, now=NOW).ends_at == NOW + 10 * _SECOND
    with desk.database.write() as session:
        session.execute(sa.update(Edition).values(state=EditionState.PAUSED))
    with desk.database.read() as session:
        assert progress(session, edition_id, now=NOW).ends_at is None


def test_what_rests_is_told_with_the_words(desk: Desk) -> None:
    """Services first, then domains; what has rested is left out."""
    desk.add_people(1)
    edition_id = desk.sending(NOW)
    until = NOW + dt.timedelta(minutes=1)
    relay = _transport(desk, rests_until=until, fault="it does not answer")
    _transport(desk, name="second", rests_until=NOW - _SECOND)
    with desk.database.write() as session:
        session.add(Reply(id=1, fingerprint="1", code=421, enhanced="4.7.0", text="try again later"))
        rest = {"transport_id": relay, "changed_at": NOW}
        session.add(CoolDown(domain="gmail.com", until=until, reply_id=1, **rest))
        session.add(CoolDown(domain="web.de", until=NOW - _SECOND, **rest))
    with desk.database.read() as session:
        found = progress(session, edition_id, now=NOW).rests
    assert [(line.transport, line.domain, line.until, line.words) for line in found] == [
        ("relay", "", until, "it does not answer"),
        ("relay", "gmail.com", until, "try again later"),
    ]


def test_old_edition_has_its_totals(desk: Desk) -> None:
    """Its people are no longer on record, the figures are."""
    desk.add_people(3)
    edition_id = desk.sending(NOW)
    with desk.database.write() as session:
        session.execute(sa.delete(Delivery))
        session.execute(sa.update(Batch).values(closed_at=NOW))
        session.execute(sa.update(Edition).values(state=EditionState.SENT))
        counts = {"sent": 1, "failed": 0, "skipped": 0, "uncertain": 2}
        session.add(EditionTotals(edition_id=edition_id, dropped_at=NOW, **counts))
    with desk.database.read() as session:
        found = progress(session, edition_id, now=NOW)
    assert found.counts == {SENT: 1, UNCERTAIN: 2, PENDING: 0, FAILED: 0, SKIPPED: 0}
    assert (found.dropped_at, found.is_over) == (NOW, True)


def test_cancelled_edition_is_over_once_nobody_holds_it(desk: Desk) -> None:
    """So that whoever watches it sees the end of it."""
    desk.add_people(3)
    edition_id = desk.sending(NOW)
    with desk.database.write() as session:
        cancel(session, session.get_one(Edition, edition_id), actor="cli:test", now=NOW)
    with desk.database.write() as session:
        assert not progress(session, edition_id, now=NOW).is_over
        settle_cancelled(session, now=NOW)
        found = progress(session, edition_id, now=NOW)
    assert found.is_over
    assert found.reasons == {DeliveryReason.CANCELLED: 3}


def test_figures_cost_the_same_statements_however_many_people(desk: Desk) -> None:
    """Nothing is asked for each person, domain, batch or reply."""
    assert _statements(desk, 2) == _statements(desk, 40) <= 13


def _statements(desk: Desk, people: int) -> int:
    ids = desk.add_people(people)
    edition_id = desk.sending(NOW + people * _SECOND)
    with desk.database.write() as session:
        for number in ids:
            session.get_one(Subscriber, number).domain = f"d{number}.test"
            session.add(Batch(edition_id=edition_id, not_before=NOW, fault=f"fault {number}"))
    said: list[str] = []

    def note(_c: object, _k: object, statement: str, *_: object) -> None:
        said.append(statement)

    sa.event.listen(desk.database.engine, "before_cursor_execute", note)
    try:
        with desk.database.read() as session:
            progress(session, edition_id, now=NOW)
    finally:
        sa.event.remove(desk.database.engine, "before_cursor_execute", note)
    return len(said)

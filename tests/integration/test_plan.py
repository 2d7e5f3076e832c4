"""Plans: batches over a window with the domains mixed, and what a ramp-up leaves of an audience."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from digest.db import Database
from digest.deliveries import plan as planning
from digest.deliveries.allowance import left_over, planned_on
from digest.deliveries.handover import finish_served, start_due
from digest.deliveries.plan import plan, unplan
from digest.models import (
    Batch,
    Cadence,
    Delivery,
    DeliveryReason,
    DeliveryStatus,
    Edition,
    EditionState,
    RampOrder,
    RampUp,
    Subscriber,
    Subscription,
    SubscriptionStatus,
    Transport,
)
from digest.pacing.ramp_up import start_ramp_up
from digest.pacing.transports import add_transport
from tests.factories import make_subscriber, make_subscription
from tests.factories.moments import NOW
from tests.integration.planned import Desk, make_desk

MINUTE = dt.timedelta(minutes=1)


@pytest.fixture
def desk(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Batches of five, so that a few people are many batches."""
    monkeypatch.setattr(planning, "BATCH_SIZE", 5)
    return make_desk(database, tmp_path)


def add_people(desk: Desk, domain: str, count: int) -> list[int]:
    """So many readers with addresses of one domain, each joined an hour after the one before."""
    with desk.database.write() as session:
        before = session.scalar(sa.select(sa.func.count()).select_from(Subscriber)) or 0
        found = []
        for number in range(before, before + count):
            person = make_subscriber(
                session, f"p{number:03}@{domain}", address_key=desk.made.address_key, created_at=NOW
            )
            joined = NOW - dt.timedelta(days=30) + dt.timedelta(hours=number)
            make_subscription(session, desk.mailing_list, person, created_at=joined)
            found.append(person.id)
        return found


def set_cadence(desk: Desk, **values: Any) -> None:
    with desk.database.write() as session:
        session.execute(sa.update(Cadence).where(Cadence.id == desk.cadence.id).values(**values))


def add_service(desk: Desk, name: str, rank: int = 0) -> int:
    """A mail service that took a test mail."""
    with desk.database.write() as session:
        row = add_transport(session, name=name, host="127.0.0.1", rank=rank, now=NOW)
        row.accepted_at = NOW
        return row.id


def ramp_up(desk: Desk, service: int, *, rest: int | None = None, **values: Any) -> None:
    plain: dict[str, Any] = {"first_day": 7, "growth_percent": 100, "now": NOW}
    with desk.database.write() as session:
        start_ramp_up(
            session,
            session.get_one(Transport, service),
            rest=session.get_one(Transport, rest) if rest else None,
            **{**plain, **values},
        )


def deliveries(desk: Desk, edition_id: int) -> list[Delivery]:
    with desk.database.read() as session:
        return list(
            session.scalars(
                sa.select(Delivery).where(Delivery.edition_id == edition_id).order_by(Delivery.subscriber_id)
            )
        )


def ways_of(desk: Desk, edition_id: int) -> dict[int, int | None]:
    """By which mail service each planned person goes."""
    with desk.database.read() as session:
        rows = session.execute(
            sa.select(Delivery.subscriber_id, Batch.transport_id)
            .join(Batch, Batch.id == Delivery.batch_id)
            .where(Delivery.edition_id == edition_id, Delivery.status == DeliveryStatus.PENDING)
        )
        return dict(rows.all())


def test_batches_begin_one_after_another_with_the_domains_mixed(desk: Desk) -> None:
    """In the cadence's window, the first at the slot; neighbours by domain still share a batch."""
    add_people(desk, "big.test", 30)
    add_people(desk, "small.test", 10)
    set_cadence(desk, spread_seconds=480)
    edition_id = desk.planned(NOW)
    batches = desk.batches(edition_id)
    assert [batch.not_before - NOW for batch in batches] == [MINUTE * number for number in range(8)]
    with desk.database.read() as session:
        rows = session.execute(
            sa.select(Delivery.batch_id, Subscriber.domain)
            .join(Subscriber, Subscriber.id == Delivery.subscriber_id)
            .where(Delivery.edition_id == edition_id)
        ).all()
    assert Counter(row.batch_id for row in rows) == dict.fromkeys((batch.id for batch in batches), 5)
    by_batch = {row.batch_id: row.domain for row in rows}
    assert len(set(rows)) == 8  # one domain a batch
    order = [by_batch[batch.id] for batch in batches]
    assert order[0] == "big.test"
    at = [place for place, domain in enumerate(order) if domain == "small.test"]
    assert at[1] - at[0] in range(3, 6)  # apart, where the audience has them side by side


def test_batches_whose_numbers_have_gaps_get_the_same_people(desk: Desk) -> None:
    """On PostgreSQL another transaction may take a number in between; nobody is lost or moved for it."""
    if desk.database.is_sqlite:
        pytest.skip("a transaction that writes is alone on SQLite: there are no gaps")
    add_people(desk, "big.test", 12)
    with desk.database.write() as session:
        session.execute(sa.text("ALTER SEQUENCE batches_id_seq INCREMENT BY 3"))
    try:
        edition_id = desk.planned(NOW)
        batches = desk.batches(edition_id)
        assert batches[1].id - batches[0].id == 3
        sizes = Counter(row.batch_id for row in deliveries(desk, edition_id))
        assert sorted(sizes) == [batch.id for batch in batches]
        assert sorted(sizes.values()) == [2, 5, 5]
    finally:
        with desk.database.write() as session:
            session.execute(sa.text("ALTER SEQUENCE batches_id_seq INCREMENT BY 1"))


def test_few_people_go_out_at_once(desk: Desk) -> None:
    """Without a wish of the cadence, all batches of a small list begin at the slot."""
    add_people(desk, "big.test", 12)
    assert {batch.not_before for batch in desk.batches(desk.planned(NOW))} == {NOW}


@pytest.mark.parametrize(
    ("starts", "moved"), [(-90 * MINUTE, True), (dt.timedelta(seconds=4), False), (90 * MINUTE, True)]
)
def test_the_window_moves_as_a_whole(desk: Desk, starts: dt.timedelta, moved: bool) -> None:  # noqa: FBT001
    """Sent sooner by hand or much later after a standstill: it begins then and keeps its shape."""
    add_people(desk, "big.test", 20)
    set_cadence(desk, spread_seconds=240)
    edition_id = desk.planned(NOW)
    with desk.database.write() as session:
        session.get_one(Edition, edition_id).send_at = min(NOW, NOW + starts)
        assert start_due(session, now=NOW + starts) == 1
    begin = NOW + starts if moved else NOW
    assert [batch.not_before - begin for batch in desk.batches(edition_id)] == [MINUTE * n for n in range(4)]


def test_a_new_sender_mails_its_number_and_the_rest_are_skipped(desk: Desk) -> None:
    """Seven of twelve get batches, by this service only; the others are skipped with the reason."""
    add_people(desk, "big.test", 12)
    relay = add_service(desk, "new")
    ramp_up(desk, relay)
    edition_id = desk.planned(NOW)
    rows = deliveries(desk, edition_id)
    pending = [row for row in rows if row.status is DeliveryStatus.PENDING]
    skipped = [row for row in rows if row.status is DeliveryStatus.SKIPPED]
    assert (len(pending), len(skipped)) == (7, 5)
    assert {row.reason for row in pending} == {None}
    assert {(row.reason, row.batch_id) for row in skipped} == {(DeliveryReason.RAMP_UP, None)}
    assert set(ways_of(desk, edition_id).values()) == {relay}
    assert [batch.transport_id for batch in desk.batches(edition_id)] == [relay, relay]
    with desk.database.write() as session:
        unplan(session, session.get_one(Edition, edition_id))
    assert deliveries(desk, edition_id) == []


@pytest.mark.parametrize("order", RampOrder)
def test_the_liveliest_or_the_latest_are_mailed_first(desk: Desk, order: RampOrder) -> None:
    """Whoever joined last, or whose last sign of life is the latest; nobody knows of any is last."""
    people = add_people(desk, "big.test", 10)
    with desk.database.write() as session:
        for number, person in enumerate(people[:8]):  # the last two gave none
            session.get_one(Subscriber, person).last_sign_of_life_at = NOW - dt.timedelta(days=number + 1)
    ramp_up(desk, add_service(desk, "new"), order=order)
    found = ways_of(desk, desk.planned(NOW))
    assert set(found) == set(people[3:] if order is RampOrder.JOINED else people[:7])


def test_the_rest_goes_by_another_service(desk: Desk) -> None:
    """Each share in batches of its own, each over the whole window."""
    add_people(desk, "big.test", 6)
    add_people(desk, "small.test", 11)
    set_cadence(desk, spread_seconds=60)
    new, old = add_service(desk, "new"), add_service(desk, "old", 1)
    ramp_up(desk, new, rest=old, order=RampOrder.JOINED)
    edition_id = desk.planned(NOW)
    assert Counter(ways_of(desk, edition_id).values()) == {new: 7, old: 10}
    begins = [(batch.transport_id, (batch.not_before - NOW).seconds) for batch in desk.batches(edition_id)]
    assert begins == [(new, 0), (new, 30), (old, 0), (old, 30)]


def test_a_days_editions_share_its_number(desk: Desk) -> None:
    """What was planned that day counts, sent or not; the next day has more."""
    people = add_people(desk, "big.test", 12)
    relay = add_service(desk, "new")
    ramp_up(desk, relay, first_day=10)
    with desk.database.write() as session:
        for person in people[:8]:
            session.execute(
                sa.update(Subscription)
                .where(Subscription.subscriber_id == person)
                .values(status=SubscriptionStatus.PAUSED)
            )
    first = desk.planned(NOW)
    with desk.database.write() as session:
        session.execute(sa.update(Subscription).values(status=SubscriptionStatus.ACTIVE))
        session.execute(sa.update(Delivery).values(status=DeliveryStatus.SENT, transport_id=relay))
        assert planned_on(session, relay, NOW.date()) == 4
    second = desk.planned(NOW + MINUTE)
    third = desk.planned(NOW + 2 * MINUTE)
    tomorrow = desk.planned(NOW + dt.timedelta(days=1))
    found = {one: len(ways_of(desk, one)) for one in (second, third, tomorrow)}
    assert found == {second: 6, third: 0, tomorrow: 12}
    assert len(deliveries(desk, first)) == 4
    assert {row.reason for row in deliveries(desk, third)} == {DeliveryReason.RAMP_UP}
    assert desk.batches(third) == []


def test_an_edition_whose_people_are_all_left_over_ends(desk: Desk) -> None:
    """It has no batch to wait for."""
    add_people(desk, "big.test", 3)
    ramp_up(desk, add_service(desk, "new"), now=NOW + dt.timedelta(days=1))
    edition_id = desk.planned(NOW)
    with desk.database.write() as session:
        assert start_due(session, now=NOW) == 1
        assert finish_served(session, now=NOW) == 1
    assert desk.edition(edition_id).state is EditionState.SENT


def test_a_ramp_up_of_another_service_changes_nothing(desk: Desk) -> None:
    """Only that of the service that is tried first; resting does not make another one first."""
    add_people(desk, "big.test", 9)
    first, second = add_service(desk, "first"), add_service(desk, "second", 1)
    ramp_up(desk, second)
    plain = desk.planned(NOW)
    assert set(ways_of(desk, plain).values()) == {None}
    with desk.database.write() as session:
        session.execute(sa.delete(RampUp))
        session.get_one(Transport, first).rests_until = NOW + MINUTE
    ramp_up(desk, first)
    assert len(ways_of(desk, desk.planned(NOW + MINUTE))) == 7


def test_those_left_over_are_listed_while_they_may_be_mailed(desk: Desk) -> None:
    """Who has left since is not in it; pages do not lose or double anybody."""
    people = add_people(desk, "big.test", 12)
    ramp_up(desk, add_service(desk, "new"), order=RampOrder.JOINED)
    edition_id = desk.planned(NOW)
    with desk.database.write() as session:
        session.execute(
            sa.update(Subscription)
            .where(Subscription.subscriber_id == people[0])
            .values(status=SubscriptionStatus.ENDED)
        )
    with desk.database.read() as session:
        found = [row.address for row in left_over(session, edition_id)]
    assert found == [f"p{number:03}@big.test" for number in range(1, 5)]


def test_the_statements_do_not_grow_with_the_audience(desk: Desk) -> None:
    """With and without a ramp-up: as many for forty people as for ten."""
    numbers = []
    relay = add_service(desk, "new")
    for is_ramped in (False, True):
        if is_ramped:
            ramp_up(desk, relay, first_day=8)
        for more in (10, 30):
            add_people(desk, "big.test", more)
            edition_id = desk.frozen(NOW + dt.timedelta(days=len(numbers)))
            statements: list[str] = []

            def note(*args: Any, into: list[str] = statements) -> None:
                into.append(str(args[2]))

            sa.event.listen(desk.database.engine, "before_cursor_execute", note)
            with desk.database.write() as session:
                assert plan(session, edition_id, now=NOW)
            sa.event.remove(desk.database.engine, "before_cursor_execute", note)
            numbers.append(len(statements))
    assert numbers[0] == numbers[1]
    assert numbers[2] == numbers[3]

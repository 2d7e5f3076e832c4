"""The chain of consent on both databases."""

from __future__ import annotations

import datetime as dt
import threading

import pytest
import sqlalchemy as sa

from digest.db import Database
from digest.lists import consent
from digest.lists.erase import erase_subscriber
from digest.lists.status import Action, Origin
from digest.lists.subscribe import end, pause, resume
from digest.models import ConsentEvent, Subscriber, Subscription, SubscriptionStatus
from tests.factories import make_digest, make_list, make_subscription
from tests.factories.moments import NOW
from tests.servers.waiting import HANG

HOUR = dt.timedelta(hours=1)


@pytest.fixture
def subscription_id(database: Database) -> int:
    """A subscription that was paused, resumed and ended."""
    with database.write() as session:
        mailing_list = make_list(session, make_digest(session))
        subscription = make_subscription(session, mailing_list)
        pause(session, subscription, source=Origin.CLI, actor="cli:test", now=NOW + HOUR)
        resume(session, subscription, source=Origin.CLI, actor="cli:test", now=NOW + 2 * HOUR)
        end(session, subscription, source=Origin.ONE_CLICK, now=NOW + 3 * HOUR, reason="unsubscribed")
        return subscription.id


def findings(database: Database, subscription_id: int) -> list[str]:
    with database.read() as session:
        return [finding.problem for finding in consent.verify(session, subscription_id)]


def test_a_chain_of_changes_verifies(database: Database, subscription_id: int) -> None:
    """Every change writes one event, the chain is whole, and the status is the last event's."""
    assert findings(database, subscription_id) == []
    with database.read() as session:
        events = session.scalars(sa.select(ConsentEvent).order_by(ConsentEvent.number)).all()
        assert [(event.number, event.action) for event in events] == [
            (1, "sign_up"),
            (2, "pause"),
            (3, "resume"),
            (4, "end"),
        ]
        assert session.get_one(Subscription, subscription_id).status is SubscriptionStatus.ENDED


def test_an_erased_chain_still_verifies(database: Database, subscription_id: int) -> None:
    """Erasing takes every detail and salt, adds its own event, and leaves the chain whole."""
    with database.write() as session:
        subscriber = session.scalars(sa.select(Subscriber)).one()
        assert erase_subscriber(session, subscriber, source=Origin.CLI, now=NOW + 4 * HOUR)
        assert not erase_subscriber(session, subscriber, source=Origin.CLI, now=NOW + 5 * HOUR)
    assert findings(database, subscription_id) == []
    with database.read() as session:
        kept = session.execute(sa.select(ConsentEvent.details, ConsentEvent.salt)).all()
        assert [tuple(row) for row in kept] == [(None, None)] * 5
        missing = sa.select(sa.func.count()).where(ConsentEvent.details.is_(sa.null()))
        assert session.scalar(missing) == 5  # SQL's null, not JSON's
        person = session.scalars(sa.select(Subscriber)).one()
        assert (person.address, person.address_key, person.domain, person.name) == (None, None, None, "")
        assert len(person.address_hash) == 64


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"action": "import"}, "the event or the one before it was changed"),
        ({"at": NOW + dt.timedelta(microseconds=1)}, "the event or the one before it was changed"),
        ({"status": "active"}, "the event or the one before it was changed"),
        ({"source": "form"}, "the event or the one before it was changed"),
        ({"details": {"actor": "somebody else"}}, "the details were changed"),
        ({"commitment": "0" * 64, "salt": None}, "the event or the one before it was changed"),
        ({"salt": None}, "the details were changed"),
        ({"salt": None, "details": {"actor": "somebody else"}}, "the details were changed"),
        ({"details": sa.null()}, "the details were changed"),
        ({"salt": None, "details": sa.null()}, "the details are missing, and nobody erased them"),
    ],
)
def test_a_changed_event_is_found(
    database: Database, subscription_id: int, change: dict[str, object], problem: str
) -> None:
    """Whatever is changed in an event, the chain says so and where."""
    with database.write() as session:
        session.execute(sa.update(ConsentEvent).where(ConsentEvent.number == 2).values(**change))
    with database.read() as session:
        found = consent.verify(session, subscription_id)
    assert (found[0].number, found[0].problem) == (2, problem)


def test_only_an_erasure_takes_the_details(database: Database, subscription_id: int) -> None:
    """It explains the events before it and itself, not one that somebody put behind it."""
    with database.write() as session:
        erase_subscriber(session, session.scalars(sa.select(Subscriber)).one(), source=Origin.CLI, now=NOW)
        subscription = session.get_one(Subscription, subscription_id)
        consent.append(
            session,
            subscription,
            action=Action.REVIVE,
            status=SubscriptionStatus.ACTIVE,
            source=Origin.CLI,
            details={"consent": "said so"},
            now=NOW,
        )
    assert findings(database, subscription_id) == []
    with database.write() as session:
        gone = {"salt": None, "details": sa.null()}
        session.execute(sa.update(ConsentEvent).where(ConsentEvent.number == 6).values(**gone))
    assert findings(database, subscription_id) == ["the details are missing, and nobody erased them"]


def test_a_missing_event_is_found(database: Database, subscription_id: int) -> None:
    """Events that were taken out leave a gap; without its tail a chain contradicts the status."""
    with database.write() as session:
        session.execute(sa.delete(ConsentEvent).where(ConsentEvent.number == 2))
    assert findings(database, subscription_id) == ["event 2 is missing before this one"]
    with database.write() as session:
        session.execute(sa.delete(ConsentEvent).where(ConsentEvent.number > 1))
    assert findings(database, subscription_id) == ["the subscription is ended, its last event says active"]
    with database.write() as session:
        session.execute(sa.delete(ConsentEvent))
    assert findings(database, subscription_id) == ["there is no event that explains this subscription"]


def test_an_event_of_another_chain_is_found(database: Database, subscription_id: int) -> None:
    """An event cannot be moved to another subscription."""
    with database.write() as session:
        mailing_list = make_list(session, make_digest(session))
        other = make_subscription(session, mailing_list)
        session.execute(sa.delete(ConsentEvent).where(ConsentEvent.subscription_id == other.id))
        session.execute(
            sa.update(ConsentEvent)
            .where(ConsentEvent.subscription_id == subscription_id, ConsentEvent.number == 1)
            .values(subscription_id=other.id)
        )
        other_id = other.id
    assert findings(database, other_id) == ["the event or the one before it was changed"]
    with database.read() as session:
        results = dict(consent.verify_all(session))
    assert set(results) == {subscription_id, other_id}
    assert all(results.values())


@pytest.mark.both_databases
def test_two_changes_at_once_come_one_after_the_other(database: Database) -> None:
    """Eight threads that pause and end the same subscription leave one whole chain."""
    with database.write() as session:
        subscription_id = make_subscription(session, make_list(session, make_digest(session))).id
    gate = threading.Barrier(8)
    changed: list[bool] = []

    def sign_off(number: int) -> None:
        gate.wait()
        with database.write() as session:
            subscription = session.get_one(Subscription, subscription_id)
            now = NOW + number * HOUR
            changed.append(
                end(session, subscription, source=Origin.ONE_CLICK, now=now, reason="unsubscribed")
            )

    threads = [threading.Thread(target=sign_off, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(HANG)
    assert sorted(changed) == [False] * 7 + [True]
    assert findings(database, subscription_id) == []
    with database.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(ConsentEvent)) == 2

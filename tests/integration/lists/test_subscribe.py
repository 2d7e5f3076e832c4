"""Sign up, pause, resume and end, on both databases."""

from __future__ import annotations

import datetime as dt
import threading

import pytest
import sqlalchemy as sa

from digest.db import Database
from digest.errors import InputError, StateError
from digest.lists import consent, links
from digest.lists.due_pauses import resume_due_pauses
from digest.lists.erase import erase_subscriber
from digest.lists.status import Origin
from digest.lists.subscribe import (
    Added,
    AddOutcome,
    LeftError,
    add_subscriber,
    confirm,
    end,
    pause,
    resume,
)
from digest.lists.suppress import SuppressedError, release_domain, suppress_address, suppress_domain
from digest.models import ConsentEvent, MailingList, Subscriber, Subscription, SubscriptionStatus
from digest.tokens import Claim, Purpose, Signer, TokenError
from tests.factories import make_digest, make_list, make_subscription
from tests.factories.audience import ADDRESS_KEY
from tests.factories.moments import NOW
from tests.servers.waiting import HANG

HOUR = dt.timedelta(hours=1)
SIGNER = Signer({1: b"s" * 32}, 1)


@pytest.fixture
def list_id(database: Database) -> int:
    with database.write() as session:
        return make_list(session, make_digest(session)).id


def add(
    database: Database,
    list_id: int,
    address: str = "ani@example.org",
    *,
    source: Origin = Origin.CLI,
    status: SubscriptionStatus = SubscriptionStatus.ACTIVE,
    now: dt.datetime = NOW,
    asked_again: bool = False,
) -> Added:
    with database.write() as session:
        return add_subscriber(
            session,
            session.get_one(MailingList, list_id),
            address,
            address_key=ADDRESS_KEY,
            consent_text="signed a card at the fair",
            source=source,
            actor="cli:test",
            now=now,
            status=status,
            asked_again=asked_again,
            name="Ani",
        )


def test_the_first_sign_up_adds_and_the_second_is_known(database: Database, list_id: int) -> None:
    """A person is added once, whatever the case of the letters, with one event of proof."""
    first = add(database, list_id)
    second = add(database, list_id, "ANI@Example.ORG")
    assert (first.outcome, second.outcome) == (AddOutcome.ADDED, AddOutcome.KNOWN)
    assert first.subscription_id == second.subscription_id
    with database.read() as session:
        event = session.scalars(sa.select(ConsentEvent)).one()
        assert event.details == {
            "address": "ani@example.org",
            "consent": "signed a card at the fair",
            "actor": "cli:test",
        }
        assert consent.verify(session, first.subscription_id) == []


def test_a_sign_up_without_consent_or_address_leaves_nothing(database: Database, list_id: int) -> None:
    """What cannot be used is refused and no row of it stays."""
    with pytest.raises(InputError), database.write() as session:
        add_subscriber(
            session,
            session.get_one(MailingList, list_id),
            "ani@example.org",
            address_key=ADDRESS_KEY,
            consent_text=" ",
            source=Origin.CLI,
            actor="cli:test",
            now=NOW,
        )
    with pytest.raises(InputError):
        add(database, list_id, "not an address")
    with database.read() as session:
        assert session.scalars(sa.select(Subscriber)).all() == []


def test_who_left_comes_back_only_by_asking(database: Database, list_id: int) -> None:
    """A clerk cannot revive; the person, or a clerk who says that the person asked, can."""
    subscription_id = add(database, list_id).subscription_id
    for source, asked_again in ((Origin.FORM, False), (Origin.CLI, True)):
        with database.write() as session:
            subscription = session.get_one(Subscription, subscription_id)
            assert end(session, subscription, source=Origin.ONE_CLICK, now=NOW + HOUR, reason="unsubscribed")
        with pytest.raises(LeftError):
            add(database, list_id, source=Origin.DESK)
        again = add(database, list_id, source=source, asked_again=asked_again, now=NOW + 2 * HOUR)
        assert (again.outcome, again.status) == (AddOutcome.REVIVED, SubscriptionStatus.ACTIVE)
    with database.read() as session:
        assert consent.verify(session, subscription_id) == []


def test_the_erased_come_back_only_as_somebody_new(database: Database, list_id: int) -> None:
    """After erasure a clerk's sign-up is refused; the person's own makes a new subscriber."""
    old = add(database, list_id)
    with database.write() as session:
        erase_subscriber(session, session.get_one(Subscriber, old.subscriber_id), source=Origin.CLI, now=NOW)
    with pytest.raises(LeftError):
        add(database, list_id)
    new = add(database, list_id, source=Origin.FORM)
    assert new.outcome is AddOutcome.ADDED
    assert new.subscriber_id != old.subscriber_id
    assert add(database, list_id).outcome is AddOutcome.KNOWN


def test_the_suppressed_are_not_added(database: Database, list_id: int) -> None:
    """An address or domain on the do-not-mail list is refused with the reason; off it, it can be added."""
    with database.write() as session:
        suppress_address(
            session, ADDRESS_KEY, "ARA@example.org", reason="complaint", source=Origin.FEEDBACK, now=NOW
        )
        assert suppress_domain(session, "Closed.test.", reason="asked", source=Origin.CLI, now=NOW)
        assert not suppress_domain(session, "closed.test", reason="again", source=Origin.CLI, now=NOW)
    for address in ("ara@example.org", "anyone@closed.test"):
        with pytest.raises(SuppressedError, match="do-not-mail") as caught:
            add(database, list_id, address, source=Origin.FORM)
        assert address not in str(caught.value)
    with database.write() as session:
        assert release_domain(session, "closed.test")
        assert not release_domain(session, "closed.test")
    assert add(database, list_id, "anyone@closed.test").outcome is AddOutcome.ADDED


def test_a_pending_one_becomes_active_by_confirming(database: Database, list_id: int) -> None:
    """A sign-up that is not confirmed can be neither paused nor resumed, only confirmed, once."""
    pending = add(database, list_id, source=Origin.FORM, status=SubscriptionStatus.PENDING)
    with database.write() as session:
        subscription = session.get_one(Subscription, pending.subscription_id)
        for step in (pause, resume):
            with pytest.raises(StateError, match="not confirmed"):
                step(session, subscription, source=Origin.CLI, actor="cli:test", now=NOW)
        assert confirm(session, subscription, source=Origin.CONFIRM_LINK, now=NOW)
        assert not confirm(session, subscription, source=Origin.CONFIRM_LINK, now=NOW)
        assert subscription.status is SubscriptionStatus.ACTIVE
        end(session, subscription, source=Origin.ONE_CLICK, now=NOW, reason="unsubscribed")
        with pytest.raises(StateError, match="ended"):
            confirm(session, subscription, source=Origin.CONFIRM_LINK, now=NOW)


def test_a_pause_ends_by_itself_when_it_is_due(database: Database, list_id: int) -> None:
    """The sweep resumes at the moment that was asked for, not before, and writes the proof."""
    subscription_id = add(database, list_id).subscription_id
    with database.write() as session:
        subscription = session.get_one(Subscription, subscription_id)
        with pytest.raises(InputError, match="future"):
            pause(session, subscription, source=Origin.CLI, actor="", now=NOW, until=NOW)
        for changed in (True, False):
            until = NOW + HOUR
            assert changed is pause(
                session, subscription, source=Origin.CLI, actor="cli:test", now=NOW, until=until
            )
        assert pause(session, subscription, source=Origin.CLI, actor="", now=NOW, until=NOW + 2 * HOUR)
    with database.write() as session:
        assert resume_due_pauses(session, now=NOW + HOUR) == 0
        assert resume_due_pauses(session, now=NOW + 2 * HOUR) == 1
        assert resume_due_pauses(session, now=NOW + 2 * HOUR) == 0
    with database.read() as session:
        subscription = session.get_one(Subscription, subscription_id)
        assert (subscription.status, subscription.paused_until) == (SubscriptionStatus.ACTIVE, None)
        assert consent.verify(session, subscription_id) == []


def test_a_pause_without_date_lasts(database: Database, list_id: int) -> None:
    """The sweep leaves a pause alone that has no date."""
    subscription_id = add(database, list_id).subscription_id
    with database.write() as session:
        pause(session, session.get_one(Subscription, subscription_id), source=Origin.CLI, actor="", now=NOW)
        assert resume_due_pauses(session, now=NOW + dt.timedelta(days=9999)) == 0


def test_only_own_acts_are_signs_of_life(database: Database, list_id: int) -> None:
    """What clerks do leaves the last sign of life; what the person does moves it, never back."""

    def life() -> dt.datetime | None:
        with database.read() as session:
            return session.scalars(sa.select(Subscriber.last_sign_of_life_at)).one()

    subscription_id = add(database, list_id).subscription_id
    assert life() is None
    add(database, list_id, source=Origin.FORM, now=NOW + HOUR)
    assert life() == NOW + HOUR
    with database.write() as session:
        subscription = session.get_one(Subscription, subscription_id)
        pause(session, subscription, source=Origin.DESK, actor="desk:1", now=NOW + 2 * HOUR)
    assert life() == NOW + HOUR
    with database.write() as session:
        subscription = session.get_one(Subscription, subscription_id)
        resume(session, subscription, source=Origin.PREFERENCES, actor="", now=NOW + 3 * HOUR)
        assert not resume(session, subscription, source=Origin.PREFERENCES, actor="", now=NOW)
    assert life() == NOW + 3 * HOUR


@pytest.mark.both_databases
def test_many_sign_ups_at_once_make_one_person(database: Database, list_id: int) -> None:
    """Eight sign-ups of one address at the same time make one subscriber and one subscription."""
    gate = threading.Barrier(8)
    outcomes: list[AddOutcome] = []

    def sign_up() -> None:
        gate.wait()
        outcomes.append(add(database, list_id, source=Origin.FORM).outcome)

    threads = [threading.Thread(target=sign_up) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(HANG)
    assert sorted(outcomes) == [AddOutcome.ADDED] + [AddOutcome.KNOWN] * 7
    with database.read() as session:
        subscription_id = session.scalars(sa.select(Subscription.id)).one()
        assert consent.verify(session, subscription_id) == []


def test_signing_off_by_link_is_done_once_and_always_well(database: Database, list_id: int) -> None:
    """The link ends the subscription; again, or for somebody who is gone, it quietly does nothing."""
    with database.write() as session:
        subscription = make_subscription(session, session.get_one(MailingList, list_id))
        subscriber_id, subscription_id = subscription.subscriber_id, subscription.id
    url = links.sign_off_url("https://courier.example", SIGNER, list_id=list_id, subscriber_id=subscriber_id)
    token = url.rpartition("/")[2]
    newer = Signer({1: b"s" * 32, 2: b"t" * 32}, 2)
    for signer, was_ended in ((newer, True), (SIGNER, False)):
        with database.write() as session:
            ended = links.end_by_token(session, signer, token, source=Origin.ONE_CLICK, now=NOW + HOUR)
            assert (ended is not None) is was_ended
    with database.read() as session:
        assert session.get_one(Subscription, subscription_id).status is SubscriptionStatus.ENDED
        assert consent.verify(session, subscription_id) == []
        assert session.scalars(sa.select(Subscriber.last_sign_of_life_at)).one() == NOW + HOUR
    nobody = SIGNER.sign(Claim(Purpose.UNSUBSCRIBE, list_id, 999_999))
    with database.write() as session:
        assert links.end_by_token(session, SIGNER, nobody, source=Origin.ONE_CLICK, now=NOW) is None


def test_only_our_sign_off_links_sign_off(database: Database, list_id: int) -> None:
    """A changed link, or one that was made for something else, ends nothing."""
    subscriber_id = add(database, list_id).subscriber_id
    confirming = SIGNER.sign(Claim(Purpose.CONFIRM, list_id, subscriber_id))
    foreign = Signer({1: b"x" * 32}, 1).sign(Claim(Purpose.UNSUBSCRIBE, list_id, subscriber_id))
    for token in (confirming, foreign, "", "x" * 42):
        with database.write() as session, pytest.raises(TokenError):
            links.end_by_token(session, SIGNER, token, source=Origin.ONE_CLICK, now=NOW)
    with database.read() as session:
        assert session.scalars(sa.select(Subscription.status)).one() is SubscriptionStatus.ACTIVE

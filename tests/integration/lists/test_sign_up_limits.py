"""How often a sign-up causes a mail, and what that keeps and tells, on both databases."""

from __future__ import annotations

import datetime as dt
import random
import threading

import pytest
import sqlalchemy as sa

from digest.addresses import keyed_hash
from digest.db import Database
from digest.lists import confirmations, limits
from digest.lists.sign_up import SignUp, Wish, ask, sign_up
from digest.lists.status import Origin
from digest.lists.suppress import suppress_address
from digest.models import (
    Confirmation,
    MailingList,
    Subscriber,
    SubscriptionStatus,
    SuppressionCause,
    TokenBucket,
)
from tests.factories import make_digest, make_list, make_subscriber, make_subscription
from tests.factories.audience import ADDRESS_KEY
from tests.factories.moments import NOW
from tests.integration.lists.sign_up_hands import (
    ANI,
    DAY,
    HOUR,
    PENDING,
    STATIONERY,
    asked,
    mails,
    statuses,
    wish,
)


@pytest.fixture
def list_id(database: Database) -> int:
    with database.write() as session:
        return make_list(session, make_digest(session)).id


def test_one_confirmation_a_day_and_three_in_ninety(database: Database, list_id: int) -> None:
    """The periods are half-open: exactly a day later the next, exactly ninety days later the fourth."""
    second = dt.timedelta(seconds=1)
    moments = [
        (NOW, 1),
        (NOW + DAY - second, 0),
        (NOW + DAY, 1),
        (NOW + 2 * DAY, 1),
        (NOW + 3 * DAY, 0),
        (NOW + 90 * DAY - second, 0),
        (NOW + 90 * DAY, 1),
    ]
    for moment, due in moments:
        assert asked(database, list_id, now=moment) == due, moment
    with database.write() as session:
        other = make_list(session, make_digest(session)).id
    assert asked(database, other, now=NOW + 90 * DAY) == 1


@pytest.mark.both_databases
def test_two_posts_at_once_make_one_mail(database: Database, list_id: int) -> None:
    """Eight at the same moment: one mail, one person, one event."""
    start = threading.Barrier(8)

    def post() -> None:
        start.wait()
        asked(database, list_id)

    threads = [threading.Thread(target=post) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(mails(database)) == 1
    assert statuses(database) == [PENDING]


def test_an_address_that_is_typed_in_often_is_answered_alike(database: Database, list_id: int) -> None:
    """Past its limit an address is still "taken"; a network past its own is told to wait."""
    for number in range(8):
        one = wish(list_id, network=f"192.0.{number}.7")
        assert sign_up(database, one, STATIONERY, now=NOW) is SignUp.TAKEN
    assert len(mails(database)) == 1
    answers = [
        sign_up(
            database,
            wish(list_id, address=f"reader{number}@example.org", network=f"198.51.100.{number}"),
            STATIONERY,
            now=NOW,
        )
        for number in range(32)
    ]
    assert answers == [SignUp.TAKEN] * 30 + [SignUp.TOO_MANY] * 2
    assert len(mails(database)) == 31
    other = wish(list_id, address="eva@example.org", network="203.0.113.1")
    assert sign_up(database, other, STATIONERY, now=NOW) is SignUp.TAKEN


def test_what_no_longer_counts_is_deleted(database: Database, list_id: int) -> None:
    """Confirmations after ninety days, buckets after a day without use; nothing sooner."""
    sign_up(database, wish(list_id, network="192.0.2.1"), STATIONERY, now=NOW)
    with database.write() as session:
        assert limits.purge(session, now=NOW + DAY) == 0
        assert limits.purge(session, now=NOW + DAY + HOUR) == 3
        assert confirmations.purge(session, now=NOW + 90 * DAY - HOUR) == 0
        assert confirmations.purge(session, now=NOW + 90 * DAY) == 1
        assert session.scalars(sa.select(TokenBucket)).all() == []
        assert session.scalars(sa.select(Confirmation)).all() == []


def test_no_address_stands_in_the_tables_of_limits(database: Database, list_id: int) -> None:
    """Only keyed hashes do, of addresses and of networks."""
    sign_up(database, wish(list_id, network="192.0.2.77"), STATIONERY, now=NOW)
    with database.read() as session:
        keys = " ".join(session.scalars(sa.select(TokenBucket.key)))
        hashes = session.scalars(sa.select(Confirmation.address_hash)).all()
    assert hashes == [keyed_hash(ADDRESS_KEY, ANI)]
    assert "192.0" not in keys
    assert "ani" not in keys


def many_posts(database: Database, list_id: int, posts: int) -> list[tuple[str, dt.datetime]]:
    """Posts over nine addresses and ninety days, each from a network of its own; which mails they caused."""
    chance = random.Random(20261123)
    addresses = [f"reader{number}@example.org" for number in range(9)]
    # Each address has its post at the very beginning; the clock runs on from there.
    moments = sorted(NOW + 90 * DAY * chance.random() for _ in range(posts - 9))
    plan = [(address, NOW) for address in addresses]
    plan += [(chance.choice(addresses), moment) for moment in moments]
    wishes = {address: wish(list_id, address=address) for address in addresses}
    caused = []
    for start in range(0, posts, 500):
        with database.write() as session:
            for address, moment in plan[start : start + 500]:
                if ask(session, wishes[address], STATIONERY, now=moment):
                    caused.append((address, moment))
    return caused


def test_posts_over_nine_addresses_cause_twenty_seven_mails(database: Database, list_id: int) -> None:
    """2,500 over ninety days: exactly 27 confirmations, 9 in the first 24 hours."""
    _cause_twenty_seven(database, list_id, posts=2_500)


@pytest.mark.slow  # the run has a twentieth of them
def test_fifty_thousand_posts_cause_no_more_on_either_database(database: Database, list_id: int) -> None:
    """And 50,000."""
    _cause_twenty_seven(database, list_id, posts=50_000)


def _cause_twenty_seven(database: Database, list_id: int, *, posts: int) -> None:
    caused = many_posts(database, list_id, posts)
    assert len(caused) == 27
    assert len([moment for _, moment in caused if moment < NOW + DAY]) == 9
    assert len(mails(database)) == 27


def test_known_and_unknown_addresses_take_about_the_same_work(database: Database, list_id: int) -> None:
    """Counted in statements, whoever it is: no clock tells a stranger much. The second post is the same."""
    with database.write() as session:
        mailing_list = session.get_one(MailingList, list_id)
        for status in SubscriptionStatus:
            make_subscription(
                session, mailing_list, make_subscriber(session, f"{status}@example.org"), status=status
            )
        for cause in SuppressionCause:
            row = suppress_address(
                session, ADDRESS_KEY, f"{cause}@example.org", reason="x", source=Origin.CLI, now=NOW
            )
            assert row is not None
            row.cause = cause
    names = ["unknown", *SubscriptionStatus, *SuppressionCause]
    first = {name: statements(database, wish(list_id, address=f"{name}@example.org")) for name in names}
    again = {name: statements(database, wish(list_id, address=f"{name}@example.org")) for name in names}
    assert len(set(again.values())) == 1
    assert max(first.values()) <= 1.25 * min(first.values()), first
    with database.read() as session:
        assert not session.scalars(sa.select(Subscriber).where(Subscriber.domain != "example.org")).all()


def statements(database: Database, one: Wish) -> int:
    """How many statements a sign-up sends to the database."""
    found = []

    def count(*_: object) -> None:
        found.append(1)

    sa.event.listen(database.engine, "after_cursor_execute", count)
    try:
        sign_up(database, one, STATIONERY, now=NOW + HOUR)  # later than what there was before
    finally:
        sa.event.remove(database.engine, "after_cursor_execute", count)
    return len(found)

"""What becomes of sign-ups that nobody confirms, and that the limits of the mails hold all the same."""

from __future__ import annotations

import concurrent.futures
import datetime as dt
import threading

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.addresses import keyed_hash, parse_address
from digest.db import Database
from digest.lists import consent, never_confirmed, retention
from digest.lists.retention import Kind, RetentionTimes
from digest.lists.sign_up import ListWish, Wish, sign_up
from digest.lists.stationery import Stationery
from digest.lists.status import Origin
from digest.lists.subscribe import add_subscriber, confirm, end
from digest.models import (
    ConsentEvent,
    ConsentNetwork,
    MailingList,
    Notice,
    Subscriber,
    Subscription,
    SubscriptionStatus,
)
from digest.tokens import Signer
from tests.factories import make_cadence, make_digest, make_list, make_subscription
from tests.factories.audience import ADDRESS_KEY
from tests.factories.moments import NOW
from tests.servers.waiting import HANG

DAY = dt.timedelta(days=1)
SECOND = dt.timedelta(seconds=1)
PENDING, ACTIVE, ENDED = SubscriptionStatus.PENDING, SubscriptionStatus.ACTIVE, SubscriptionStatus.ENDED
STATIONERY = Stationery(Signer({1: b"s" * 32}, 1), ADDRESS_KEY, "https://mail.courier.example", None)
ANI = "ani@example.org"


@pytest.fixture
def lists(database: Database) -> tuple[int, int]:
    """Two open lists."""
    with database.write() as session:
        digest = make_digest(session)
        make_cadence(session, digest)
        first, second = (make_list(session, digest, name) for name in ("daily", "weekend"))
        return first.id, second.id


def ask(database: Database, list_id: int, now: dt.datetime, address: str = ANI) -> None:
    wish = Wish(parse_address(address), (ListWish(list_id, "Yes."),), network="192.0.2.7")
    sign_up(database, wish, STATIONERY, now=now)


def newest(database: Database, list_id: int) -> None:
    """Somebody who came after all others."""
    with database.write() as session:
        make_subscription(session, session.get_one(MailingList, list_id))


def newest_numbers(database: Database) -> list[int]:
    with database.read() as session:
        return [session.scalar(sa.select(sa.func.max(each.id))) or 0 for each in (Subscription, Subscriber)]


def purged(database: Database, now: dt.datetime) -> int:
    return retention.run(database, RetentionTimes(), actor="x", now=now).deleted[Kind.SIGN_UPS]


def of(session: Session, address: str = ANI) -> list[SubscriptionStatus]:
    query = sa.select(Subscription.status).join(Subscriber).where(Subscriber.address == address)
    return list(session.scalars(query.order_by(Subscription.id)))


def test_it_goes_90_days_after_the_last_mail_with_all_that_was_kept(
    database: Database, lists: tuple[int, int]
) -> None:
    """Not a second before; each mail begins the time anew; nothing of the person is left anywhere."""
    for day in (0, 10, 20, 21):
        ask(database, lists[0], NOW + day * DAY)
    newest(database, lists[0])
    with database.read() as session:
        assert session.scalar(sa.select(sa.func.count(Notice.id))) == 3
    assert purged(database, NOW + 110 * DAY - SECOND) == 0
    with database.read() as session:
        assert of(session) == [PENDING]
    assert purged(database, NOW + 110 * DAY) == 1
    with database.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(ConsentNetwork)) == 0
        assert session.scalar(sa.select(sa.func.count(Subscriber.id))) == 1
        hashed = keyed_hash(ADDRESS_KEY, ANI)
        assert session.scalars(sa.select(Subscriber).where(Subscriber.address_hash == hashed)).all() == []
        assert [found for _, found in consent.verify_all(session) if found] == []
        assert session.scalar(sa.select(sa.func.count(ConsentEvent.id))) == 1
    ask(database, lists[0], NOW + 110 * DAY)
    with database.read() as session:
        assert of(session) == [PENDING]


def test_the_limit_of_three_mails_in_90_days_outlives_it(database: Database, lists: tuple[int, int]) -> None:
    """A post every ten days, with a run the night after: never a fourth mail within 90 days."""
    newest(database, lists[0])
    for day in range(0, 220, 10):
        ask(database, lists[0], NOW + day * DAY)
        purged(database, NOW + day * DAY + DAY)
        newest(database, lists[1])
    with database.read() as session:
        at = list(session.scalars(sa.select(Notice.created_at).where(Notice.kind == "confirm")))
    with database.read() as session:
        assert of(session) == [PENDING]
    assert all(later - sooner >= 90 * DAY for sooner, later in zip(sorted(at), sorted(at)[3:], strict=False))


def test_who_had_consented_before_is_ended_again_and_who_is_elsewhere_stays(
    database: Database, lists: tuple[int, int]
) -> None:
    """A chain with a consent in it is not touched; a person with another list keeps that one."""
    words = {"address_key": ADDRESS_KEY, "consent_text": "Yes.", "actor": "", "source": Origin.FORM}
    with database.write() as session:
        daily, weekend = (session.get_one(MailingList, each) for each in lists)
        added = add_subscriber(session, daily, ANI, now=NOW, **words)  # type: ignore[arg-type]
        left = session.get_one(Subscription, added.subscription_id)
        end(session, left, source=Origin.PREFERENCES, now=NOW, reason="left")
        add_subscriber(session, weekend, "eva@example.org", now=NOW, **words)  # type: ignore[arg-type]
    ask(database, lists[0], NOW + DAY)
    ask(database, lists[0], NOW + DAY, "eva@example.org")
    newest(database, lists[0])
    assert purged(database, NOW + 91 * DAY) == 2
    with database.read() as session:
        assert of(session) == [ENDED]
        assert of(session, "eva@example.org") == [ACTIVE]
        chain = session.execute(
            sa.select(ConsentEvent.action, ConsentEvent.source)
            .where(ConsentEvent.subscription_id == left.id)
            .order_by(ConsentEvent.number)
        ).all()
        assert [tuple(each) for each in chain][2:] == [("revive", "form"), ("end", "sweep")]
        assert [found for _, found in consent.verify_all(session) if found] == []
    assert purged(database, NOW + 91 * DAY) == 0


def test_what_was_confirmed_stays_and_numbers_are_never_given_again(
    database: Database, lists: tuple[int, int]
) -> None:
    """The newest row waits for a newer one, so that an old link is never somebody else's."""
    ask(database, lists[0], NOW, "eva@example.org")
    with database.write() as session:
        eva = session.scalars(sa.select(Subscription)).one()
        confirm(session, eva, source=Origin.CONFIRM_LINK, now=NOW)
    ask(database, lists[0], NOW)
    numbers = newest_numbers(database)
    assert purged(database, NOW + 91 * DAY) == 0
    ask(database, lists[0], NOW + 91 * DAY, "new@example.org")
    assert purged(database, NOW + 91 * DAY) == 1
    assert all(now > before for now, before in zip(newest_numbers(database), numbers, strict=True))
    with database.read() as session:
        assert of(session, "eva@example.org") == [ACTIVE]


@pytest.mark.both_databases
def test_a_sign_up_at_the_same_moment_finds_or_makes_the_person(
    database: Database, lists: tuple[int, int]
) -> None:
    """Whoever comes by another list just when they are deleted is there afterwards, whole."""
    ask(database, lists[0], NOW)
    newest(database, lists[0])
    begun, later = threading.Event(), NOW + 91 * DAY

    def come() -> None:
        begun.set()
        ask(database, lists[1], later)

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        with database.write() as session:
            assert never_confirmed.purge(session, now=later, most=10) == 1
            coming = pool.submit(come)
            assert begun.wait(HANG)
            with pytest.raises(concurrent.futures.TimeoutError):
                coming.result(0.5)
        coming.result(HANG)
    with database.read() as session:
        assert of(session) == [PENDING]
        assert [found for _, found in consent.verify_all(session) if found] == []


@pytest.mark.both_databases
def test_whom_a_sign_up_has_found_is_not_deleted_before_it_is_done(
    database: Database, lists: tuple[int, int]
) -> None:
    """The purge comes between finding the person and making their subscription: it passes them over."""
    ask(database, lists[0], NOW)
    newest(database, lists[0])
    later, found = NOW + 91 * DAY, list[int]()

    def purge() -> int:
        with database.write() as session:
            return never_confirmed.purge(session, now=later, most=10)

    def between(*args: object) -> None:
        if str(args[2]).startswith("INSERT INTO subscriptions") and not found:
            with concurrent.futures.ThreadPoolExecutor(1) as pool:
                found.append(pool.submit(purge).result(HANG))

    if database.engine.dialect.name == "sqlite":
        return  # there a write is alone in the database
    sa.event.listen(database.engine, "before_cursor_execute", between)
    try:
        ask(database, lists[1], later)
    finally:
        sa.event.remove(database.engine, "before_cursor_execute", between)
    assert found == [0]
    with database.read() as session:
        assert of(session) == [PENDING, PENDING]
    assert purge() == 1
    with database.read() as session:
        assert of(session) == [PENDING]

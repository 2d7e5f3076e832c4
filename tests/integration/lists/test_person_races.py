"""A person who is erased, leaves or pauses while something else is done with them, on both databases.

On SQLite the other one has not even begun: write scopes come one after another there.
"""

from __future__ import annotations

import datetime as dt
import io
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.addresses import parse_address
from digest.db import Database
from digest.errors import StateError
from digest.lists import confirm, consent
from digest.lists.due_pauses import resume_due_pauses
from digest.lists.erase import erase_subscriber
from digest.lists.import_order import ImportOrder
from digest.lists.import_run import import_subscribers
from digest.lists.preferences import join_list
from digest.lists.sign_up import ListWish, Wish, ask
from digest.lists.stationery import Stationery
from digest.lists.status import Origin
from digest.lists.subscribe import LeftError, add_subscriber, end, pause
from digest.models import ConsentEvent, MailingList, Subscriber, Subscription, SubscriptionStatus
from digest.tokens import Claim, Purpose, Signer
from tests.factories import make_digest, make_list, make_subscriber, make_subscription
from tests.factories.audience import ADDRESS_KEY
from tests.factories.moments import NOW
from tests.servers.waiting import HANG, wait_until

pytestmark = pytest.mark.both_databases

HOUR = dt.timedelta(hours=1)
SIGNER = Signer({1: b"s" * 32}, 1)
STATIONERY = Stationery(SIGNER, ADDRESS_KEY, "https://mail.courier.example")
ANI = "ani@example.org"
ENDED = SubscriptionStatus.ENDED


@pytest.fixture
def lists(database: Database) -> tuple[int, int]:
    """Two lists that are open; Ani is on the first."""
    with database.write() as session:
        digest = make_digest(session)
        first, second = make_list(session, digest), make_list(session, digest)
        first.is_open = second.is_open = True
        make_subscription(session, first, make_subscriber(session, ANI))
        return first.id, second.id


@contextmanager
def meanwhile(database: Database, other: Callable[[], object], *, late: bool = False) -> Iterator[Session]:
    """A write scope that commits once `other` has begun and waits for it; what `other` raises is raised.

    `late`: what is done in the scope is done when the other waits already, for everybody's row is held.
    """
    raised: list[Exception] = []

    def run() -> None:
        try:
            other()
        except Exception as error:
            raised.append(error)

    def begin() -> None:
        thread.start()
        if not database.is_sqlite:
            wait_until(lambda: not thread.is_alive() or somebody_waits(database), what="the other one")

    thread = threading.Thread(target=run)
    with database.write() as session:
        if late:
            session.execute(sa.select(Subscriber.id).with_for_update())
            begin()
        yield session
        session.flush()
        if not late:
            begin()
    thread.join(HANG)
    assert not thread.is_alive()
    if raised:
        raise raised[0]


def somebody_waits(database: Database) -> bool:
    with database.read() as session:
        waiting = sa.text(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return bool(session.scalar(waiting))


def erase(session: Session) -> None:
    person = session.scalars(sa.select(Subscriber).where(Subscriber.address_key == ANI)).one()
    assert erase_subscriber(session, person, source=Origin.CLI, now=NOW + HOUR)


def the_erased_is_a_tombstone(database: Database) -> None:
    """Nothing of theirs runs, and no address stands in their chains."""
    with database.read() as session:
        assert not [fault for _, faults in consent.verify_all(session) for fault in faults]
        gone = session.scalars(sa.select(Subscriber).where(Subscriber.erased_at.is_not(None))).one()
        theirs = session.scalars(sa.select(Subscription).where(Subscription.subscriber_id == gone.id)).all()
        assert {each.status for each in theirs} == {ENDED}
        said = sa.select(ConsentEvent.details).where(
            ConsentEvent.subscription_id.in_([each.id for each in theirs])
        )
        assert set(session.scalars(said)) == {None}
        assert gone.name == ""


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("erases", [True, False])
def test_a_link_is_over_for_who_is_gone_at_the_press(
    database: Database, lists: tuple[int, int], *, erases: bool, late: bool
) -> None:
    """Erased or ended while the button was pressed: no error, no mail, and it stays so."""
    with database.write() as session:
        person = make_subscriber(session, "eva@example.org")
        pending = make_subscription(
            session, session.get_one(MailingList, lists[0]), person, status=SubscriptionStatus.PENDING
        )
        token, subscription_id = SIGNER.sign(Claim(Purpose.CONFIRM, lists[0], person.id)), pending.id
    answers: list[object] = []

    def press() -> None:
        with database.write() as session:
            answers.append(confirm.confirm_by_token(session, token, STATIONERY, now=NOW + HOUR))

    with meanwhile(database, press, late=late) as session:
        subscription = session.get_one(Subscription, subscription_id)
        if erases:
            mine = session.get_one(Subscriber, subscription.subscriber_id)
            erase_subscriber(session, mine, source=Origin.CLI, now=NOW)
        else:
            end(session, subscription, source=Origin.CLI, now=NOW, reason="asked by phone")
    assert answers == [None]
    with database.read() as session:
        assert session.get_one(Subscription, subscription_id).status is ENDED


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("place", [0, 1])
def test_who_signs_up_while_being_erased_is_somebody_new(
    database: Database, lists: tuple[int, int], place: int, *, late: bool
) -> None:
    """For the list they were on, and for another one."""

    def post() -> None:
        with database.write() as session:
            wish = Wish(parse_address(ANI), (ListWish(lists[place], "yes"),), name="Ani")
            assert ask(session, wish, STATIONERY, now=NOW + 2 * HOUR) == 1

    with meanwhile(database, post, late=late) as session:
        erase(session)
    the_erased_is_a_tombstone(database)
    with database.read() as session:
        anew = session.scalars(sa.select(Subscriber).where(Subscriber.address_key == ANI)).one()
        own = session.scalars(sa.select(Subscription).where(Subscription.subscriber_id == anew.id)).one()
    assert (anew.name, own.status) == ("Ani", SubscriptionStatus.PENDING)


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("place", [0, 1])
def test_a_clerk_brings_nobody_back_who_is_being_erased(
    database: Database, lists: tuple[int, int], place: int, *, late: bool
) -> None:
    """It is refused, as it is a moment later."""

    def add() -> None:
        with database.write() as session:
            add_subscriber(
                session,
                session.get_one(MailingList, lists[place]),
                ANI,
                address_key=ADDRESS_KEY,
                consent_text="said so",
                source=Origin.CLI,
                actor="cli:test",
                now=NOW,
            )

    with pytest.raises(LeftError), meanwhile(database, add, late=late) as session:
        erase(session)
    the_erased_is_a_tombstone(database)
    with database.read() as session:
        assert session.scalars(sa.select(Subscriber.address)).all() == [None]


@pytest.mark.parametrize("late", [False, True])
def test_a_button_brings_nobody_back_who_is_being_erased(
    database: Database, lists: tuple[int, int], *, late: bool
) -> None:
    """Joining another list by the page: it cannot be done any more."""

    def join() -> None:
        with database.write() as session:
            own = session.scalars(sa.select(Subscription)).one()
            join_list(session, own, lists[1], address_key=ADDRESS_KEY, words="Join", now=NOW)

    with pytest.raises(StateError), meanwhile(database, join, late=late) as session:
        erase(session)
    the_erased_is_a_tombstone(database)
    with database.read() as session:
        assert session.scalars(sa.select(Subscriber.address)).all() == [None]


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("leavers_only", [True, False])
def test_an_import_brings_nobody_back_who_is_being_erased(
    database: Database, lists: tuple[int, int], place: int, *, leavers_only: bool, late: bool
) -> None:
    """As a reader of a list or as one who has left it: the erased stay as they are."""
    order = ImportOrder(lists[place], "moved", "cli:test", ADDRESS_KEY, leavers_only=leavers_only)
    status = "unsubscribed" if leavers_only else "subscribed"
    file = io.BytesIO(f"email,status\n{ANI},{status}\n".encode())
    with meanwhile(
        database, lambda: import_subscribers(database, file, order, now=NOW), late=late
    ) as session:
        erase(session)
    the_erased_is_a_tombstone(database)
    with database.read() as session:
        assert session.scalars(sa.select(Subscriber.address)).all() == [None]
        assert len(session.scalars(sa.select(Subscription.id)).all()) == 1


def test_a_person_is_held_before_their_subscriptions(database: Database, lists: tuple[int, int]) -> None:
    """Whoever changes one holds the person: an erasure that comes meanwhile waits outside, with nothing."""

    def erase_too() -> None:
        with database.write() as session:
            erase(session)

    thread = threading.Thread(target=erase_too)
    with database.write() as session:
        own = session.scalars(sa.select(Subscription)).one()
        consent.lock(session, own)
        thread.start()
        if not database.is_sqlite:
            wait_until(lambda: somebody_waits(database), what="the erasure")
        # It writes the person's row too, for this is a sign of life.
        assert end(session, own, source=Origin.ONE_CLICK, now=NOW, reason="unsubscribed")
    thread.join(HANG)
    assert not thread.is_alive()
    the_erased_is_a_tombstone(database)


def test_the_clock_passes_over_whom_somebody_holds(database: Database, lists: tuple[int, int]) -> None:
    """A pause that is due waits for the next time; nobody waits for the other."""
    with database.write() as session:
        own = session.scalars(sa.select(Subscription)).one()
        pause(session, own, source=Origin.CLI, actor="", now=NOW, until=NOW + HOUR)
    if not database.is_sqlite:
        with database.write() as holder:
            holder.get_one(Subscriber, own.subscriber_id, with_for_update=True)
            with database.write() as session:
                assert resume_due_pauses(session, now=NOW + HOUR) == 0
    with database.write() as session:
        assert resume_due_pauses(session, now=NOW + HOUR) == 1

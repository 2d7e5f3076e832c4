"""The do-not-mail list against a sign-up of before: which entry it lifts, on both databases."""

from __future__ import annotations

import datetime as dt
import io
import threading

import pytest
import sqlalchemy as sa

from digest.db import Database
from digest.lists.status import Origin
from digest.lists.suppress import lift_by_sign_up, suppress_subscriber
from digest.lists.suppression_files import import_suppressions
from digest.lists.suppression_lines import SuppressionOrder
from digest.models import Subscriber, Suppression, SuppressionCause
from tests.factories import make_subscriber
from tests.factories.audience import ADDRESS_KEY
from tests.factories.moments import NOW
from tests.servers.waiting import HANG, wait_until

HOUR = dt.timedelta(hours=1)
BOUNCE, COMPLAINT = SuppressionCause.BOUNCE, SuppressionCause.COMPLAINT
ANI = "ani@example.org"


@pytest.fixture
def person_id(database: Database) -> int:
    with database.write() as session:
        return make_subscriber(session, ANI).id


def suppress(database: Database, person_id: int, cause: SuppressionCause, now: dt.datetime) -> bool:
    with database.write() as session:
        person = session.get_one(Subscriber, person_id)
        added = suppress_subscriber(
            session, person, reason=cause.value, source=Origin.FEEDBACK, now=now, cause=cause
        )
        return added is not None


def lifted(database: Database, person_id: int, asked_at: dt.datetime) -> bool:
    with database.write() as session:
        return lift_by_sign_up(session, session.get_one(Subscriber, person_id), asked_at=asked_at) is not None


def test_a_complaint_after_a_sign_up_is_not_lifted_by_it(database: Database, person_id: int) -> None:
    """Though the bounce that stood there before it would have been; a sign-up after it lifts it."""
    assert suppress(database, person_id, BOUNCE, NOW)
    assert suppress(database, person_id, COMPLAINT, NOW + 2 * HOUR)
    assert not lifted(database, person_id, asked_at=NOW + HOUR)
    assert lifted(database, person_id, asked_at=NOW + 3 * HOUR)


@pytest.mark.parametrize("first", [BOUNCE, COMPLAINT])
@pytest.mark.parametrize("second", [BOUNCE, COMPLAINT])
def test_what_comes_again_is_new(
    database: Database, person_id: int, first: SuppressionCause, second: SuppressionCause
) -> None:
    """The stronger cause stays, with the moment of the last; an older report never takes it back."""
    suppress(database, person_id, first, NOW)
    suppress(database, person_id, second, NOW + 2 * HOUR)
    suppress(database, person_id, second, NOW + HOUR)
    with database.read() as session:
        row = session.scalars(sa.select(Suppression)).one()
    assert row.cause is (COMPLAINT if COMPLAINT in (first, second) else BOUNCE)
    assert row.created_at == NOW + 2 * HOUR
    assert not lifted(database, person_id, asked_at=NOW + HOUR)


def test_what_is_never_lifted_keeps_its_moment(database: Database, person_id: int) -> None:
    """A bounce of somebody who is never mailed changes nothing."""
    suppress(database, person_id, SuppressionCause.NEVER, NOW)
    for cause in (BOUNCE, SuppressionCause.NEVER):
        assert not suppress(database, person_id, cause, NOW + HOUR)
    with database.read() as session:
        row = session.scalars(sa.select(Suppression)).one()
    assert (row.cause, row.reason, row.created_at) == (SuppressionCause.NEVER, "never", NOW)


def test_a_file_that_says_it_more_strongly_is_new_too(database: Database, person_id: int) -> None:
    """The same file once more says nothing new: a sign-up since then lifts the entry."""
    suppress(database, person_id, BOUNCE, NOW)
    order = SuppressionOrder(ADDRESS_KEY, "from there", cause=COMPLAINT)
    for hours in (2, 4):
        import_suppressions(database, io.BytesIO(ANI.encode()), order, now=NOW + hours * HOUR)
    assert not lifted(database, person_id, asked_at=NOW + HOUR)
    assert lifted(database, person_id, asked_at=NOW + 3 * HOUR)


@pytest.mark.both_databases
def test_a_complaint_that_meets_the_lifting_is_not_lost(database: Database, person_id: int) -> None:
    """The lifting is not committed yet when the complaint comes: it is put there anew."""
    suppress(database, person_id, BOUNCE, NOW)
    thread = threading.Thread(target=suppress, args=(database, person_id, COMPLAINT, NOW + 2 * HOUR))
    with database.write() as session:
        person = session.get_one(Subscriber, person_id)
        assert lift_by_sign_up(session, person, asked_at=NOW + HOUR) is not None
        thread.start()
        if not database.is_sqlite:
            wait_until(lambda: not thread.is_alive() or _somebody_waits(database), what="the complaint")
    thread.join(HANG)
    with database.read() as session:
        assert session.scalars(sa.select(Suppression)).one().cause is COMPLAINT


def _somebody_waits(database: Database) -> bool:
    with database.read() as session:
        waiting = sa.text(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return bool(session.scalar(waiting))

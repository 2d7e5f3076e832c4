"""Who may get an edition, on both databases."""

from __future__ import annotations

import sqlalchemy as sa

from digest.db import Database
from digest.lists.erase import erase_subscriber
from digest.lists.preferences import cadence_of
from digest.lists.queries import audience
from digest.lists.segment_query import members, scope_of
from digest.lists.segment_tree import Named
from digest.lists.status import Origin
from digest.lists.subscribe import end
from digest.lists.suppress import suppress_address, suppress_domain
from digest.models import Subscriber, Subscription, SubscriptionStatus, TextSize
from tests.factories import make_cadence, make_digest, make_list, make_subscriber, make_subscription
from tests.factories.audience import ADDRESS_KEY
from tests.factories.moments import NOW
from tests.integration.lists.mailable import mailable


def test_only_active_people_are_in_the_audience(database: Database) -> None:
    """Pending, paused, ended, suppressed and erased people are not; the others come with size and domain."""
    with database.write() as session:
        digest = make_digest(session)
        cadence_id = make_cadence(session, digest).id
        readers = make_list(session, digest)
        for status in SubscriptionStatus:
            make_subscription(session, readers, status=status)
        large = make_subscriber(session, "ani@example.org", text_size=TextSize.LARGE)
        wanted = make_subscription(session, readers, large)
        make_subscription(session, readers, make_subscriber(session, "Ara@example.org"))
        make_subscription(session, readers, make_subscriber(session, "anyone@closed.test"))
        suppress_address(session, ADDRESS_KEY, "ara@example.org", reason="x", source=Origin.CLI, now=NOW)
        suppress_domain(session, "closed.test", reason="x", source=Origin.CLI, now=NOW)
        gone = make_subscription(session, readers)
        erase_subscriber(session, session.get_one(Subscriber, gone.subscriber_id), source=Origin.CLI, now=NOW)
    with database.read() as session:
        rows = session.execute(audience(cadence_id)).all()
        assert len(rows) == 2  # the active one of the four, and the one with large text
        assert (large.id, wanted.id, TextSize.LARGE, "example.org") in [tuple(row) for row in rows]


def test_people_on_several_lists_come_once(database: Database) -> None:
    """Overlapping lists merge to one row, under the oldest active subscription."""
    with database.write() as session:
        digest = make_digest(session)
        cadence_id = make_cadence(session, digest).id
        person = make_subscriber(session)
        ended = make_subscription(
            session, make_list(session, digest), person, status=SubscriptionStatus.ENDED
        )
        older = make_subscription(session, make_list(session, digest), person)
        newer = make_subscription(session, make_list(session, digest), person)
        make_subscription(session, make_list(session, make_digest(session)), person)
        assert ended.id < older.id < newer.id
    with database.read() as session:
        (row,) = session.execute(audience(cadence_id)).all()
        assert (row.subscriber_id, row.subscription_id) == (person.id, older.id)


def test_without_a_cadence_the_first_one_counts(database: Database) -> None:
    """Who chose no cadence gets the digest's first; who chose one gets that; other digests get nobody."""
    with database.write() as session:
        digest, sister = make_digest(session), make_digest(session)
        foreign = make_cadence(session, sister).id
        first, second = make_cadence(session, digest).id, make_cadence(session, digest, "sunday").id
        readers = make_list(session, digest)
        plain = make_subscription(session, readers).subscriber_id
        early = make_subscription(session, readers, cadence_id=first).subscriber_id
        late = make_subscription(session, readers, cadence_id=second).subscriber_id

    def people(cadence_id: int) -> set[int]:
        with database.read() as session:
            return {row.subscriber_id for row in session.execute(audience(cadence_id))}

    assert people(first) == {plain, early}
    assert people(second) == {late}
    assert people(foreign) == people(999_999) == set()


def test_the_first_cadence_is_the_first_that_runs(database: Database) -> None:
    """In an audience, a segment and on the reader's page alike; where none runs, it is the first of all."""
    with database.write() as session:
        digest = make_digest(session)
        cadences = [make_cadence(session, digest, name) for name in ("old", "new", "newest")]
        cadences[0].is_running = False
        readers = make_list(session, digest)
        person = make_subscription(session, readers)

        def first() -> list[str]:
            """The cadence's name by each way of asking."""
            session.flush()
            found = [each.name for each in cadences if session.execute(audience(each.id)).all()]
            scope = scope_of(session, digest.id, now=NOW)
            rules = {each.name: Named("cadence", (each.name,)) for each in cadences}
            found += [name for name, rule in rules.items() if session.scalars(members(rule, scope)).all()]
            shown = cadence_of(session, person)
            return [*found, shown.name if shown else ""]

        assert first() == ["new"] * 3
        cadences[1].is_running = False
        assert first() == ["newest"] * 3
        cadences[2].is_running = False
        assert first() == ["old"] * 3
        cadences[0].is_running = True
        assert first() == ["old"] * 3


def test_the_check_of_a_running_send_sees_every_change(database: Database) -> None:
    """Who left or was suppressed since the plan is not in the answer; one statement does it."""
    with database.write() as session:
        readers = make_list(session, make_digest(session))
        stays, leaves, barred, blocked = (
            make_subscription(session, readers, make_subscriber(session, address))
            for address in ("a@example.org", "b@example.org", "c@example.org", "d@closed.test")
        )
        ids = [stays.id, leaves.id, barred.id, blocked.id]
    with database.read() as session:
        assert mailable(session, ids) == set(ids)
        assert mailable(session, []) == set()
    with database.write() as session:
        leaving = session.get_one(Subscription, leaves.id)
        end(session, leaving, source=Origin.ONE_CLICK, now=NOW, reason="unsubscribed")
        suppress_address(session, ADDRESS_KEY, "c@example.org", reason="x", source=Origin.CLI, now=NOW)
        suppress_domain(session, "closed.test", reason="x", source=Origin.CLI, now=NOW)
    statements: list[str] = []
    with database.read() as session:
        session.connection()

        @sa.event.listens_for(database.engine, "before_cursor_execute")
        def _note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
            statements.append(statement)

        assert mailable(session, [*ids, 999_999]) == {stays.id}
    assert len(statements) == 1

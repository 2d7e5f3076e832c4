"""Moving the people of a stopped cadence, part by part, on both databases."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from digest.db import Database
from digest.lists import stranded
from digest.lists.preferences import By
from digest.lists.status import Origin
from digest.models import Cadence, ConsentEvent, Subscription, SubscriptionStatus
from tests.factories import make_cadence, make_digest, make_list, make_subscriber, make_subscription
from tests.factories.moments import NOW

CLERK = By(Origin.CLI, "cli:nare")


def test_everybody_is_moved_once_part_by_part(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of both lists and also in parts; who waits to be confirmed without an event; other cadences stay."""
    monkeypatch.setattr(stranded, "_PART", 2)
    with database.write() as session:
        digest = make_digest(session)
        old, new = (make_cadence(session, digest, name, is_running=True) for name in ("old", "new"))
        other = make_cadence(session, digest, "other", is_running=True)
        lists = [make_list(session, digest) for _ in range(2)]
        people = [make_subscriber(session, f"p{number}@mail.test") for number in range(5)]
        for person in people:  # the second on both lists, which are two rows
            chosen = lists if person is people[1] else lists[:1]
            for each in chosen:
                make_subscription(session, each, person, cadence_id=old.id)
        late = make_subscriber(session, "late@mail.test")
        waiting = make_subscription(
            session, lists[0], late, cadence_id=old.id, status=SubscriptionStatus.PENDING
        )
        faithful = make_subscription(
            session, lists[1], make_subscriber(session, "n@mail.test"), cadence_id=other.id
        )
        old.is_running = False
    with database.read() as session:
        found = stranded.stranded(session)
        assert {(each.list_name, each.people) for each in found} == {(lists[0].name, 5), (lists[1].name, 1)}
        assert stranded.people_on(session, session.get_one(Cadence, old.id)) == 6
    told: list[int] = []
    assert stranded.move_people(database, old.id, new.id, by=CLERK, now=NOW, progress=told.append) == 7
    assert told == [3, 5, 7]
    assert stranded.move_people(database, old.id, new.id, by=CLERK, now=NOW) == 0
    with database.read() as session:
        assert stranded.stranded(session) == []
        cadences = {each.id: each.cadence_id for each in session.scalars(sa.select(Subscription))}
        assert cadences.pop(faithful.id) == other.id
        assert set(cadences.values()) == {new.id}
        events = session.scalars(sa.select(ConsentEvent).where(ConsentEvent.action == "change")).all()
        assert len(events) == 6
        assert waiting.id not in {each.subscription_id for each in events}

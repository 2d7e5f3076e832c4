"""An edition's audience in numbers: how many, who came and left since the last one, and three of them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
import sqlalchemy as sa

from digest.db import Database, remembered
from digest.editions.audience import AudienceSummary, audience_of, audience_sentences, audience_summary
from digest.i18n import Translator
from digest.lists.erase import erase_subscriber
from digest.lists.status import Origin
from digest.lists.subscribe import end, pause
from digest.models import (
    ConsentEvent,
    Edition,
    EditionState,
    Subscriber,
    Subscription,
    Suppression,
    SuppressionKind,
)
from tests.factories import make_readers
from tests.factories.moments import NOW
from tests.integration.planned import Desk, make_desk

DAY = dt.timedelta(days=1)


def summary(desk: Desk, edition_id: int) -> AudienceSummary:
    with desk.database.read() as session:
        return audience_summary(session, session.get_one(Edition, edition_id))


def went_out(desk: Desk, now: dt.datetime) -> int:
    edition_id = desk.planned(now)
    with desk.database.write() as session:
        session.execute(sa.update(Edition).where(Edition.id == edition_id).values(state=EditionState.SENT))
    return edition_id


def test_the_first_edition_has_nothing_to_be_compared_with(database: Database, tmp_path: Path) -> None:
    """It says how many, and names three; of fewer people all; of nobody none."""
    desk = make_desk(database, tmp_path)
    edition_id = desk.frozen(NOW)
    assert summary(desk, edition_id) == AudienceSummary(0)
    desk.add_people(2)
    found = summary(desk, edition_id)
    assert (found.people, found.difference, found.others, len(found.samples)) == (2, None, 0, 2)
    words = audience_sentences(found, Translator("en"))
    assert words == ("Readers who get it: 2.", "It is the first one of this rhythm.")


def test_who_came_and_left_since_the_last_edition(database: Database, tmp_path: Path) -> None:
    """By name of the reason; what subscriptions do not explain stands for itself."""
    desk = make_desk(database, tmp_path)
    people = desk.add_people(6)
    last = went_out(desk, NOW)
    edition_id = desk.frozen(NOW + DAY)
    same = summary(desk, edition_id)
    assert (same.people, same.before, same.before_id, same.difference) == (6, 6, last, 0)
    assert audience_sentences(same, Translator("en"))[1] == "As many as last time."
    with database.write() as session:
        addresses = ["a@mail.test", "b@mail.test"]
        late = make_readers(session, desk.mailing_list, addresses, address_key=desk.made.address_key)
        session.execute(sa.update(ConsentEvent).where(ConsentEvent.id > 6).values(at=NOW + DAY))
        by_person = {one.subscriber_id: one for one in session.scalars(sa.select(Subscription))}
        end(session, by_person[people[0]], source=Origin.CLI, reason="by phone", now=NOW + DAY)
        until = NOW + 9 * DAY
        pause(session, by_person[people[1]], until=until, source=Origin.CLI, actor="test", now=NOW + DAY)
        barred = {"kind": SuppressionKind.DOMAIN, "value": "elsewhere.test", "reason": "x", "source": "x"}
        session.add(Suppression(**barred, created_at=NOW))
    found = summary(desk, edition_id)
    assert (found.people, found.joined, found.left, found.paused) == (6, 2, 2, 1)
    assert (found.difference, found.others, late[0].id > people[-1]) == (0, 0, True)


def test_of_a_large_audience_numbers_are_remembered_and_nobodys_name(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who is erased is shown on no page from then on, though the number is a minute old."""
    monkeypatch.setattr(remembered, "MANY", 1)
    desk = make_desk(database, tmp_path)
    people = desk.add_people(2)
    edition_id = desk.frozen(NOW)
    with database.read() as session:
        assert len(audience_of(session, session.get_one(Edition, edition_id)).samples) == 2
    with database.write() as session:
        erase_subscriber(session, session.get_one(Subscriber, people[0]), source=Origin.CLI, now=NOW)
    with database.read() as session:
        found = audience_of(session, session.get_one(Edition, edition_id))
    assert (found.people, [one.subscriber_id for one in found.samples]) == (2, [people[1]])


def test_the_samples_are_the_same_each_time(database: Database, tmp_path: Path) -> None:
    """Three different people; other ones for another edition; by a constant number of statements."""
    desk = make_desk(database, tmp_path)
    desk.add_people(40)
    went_out(desk, NOW)
    first, second = desk.frozen(NOW + DAY), desk.frozen(NOW + 2 * DAY)
    statements: list[str] = []

    def note(*args: object) -> None:
        statements.append(str(args[2]))

    sa.event.listen(database.engine, "before_cursor_execute", note)
    found = summary(desk, first).samples
    few = len(statements)
    sa.event.remove(database.engine, "before_cursor_execute", note)
    assert (found, len({one.subscriber_id for one in found})) == (summary(desk, first).samples, 3)
    assert found != summary(desk, second).samples
    assert few <= 20
    assert all(one.address.endswith("@mail.test") for one in found)

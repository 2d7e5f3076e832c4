"""Segments as rows: who an edition goes to, and what keeps a segment from being taken away."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from digest.db import Database
from digest.deliveries.control import count_waiting
from digest.deliveries.plan import plan
from digest.errors import InputError, NotFoundError, StateError
from digest.lists.queries import audience
from digest.lists.segments import (
    EVERYBODY,
    add_segment,
    condition_for,
    count_rule,
    edition_audience,
    remove_segment,
    segment_named,
    segment_of,
    set_cadence_segment,
    set_edition_segment,
    set_segment,
)
from digest.lists.status import Origin
from digest.lists.suppress import suppress_address, suppress_domain
from digest.models import Cadence, Delivery, Digest, Edition, EditionState, Segment, Subscriber
from tests.factories import make_cadence, make_digest, make_list, make_subscriber, make_subscription
from tests.factories.audience import ADDRESS_KEY
from tests.factories.moments import NOW
from tests.integration.planned import Desk, make_desk

ACTOR = "cli:test"


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Desk:
    return make_desk(database, tmp_path)


def _segment(desk: Desk, name: str, rule: str) -> int:
    with desk.database.write() as session:
        digest = session.get_one(Digest, desk.cadence.digest_id)
        return add_segment(session, digest, name=name, title="", rule=rule, actor=ACTOR, now=NOW).id


def _speak(desk: Desk, ids: list[int], language: str) -> None:
    with desk.database.write() as session:
        session.execute(sa.update(Subscriber).where(Subscriber.id.in_(ids)).values(language=language))


def _people(desk: Desk, edition_id: int) -> set[int]:
    with desk.database.read() as session:
        return set(
            session.scalars(sa.select(Delivery.subscriber_id).where(Delivery.edition_id == edition_id))
        )


def test_an_edition_goes_to_the_segment_of_its_cadence(desk: Desk) -> None:
    """The plan takes whom the rule chooses at that moment, and keeps them when they change later."""
    people = desk.add_people(6)
    _speak(desk, people[:3], "hy")
    _segment(desk, "armenian", '{"language": "hy"}')
    with desk.database.write() as session:
        set_cadence_segment(
            session, session.get_one(Cadence, desk.cadence.id), "armenian", actor=ACTOR, now=NOW
        )
    edition_id = desk.frozen(NOW)
    with desk.database.write() as session:
        assert count_waiting(session, session.get_one(Edition, edition_id)) == 3
        assert plan(session, edition_id, now=NOW) == 3
    assert _people(desk, edition_id) == set(people[:3])
    _speak(desk, people, "en")
    assert _people(desk, edition_id) == set(people[:3])


def test_an_editions_own_segment_comes_first(desk: Desk) -> None:
    """Over its cadence's; once the audience is fixed it cannot be changed."""
    people = desk.add_people(4)
    _speak(desk, people[:1], "hy")
    _segment(desk, "armenian", '{"language": "hy"}')
    _segment(desk, "others", '{"not": {"language": "hy"}}')
    edition_id = desk.frozen(NOW)
    with desk.database.write() as session:
        set_cadence_segment(
            session, session.get_one(Cadence, desk.cadence.id), "armenian", actor=ACTOR, now=NOW
        )
        edition = session.get_one(Edition, edition_id)
        set_edition_segment(session, edition, "others", actor=ACTOR, now=NOW)
        plan(session, edition_id, now=NOW)
        with pytest.raises(StateError, match="fixed"):
            set_edition_segment(session, edition, None, actor=ACTOR, now=NOW)
    assert _people(desk, edition_id) == set(people[1:])


def test_an_edition_goes_to_everybody_against_its_cadences_segment(desk: Desk) -> None:
    """By the same statement as where there is no segment; and to its cadence's again."""
    people = desk.add_people(4)
    _speak(desk, people[:1], "hy")
    _segment(desk, "armenian", '{"language": "hy"}')
    edition_id = desk.frozen(NOW)
    with desk.database.write() as session:
        cadence = session.get_one(Cadence, desk.cadence.id)
        set_cadence_segment(session, cadence, "armenian", actor=ACTOR, now=NOW)
        edition = session.get_one(Edition, edition_id)
        for _ in range(2):
            set_edition_segment(session, edition, EVERYBODY, actor=ACTOR, now=NOW)
            assert str(edition_audience(session, edition)) == str(audience(cadence.id))
            assert count_waiting(session, edition) == 4
        set_edition_segment(session, edition, None, actor=ACTOR, now=NOW)
        assert count_waiting(session, edition) == 1
        set_edition_segment(session, edition, EVERYBODY, actor=ACTOR, now=NOW)
        assert plan(session, edition_id, now=NOW) == 4
        found = segment_of(session, edition)
        assert found is not None
        assert count_rule(session, cadence.digest_id, found.rule, now=NOW).people == 4
        set_cadence_segment(session, cadence, EVERYBODY, actor=ACTOR, now=NOW)
        assert cadence.segment_id is None


def test_the_name_of_everybody_is_nobodys(desk: Desk) -> None:
    """No other rule can stand under it."""
    with pytest.raises(InputError, match="No part of the readers can be called everybody"):
        _segment(desk, EVERYBODY, '{"language": "hy"}')
    edition_id = desk.frozen(NOW)
    with desk.database.write() as session:
        edition = session.get_one(Edition, edition_id)
        set_edition_segment(session, edition, EVERYBODY, actor=ACTOR, now=NOW)
        segment = segment_of(session, edition)
        assert segment is not None
        with pytest.raises(InputError, match="its rule stays"):
            set_segment(session, segment, rule='{"language": "hy"}', actor=ACTOR, now=NOW)


def test_an_edition_for_an_empty_segment_is_skipped(desk: Desk) -> None:
    """As one for nobody."""
    desk.add_people(2)
    _segment(desk, "nobody", '{"language": "fr"}')
    edition_id = desk.frozen(NOW)
    with desk.database.write() as session:
        set_edition_segment(session, session.get_one(Edition, edition_id), "nobody", actor=ACTOR, now=NOW)
        assert plan(session, edition_id, now=NOW) == 0
    assert desk.edition(edition_id).state is EditionState.SKIPPED


def test_overlapping_lists_are_one_mail_under_the_list_that_was_meant(database: Database) -> None:
    """Two lists chosen: once, under the older subscription. One chosen: under the subscription to it."""
    with database.write() as session:
        digest = make_digest(session)
        cadence_id = make_cadence(session, digest).id
        person = make_subscriber(session)
        older = make_subscription(session, make_list(session, digest, "readers"), person)
        newer = make_subscription(session, make_list(session, digest, "donors"), person)
        make_subscription(session, make_list(session, digest, "staff"))

        def mailed(rule: str) -> list[tuple[int, int]]:
            session.execute(sa.delete(Segment))
            made = add_segment(session, digest, name="some", title="", rule=rule, actor=ACTOR, now=NOW)
            rows = session.execute(audience(cadence_id, condition_for(session, made, at=NOW)))
            return [(row.subscriber_id, row.subscription_id) for row in rows]

        assert mailed('{"list": ["readers", "donors"]}') == [(person.id, older.id)]
        assert mailed('{"list": "donors"}') == [(person.id, newer.id)]
        assert mailed('{"all": [{"list": "donors"}, {"list": "readers"}]}') == [(person.id, newer.id)]
        assert mailed('{"all": [{"list": "readers"}, {"not": {"list": "donors"}}]}') == []
        assert mailed('{"any": [{"list": "donors"}]}') == [(person.id, older.id)]


def test_without_a_segment_the_statement_is_what_it_was(database: Database) -> None:
    """Not a word of it differs, so its plan does not."""
    with database.read() as session:
        plain = str(audience(1).compile(session.get_bind()))
        assert str(audience(1, None).compile(session.get_bind())) == plain
        assert "EXISTS (SELECT 1" not in plain.replace("NOT (EXISTS", "")


def test_a_segment_in_use_stays(desk: Desk) -> None:
    """While a cadence or a coming edition goes to it; a past edition does not keep it."""
    _segment(desk, "some", '{"language": "hy"}')
    edition_id = desk.frozen(NOW)
    with desk.database.write() as session:
        cadence, edition = session.get_one(Cadence, desk.cadence.id), session.get_one(Edition, edition_id)
        found = segment_named(session, cadence.digest_id, "some")
        set_cadence_segment(session, cadence, "some", actor=ACTOR, now=NOW)
        with pytest.raises(StateError, match="cadence"):
            remove_segment(session, found, actor=ACTOR, now=NOW)
        set_cadence_segment(session, cadence, None, actor=ACTOR, now=NOW)
        set_edition_segment(session, edition, "some", actor=ACTOR, now=NOW)
        with pytest.raises(StateError, match="Edition"):
            remove_segment(session, found, actor=ACTOR, now=NOW)
        edition.state = EditionState.SENT
        session.flush()
        remove_segment(session, found, actor=ACTOR, now=NOW)
        with pytest.raises(NotFoundError, match="nor any other"):
            segment_named(session, cadence.digest_id, "some")


def test_no_edition_loses_its_segment_while_that_is_removed(desk: Desk) -> None:
    """One that came to it after we looked keeps it, and so the rule stays: without it everybody got it."""
    _segment(desk, "some", '{"language": "hy"}')
    edition_id = desk.frozen(NOW)
    with desk.database.write() as session:
        edition = session.get_one(Edition, edition_id)
        set_edition_segment(session, edition, "some", actor=ACTOR, now=NOW)
        edition.state, segment_id = EditionState.SENT, edition.segment_id

    @sa.event.listens_for(desk.database.engine, "before_cursor_execute")
    def _comes(_: object, cursor: Any, statement: str, *__: object) -> None:
        if statement.startswith("UPDATE editions SET segment_id"):
            cursor.execute("UPDATE editions SET state = 'frozen'")

    with pytest.raises(sa.exc.IntegrityError), desk.database.write() as session:
        remove_segment(session, session.get_one(Segment, segment_id), actor=ACTOR, now=NOW)
    with desk.database.read() as session:
        assert session.get_one(Edition, edition_id).segment_id == segment_id


def test_a_rule_is_counted_with_three_samples(database: Database) -> None:
    """Each person once, on whatever cadence; a wrong rule says where it is wrong, and changes nothing."""
    with database.write() as session:
        digest = make_digest(session)
        make_cadence(session, digest)
        readers, donors = make_list(session, digest, "readers"), make_list(session, digest, "donors")
        for number in range(5):
            person = make_subscriber(session, f"p{number}@mail.test", name=f"Reader {number}")
            make_subscription(session, readers, person)
            make_subscription(session, donors, person)
        barred = [
            make_subscriber(session, address) for address in ("x@mail.test", "y@closed.test", "z@closed.test")
        ]
        for person in barred:
            make_subscription(session, readers, person)
        for address in ("x@mail.test", "y@closed.test"):
            suppress_address(session, ADDRESS_KEY, address, reason="x", source=Origin.CLI, now=NOW)
        suppress_domain(session, "closed.test", reason="x", source=Origin.CLI, now=NOW)
        found = count_rule(session, digest.id, '{"joined": {"before": "2099-01-01"}}', now=NOW)
        assert found.people == 5
        assert [one.name for one in found.samples] == ["Reader 0", "Reader 1", "Reader 2"]
        made = add_segment(
            session, digest, name="all", title="", rule='{"list": "readers"}', actor=ACTOR, now=NOW
        )
        with pytest.raises(InputError, match="at list: there is no list 'nowhere'"):
            set_segment(session, made, rule='{"list": "nowhere"}', actor=ACTOR, now=NOW)
        with pytest.raises(InputError, match="already"):
            add_segment(
                session, digest, name="all", title="", rule='{"list": "donors"}', actor=ACTOR, now=NOW
            )
        assert made.rule == {"list": "readers"}


def test_spans_count_back_from_the_edition(desk: Desk) -> None:
    """So a plan that is made late is the plan of the slot."""
    (old, young) = desk.add_people(2)
    with desk.database.write() as session:
        for person, days in ((old, 40), (young, 10)):
            row = session.get_one(Subscriber, person)
            row.last_sign_of_life_at = NOW - dt.timedelta(days=days)
        session.flush()
    _segment(desk, "alive", '{"last_sign_of_life": {"within": "30d"}}')
    edition_id = desk.frozen(NOW)
    with desk.database.write() as session:
        set_edition_segment(session, session.get_one(Edition, edition_id), "alive", actor=ACTOR, now=NOW)
        assert plan(session, edition_id, now=NOW + dt.timedelta(days=25)) == 1
    assert _people(desk, edition_id) == {young}

"""Random rules over random people: both databases choose whom plain Python chooses."""

from __future__ import annotations

import datetime as dt
import itertools
import json
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from digest.db import Database
from digest.editions.slots import add_edition
from digest.lists.queries import audience
from digest.lists.segment_query import condition_of, scope_of
from digest.lists.segment_rules import read_rule
from digest.lists.segments import count_rule, known_names
from digest.models import (
    Attribute,
    AttributeKind,
    Cadence,
    Delivery,
    DeliveryStatus,
    EditionKind,
    Subscriber,
    Subscription,
    SubscriptionStatus,
    Topic,
    Variant,
)
from tests.factories import make_cadence, make_digest, make_list, make_revision
from tests.factories.moments import NOW
from tests.integration.lists.segment_oracle import Body, Sub, fits

pytestmark = pytest.mark.both_databases

DAY = dt.timedelta(days=1)
LISTS = ("readers", "donors", "staff")
CADENCES = ("morning", "sunday")
TOPICS = ("culture", "sport", "a'\"\\b")
KINDS = {"city": "text", "age": "number", "born": "date", "member": "yes_no"}
CITIES = ("Yerevan", "yerevan", "Երևան", "Z", "a", "5", "true", 'O\'Hara "x" %_', "2001-05-05")
EDITIONS = (40, 20, 3)  # days ago
# Moments that lie on both sides of what rules ask for, and right on it.
ages = st.sampled_from([0, 1, 3, 20, 29, 30, 31, 40, 400])
moments = ages.map(lambda days: NOW - days * DAY)
dates = ages.map(lambda days: f"{(NOW - days * DAY).date()}")
birthdays = st.sampled_from(["1950-01-01", "2001-05-05", "2001-05-06"])
numbers = st.sampled_from([-1.5, 0.0, 5.0, 5.25, 1e15])


def some(values: Any) -> st.SearchStrategy[Any]:
    return st.one_of(values, st.lists(values, min_size=1, max_size=3))


subs = st.builds(
    Sub,
    list_name=st.sampled_from(LISTS),
    active=st.sampled_from([True, True, True, False]),
    cadence=st.sampled_from([None, *CADENCES]),
    topics=st.lists(st.sampled_from(TOPICS), unique=True, max_size=2).map(tuple),
    created_at=moments,
)
bodies = st.builds(
    Body,
    subs=st.lists(subs, max_size=3, unique_by=lambda sub: sub.list_name).map(tuple),
    language=st.sampled_from([None, "hy", "hy-am", "en", "hyw"]),
    zone=st.sampled_from([None, "Asia/Yerevan", "Europe/Paris"]),
    alive_at=st.one_of(st.none(), moments),
    handed=st.lists(st.sampled_from(EDITIONS), unique=True).map(
        lambda ago: tuple(NOW - days * DAY for days in ago)
    ),
    attributes=st.fixed_dictionaries(
        {},
        optional={
            "city": st.sampled_from(CITIES),
            "age": numbers,
            "born": birthdays,
            "member": st.booleans(),
        },
    ),
)
spans = st.sampled_from(["1d", "30d", "480h", "4w", "2000d"])
times = st.fixed_dictionaries(
    {}, optional={"since": dates, "before": dates, "within": spans, "older_than": spans}
).filter(bool)
either = st.booleans()


def attribute(name: str, **ops: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    asked = st.fixed_dictionaries({}, optional={"set": either, **ops}).filter(bool)
    return asked.map(lambda found: {"attribute": {"name": name, **found}})


leaves = st.one_of(
    some(st.sampled_from(LISTS)).map(lambda names: {"list": names}),
    some(st.sampled_from(CADENCES)).map(lambda names: {"cadence": names}),
    some(st.sampled_from(TOPICS)).map(lambda names: {"topic": names}),
    some(st.sampled_from(["hy", "en", "hy-am"])).map(lambda tags: {"language": tags}),
    some(st.sampled_from(["Asia/Yerevan", "Europe/Paris"])).map(lambda names: {"zone": names}),
    st.tuples(st.sampled_from(["language", "zone"]), either).map(lambda pair: {pair[0]: {"set": pair[1]}}),
    times.map(lambda ops: {"joined": ops}),
    st.tuples(st.sampled_from(["last_handed_over", "last_sign_of_life"]), times).map(
        lambda pair: {pair[0]: pair[1]}
    ),
    st.tuples(st.sampled_from(["last_handed_over", "last_sign_of_life"]), either).map(
        lambda pair: {pair[0]: {"never": pair[1]}}
    ),
    attribute("city", **{"is": some(st.sampled_from(CITIES))}),
    attribute("age", **{"is": some(numbers), "at_least": numbers, "less_than": numbers}),
    attribute("born", **{"is": some(birthdays), "since": birthdays, "before": birthdays}),
    attribute("member", **{"is": either}),
)
rules = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"all": parts}),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"any": parts}),
        inner.map(lambda part: {"not": part}),
    ),
    max_leaves=6,
)

_numbers = itertools.count(1)


class World:
    """A digest of so many lists, and people put in by rows."""

    def __init__(self, session: Session, lists: tuple[str, ...]) -> None:
        digest = make_digest(session)
        self.digest_id = digest.id
        self.lists = {name: make_list(session, digest, name).id for name in lists}
        self.cadences = {name: make_cadence(session, digest, name).id for name in CADENCES}
        for name in TOPICS:
            session.add(Topic(digest_id=digest.id, name=name, title=name, created_at=NOW))
        for name, kind in KINDS.items():
            row = Attribute(name=name, title=name, kind=AttributeKind(kind), created_at=NOW)
            session.add(row)
        self.editions: dict[dt.datetime, tuple[int, int]] = {}
        for days in EDITIONS:
            at = NOW - days * DAY
            cadence = session.get_one(Cadence, self.cadences["morning"])
            edition_id = add_edition(session, cadence, kind=EditionKind.EXTRA, due_at=at, now=at)
            assert edition_id is not None
            revision = make_revision(session, edition_id)
            variants = sa.select(Variant.id).where(Variant.revision_id == revision.id)
            self.editions[at] = edition_id, session.scalars(variants).first() or 0

    def put(self, session: Session, body: Body) -> int:
        """A person as rows; the id."""
        number = next(_numbers)
        person = Subscriber(
            address=f"p{number}@mail.test",
            address_key=f"p{number}@mail.test",
            address_hash=f"{number:064}",
            domain="mail.test",
            language=body.language,
            zone=body.zone,
            last_sign_of_life_at=body.alive_at,
            attributes=dict(body.attributes),
            created_at=NOW,
        )
        session.add(person)
        session.flush()
        made = None
        for sub in body.subs:
            if sub.list_name not in self.lists:
                continue
            made = Subscription(
                list_id=self.lists[sub.list_name],
                subscriber_id=person.id,
                status=SubscriptionStatus.ACTIVE if sub.active else SubscriptionStatus.PAUSED,
                cadence_id=self.cadences[sub.cadence] if sub.cadence else None,
                topics=list(sub.topics),
                created_at=sub.created_at,
                changed_at=NOW,
            )
            session.add(made)
            session.flush()
        for at in body.handed if made is not None else ():
            edition_id, variant_id = self.editions[at]
            session.add(
                Delivery(
                    edition_id=edition_id,
                    subscriber_id=person.id,
                    variant_id=variant_id,
                    subscription_id=made.id,  # type: ignore[union-attr]
                    status=DeliveryStatus.SENT,
                    sent_at=at,
                )
            )
        session.flush()
        return person.id


def _of(body: Body, lists: tuple[str, ...]) -> Body:
    kept = tuple(sub for sub in body.subs if sub.list_name in lists)
    return Body(kept, body.language, body.zone, body.alive_at, body.handed if kept else (), body.attributes)


@pytest.mark.parametrize("lists", [LISTS, LISTS[:1]], ids=["several", "one"])
def test_a_rule_chooses_whom_it_says(database: Database, lists: tuple[str, ...]) -> None:
    """For any tree and any people: the count, and with the top list's subscription the audience."""

    with database.write() as session:
        world = World(session, lists)

    # Each example is several rules over several people, each rule compiled anew: few examples are many rules.
    @settings(
        max_examples=settings().max_examples // 5,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    @given(st.lists(bodies, min_size=4, max_size=8), st.lists(rules, min_size=4, max_size=8))
    def check(people: list[Body], trees: list[dict[str, Any]]) -> None:
        with database.write() as session:
            here = [_of(body, lists) for body in people]
            ids = [world.put(session, body) for body in here]
            for tree in trees:
                text = json.dumps(tree)
                if any(f'"{name}"' in text for name in LISTS if name not in lists):
                    continue
                wanted = {
                    person
                    for person, body in zip(ids, here, strict=True)
                    if body.active and fits(tree, body, first_cadence="morning", now=NOW)
                }
                counted = count_rule(session, world.digest_id, text, now=NOW, samples=100)
                assert {one.subscriber_id for one in counted.samples} == wanted
                assert counted.people == len(wanted)
                _, rule = read_rule(text, known_names(session, world.digest_id))
                condition = condition_of(rule, scope_of(session, world.digest_id, now=NOW))
                for name, cadence_id in world.cadences.items():
                    rows = session.execute(audience(cadence_id, condition)).all()
                    mailed = {row.subscriber_id for row in rows}
                    assert len(rows) == len(mailed)
                    through = _top_lists(tree)
                    assert mailed == {
                        person
                        for person, body in zip(ids, here, strict=True)
                        if person in wanted
                        and any(
                            (sub.cadence or "morning") == name
                            and (through is None or sub.list_name in through)
                            for sub in body.active
                        )
                    }
            session.rollback()

    check()


def _top_lists(tree: dict[str, Any]) -> list[str] | None:
    for part in tree.get("all", [tree]):
        if "list" in part:
            found = part["list"]
            return found if isinstance(found, list) else [found]
    return None

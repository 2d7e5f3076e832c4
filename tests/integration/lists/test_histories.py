"""Thousands of random histories of people on lists, against a model that knows only what must be.

After every round of a world the system and the model agree about each person: status, rhythm, pause and sign
of life on each list, the do-not-mail list, the audience of each cadence; at its end also each event of each
chain, and the chains are whole. What fails is played again alone, and with less and less, and printed.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import gc
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.db import Database
from digest.lists import consent
from digest.lists.queries import audience, may_be_mailed
from digest.lists.segments import condition_for
from digest.models import (
    Cadence,
    ConsentEvent,
    Digest,
    MailingList,
    Segment,
    Subscriber,
    Subscription,
    Suppression,
    SuppressionKind,
)
from digest.queueing.enqueue import bundled
from digest.queueing.names import TaskName
from tests.factories.moments import NOW
from tests.integration.lists.history_acts import Doer, House, build, domain_of, hash_of, meet
from tests.integration.lists.history_model import Model
from tests.integration.lists.history_people import DAY, DOMAINS, OF_PERSON, REFUSED, RHYTHMS, SKIPPED, Act
from tests.integration.lists.history_worlds import NOTHING, History, Round, World, invent

# The chances that somebody acts in a round: most people do little but be in files.
MOSTLY_STILL, QUIET, BUSY = (0.02, 0.02, 0.02, 0.6), (0.1, 0.1, 0.1, 0.5), (0.3, 0.6, 1.0)

Facts = dict[int, set[Any]]  # history to what is so


@dataclass(frozen=True)
class Failure:
    history: int
    round: int
    problem: str


def play(database: Database, world: World, templates: Path) -> Failure | None:
    """Live through a world; the first thing in which the system and the models differ."""
    house = build(database, templates)
    models = {one.number: Model() for one in world.histories}
    known = {
        hash_of(one.number, address): (one.number, address)
        for one in world.histories
        for address in range(len(DOMAINS))
    }
    for number, present in enumerate(world.rounds):
        with database.write() as session:
            held = papers(session)  # noqa: F841  (looked up by nearly every act)
            for one in world.histories:
                act = one.acts[number]
                if act is None:
                    continue
                wanted = models[one.number].take(act, present.now)
                if wanted == SKIPPED:
                    continue
                doer = Doer(session, house, one.number, present.now)
                try:
                    got = doer.refused(act) if wanted == REFUSED else doer.do(act)
                except Exception as error:  # whatever it is, its history is to be told
                    return Failure(one.number, number, f"{act}: {type(error).__name__}: {error}")
                if got != wanted:
                    return Failure(one.number, number, f"{act} answers {got!r} instead of {wanted!r}")
        lines = {one.number: one.lines[number] for one in world.histories}
        for one in world.histories:
            models[one.number].meet(present.event, list(one.lines[number]), number, present.then)
        meet(database, house, present.event, number, lines, present.then)
        wants = {history: wanted_of(model, present.then) for history, model in models.items()}
        failure = compare(number, facts_of(database, house, known, now=present.then), wants)
        if failure is not None:
            return failure
    wants = {history: chains_wanted(model) for history, model in models.items()}
    return compare(len(world.rounds) - 1, chains_of(database, house, known), wants)


def papers(session: Session) -> list[object]:
    """The few rows that stand around everybody; as long as they are held, a session need not ask again."""
    return [each for kind in (Digest, Cadence, MailingList) for each in session.scalars(sa.select(kind))]


def compare(number: int, found: Facts, wants: dict[int, list[Any]]) -> Failure | None:
    """The first history of which the database says something else than its model."""
    for history, of_history in wants.items():
        wanted = set(of_history)
        got = found.get(history, set())
        if got != wanted:
            problem = (
                f"too much: {sorted(map(str, got - wanted))}\n  missing: {sorted(map(str, wanted - got))}"
            )
            return Failure(history, number, problem)
    return None


def wanted_of(model: Model, now: dt.datetime) -> list[Any]:
    """What is so in one history, as `facts_of` finds it."""
    made: list[Any] = [
        (
            "place",
            (person.address, person.erased, place.place),
            place.status,
            place.until,
            place.rhythm,
            person.alive,
            model.may_be_mailed(person, place),
        )
        for person, place in model.all_places()
    ]
    made += [("barred", what, bar.cause, bar.since) for what, bar in model.bars.items()]
    for house, names in enumerate(RHYTHMS):
        for name in names:
            made += [("gets", house, name, *one) for one in model.audience(house, name)]
    for address, place in model.audience(0, RHYTHMS[0][0]):
        person = model.living(address)
        if person is not None and model.fits(person, now):
            made.append(("fits", address, place))
    return made


def facts_of(
    database: Database, house: House, known: dict[str, tuple[int, int]], *, now: dt.datetime
) -> Facts:
    """The same of all histories of a world, in a number of statements that does not grow; notes the ids."""
    found: Facts = {}
    house.people.clear()
    house.places.clear()
    rhythms = {number: name for (_, name), number in house.cadences.items()}
    lists = {number: place for place, number in enumerate(house.lists)}
    names: dict[int, tuple[int, int, int]] = {}  # subscription to history, address, list
    domains = {
        domain_of(history, address): (history, DOMAINS[address]) for history, address in known.values()
    }
    with database.read() as session:
        query = (
            sa.select(
                *(Subscription.id, Subscription.subscriber_id, Subscription.list_id, Subscription.status),
                *(Subscription.paused_until, Subscription.cadence_id, Subscriber.address_hash),
                *(Subscriber.erased_at, Subscriber.last_sign_of_life_at, may_be_mailed().label("mailable")),
            )
            .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
            .where(Subscription.list_id.in_(house.lists))
            .order_by(Subscription.id)
        )
        for row in session.execute(query):
            history, address = known[row.address_hash]
            person, place = (address, row.erased_at is not None), lists[row.list_id]
            house.people[history, *person] = max(house.people.get((history, *person), 0), row.subscriber_id)
            house.places[row.subscriber_id, row.list_id] = row.id
            names[row.id] = (history, address, place)
            found.setdefault(history, set()).add(
                (
                    "place",
                    (*person, place),
                    row.status.value,
                    row.paused_until,
                    rhythms.get(row.cadence_id),
                    row.last_sign_of_life_at,
                    bool(row.mailable),
                )
            )
        bars = sa.select(Suppression.kind, Suppression.value, Suppression.cause, Suppression.created_at)
        for bar in session.execute(bars):
            owner = (known if bar.kind is SuppressionKind.ADDRESS else domains).get(bar.value)
            if owner is not None:
                history, what = owner
                found.setdefault(history, set()).add(("barred", what, bar.cause.value, bar.created_at))
        for (place, name), chosen in house.audiences.items():
            for who in session.execute(chosen):
                history, address, each = names[who.subscription_id]
                found.setdefault(history, set()).add(("gets", place, name, address, each))
        some = condition_for(session, session.get_one(Segment, house.segment), at=now)
        for who in session.execute(audience(house.cadences[0, RHYTHMS[0][0]], some)):
            history, address, each = names[who.subscription_id]
            found.setdefault(history, set()).add(("fits", address, each))
    return found


def chains_wanted(model: Model) -> list[Any]:
    return [
        (person.address, person.erased, place.place, number, *event)
        for person, place in model.all_places()
        for number, event in enumerate(place.chain, 1)
    ]


def chains_of(database: Database, house: House, known: dict[str, tuple[int, int]]) -> Facts:
    """Each event of each chain, and each finding of the check of them all."""
    found: Facts = {}
    owners: dict[int, int] = {}
    lists = {number: place for place, number in enumerate(house.lists)}
    with database.read() as session:
        query = (
            sa.select(
                *(ConsentEvent.subscription_id, ConsentEvent.number, ConsentEvent.action),
                *(ConsentEvent.status, ConsentEvent.source, ConsentEvent.at, Subscription.list_id),
                *(Subscriber.address_hash, Subscriber.erased_at),
            )
            .join(Subscription, Subscription.id == ConsentEvent.subscription_id)
            .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
            .where(Subscription.list_id.in_(house.lists))
            .order_by(ConsentEvent.subscription_id, ConsentEvent.number)
        )
        for row in session.execute(query):
            history, address = known[row.address_hash]
            owners[row.subscription_id] = history
            place = (address, row.erased_at is not None, lists[row.list_id])
            event = (row.number, row.action, row.status.value, row.source, row.at)
            found.setdefault(history, set()).add((*place, *event))
        for list_id in house.lists:
            for subscription_id, problems in consent.verify_all(session, list_id=list_id):
                for problem in problems:
                    found[owners[subscription_id]].add(problem)
    return found


def told(database: Database, world: World, failure: Failure, templates: Path) -> str:
    """The shortest history that fails: alone, and without whatever it fails without."""
    again = itertools.count(1)

    def fails(one: World) -> Failure | None:
        return play(database, one.with_others_addresses(next(again)), templates)

    shortest = world.alone(failure.history).until(failure.round + 1)
    problem = fails(shortest)
    if problem is None:
        return f"{shortest}\nfails only beside the others of its world: {failure.problem}"
    is_smaller = True
    while is_smaller:
        is_smaller = False
        for smaller in shortest.smaller():
            found = fails(smaller)
            if found is not None:
                shortest, problem, is_smaller = smaller, found, True
                break
    return f"{shortest}\n  {problem.problem}"


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A newsroom's own mails, of a few words: to encode ours takes longer than all the rest."""
    folder = tmp_path_factory.mktemp("templates")
    for kind, place in (("welcome", "unsubscribe_url"), ("permission", "keep_url"), ("moved", "list_title")):
        mail = folder / "email" / kind
        mail.mkdir(parents=True)
        (mail / "subject.txt").write_text("The Courier\n")
        (mail / "body.txt").write_text(f"The Courier\n\n{{{{ notice.{place} }}}}\n")
        (mail / "body.html").write_text(
            "<html><head><style>a { color: black }</style>"
            '<style data-premailer="ignore">a { color: black }</style></head>'
            f'<body><a href="{{{{ notice.{place} }}}}">here</a></body></html>'
        )
    return folder


READERS = ("import", 0, "all")

# Those that failed once, as they were told; (days since the one before, what somebody does or what happens).
FOUND: dict[str, tuple[tuple[float, Act, tuple[Act, ...]], ...]] = {
    "who leaves after an import was taken back is not brought by the next": (
        (0, READERS, ((0, "subscribed", 0),)),
        (1, ("undo_import", 0), ()),
        (1, ("leave", 0, False, 0), ()),
        (1, ("undo", 0, False, 0), ()),
        (1, READERS, ((0, "subscribed", 0),)),
    ),
    "nor is a leaver of a file": (
        (0, READERS, ((0, "subscribed", 0),)),
        (1, ("undo_import", 0), ()),
        (1, ("import", 0, "leavers"), ((0, "unsubscribed", 0),)),
        (1, READERS, ((0, "subscribed", 0),)),
    ),
    "whom an import paused comes back paused until the same day": (
        (0, READERS, ((0, "paused", 0),)),
        (1, ("leave", 0, False, 0), ()),
        (1, ("undo", 0, False, 0), ()),
        (9, ("sweep",), ()),
    ),
    "a press is for the lists of one post, also after a change of address": (
        (0, ("post", 0, (0,), None), ()),
        (1, ("post", 0, (2,), None), ()),
        (1, ("move", 0, False, 2), ()),
        (1, ("press", 2, False, 0), ()),
    ),
    "and after a leaving that was taken back": (
        (0, ("post", 0, (0,), None), ()),
        (1, ("post", 0, (2,), None), ()),
        (1, ("leave_all", 0, False), ()),
        (1, ("undo", 0, False, 0), ()),
        (1, ("press", 0, False, 0), ()),
    ),
    "a complaint on top of a bounce is not lifted by a sign-up of before": (
        (0, ("bar", 0, "bounce"), ()),
        (1, ("post", 0, (0,), None), ()),
        (1, ("bar", 0, "complaint"), ()),
        (1, ("press", 0, False, 0), ()),
    ),
    "a file's never is for good, also where there was a bounce": (
        (0, ("bar", 0, "bounce"), ()),
        (1, READERS, ((0, "never", 0),)),
        (1, ("post", 0, (0,), None), ()),
        (1, ("undo_import", 1), ()),
    ),
    "who waits for a mail may join by their own page": (
        (0, READERS, ((0, "subscribed", 0),)),
        (1, ("post", 0, (2,), None), ()),
        (1, ("language", 0, False, 0, 2), ()),
    ),
    "an old link notes nothing of the erased": (
        (0, READERS, ((0, "subscribed", 0),)),
        (1, ("erase", 0, False), ()),
        (1, ("leave", 0, True, 0), ()),
    ),
    "who never confirmed goes also after a change of address": (
        (0, ("post", 0, (0,), None), ()),
        (1, ("move", 0, False, 2), ()),
        (100, ("retain",), ()),
    ),
    "a file may know somebody by an address of now and by one of before": (
        (0, ("import", 2, "all"), ((0, "subscribed", 0),)),
        (1, ("move", 0, False, 2), ()),
        (1, READERS, ((0, "unsubscribed", 0), (2, "subscribed", 0))),
    ),
}


@pytest.mark.parametrize("name", FOUND)
def test_what_failed_once_is_mended(database: Database, templates: Path, name: str) -> None:
    """The shortest history of each fault that was found."""
    now, rounds, acts, lines = NOW, [], [], []
    for days, what, of_file in FOUND[name]:
        now += days * DAY
        is_own = what[0] in OF_PERSON or what[0] in ("post", "bar")
        rounds.append(Round(now, NOTHING if is_own else what))
        acts.append(what if is_own else None)
        lines.append(of_file)
    world = World(name, tuple(rounds), (History(1, tuple(acts), tuple(lines)),))
    failure = play(database, world, templates)
    assert failure is None, f"{world}\n{failure.problem}"


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """What takes a tenth of the time and proves nothing here: the collector, and a hint for each mail."""
    gc.disable()
    try:
        with bundled(TaskName.SEND_NOTICES):
            yield
    finally:
        gc.enable()


def live(
    database: Database, templates: Path, seed: str, *, many: int, rounds: int, lively: Sequence[float]
) -> None:
    """Play one world; the first history that fails is told."""
    world = invent(seed, first=0, many=many, rounds=rounds, lively=lively)
    with undisturbed():
        failure = play(database, world, templates)
        if failure is not None:
            pytest.fail(told(database, world, failure, templates), pytrace=False)


@pytest.mark.both_databases
@pytest.mark.parametrize("number", range(3))
def test_the_system_agrees_with_the_model(database: Database, templates: Path, number: int) -> None:
    """Five hundred histories in six worlds, most of them on SQLite; every fourth is a busy one."""
    many = 125 if database.is_sqlite else 42  # there each takes twice as long
    seed = f"{database.engine.dialect.name} {number}"
    live(database, templates, seed, many=many, rounds=8, lively=MOSTLY_STILL)


@pytest.mark.slow  # the run has a tenth of them, of fewer rounds
@pytest.mark.parametrize("number", range(10))
def test_the_system_agrees_with_the_model_for_thousands(
    database: Database, templates: Path, number: int
) -> None:
    """5,000 of ten rounds, half of them on each database."""
    seed = f"all {database.engine.dialect.name} {number}"
    live(database, templates, seed, many=250, rounds=10, lively=QUIET)


@pytest.mark.slow  # the same number of long ones takes six times as long
@pytest.mark.parametrize("number", range(10))
def test_the_system_agrees_with_the_model_for_long(database: Database, templates: Path, number: int) -> None:
    """5,000 more, of up to 24 own acts each."""
    seed = f"long {database.engine.dialect.name} {number}"
    live(database, templates, seed, many=250, rounds=24, lively=BUSY)

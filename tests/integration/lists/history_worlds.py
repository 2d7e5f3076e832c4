"""Random histories, many side by side: a world has one clock and one row of common events.

In each round everybody may do something of their own, and then something happens to all: a file is imported,
in which each history has lines of its own, the sweep runs, days pass. So a batch of a flow is shared by all
histories of a world, as it is in life, and each history can be played again alone.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tests.factories.moments import NOW
from tests.integration.lists.history_model import Model
from tests.integration.lists.history_people import DOMAINS, HOUSES, OF_PERSON, RHYTHMS, STRENGTH, Act

_PASSES = (1 / 24, 0.5, 1, 1, 2, 3, 8, 25, 31, 60, 91)  # days between two rounds
_WORDS = ("subscribed",) * 5 + ("paused", "unsubscribed", "unsubscribed", "bounced", "never", "pending")
_EVENTS = ("import",) * 4 + ("leavers", "undo_import", "undo_import", "sweep", "retain", "ask")
NOTHING: Act = ("nothing",)


@dataclass(frozen=True)
class Round:
    """When everybody acts, and what happens to all a minute later."""

    now: dt.datetime
    event: Act

    @property
    def then(self) -> dt.datetime:
        return self.now + dt.timedelta(minutes=1)


@dataclass(frozen=True)
class History:
    """What one history does in each round, and its lines in the file of each."""

    number: int
    acts: tuple[Act | None, ...]
    lines: tuple[tuple[Act, ...], ...]


@dataclass(frozen=True)
class World:
    seed: str
    rounds: tuple[Round, ...]
    histories: tuple[History, ...]

    def until(self, rounds: int) -> World:
        return replace(self, rounds=self.rounds[:rounds])

    def alone(self, number: int) -> World:
        """The same for one history."""
        return replace(self, histories=tuple(one for one in self.histories if one.number == number))

    def with_others_addresses(self, number: int) -> World:
        """The same for other people: what was played once has left them behind."""
        shift = 600_000 * number  # some things depend on a history's number, by twos and threes
        moved = (replace(one, number=one.number % 600_000 + shift) for one in self.histories)
        return replace(self, histories=tuple(moved))

    def smaller(self) -> Iterator[World]:
        """This world, of one history, with one thing left out."""
        (only,) = self.histories
        for place, one in reversed(list(enumerate(self.rounds))):
            if only.acts[place] is not None:
                acts = (*only.acts[:place], None, *only.acts[place + 1 :])
                yield replace(self, histories=(replace(only, acts=acts),))
            if one.event != NOTHING:
                rounds = (*self.rounds[:place], Round(one.now, NOTHING), *self.rounds[place + 1 :])
                yield replace(self, rounds=rounds)
            for line in range(len(only.lines[place])):
                kept = only.lines[place][:line] + only.lines[place][line + 1 :]
                lines = (*only.lines[:place], kept, *only.lines[place + 1 :])
                yield replace(self, histories=(replace(only, lines=lines),))

    def __str__(self) -> str:
        """A history of one, a line a step, to be read and played again."""
        told = [f"seed {self.seed!r}, history {self.histories[0].number % 600_000}:"]
        for place, one in enumerate(self.rounds):
            act, lines = self.histories[0].acts[place], self.histories[0].lines[place]
            if act is not None:
                told.append(f"  {one.now:%Y-%m-%d %H:%M}  {act}")
            if one.event[0] == "import" and lines:
                told.append(f"  {one.then:%Y-%m-%d %H:%M}  {one.event} as event {place} with {list(lines)}")
            elif one.event != NOTHING and one.event[0] != "import":
                told.append(f"  {one.then:%Y-%m-%d %H:%M}  {one.event}")
        return "\n".join(told)


def invent(seed: str, *, first: int, many: int, rounds: int, lively: Sequence[float]) -> World:
    """A world of `many` histories from number `first`; each acts in a round with one of these chances."""
    made = _rounds(random.Random(seed), rounds)
    return World(seed, made, tuple(_history(seed, first + each, made, lively) for each in range(many)))


def _rounds(chance: random.Random, many: int) -> tuple[Round, ...]:
    made: list[Round] = []
    now, imports, asking = NOW, [], None
    for number in range(many):
        name = chance.choice(_EVENTS)
        event: Act = (name,)
        if number == 0 or name in ("import", "leavers"):
            event = (
                "import",
                chance.choice((0, 0, 1, 2)),
                "leavers" if name == "leavers" and number > 0 else "all",
            )
            imports.append(number)
        elif name == "undo_import":
            event = (name, imports.pop(chance.randrange(len(imports)))) if imports else ("sweep",)
        elif asking is not None and name == "ask":
            event, asking = ("close", asking), None
        elif name == "ask":
            asking = chance.randrange(3)
            event = ("ask", asking, chance.choice((5, 30)))
        made.append(Round(now, event))
        now += chance.choice(_PASSES) * dt.timedelta(days=1)
    if asking is not None:
        made[-1] = Round(made[-1].now, ("close", asking))
    return tuple(made)


def _history(seed: str, number: int, rounds: tuple[Round, ...], lively: Sequence[float]) -> History:
    chance, model = random.Random(f"{seed} {number}"), Model()
    own = chance.choice(lively)
    acts: list[Act | None] = []
    lines: list[tuple[Act, ...]] = []
    for place, one in enumerate(rounds):
        act = _act(chance, model, one.now) if chance.random() < own else None
        if act is not None:
            model.take(act, one.now)
        of_file: list[Act] = []
        if one.event[0] == "import":
            of_file = [_line(chance) for _ in range(chance.choice((0, 1, 1, 1, 2)))]
        model.meet(one.event, of_file, place, one.then)
        acts.append(act)
        lines.append(tuple(of_file))
    return History(number, tuple(acts), tuple(lines))


def _line(chance: random.Random) -> Act:
    days = chance.choice((0, 0, 1, 40))
    return (chance.choice((0, 0, 0, 1, 2)), chance.choice(_WORDS), days)


def _act(chance: random.Random, model: Model, now: dt.datetime) -> Act | None:
    """Something that somebody could do now."""
    found = list(model.all_places())
    link = [(person, place) for person, place in found if place.status == "pending" and place.has_link]
    wish = chance.random()
    if link and chance.random() < 0.5:
        person, place = chance.choice(link)
        return ("press", person.address, person.erased, place.place, chance.choice((0, 1, 1, 2)))
    if not found or wish < 0.15:
        return _from_outside(chance)
    person, place = chance.choice(found)
    of_person = (person.address, person.erased)
    of_place = (*of_person, place.place)
    if place.status == "ended" and wish < 0.4:
        return ("undo", *of_place)
    others = [each for each, house in enumerate(HOUSES) if house != HOUSES[place.place]]
    wishes: list[Act] = [
        ("pause", *of_place, chance.choice((None, 1, 10, 40))),
        ("pause", *of_place, 5),
        ("resume", *of_place),
        ("rhythm", *of_place, chance.choice(RHYTHMS[HOUSES[place.place]])),
        ("leave", *of_place),
        ("leave", *of_place),
        ("leave_all", *of_person),
        ("clerk_ends", *of_place),
        ("undo", *of_place),
        ("reason", *of_place),
        ("keep", *of_place),
        ("press", *of_place, chance.choice((0, 1, 2))),
        ("join_too", *of_place, chance.randrange(3)),
        ("language", *of_place, chance.choice(others)),
        ("move", *of_person, chance.randrange(3)),
        ("move", *of_person, 2),
        ("erase", *of_person),
        ("bar", person.address, chance.choice(STRENGTH)),
        ("bar", person.address, chance.choice(("bounce", "complaint"))),
        ("bar", DOMAINS[person.address], chance.choice(STRENGTH)),
    ]
    if model.bars:
        wishes += [("unbar", chance.choice(list(model.bars)))] * 3
    if place.questions:
        wishes += [("keep", *of_place)] * 6
    chosen = chance.choice(wishes)
    if chosen[0] in ("undo", "reason") and place.status != "ended":
        return ("leave", *of_place)
    return None if chosen[0] in OF_PERSON and model.whom(chosen) is None else chosen


def _from_outside(chance: random.Random) -> Act:
    """What anybody can do, also for an address that nobody knows."""
    address = chance.choice((0, 0, 0, 1, 2))
    if chance.random() < 0.5:
        return ("clerk", address, chance.randrange(3), chance.choice(("", "", "again")))
    lists = chance.choice(((0,), (0,), (0,), (1,), (1,), (2,), (0, 1), (0, 2)))
    return ("post", address, lists, chance.choice((None, "morning", "sunday")))

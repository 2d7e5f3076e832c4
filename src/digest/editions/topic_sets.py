"""Which stories each choice of topics holds, and which of these are rendered. Pure.

A topic set holds the featured story, the stories that are filed under one of its topics, and those of no
topic at all. Nobody misses the paper's own word or its general news for having chosen Culture, and the
newsroom decides what can be left out: only what some topic has, and none of the set's.

Sets with the same stories are one rendering. There are at most so many (sets times text sizes); beyond that
the rarest readers get the nearest larger one: all of theirs, and the fewest others.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from digest.rendering.contexts import TextSize

# The places of a set's stories in its edition, in order; None: all of them.
Positions = tuple[int, ...] | None


@dataclass(frozen=True, slots=True)
class Filed:
    """A story in its place in an edition, with the topics that it is filed under."""

    is_featured: bool
    topics: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Readers:
    """How many people have chosen these topics (none: everything) and read in this size."""

    topics: tuple[str, ...]
    text_size: TextSize
    people: int


@dataclass(frozen=True, slots=True)
class Rendering:
    """One rendering of an edition. `topics` names a set that it was made for; "" is everything."""

    topics: str
    text_size: TextSize
    positions: Positions


EVERYTHING = Rendering("", TextSize.NORMAL, None)


@dataclass(frozen=True, slots=True)
class Sets:
    """What is rendered, who gets more than they chose for there are too many sets, and who gets nothing."""

    renderings: tuple[Rendering, ...]
    fallen_back: tuple[Readers, ...] = ()
    thin: tuple[Readers, ...] = ()


def filed_under(names: Iterable[str], sections: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """The topics, in the digest's order, that have one of these names among their sections."""
    folded = {name.casefold() for name in names}
    return tuple(
        topic for topic, under in sections.items() if any(section.casefold() in folded for section in under)
    )


def chosen_of(stored: Iterable[str], known: Iterable[str]) -> tuple[str, ...]:
    """A reader's topics in the digest's order, without those that there are not; none is everything."""
    wanted = set(stored)
    return tuple(topic for topic in known if topic in wanted)


def positions_of(topics: Sequence[str], stories: Sequence[Filed]) -> Positions:
    """The stories that a set holds; None for everything, and for a set that lacks nothing."""
    if not topics:
        return None
    chosen = set(topics)
    found = tuple(
        position
        for position, one in enumerate(stories)
        if one.is_featured or not one.topics or chosen.intersection(one.topics)
    )
    return None if len(found) == len(stories) else found


def is_thin(positions: Positions, stories: Sequence[Filed], least: int) -> bool:
    """Whether a set has no story, or fewer recent ones than the digest's minimum.

    An edition that has fewer itself, for it is breaking news or a person let it go, asks no more of a set.
    """
    if positions is None:
        return False
    recent = [position for position in positions if not stories[position].is_featured]
    return not positions or len(recent) < min(least, sum(not one.is_featured for one in stories))


def nearest(positions: Positions, size: TextSize, there: Iterable[Rendering]) -> Rendering:
    """Of the renderings that hold all of these stories the one with the fewest others.

    A reader of large letters gets large letters if there are any: a few more stories are the smaller evil.
    """
    holding = [one for one in there if _holds(one.positions, positions)]
    in_size = [one for one in holding if one.text_size is size]
    normal = [one for one in holding if one.text_size is TextSize.NORMAL]
    return min(in_size or normal, key=_extent)


def choose_renderings(readers: Iterable[Readers], stories: Sequence[Filed], *, least: int, most: int) -> Sets:
    """What is rendered of an edition for its readers.

    Everything in the normal size always is, for the web edition's sake and for whoever comes later; else only
    what somebody reads.
    """
    served: list[tuple[Readers, Positions]] = []
    thin: list[Readers] = []
    for one in readers:
        positions = positions_of(one.topics, stories)
        if is_thin(positions, stories, least):
            thin.append(one)
        else:
            served.append((one, positions))
    names = _names(served)
    people: Counter[Rendering] = Counter({EVERYTHING: 0})
    for one, positions in served:
        people[Rendering(names[positions], one.text_size, positions)] += one.people
    kept = _kept(people, most)
    used = {EVERYTHING, *(nearest(one.positions, one.text_size, kept) for one in people)}
    fallen = [
        one for one, positions in served if Rendering(names[positions], one.text_size, positions) not in kept
    ]
    return Sets(tuple(sorted(used, key=_order)), tuple(fallen), tuple(thin))


def after_drop(renderings: Iterable[Rendering], dropped: Iterable[int], count: int) -> tuple[Rendering, ...]:
    """The same renderings of an edition whose stories at some places, of `count`, are gone.

    Each keeps its name, even if two are the same now, so that whoever was to get one gets its like. One that
    has no story left is gone as well.
    """
    gone = set(dropped)
    left = [position for position in range(count) if position not in gone]
    place = {position: number for number, position in enumerate(left)}
    kept = []
    for one in renderings:
        positions = one.positions
        if positions is not None:
            positions = tuple(place[position] for position in positions if position in place)
            if not positions:
                continue
            if len(positions) == len(left):
                positions = None
        kept.append(Rendering(one.topics, one.text_size, positions))
    return tuple(kept)


def _names(served: Iterable[tuple[Readers, Positions]]) -> dict[Positions, str]:
    """The name of each content: the set most people have chosen of those that hold it."""
    counts: dict[Positions, Counter[str]] = defaultdict(Counter)
    for one, positions in served:
        counts[positions][",".join(one.topics)] += one.people
    names = {
        positions: min((-people, name) for name, people in of_sets.items())[1]
        for positions, of_sets in counts.items()
    }
    return names | {None: ""}


def _kept(people: Mapping[Rendering, int], most: int) -> set[Rendering]:
    """The renderings that most people read, so many; each text size keeps one that holds everything."""
    if len(people) <= most:
        return set(people)
    large = Rendering("", TextSize.LARGE, None)
    kept = {EVERYTHING}
    if most > 1 and any(one.text_size is TextSize.LARGE for one in people):
        kept.add(large)
    for one in sorted(people, key=lambda one: (-people[one], *_order(one))):
        if len(kept) >= most:
            break
        kept.add(one)
    return kept


def _holds(those: Positions, these: Positions) -> bool:
    return those is None or (these is not None and set(these) <= set(those))


def _extent(one: Rendering) -> tuple[bool, int, str]:
    return one.positions is None, len(one.positions or ()), one.topics


def _order(one: Rendering) -> tuple[bool, str, bool]:
    return one.positions is not None, one.topics, one.text_size is not TextSize.NORMAL

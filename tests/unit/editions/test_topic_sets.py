"""Topic sets: who gets which stories, whatever the topics, the readers and the limit are."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from digest.editions.topic_sets import (
    EVERYTHING,
    Filed,
    Readers,
    Rendering,
    after_drop,
    choose_renderings,
    chosen_of,
    filed_under,
    is_thin,
    nearest,
    positions_of,
)
from digest.rendering.contexts import TextSize

NORMAL, LARGE = TextSize.NORMAL, TextSize.LARGE
NAMES = ("culture", "sport", "world", "city")
SECTIONS = {"culture": ("Culture", "Books"), "sport": ("Sport",)}
# A commentary, culture, sport, general news, and one of both.
EDITION = (
    Filed(is_featured=True),
    Filed(False, ("culture",)),
    Filed(False, ("sport",)),
    Filed(False),
    Filed(False, ("culture", "sport")),
)

topics = st.lists(st.sampled_from(NAMES), unique=True, max_size=3).map(tuple)
editions = st.tuples(st.booleans(), st.lists(topics, min_size=1, max_size=7)).map(
    lambda drawn: tuple(
        Filed(drawn[0] and place == 0, () if drawn[0] and place == 0 else of)
        for place, of in enumerate(drawn[1])
    )
)
audiences = st.dictionaries(st.tuples(topics, st.sampled_from(TextSize)), st.integers(1, 50), max_size=9).map(
    lambda counts: [Readers(of, size, people) for (of, size), people in counts.items()]
)


def theirs(of: tuple[str, ...], stories: tuple[Filed, ...]) -> set[int]:
    """The law said another way: left out is only what other topics have, and none of theirs does."""
    left_out = {place for place, one in enumerate(stories) if one.topics and not set(of) & set(one.topics)}
    return set(range(len(stories))) - (left_out if of else set())


def held(one: Rendering, stories: tuple[Filed, ...]) -> set[int]:
    return set(range(len(stories))) if one.positions is None else set(one.positions)


@settings(max_examples=150, deadline=None)
@given(editions, audiences, st.integers(0, 3), st.integers(1, 6))
def test_everybody_gets_all_of_theirs_and_no_others_unless_they_fell_back(
    stories: tuple[Filed, ...], readers: list[Readers], least: int, most: int
) -> None:
    """The laws of topic sets: number, order, nothing missing, nothing besides, the same whoever is first."""
    sets = choose_renderings(readers, stories, least=least, most=most)
    assert sets == choose_renderings(readers, stories, least=least, most=most)
    again = choose_renderings(readers[::-1], stories, least=least, most=most)
    assert again.renderings == sets.renderings
    assert EVERYTHING in sets.renderings
    assert len({(one.topics, one.text_size) for one in sets.renderings}) == len(sets.renderings) <= most
    assert len({(one.positions, one.text_size) for one in sets.renderings}) == len(sets.renderings)
    for one in sets.renderings:
        assert all(first < second for first, second in pairwise(one.positions or ()))
    got = set()
    for reader in readers:
        wanted = theirs(reader.topics, stories)
        if reader in sets.thin:
            few = sum(not stories[place].is_featured for place in wanted)
            assert len(wanted) < len(stories)
            assert not wanted or few < least
            continue
        given_one = nearest(positions_of(reader.topics, stories), reader.text_size, sets.renderings)
        got.add(given_one)
        assert held(given_one, stories) >= wanted
        if reader not in sets.fallen_back:
            assert held(given_one, stories) == wanted
            assert given_one.text_size is reader.text_size
        elif most > 1:
            assert given_one.text_size is reader.text_size
            larger = [held(one, stories) for one in sets.renderings if one.text_size is reader.text_size]
            assert not any(wanted <= one < held(given_one, stories) for one in larger)
    # Nothing is rendered that nobody reads.
    assert set(sets.renderings) - {EVERYTHING} <= got


@settings(max_examples=60, deadline=None)
@given(editions, audiences, st.sets(st.integers(0, 6), max_size=3))
def test_a_dropped_story_leaves_every_set_the_rest_of_its_own(
    stories: tuple[Filed, ...], readers: list[Readers], dropped: set[int]
) -> None:
    """Each set keeps its name and its other stories in order; only one with no story left is gone."""
    renderings = choose_renderings(readers, stories, least=0, most=9).renderings
    after = {(one.topics, one.text_size): one for one in after_drop(renderings, dropped, len(stories))}
    left = [place for place in range(len(stories)) if place not in dropped]
    for one in renderings:
        rest = [place for place in left if place in held(one, stories)]
        now = after.pop((one.topics, one.text_size), None)
        if now is None:
            assert one.positions is not None
            assert not rest
        else:
            assert [left[place] for place in now.positions or range(len(left))] == rest
    assert not after


def test_a_set_has_its_own_the_commentary_and_what_is_of_no_topic() -> None:
    """As a reader would have it: a story of two topics comes for either."""
    assert positions_of(("culture",), EDITION) == (0, 1, 3, 4)
    assert positions_of(("sport",), EDITION) == (0, 2, 3, 4)
    assert positions_of(("city",), EDITION) == (0, 3)
    assert positions_of((), EDITION) is None
    assert positions_of(("culture", "sport"), EDITION) is None  # nothing is missing: the same mail


def test_stories_are_filed_by_category_or_tag_whatever_the_case() -> None:
    """In the digest's order."""
    assert filed_under(["SPORT", "books"], SECTIONS) == ("culture", "sport")
    assert filed_under(["Bookshop", ""], SECTIONS) == ()


def test_a_topic_that_is_no_more_stands_for_nothing() -> None:
    """Whoever chose only such ones gets everything, as one who chose none."""
    assert chosen_of(["opera", "sport", "culture"], SECTIONS) == ("culture", "sport")
    assert chosen_of(["opera"], SECTIONS) == ()


def test_below_the_minimum_counts_recent_stories_alone() -> None:
    """And asks no more of a set than the whole edition has."""
    assert is_thin((0, 3), EDITION, 2)
    assert not is_thin((0, 3), EDITION, 1)
    assert not is_thin((0,), EDITION, 0)
    assert is_thin((), EDITION, 0)
    assert not is_thin(None, EDITION, 9)
    assert not is_thin((0,), EDITION[:1], 3)  # breaking news: the featured story is all there is


def test_the_rarest_fall_back_to_the_nearest_larger_set() -> None:
    """Those of sport and the city get sport's mail, which has one more; it is said how many they are."""
    stories = (*EDITION, Filed(False, ("city",)))
    readers = [
        Readers((), NORMAL, 90),
        Readers(("sport", "city"), NORMAL, 40),
        Readers(("culture",), NORMAL, 9),
        Readers(("city",), NORMAL, 2),
    ]
    sets = choose_renderings(readers, stories, least=1, most=3)
    assert [one.topics for one in sets.renderings] == ["", "culture", "sport,city"]
    assert sets.fallen_back == (readers[3],)
    assert nearest(positions_of(("city",), stories), NORMAL, sets.renderings).topics == "sport,city"
    assert nearest(positions_of(("city",), stories), LARGE, sets.renderings).topics == "sport,city"

"""Which titles tell the same story, in both scripts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.editions.same_story import Stories, title_words


def is_same(one: str, other: str, likeness: float = 0.75) -> bool:
    stories = Stories(likeness)
    stories.add(1, one)
    return stories.find(other) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Mill Bridge Opens on Monday", "The mill bridge opens Monday!"),
        ("Council's budget passes after long debate", "Council budget passes, after a long debate"),
        ("Armenian choir sings in Boston hall", "Armenia choir sings in Boston's hall"),
        ("Կամուրջը բացվում է երկուշաբթի", "Կամուրջը բացվո՜ւմ է երկուշաբթի՞"),
        ("Քաղաքապետը խոսեց նոր դպրոցի մասին", "Քաղաքապետը խոսեց նոր դպրոցների մասին"),
        ("Fire", "FIRE"),
        ("ﬁre in mill", "fire in mill"),
    ],
)
def test_titles_that_are_the_same_story(one: str, other: str) -> None:
    """Case, marks, little words and endings make no difference."""
    assert is_same(one, other)
    assert is_same(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The long road, part 2", "The long road, part 3"),
        (
            "The road over the seven hills to the old sea, part 2",
            "The road over the seven hills to the old sea, part 3",
        ),
        ("Letters to the editor, November 3", "Letters to the editor, November 4"),
        ("Story 1", "Story 2"),
        ("Mill bridge opens", "Mill bridge closes"),
        ("Fire in mill", "Fire in hall"),
        ("", "Fire"),
        ("", ""),
        ("Կամուրջը բացվում է", "Կամուրջը փակվում է"),
    ],
)
def test_titles_that_are_two_stories(one: str, other: str) -> None:
    """Different numbers are different stories, short titles must be wholly alike, no title is like none."""
    assert not is_same(one, other)


def test_the_likest_is_found_and_what_is_forgotten_is_not() -> None:
    """Of several the one with the most words in common; of those the lowest id."""
    stories = Stories(0.5)
    stories.add(2, "Mill bridge opens on Monday morning")
    stories.add(1, "Mill bridge opens Monday")
    assert stories.find("The mill bridge opens Monday") == 1
    stories.remove(1)
    assert stories.find("The mill bridge opens Monday") == 2
    stories.remove(2)
    assert stories.find("The mill bridge opens Monday") is None


@given(title=st.text(max_size=80))
def test_any_title_is_like_itself_if_it_has_words(title: str) -> None:
    """In any script."""
    assert is_same(title, title) == bool(title_words(title))

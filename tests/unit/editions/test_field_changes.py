"""Two versions beside each other: which fields differ, and which words of them."""

from __future__ import annotations

from dataclasses import replace

from digest.editions.differences import Shown, ShownStory, What
from digest.editions.field_changes import Field, Piece, field_changes, marked, whole_changes

STORY = ShownStory(("post", 1), "The bridge", excerpt="It opens.", body="<p>One.</p>", section="City")
OLD = Shown("a", "News of the day", "And more", ("Good morning", ""), stories=(STORY,))


def words(pieces: tuple[Piece, ...]) -> str:
    return "".join(f"[{one.text}]" if one.is_other else one.text for one in pieces)


def test_the_words_that_went_and_came_are_marked() -> None:
    """The rest stands as it is, and both texts can be read whole."""
    before, now = marked("The old bridge opens", "The new bridge opens, at last")
    assert words(before) == "The [old] bridge opens"
    assert words(now) == "The [new] bridge opens[, at last]"


def test_of_a_long_text_only_what_is_otherwise_stays() -> None:
    """A word of a thousand is found again with a few around it; so is a sentence of a very long text."""
    for count, most in ((400, 60), (4_000, 60)):
        old = " ".join(f"Word {number}." for number in range(count))
        before, now = marked(old, old.replace("Word 99.", "Worm 99."))
        assert "[Word" in words(before)
        assert "[Worm" in words(now)
        assert len(words(now).split()) < most


def test_each_field_is_named_with_its_story() -> None:
    """Subject, intro, sign-off, and of a story its title, text and section; what is the same is not named."""
    new = replace(
        OLD,
        fingerprint="b",
        subject="News of tonight",
        intro=("Good evening", ""),
        sign_off="Until tomorrow",
        stories=(replace(STORY, title="The new bridge", body="<p>Two.</p>", section=""),),
    )
    found = field_changes(OLD, new)
    assert [(one.field, one.story) for one in found] == [
        (Field.SUBJECT, ""),
        (Field.INTRO, ""),
        (Field.SIGN_OFF, ""),
        (Field.TITLE, "The new bridge"),
        (Field.BODY, "The new bridge"),
        (Field.SECTION, "The new bridge"),
    ]
    assert field_changes(OLD, OLD) == ()


def test_stories_that_came_and_went_are_told_as_such() -> None:
    """They have no fields to be compared."""
    other = replace(STORY, key=("post", 2), title="The choir")
    new = replace(OLD, fingerprint="b", stories=(other,))
    assert [one.what for one in whole_changes(OLD, new)] == [What.DROPPED, What.ADDED]
    assert field_changes(OLD, new) == ()

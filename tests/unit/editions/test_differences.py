"""What changed between two versions is told in words, each thing once, and never nothing for something."""

from __future__ import annotations

import dataclasses
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.editions.differences import (
    SENTENCES,
    Difference,
    Shown,
    ShownStory,
    What,
    difference_sentence,
    what_changed,
)
from digest.i18n import LANGUAGES, Translator

FIRST = ShownStory(("post", 1), "On Patience", is_featured=True, body="<p>One.</p>")
SECOND, THIRD = ShownStory(("post", 2), "The Bridge"), ShownStory(("own", 2), "The Fair")
OLD = Shown("a" * 64, "On Patience", "The Bridge", stories=(FIRST, SECOND, THIRD))


def told(old: Shown, **values: object) -> list[tuple[What, str]]:
    new = dataclasses.replace(old, fingerprint="b" * 64, **values)  # type: ignore[arg-type]
    return [(one.what, one.facts.get("title", "")) for one in what_changed(old, new)]


def with_second(**values: object) -> tuple[ShownStory, ...]:
    return (FIRST, dataclasses.replace(SECOND, **values), THIRD)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("values", "lines"),
    [
        ({"subject": "On Haste"}, [(What.SUBJECT, "")]),
        ({"preheader": "The Fair"}, [(What.PREHEADER, "")]),
        ({"intro": ("Good morning.", "")}, [(What.INTRO, "")]),
        ({"note": "We had the day wrong."}, [(What.NOTE, "")]),
        ({"sign_off": "Until tomorrow."}, [(What.SIGN_OFF, "")]),
        ({"stories": (FIRST, THIRD)}, [(What.DROPPED, "The Bridge")]),
        ({"stories": (FIRST, THIRD, SECOND)}, [(What.MOVED, "The Fair")]),
        ({"stories": with_second(title="The Gate")}, [(What.TITLE, "The Gate")]),
        ({"stories": with_second(excerpt="New.")}, [(What.EXCERPT, "The Bridge")]),
        ({"stories": with_second(picture="https://x.test/a.jpg")}, [(What.PICTURE, "The Bridge")]),
        ({"stories": with_second(section="Town")}, [(What.SECTION, "The Bridge")]),
        (
            {"stories": (dataclasses.replace(FIRST, body="<p>Two.</p>"), SECOND, THIRD)},
            [(What.BODY, "On Patience")],
        ),
        (
            {
                "stories": (
                    dataclasses.replace(SECOND, is_featured=True),
                    dataclasses.replace(FIRST, is_featured=False, body=""),
                    THIRD,
                )
            },
            [(What.FEATURED, "The Bridge"), (What.RECENT, "On Patience")],
        ),
        ({}, [(What.REST, "")]),
    ],
)
def test_each_change_has_its_line(values: dict[str, object], lines: list[tuple[What, str]]) -> None:
    """One line for one change; what no line tells has one for itself."""
    assert told(OLD, **values) == lines


def test_the_same_content_has_no_line() -> None:
    """Whatever else was read of it."""
    assert what_changed(OLD, dataclasses.replace(OLD, subject="Read otherwise")) == ()


_stories = st.lists(
    st.builds(
        ShownStory, st.tuples(st.just("post"), st.integers(1, 6)), st.sampled_from("ABC"), st.booleans()
    ),
    max_size=6,
    unique_by=lambda story: story.key,
)


@given(_stories, _stories)
def test_the_lines_account_for_every_story(before: list[ShownStory], after: list[ShownStory]) -> None:
    """Old without what was dropped, with what was added, is new; and the way back tells as many stories."""
    old = Shown("a" * 64, "S", stories=tuple(before))
    new = Shown("b" * 64, "S", stories=tuple(after))
    lines = what_changed(old, new)
    assert lines
    kinds = [one.what for one in lines]
    gone = {story.key for story in before} - {story.key for story in after}
    come = {story.key for story in after} - {story.key for story in before}
    assert (kinds.count(What.DROPPED), kinds.count(What.ADDED)) == (len(gone), len(come))
    back = [one.what for one in what_changed(new, old)]
    assert (back.count(What.DROPPED), back.count(What.ADDED)) == (len(come), len(gone))
    assert kinds.count(What.TITLE) == back.count(What.TITLE)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("what", What)
def test_every_line_has_its_sentence(language: str, what: What) -> None:
    """In each language, with its facts in it."""
    facts = {name: f"[{name}]" for name in re.findall(r"%\((\w+)\)s", SENTENCES[what])}
    sentence = difference_sentence(Difference(what, facts), Translator(language))
    assert all(value in sentence for value in facts.values())
    assert "%" not in sentence

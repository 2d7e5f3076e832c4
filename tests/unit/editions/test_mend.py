"""What the checks put right by themselves: pictures that are none, excerpts that are too long."""

from __future__ import annotations

import dataclasses
from dataclasses import MISSING
from typing import Any

import pytest

from digest.editions.compose import Composed, ComposedVariant, Placed
from digest.editions.mend import STEPS, placed_as, within_size, without_pictures
from digest.models import Role
from digest.preflight.mail_findings import Code, MailFinding, MailLevel
from digest.rendering.contexts import EditionContext, StoryPicture, TextSize
from digest.rendering.digest_email import MAX_HTML_BYTES
from tests.unit.rendering import samples

LAMP, BENCH = "https://news.example.org/lamp.jpg", "https://news.example.org/bench.jpg"
LONG = "Ծիրանի այգիներն այս տարի ծանր են բերքից, ասում են այգեպանները։ " * 8


class Press:
    """Makes mails of a frame and the excerpts, and counts how often."""

    def __init__(self, frame: int) -> None:
        self.frame = frame
        self.made = 0

    def __call__(self, context: EditionContext) -> Composed:
        self.made += 1
        excerpts = "".join(story.excerpt for story in context.recent)
        html = "x" * self.frame + excerpts
        needed = (field.name for field in dataclasses.fields(ComposedVariant) if field.default is MISSING)
        blank: dict[str, Any] = dict.fromkeys(needed, "")
        variant = ComposedVariant(**blank | {"text_size": TextSize.NORMAL, "html": html, "mail": b""})
        return Composed("", "", "", (variant,), (), "")


def mend(context: EditionContext, press: Press) -> tuple[EditionContext, list[MailFinding]]:
    after, composed, said = within_size(context, press(context), press)
    assert composed == press(after)
    return after, said


def full(stories: int = 20) -> tuple[EditionContext, int]:
    """An edition of long excerpts, and how many bytes these are."""
    recent = tuple(samples.story(number, excerpt=LONG) for number in range(stories))
    return dataclasses.replace(samples.edition(), recent=recent), stories * len(LONG.encode())


def test_what_fits_is_left_as_it_is() -> None:
    """At the limit to the byte nothing is cut and nothing is made a second time."""
    context, size = full()
    press = Press(MAX_HTML_BYTES - size)
    after, said = mend(context, press)
    assert (after, said) == (context, [])
    assert press.made == 2  # the first one, and the comparison of this test


@pytest.mark.parametrize(
    ("over", "letters"), [(1, STEPS[0]), (5_000, STEPS[0]), (11_000, STEPS[1]), (14_500, STEPS[2])]
)
def test_excerpts_are_cut_by_no_more_steps_than_it_takes(over: int, letters: int) -> None:
    """All are cut alike, at words' ends, and it is said how far and in how many stories."""
    context, size = full()
    after, said = mend(context, Press(MAX_HTML_BYTES - size + over))
    assert [one.level for one in said] == [MailLevel.MENDED]
    facts = {"most": MAX_HTML_BYTES, "letters": letters, "stories": 20}
    assert (said[0].code, dict(said[0].facts)) == (Code.EXCERPTS_SHORTENED, facts)
    for before, story in zip(context.recent, after.recent, strict=True):
        assert story == dataclasses.replace(before, excerpt=story.excerpt)
        assert len(story.excerpt) <= letters
        assert story.excerpt.endswith("…")
        assert before.excerpt.startswith(story.excerpt[:-1] + " ")
    assert after.featured == context.featured


def test_at_last_there_are_no_excerpts() -> None:
    """Titles and links stay; what stands in place of a commentary's text is cut, not left out."""
    context, size = full()
    context = dataclasses.replace(context, featured=samples.featured(body_html="", excerpt=LONG))
    after, said = mend(context, Press(MAX_HTML_BYTES - size + size - 10))
    assert (said[0].code, dict(said[0].facts)["stories"]) == (Code.EXCERPTS_LEFT_OUT, 21)
    assert [story.title for story in after.recent] == [story.title for story in context.recent]
    assert {story.excerpt for story in after.recent} == {""}
    assert after.featured is not None
    assert after.featured.excerpt


def test_what_cannot_be_made_to_fit_is_left_whole() -> None:
    """A frame or a commentary that is too large by itself: a person decides, and sees it uncut."""
    context, _ = full()
    assert mend(context, Press(MAX_HTML_BYTES + 1)) == (context, [])


def test_pictures_that_are_none_are_left_out() -> None:
    """The one above the text, those in it, and that of a headline; the words around them stay."""
    first = samples.story(1, picture=StoryPicture(LAMP, "A lamp"))
    context = samples.edition()
    context = dataclasses.replace(context, recent=(first, samples.story(2, picture=StoryPicture(BENCH, "B"))))
    after = without_pictures(context, {LAMP})
    assert after.featured is not None
    assert LAMP not in after.featured.body_html
    assert "Thursday, until nine" in after.featured.body_html
    assert [story.picture is None for story in (after.featured, *after.recent)] == [False, True, False]
    bare = without_pictures(context, {LAMP, BENCH})
    assert [story.picture for story in (bare.featured, *bare.recent) if story] == [None] * 3
    assert without_pictures(context, {"https://news.example.org/other.jpg"}) == context


def test_places_follow_their_stories() -> None:
    """The stories of a mended edition stand where they stood, whoever they are from."""
    context = samples.edition(recent=2)
    assert context.featured is not None
    placed = (
        Placed(Role.RECENT, 7, context.recent[0]),
        Placed(Role.FEATURED, 8, context.featured),
        Placed(Role.RECENT, None, context.recent[1], own_item_id=9),
    )
    assert placed_as(placed, context) == placed
    other = samples.edition(recent=2, featured=samples.featured(title="Else"))
    other = dataclasses.replace(other, recent=tuple(reversed(other.recent)))
    moved = placed_as(placed, other)
    assert [one.story for one in moved] == [other.recent[0], other.featured, other.recent[1]]
    assert [(one.role, one.post_id, one.own_item_id) for one in moved] == [
        (one.role, one.post_id, one.own_item_id) for one in placed
    ]

"""The stories of an edition as they stand since it went out: with notes beside them, or taken down. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from digest.editions.compose import Placed
from digest.models import Amendment, AmendmentKind
from digest.rendering.contexts import Story


def amended(placed: Iterable[tuple[int, Placed]], amendments: Iterable[Amendment]) -> tuple[Placed, ...]:
    """The stories, each with its position, as these amendments leave them.

    Of what was taken down nothing stays but its place and the notes on it.
    """
    said = list(amendments)
    return tuple(
        replace(one, story=_amended(one.story, [each for each in said if each.position == position]))
        for position, one in placed
    )


def _amended(story: Story, amendments: list[Amendment]) -> Story:
    notes = tuple(one.text for one in amendments if one.kind is AmendmentKind.NOTE)
    if any(one.kind is AmendmentKind.TAKEN_DOWN for one in amendments):
        return Story(
            title="",
            url="",
            author="",
            section="",
            excerpt="",
            published_at=story.published_at,
            language="",
            notes=notes,
            is_taken_down=True,
        )
    return replace(story, notes=notes) if notes else story

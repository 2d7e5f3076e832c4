"""The line of contents of a briefing: which sections there are, and how many stories of each. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

from digest.i18n import translator
from digest.rendering.contexts import EditionContext

_MOST: Final = 6  # sections; a line of more is not read


@dataclass(frozen=True, slots=True)
class Section:
    """A section, how many stories stand under it, and the language of its name ("": the mail's own)."""

    title: str
    count: int
    language: str = ""


def contents_of(edition: EditionContext) -> tuple[Section, ...]:
    """The sections in order of their first stories; those beyond six, and stories without one, are others.

    Empty where it would say nothing: without stories, or where none has a section.
    """
    counts = Counter(story.section for story in edition.recent)
    named = [title for title in counts if title]
    if not named:
        return ()
    shown = named if len(named) <= _MOST else named[: _MOST - 1]
    tongues = {story.section: story.language for story in reversed(edition.recent)}
    sections = [Section(title, counts[title], tongues[title]) for title in shown]
    others = len(edition.recent) - sum(one.count for one in sections)
    if others:
        sections.append(Section(translator(edition.language).gettext("Other stories"), others))
    return tuple(sections)

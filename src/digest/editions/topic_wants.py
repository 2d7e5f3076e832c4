"""What the readers' topics make of an edition: the renderings that are wanted, and what is said of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from digest.editions.remarks import Note, remark
from digest.editions.rules_form import rules_of
from digest.editions.topic_sets import Filed, Readers, Rendering, choose_renderings
from digest.models import Cadence, Digest, Edition, EditionKind

_NAMED = 12  # topics in a remark


def wanted(
    stories: Sequence[Filed],
    readers: Sequence[Readers],
    *,
    edition: Edition,
    cadence: Cadence,
    digest: Digest,
) -> tuple[tuple[Rendering, ...], tuple[dict[str, Any], ...]]:
    """The renderings of an edition with these stories, and remarks; none of both where nobody chose."""
    if not readers:
        return (), ()
    least = least_of(edition, cadence, digest)
    sets = choose_renderings(readers, stories, least=least, most=digest.variants_most)
    remarks = []
    if sets.fallen_back:
        people = _people(sets.fallen_back)
        remarks.append(remark(Note.TOPICS_FELL_BACK, people=people, most=digest.variants_most))
    if sets.thin:
        names = list(dict.fromkeys(name for one in sets.thin for name in one.topics))
        shown = ", ".join(names[:_NAMED]) + (", ..." if len(names) > _NAMED else "")
        remarks.append(remark(Note.TOPICS_THIN, people=_people(sets.thin), topics=shown))
    return sets.renderings, tuple(remarks)


def least_of(edition: Edition, cadence: Cadence, digest: Digest) -> int:
    """How many recent stories a topic set must have to be mailed: as many as an edition; none if breaking."""
    return 0 if edition.kind is EditionKind.BREAKING else rules_of(digest, cadence).recent.least


def _people(readers: Sequence[Readers]) -> int:
    return sum(one.people for one in readers)

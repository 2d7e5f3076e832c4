"""Topic sets for whoever looks: the renderings of an edition with their people, each topic's stories now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.editions.topic_sets import Filed, is_thin, positions_of
from digest.models import Delivery, DeliveryReason, Edition, EditionTotals, Item, Revision, Role, Variant


@dataclass(frozen=True, slots=True)
class VariantLine:
    """One rendering of a version. `topics` is a set that gets it, "" for everything.

    `people` is None while nobody is planned, and once the people are no longer on record.
    """

    topics: str
    text_size: str
    stories: int
    people: int | None


@dataclass(frozen=True, slots=True)
class TopicLine:
    """One topic of a coming edition: the stories of a reader who chose it alone, and those filed under it."""

    topic: str
    stories: int
    own: int
    is_thin: bool


def variants_of(session: Session, edition: Edition) -> dict[int, tuple[VariantLine, ...]]:
    """The renderings of each version of an edition; of a version where all get the same mail none."""
    found: dict[int, list[tuple[int, str, str, list[int] | None]]] = defaultdict(list)
    for revision_id, variant_id, topics, size, positions in session.execute(
        sa.select(Variant.revision_id, Variant.id, Variant.topics, Variant.text_size, Variant.positions)
        .join(Revision, Revision.id == Variant.revision_id)
        .where(Revision.edition_id == edition.id)
        .order_by(Variant.revision_id, Variant.id)
    ):
        found[revision_id].append((variant_id, topics, size, positions))
    several = {revision_id: rows for revision_id, rows in found.items() if len(rows) > 1}
    if not several:
        return {}
    is_on_record = edition.planned_at is not None and session.get(EditionTotals, edition.id) is None
    people = _people(session, edition) if is_on_record else None
    sizes = _stories(session, several)
    return {
        revision_id: tuple(
            VariantLine(
                topics,
                size,
                sizes.get(revision_id, 0) if positions is None else len(positions),
                None if people is None else people.get(variant_id, 0),
            )
            for variant_id, topics, size, positions in rows
        )
        for revision_id, rows in several.items()
    }


def filed_stories(session: Session, revision_id: int | None) -> list[Filed]:
    """The stories of a version as topic sets look at them, filed as they were when it was made."""
    rows = session.execute(
        sa.select(Item.role, Item.story).where(Item.revision_id == revision_id).order_by(Item.position)
    )
    return [Filed(role is Role.FEATURED, tuple(story.get("topics", ()))) for role, story in rows]


def topic_lines(topics: Sequence[str], stories: Sequence[Filed], *, least: int) -> tuple[TopicLine, ...]:
    """What each topic has of an edition's stories."""
    found = [(topic, positions_of((topic,), stories)) for topic in topics]
    return tuple(
        TopicLine(
            topic,
            len(stories) if positions is None else len(positions),
            sum(topic in one.topics for one in stories),
            is_thin(positions, stories, least),
        )
        for topic, positions in found
    )


def _people(session: Session, edition: Edition) -> dict[int, int]:
    reason = sa.func.coalesce(Delivery.reason, "")
    rows = session.execute(
        sa.select(Delivery.variant_id, sa.func.count())
        .where(Delivery.edition_id == edition.id, reason != DeliveryReason.TOO_FEW_STORIES.value)
        .group_by(Delivery.variant_id)
    )
    return {variant_id: count for variant_id, count in rows}  # noqa: C416  (rows are typed)


def _stories(session: Session, revisions: Collection[int]) -> dict[int, int]:
    rows = session.execute(
        sa.select(Item.revision_id, sa.func.count())
        .where(Item.revision_id.in_(revisions))
        .group_by(Item.revision_id)
    )
    return {revision_id: count for revision_id, count in rows}  # noqa: C416

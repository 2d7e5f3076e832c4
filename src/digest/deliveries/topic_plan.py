"""Which rendering each of an edition's readers gets, by the topics and the text size they have chosen.

The choices are few, however many people there are: they are counted by one statement, each is given its
rendering here, and the plan's own INSERT ... SELECT looks a person's choice up among them.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.db.dialect import looked_up
from digest.editions.topic_lines import filed_stories
from digest.editions.topic_readers import Choice, choices_of, follows_topics, with_choice
from digest.editions.topic_sets import Positions, Rendering, chosen_of, is_thin, nearest, positions_of
from digest.editions.topic_wants import least_of
from digest.models import Cadence, Digest, Edition, Revision, Topic, Variant
from digest.rendering.contexts import TextSize


@dataclass(frozen=True, slots=True)
class Allotment:
    """The people of an edition, each with `rendering`: a variant's id, below 0 for whoever gets no mail.

    It is NULL for a choice that was not there when they were counted: they get everything. `mailed` is how
    many get a mail.
    """

    people: sa.Subquery
    mailed: int


def allot(session: Session, edition: Edition, people: sa.Subquery) -> Allotment | None:
    """Give each choice among an edition's people its rendering; None if they all get everything.

    That is the rendering of the very stories they chose, or else the nearest larger one, as where the choice
    was made after the lock. Topics are those of the lock: one that was made since stands for nothing yet, and
    stories stay filed as they were.
    """
    if not follows_topics(edition):
        return None
    known = session.scalars(
        sa.select(Topic.name)
        .join(Cadence, Cadence.digest_id == Topic.digest_id)
        .join(Revision, Revision.id == edition.revision_id)
        .where(Cadence.id == edition.cadence_id, Topic.created_at <= Revision.created_at)
        .order_by(Topic.position, Topic.name)
    ).all()
    if not known:
        return None
    choosing = with_choice(people)
    choices = choices_of(session, choosing)
    if not any(chosen_of(one.topics, known) for one in choices):
        return None
    variants, least = _variants(session, edition), _least(session, edition)
    stories = filed_stories(session, edition.revision_id)
    given: dict[str, int] = {}
    mailed = 0
    for one in choices:
        positions = positions_of(chosen_of(one.topics, known), stories)
        given[one.key] = _variant_for(one, positions, variants, is_few=is_thin(positions, stories, least))
        mailed += one.people if given[one.key] > 0 else 0
    named = looked_up(session, given, "renderings")
    alike = choosing.c.choice_key == named.c.key
    rendering = named.c.value.label("rendering")
    return Allotment(
        sa.select(choosing, rendering).select_from(choosing.outerjoin(named, alike)).subquery("allotted"),
        mailed,
    )


def _variant_for(one: Choice, positions: Positions, variants: dict[Rendering, int], *, is_few: bool) -> int:
    # A set that has a rendering of its own was large enough when that was made, and goes out.
    has_its_own = any(each.positions == positions for each in variants)
    chosen = variants[nearest(positions, one.text_size, variants)]
    return -chosen if is_few and not has_its_own else chosen


def _variants(session: Session, edition: Edition) -> dict[Rendering, int]:
    rows = session.execute(
        sa.select(Variant.id, Variant.topics, Variant.text_size, Variant.positions)
        .where(Variant.revision_id == edition.revision_id)
        .order_by(Variant.id)
    )
    return {
        Rendering(topics, TextSize(size), None if positions is None else tuple(positions)): variant_id
        for variant_id, topics, size, positions in rows
    }


def _least(session: Session, edition: Edition) -> int:
    cadence, digest = session.execute(
        sa.select(Cadence, Digest)
        .join(Digest, Digest.id == Cadence.digest_id)
        .where(Cadence.id == edition.cadence_id)
    ).one()
    return least_of(edition, cadence, digest)

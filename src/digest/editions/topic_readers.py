"""Who has chosen which topics: counted for an edition's readers by one statement, however many they are."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.db.tuning import with_room_to_work
from digest.editions.topic_sets import Readers, chosen_of
from digest.lists.segments import edition_audience
from digest.lists.topics import topics_of
from digest.models import Edition, EditionKind, Subscription
from digest.rendering.contexts import TextSize


class Choice(NamedTuple):
    """One choice as it is stored, and how many people have it. `key` is what `choice_key` gives of theirs."""

    key: str
    topics: tuple[str, ...]
    text_size: TextSize
    people: int


def sections_of(session: Session, digest_id: int) -> dict[str, tuple[str, ...]]:
    """A digest's topics in their order, each with its sections."""
    return {topic.name: tuple(topic.sections) for topic in topics_of(session, digest_id)}


def follows_topics(edition: Edition) -> bool:
    """Whether an edition is cut by topics. A correction is not: whoever had the story gets it."""
    return edition.kind is not EditionKind.CORRECTION


def with_choice(people: sa.Subquery) -> sa.Subquery:
    """An edition's audience, each with the `choice_key` of the subscription that their delivery rests on.

    Whoever is on several lists comes under one subscription: its topics count, for they are those that the
    page behind this mail's link shows and changes.
    """
    key = sa.cast(people.c.text_size, sa.Text) + sa.cast(Subscription.topics, sa.Text)
    return (
        sa.select(people, key.label("choice_key"))
        .join(Subscription, Subscription.id == people.c.subscription_id)
        .subquery("choosing")
    )


def choices_of(session: Session, choosing: sa.Subquery) -> list[Choice]:
    """The distinct choices among people, as `with_choice` gives them."""
    with_room_to_work(session)
    key = choosing.c.choice_key
    rows = session.execute(sa.select(key, sa.func.count()).group_by(key).order_by(key))
    return [_choice(text, people) for text, people in rows]


def readers_of(session: Session, edition: Edition, known: Iterable[str]) -> tuple[Readers, ...]:
    """The sets of topics that an edition's readers have chosen now, with how many people they are."""
    audience = edition_audience(session, edition).subquery("people")
    known, counts = tuple(known), Counter[tuple[tuple[str, ...], TextSize]]()
    for one in choices_of(session, with_choice(audience)):
        counts[chosen_of(one.topics, known), one.text_size] += one.people
    return tuple(Readers(topics, size, people) for (topics, size), people in sorted(counts.items()))


def _choice(key: str, people: int) -> Choice:
    size, _, listed = key.partition("[")
    stored: Any = json.loads(f"[{listed}")
    return Choice(key, tuple(map(str, stored)), TextSize(size), people)

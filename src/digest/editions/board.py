"""An edition as an editor has it in hand: its stories in their places, and who is out, with the reason.

Of a coming edition that is the choice as it is now, with the changes laid over it; of one that is locked or
gone, what its version holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.editions.changes import Changes
from digest.editions.compose import Material, Placed, context_of, placed_of
from digest.editions.material import Considered, material_from
from digest.editions.stories import story_of
from digest.editions.verdicts import IS_IN, Why
from digest.models import Edition, Item, Role
from digest.rendering.contexts import Story


@dataclass(frozen=True, slots=True)
class Reasoned:
    """Why a story is in an edition, or is not: the code and the facts of `editions.why_chosen`."""

    why: Why
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class BoardStory:
    """A story in its place: 0 is the featured one. `key` is `post:12`, `item:3`, or "" where neither is left.

    `original` is the story without the editors' rewriting, where there is any.
    """

    place: int
    key: str
    story: Story
    reason: Reasoned | None = None
    original: Story | None = None

    @property
    def is_featured(self) -> bool:
        return self.place == 0


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A candidate that is not in it."""

    key: str
    title: str
    reason: Reasoned


@dataclass(frozen=True, slots=True)
class Board:
    """`more_out` are candidates beyond those that are named, by their reason."""

    stories: tuple[BoardStory, ...]
    left_out: tuple[LeftOut, ...]
    more_out: Mapping[Why, int]


def live_board(session: Session, one: Considered, material: Material | None = None) -> Board:
    """A coming edition as it would be if it were locked now; without a story if it would come to nothing.

    `material` is what the choice comes to, where the caller has it already.
    """
    if one.is_empty:
        return _board([], one.explanation)
    material = material or material_from(session, one)
    placed = placed_of(material, context_of(material, public_url=""))
    if not (material.changes.rewrites or material.changes.own_rewrites):
        return _board([(each, None) for each in placed], one.explanation)
    plain = replace(material, changes=replace(material.changes, rewrites={}, own_rewrites={}))
    originals = placed_of(plain, context_of(plain, public_url=""))
    pairs = zip(placed, originals, strict=True)
    found = [(each, of.story if _is_rewritten(each, material.changes) else None) for each, of in pairs]
    return _board(found, one.explanation)


def fixed_board(session: Session, edition: Edition) -> Board:
    """The stories of an edition's version, and what its choice left out when it was locked."""
    rows = session.execute(
        sa.select(Item.role, Item.post_id, Item.story, Item.own_item_id)
        .where(Item.revision_id == edition.revision_id)
        .order_by(Item.position)
    )
    placed = [Placed(role, post_id, story_of(story), own_item_id=own) for role, post_id, story, own in rows]
    return _board([(one, None) for one in placed], edition.explanation)


def key_of(post_id: int | None, own_item_id: int | None) -> str:
    """How a page names a story."""
    if post_id is not None:
        return f"post:{post_id}"
    return f"item:{own_item_id}" if own_item_id is not None else ""


def _is_rewritten(placed: Placed, changes: Changes) -> bool:
    return placed.post_id in changes.rewrites or placed.own_item_id in changes.own_rewrites


def _board(placed: Iterable[tuple[Placed, Story | None]], rows: Iterable[Mapping[str, Any]]) -> Board:
    """The stories with their originals, and what came of each candidate by the rows of `explanation`."""
    reasons: dict[str, Reasoned] = {}
    out: list[LeftOut] = []
    more: dict[Why, int] = {}
    for row in rows:
        if "rest" in row:
            more = {Why(name): count for name, count in row["rest"].items()}
            continue
        key = key_of(row.get("post"), row.get("own_item"))
        reasons[key] = reason = Reasoned(Why(row["why"]), row.get("facts", {}))
        if reason.why not in IS_IN:
            out.append(LeftOut(key, row["title"], reason))
    stories: list[BoardStory] = []
    below = 0
    for one, original in placed:
        is_featured = one.role is Role.FEATURED
        below += not is_featured
        key = key_of(one.post_id, one.own_item_id)
        stories.append(BoardStory(0 if is_featured else below, key, one.story, reasons.get(key), original))
    return Board(tuple(stories), tuple(out), more)

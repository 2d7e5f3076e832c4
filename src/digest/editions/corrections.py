"""What a correction edition is made of: the story as it should have been, and the words on what was wrong.

It is kept with the edition when it is asked for: the freeze reads no site for it, and what its post became
since, or that it is gone, changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from digest.editions.compose import Placed
from digest.editions.places import Place
from digest.editions.select import Choice
from digest.editions.stories import stored_story, story_of
from digest.editions.verdicts import Result, Verdict, Why
from digest.lists.had_story import correction_details
from digest.models import Edition, EditionKind, Role


@dataclass(frozen=True, slots=True)
class PutRight:
    """A story put right. `revision_id` is the version it stood in; `is_only`: wrong in that one alone."""

    note: str
    placed: Placed
    revision_id: int
    by: str
    is_only: bool = False

    def as_json(self) -> dict[str, Any]:
        """As it is kept."""
        placed = self.placed
        return {
            "correction": self.note,
            "role": placed.role.value,
            "post_id": placed.post_id,
            "own_item_id": placed.own_item_id,
            "story": stored_story(placed.story),
            "revision_id": self.revision_id,
            "by": self.by,
            "is_only": self.is_only,
        }


def put_right_of(session: Session, edition: Edition) -> PutRight | None:
    """What an edition puts right; None if it is no correction."""
    if edition.kind is not EditionKind.CORRECTION:
        return None
    details = correction_details(session, edition.id)
    return _read(details) if details else None


def choice_of(one: PutRight) -> Choice:
    """The choice for a correction: there is none to be made."""
    placed, is_featured = one.placed, one.placed.role is Role.FEATURED
    # Sent once more on purpose: see `progress.claim_stories`.
    facts = {"by": one.by, "rerun": True} | ({} if is_featured else {"place": 1})
    why = Why.FEATURED_BY_EDITOR if is_featured else Why.PINNED
    place = Place(post_id=placed.post_id, own_item_id=placed.own_item_id)
    is_known = placed.post_id is not None or placed.own_item_id is not None
    return Choice(
        featured=placed.post_id if is_featured else None,
        places=() if is_featured else (place,),
        why=(Verdict(placed.post_id, why, facts, placed.own_item_id),) if is_known else (),
        result=Result.OK,
    )


def _read(details: Mapping[str, Any]) -> PutRight:
    placed = Placed(
        Role(details["role"]), details["post_id"], story_of(details["story"]), details["own_item_id"]
    )
    return PutRight(details["correction"], placed, details["revision_id"], details["by"], details["is_only"])

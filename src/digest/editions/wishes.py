"""What editors want of an edition's stories, as selection looks at it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from digest.models import ChangeKind

FEATURED_PLACE = 0


@dataclass(frozen=True, slots=True)
class Wish:
    """An editor's word on one story: PIN, INCLUDE or DROP.

    `place` is 0 for the featured story, from 1 on among those below it; None: ahead of the others. `again`
    says that it may go out although this cadence has sent it. Of two wishes the one with the higher `rank`
    is the later.
    """

    kind: ChangeKind
    place: int | None = None
    again: bool = False
    by: str = ""
    rank: int = 0

    @property
    def is_in(self) -> bool:
        return self.kind is not ChangeKind.DROP


@dataclass(frozen=True, slots=True)
class Wishes:
    """The last word on each story and on each of the desk's own items."""

    posts: Mapping[int, Wish] = field(default_factory=dict)
    own: Mapping[int, Wish] = field(default_factory=dict)

    def featured(self) -> int | None:
        """The post that an editor features: of several the one pinned last."""
        pinned = [(wish.rank, post) for post, wish in self.posts.items() if wish.place == FEATURED_PLACE]
        return max(pinned)[1] if pinned else None

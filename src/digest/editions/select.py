"""What goes into an edition. Pure: candidates and rules in, the choice and its reasons out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from digest.models import FeaturedBy


@dataclass(frozen=True, slots=True)
class Candidate:
    """A post not yet sent in the cadence, as far as the rules look at it."""

    post_id: int
    published_at: dt.datetime
    author: str = ""
    categories: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rules:
    """A digest's rules. Limits count headlines; the featured story comes on top of them."""

    featured_by: FeaturedBy
    featured_value: str
    recent_most: int
    recent_least: int
    recent_days: int


class Left(StrEnum):
    """Why a candidate is not in the edition."""

    TOO_OLD = "too_old"
    NO_ROOM = "no_room"


@dataclass(frozen=True, slots=True)
class Choice:
    """The chosen post ids in order. `enough` is false if there are fewer headlines than the digest wants."""

    featured: int | None
    recent: tuple[int, ...]
    left: tuple[tuple[int, Left], ...]
    enough: bool

    @property
    def is_empty(self) -> bool:
        return self.featured is None and not self.recent

    @property
    def post_ids(self) -> tuple[int, ...]:
        return (() if self.featured is None else (self.featured,)) + self.recent


def choose(candidates: Iterable[Candidate], rules: Rules, *, at: dt.datetime) -> Choice:
    """Choose the featured commentary and the recent headlines of the edition due `at`.

    The order of `candidates` does not matter; posts of the same moment go by id, the newer first. A post
    dated after the slot waits for the next edition: embargoed news must not go out early.
    """
    newest_first = sorted(
        (c for c in candidates if c.published_at <= at),
        key=lambda c: (c.published_at, c.post_id),
        reverse=True,
    )
    featured = next((c for c in newest_first if _may_be_featured(c, rules)), None)
    oldest = at - dt.timedelta(days=rules.recent_days)
    recent: list[int] = []
    left: list[tuple[int, Left]] = []
    for candidate in newest_first:
        if candidate is featured:
            continue
        if candidate.published_at < oldest:
            left.append((candidate.post_id, Left.TOO_OLD))
        elif len(recent) == rules.recent_most:
            left.append((candidate.post_id, Left.NO_ROOM))
        else:
            recent.append(candidate.post_id)
    return Choice(
        featured=featured.post_id if featured else None,
        recent=tuple(recent),
        left=tuple(left),
        enough=len(recent) >= rules.recent_least,
    )


def _may_be_featured(candidate: Candidate, rules: Rules) -> bool:
    wanted = rules.featured_value.casefold()
    match rules.featured_by:
        case FeaturedBy.NONE:
            return False
        case FeaturedBy.NEWEST:
            return True
        case FeaturedBy.AUTHOR:
            return candidate.author.casefold() == wanted
        case FeaturedBy.CATEGORY:
            return any(name.casefold() == wanted for name in candidate.categories)
        case FeaturedBy.TAG:
            # WordPress writes tags as categories into its feeds, so that both are looked at.
            return any(name.casefold() == wanted for name in candidate.tags + candidate.categories)

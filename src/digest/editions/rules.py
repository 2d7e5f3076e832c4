"""What a digest takes into an edition: the rules as selection looks at them. Pure.

How they are stored, checked and changed is `editions.rules_form`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from digest.models import Selection


class Order(StrEnum):
    """Which of several stories is featured."""

    NEWEST = "newest"
    LISTED = "listed"  # of the name that the rule lists first; the newest of those


class NoFeatured(StrEnum):
    """What becomes of an edition without a story to feature."""

    NONE = "none"  # it has none
    RECENT = "recent"  # the best of the recent ones is featured
    HOLD = "hold"  # it waits for a person


class Thin(StrEnum):
    """What becomes of an edition with less news than the digest asks for."""

    SKIP = "skip"
    WIDEN = "widen"  # it looks further back
    RERUN = "rerun"  # what is worth reading again fills it
    HOLD = "hold"


@dataclass(frozen=True, slots=True)
class Names:
    """Stories by what they are filed under: any of these names. Case does not matter."""

    categories: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    sources: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.categories or self.tags or self.authors or self.sources)


@dataclass(frozen=True, slots=True)
class FeaturedRule:
    """Which story is featured: any of `names`, or with `is_any` whatever it is."""

    names: Names = field(default_factory=Names)
    is_any: bool = False
    order: Order = Order.NEWEST
    max_age_days: int | None = None
    fallback: NoFeatured = NoFeatured.NONE

    @property
    def is_wanted(self) -> bool:
        """Whether the digest has a featured story at all."""
        return self.is_any or bool(self.names)


@dataclass(frozen=True, slots=True)
class RecentRule:
    """Which headlines follow. Limits count them alone; the featured story comes on top."""

    most: int = 12
    least: int = 1
    days: int = 7
    include: Names = field(default_factory=Names)  # nothing: whatever there is
    exclude: Names = field(default_factory=Names)
    per_section: int | None = None
    per_author: int | None = None
    per_source: int | None = None
    # From which likeness on two titles tell the same story; None: that is not looked at.
    same_story: float | None = 0.75


@dataclass(frozen=True, slots=True)
class ThinRule:
    """What is done with thin news."""

    then: Thin = Thin.SKIP
    widen_days: int = 14
    again: Names = field(default_factory=Names)  # what is worth reading again; nothing: whatever was sent
    again_after_days: int = 30


@dataclass(frozen=True, slots=True)
class Rules:
    """A digest's rules, with what its cadence has otherwise."""

    featured: FeaturedRule = field(default_factory=FeaturedRule)
    recent: RecentRule = field(default_factory=RecentRule)
    thin: ThinRule = field(default_factory=ThinRule)
    settle_seconds: int = 0
    section_order: tuple[str, ...] = ()
    selection: Selection = Selection.LATEST


def featured_section(rules: Rules, categories: Iterable[str]) -> str | None:
    """The section that a featured story stands under, as its site writes it; None: the first it has."""
    wanted = {name.casefold() for name in rules.featured.names.categories}
    return next((name for name in categories if name.casefold() in wanted), None)

"""Candidates, and whether a rule's names are among what they are filed under. Pure."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from digest.editions.rules import Names
from digest.editions.verdicts import Why
from digest.models import Withdrawal


@dataclass(frozen=True, slots=True)
class Candidate:
    """A post of the digest's sources, as far as the rules look at it.

    `length` is that of its text, `sent_at` when this cadence sent it last, `times_sent` how often.
    """

    post_id: int
    published_at: dt.datetime
    title: str = ""
    author: str = ""
    categories: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    sources: tuple[int, ...] = ()
    length: int = 0
    embargo_until: dt.datetime | None = None
    withdrawn: Withdrawal | None = None
    is_news: bool = True
    sent_at: dt.datetime | None = None
    times_sent: int = 0

    @property
    def section(self) -> str:
        """What it stands under: the first of its categories."""
        return self.categories[0] if self.categories else ""


_UNKNOWN: tuple[Why, str] = (Why.LISTED, "")


class Matcher:
    """A rule's names, made ready to be looked for in many candidates."""

    def __init__(self, names: Names) -> None:
        self._categories = _folded(names.categories)
        self._tags = _folded(names.tags)
        self._authors = _folded(names.authors)
        self._sources = {source: rank for rank, source in enumerate(names.sources)}
        self._filed: dict[tuple[tuple[str, ...], tuple[str, ...]], tuple[Why, str] | None] = {}
        self.is_empty = not names

    def fits(self, one: Candidate) -> bool:
        """Whether any of the names is one of the candidate's."""
        return self.found(one) is not None

    def found(self, one: Candidate) -> tuple[Why, str] | None:
        """The first of the names that the candidate has, with the code of its kind for an exclusion."""
        if self._categories or self._tags:
            # Many are filed alike: each way is looked at once.
            filed = (one.categories, one.tags)
            found = self._filed.get(filed, _UNKNOWN)
            if found is _UNKNOWN:
                found = self._filed[filed] = self._found_filed(one)
            if found is not None:
                return found
        if self._authors and one.author.casefold() in self._authors:
            return Why.EXCLUDED_AUTHOR, one.author
        if self._sources:
            for source in one.sources:
                if source in self._sources:
                    return Why.EXCLUDED_SOURCE, str(source)
        return None

    def _found_filed(self, one: Candidate) -> tuple[Why, str] | None:
        for name in one.categories:
            if name.casefold() in self._categories:
                return Why.EXCLUDED_SECTION, name
        # WordPress writes tags as categories into its feeds, so that both are looked at.
        for name in (*one.tags, *one.categories):
            if name.casefold() in self._tags:
                return Why.EXCLUDED_TAG, name
        return None

    def rank(self, one: Candidate) -> int:
        """How early in its list the rule names what the candidate is found by."""
        categories = {name.casefold() for name in one.categories}
        tags = categories | {name.casefold() for name in one.tags}
        ranks = [
            *(rank for name, rank in self._categories.items() if name in categories),
            *(rank for name, rank in self._tags.items() if name in tags),
            *(rank for name, rank in self._authors.items() if name == one.author.casefold()),
            *(rank for source, rank in self._sources.items() if source in one.sources),
        ]
        return min(ranks, default=0)


def _folded(names: tuple[str, ...]) -> dict[str, int]:
    return {name.casefold(): rank for rank, name in reversed(list(enumerate(names)))}

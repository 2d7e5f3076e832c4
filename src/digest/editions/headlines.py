"""The headlines of one edition, while they are chosen: one after another is offered a place. Pure."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any

from digest.editions.matching import Candidate, Matcher
from digest.editions.rules import RecentRule
from digest.editions.same_story import Stories
from digest.editions.verdicts import Verdict, Why

Reason = tuple[Why, dict[str, Any]]
_NOT_INCLUDED: Reason = (Why.NOT_INCLUDED, {})


class _Limit:
    """How many there may be of each section, author or source; no name is no limit."""

    def __init__(self, why: Why, most: int) -> None:
        self._why, self._most = why, most
        self._keys: dict[str, str] = {}  # names without case, of each spelling
        self._counts: Counter[str] = Counter()
        self._reasons: dict[str, Reason] = {}

    def full(self, name: str) -> Reason | None:
        """Why one more of this name is too many."""
        key = self._key(name)
        if not key or self._counts[key] < self._most:
            return None
        if key not in self._reasons:
            self._reasons[key] = (self._why, {"name": name, "most": self._most})
        return self._reasons[key]

    def count(self, name: str, by: int) -> None:
        """One more, or one less."""
        self._counts[self._key(name)] += by

    def _key(self, name: str) -> str:
        key = self._keys.get(name)
        if key is None:
            key = self._keys[name] = name.casefold()
        return key


class Headlines:
    """Takes who fits, and notes why the others do not.

    `wanted` are those that an editor wants: no rule but the room leaves them out, so offer them first. Of two
    that tell the same story one is taken: the editor's or the featured one, else the one whose text is at
    least twice as long, else the earlier.
    """

    def __init__(
        self, rule: RecentRule, *, oldest: dt.datetime, days: int, wanted: frozenset[int] = frozenset()
    ) -> None:
        self.taken: list[Candidate] = []
        self._out: dict[int, Reason] = {}
        self._winners: dict[int, int] = {}  # of each that lost to another that tells its story
        self._rule, self._oldest, self._wanted = rule, oldest, wanted
        self._include, self._exclude = Matcher(rule.include), Matcher(rule.exclude)
        self._stories = Stories(rule.same_story) if rule.same_story is not None else None
        self._known: dict[int, Candidate] = {}
        self._no_room = (Why.NO_ROOM, {"most": rule.most})
        self._too_old = (Why.TOO_OLD, {"days": days})
        self._fixed = set(wanted)
        self._limits = (
            _Limit(Why.SECTION_LIMIT, rule.per_section) if rule.per_section else None,
            _Limit(Why.AUTHOR_LIMIT, rule.per_author) if rule.per_author else None,
            _Limit(Why.SOURCE_LIMIT, rule.per_source) if rule.per_source else None,
        )
        self._excluded: dict[tuple[Why, str], Reason] = {}

    def feature(self, one: Candidate) -> None:
        """Nobody below tells the story of the featured one again."""
        self._fixed.add(one.post_id)
        self._remember(one)

    def offer(self, one: Candidate) -> None:
        """Take it, or note why not."""
        is_wanted = one.post_id in self._wanted
        why = None if is_wanted else self._outside(one)
        if why is None and len(self.taken) >= self._rule.most:
            why = self._no_room
        if why is None and not is_wanted:
            why = self._full(one)
        if why is not None:
            self._out[one.post_id] = why
            return
        twin = None if is_wanted or self._stories is None else self._stories.find(one.title)
        if twin is None:
            self._take(one)
        elif twin not in self._fixed and _is_better(one, self._known[twin]):
            self._let_go(self._known[twin])
            self._take(one)
            self._winners[twin] = one.post_id
        else:
            self._winners[one.post_id] = twin

    def out(self) -> dict[int, Verdict]:
        """Why each of the others is left out."""
        told = {post_id: Verdict(post_id, why, facts) for post_id, (why, facts) in self._out.items()}
        for loser in reversed(list(self._winners)):
            # Who lost to one that has itself lost later is told of the one that is in.
            winner = self._winners[loser]
            while winner in self._winners:
                winner = self._winners[winner]
            self._winners[loser] = winner
            facts = {"as": winner, "title": self._known[winner].title}
            told[loser] = Verdict(loser, Why.SAME_STORY, facts)
        return told

    def _outside(self, one: Candidate) -> Reason | None:
        if one.published_at < self._oldest:
            return self._too_old
        if not self._include.is_empty and not self._include.fits(one):
            return _NOT_INCLUDED
        if not self._exclude.is_empty and (found := self._exclude.found(one)) is not None:
            return self._excluded.setdefault(found, (found[0], {"name": found[1]}))
        return None

    def _full(self, one: Candidate) -> Reason | None:
        """The limit that has no place left for it, the section's first."""
        section, author, source = self._limits
        if section is not None and (why := section.full(one.section)) is not None:
            return why
        if author is not None and (why := author.full(one.author)) is not None:
            return why
        if source is not None:
            for number in one.sources:
                if (why := source.full(str(number))) is not None:
                    return why
        return None

    def _count(self, one: Candidate, by: int) -> None:
        section, author, source = self._limits
        if section is not None:
            section.count(one.section, by)
        if author is not None:
            author.count(one.author, by)
        if source is not None:
            for number in one.sources:
                source.count(str(number), by)

    def _take(self, one: Candidate) -> None:
        self.taken.append(one)
        self._remember(one)
        self._count(one, 1)

    def _let_go(self, one: Candidate) -> None:
        self.taken.remove(one)
        self._count(one, -1)
        if self._stories is not None:
            self._stories.remove(one.post_id)

    def _remember(self, one: Candidate) -> None:
        self._known[one.post_id] = one
        if self._stories is not None:
            self._stories.add(one.post_id, one.title)


def _is_better(one: Candidate, other: Candidate) -> bool:
    """Whether it tells the story more completely, or as completely and sooner."""
    if one.length >= 2 * other.length > 0 or (one.length and not other.length):
        return True
    if other.length >= 2 * one.length and other.length:
        return False
    return (one.published_at, one.post_id) < (other.published_at, other.post_id)

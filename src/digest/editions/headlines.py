"""The headlines of one edition, while they are chosen: one after another is offered a place. Pure."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Hashable, Iterator
from typing import Any

from digest.editions.matching import Candidate, Matcher
from digest.editions.rules import RecentRule
from digest.editions.same_story import Stories
from digest.editions.verdicts import Verdict, Why


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
        self._out: dict[int, tuple[Why, dict[str, Any]]] = {}
        self._winners: dict[int, int] = {}  # of each that lost to another that tells its story
        self._rule, self._oldest, self._wanted = rule, oldest, wanted
        self._include, self._exclude = Matcher(rule.include), Matcher(rule.exclude)
        self._stories = Stories(rule.same_story) if rule.same_story is not None else None
        self._known: dict[int, Candidate] = {}
        self._no_room = (Why.NO_ROOM, {"most": rule.most})
        self._too_old = (Why.TOO_OLD, {"days": days})
        self._fixed = set(wanted)
        self._counts: Counter[tuple[Why, Hashable]] = Counter()
        self._has_limits = bool(rule.per_section or rule.per_author or rule.per_source)

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
        if why is None and not is_wanted and self._has_limits:
            why = self._limit(one)
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

    def _outside(self, one: Candidate) -> tuple[Why, dict[str, Any]] | None:
        if one.published_at < self._oldest:
            return self._too_old
        if not self._include.is_empty and not self._include.fits(one):
            return Why.NOT_INCLUDED, {}
        if not self._exclude.is_empty and (found := self._exclude.found(one)) is not None:
            return found[0], {"name": found[1]}
        return None

    def _limit(self, one: Candidate) -> tuple[Why, dict[str, Any]] | None:
        for why, most, key, name in self._limited(one):
            if self._counts[why, key] >= most:
                return why, {"name": name, "most": most}
        return None

    def _limited(self, one: Candidate) -> Iterator[tuple[Why, int, Hashable, str]]:
        rule = self._rule
        if rule.per_section and one.section:
            yield Why.SECTION_LIMIT, rule.per_section, one.section.casefold(), one.section
        if rule.per_author and one.author:
            yield Why.AUTHOR_LIMIT, rule.per_author, one.author.casefold(), one.author
        if rule.per_source:
            for source in one.sources:
                yield Why.SOURCE_LIMIT, rule.per_source, source, str(source)

    def _take(self, one: Candidate) -> None:
        self.taken.append(one)
        self._remember(one)
        for why, _, key, _ in self._limited(one):
            self._counts[why, key] += 1

    def _let_go(self, one: Candidate) -> None:
        self.taken.remove(one)
        for why, _, key, _ in self._limited(one):
            self._counts[why, key] -= 1
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

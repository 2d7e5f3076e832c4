"""How long it takes to choose an edition's stories from ten thousand candidates."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator

from bench.figures import Figure, Target, by_turns, load, seconds_of
from digest.editions.matching import Candidate
from digest.editions.rules import FeaturedRule, Names, RecentRule, Rules
from digest.editions.select import choose
from digest.models import Selection

CANDIDATES = 10_000
AT = dt.datetime(2026, 11, 23, 6, 30, tzinfo=dt.UTC)
_SECTIONS = ("News", "Arts", "Sports", "Commentary")
_LEAD = FeaturedRule(names=Names(categories=("Commentary",)))
_ALL = RecentRule(
    most=100,
    exclude=Names(categories=("Sports",), authors=("Author 1",)),
    per_section=20,
    per_author=3,
    per_source=2,
)
_RULES = {
    "the simple rules": Rules(featured=_LEAD),
    "every rule": Rules(featured=_LEAD, recent=_ALL, settle_seconds=300),
    "a best-of": Rules(
        featured=_LEAD, recent=_ALL, selection=Selection.BEST_OF, section_order=("Arts", "News")
    ),
}


def figures() -> Iterator[Figure]:
    """Each set of rules over a week's candidates, in no order; all of them may be had."""
    candidates = _candidates()
    for name, rules in _RULES.items():
        ours, reference = by_turns(
            lambda rules=rules: 1000 * seconds_of(lambda: choose(candidates, rules, at=AT)),  # type: ignore[misc]
            lambda: 1000 * seconds_of(lambda: _sorted(candidates)),
            rounds=15,
        )
        yield Figure(
            "news",
            f"choose from {CANDIDATES:,} candidates by {name}",
            ours.median,
            "ms",
            reference.median,
            Target("<=", 50),
            f"each with its reason; {ours.spread}; reference: sorting them alone; {load()}",
        )


def _sorted(candidates: list[Candidate]) -> list[Candidate]:
    return sorted(candidates, key=lambda one: (one.published_at, one.post_id), reverse=True)


def _candidates() -> list[Candidate]:
    some = random.Random(1)
    words = [f"word{number}" for number in range(3000)]
    return [
        Candidate(
            post_id=number,
            published_at=AT - dt.timedelta(minutes=some.randrange(1, 7 * 24 * 60)),
            title=" ".join(some.sample(words, 8)),
            author=f"Author {some.randrange(50)}",
            categories=(some.choice(_SECTIONS), "All"),
            tags=("tag",),
            sources=(some.randrange(200),),
            length=some.randrange(5000),
        )
        for number in range(CANDIDATES)
    ]

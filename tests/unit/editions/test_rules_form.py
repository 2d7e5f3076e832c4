"""Rules as they are stored: what is read, what is refused and how it is said."""

from __future__ import annotations

from typing import Any

import pytest

from digest.editions.patterns import check_pattern, fill
from digest.editions.rules import Names, NoFeatured, Order, Rules, Thin, featured_section
from digest.editions.rules_form import changed, check, over, rules_of, stored_form
from digest.errors import InputError
from digest.models import Cadence, Digest, FeaturedBy, Selection

WHOLE: dict[str, Any] = {
    "featured": {
        "categories": ["Editorial", "Commentary"],
        "authors": ["Nare Saroyan"],
        "order": "listed",
        "max_age_days": 3,
        "fallback": "recent",
    },
    "recent": {
        "include": {"sources": [1, 2]},
        "exclude": {"tags": ["paid"], "categories": ["Sports"]},
        "per_section": 3,
        "same_story": 0.8,
    },
    "thin": {"then": "rerun", "again": {"tags": ["keep"]}, "again_after_days": 60},
    "settle_seconds": 600,
    "section_order": ["Commentary", "News"],
}


def digest(**values: Any) -> Digest:
    plain = {
        "rules": {},
        "featured_by": FeaturedBy.NEWEST,
        "featured_value": "",
        "recent_most": 12,
        "recent_least": 1,
        "recent_days": 7,
    }
    return Digest(**(plain | values))


def test_rules_are_read_and_written_back_alike() -> None:
    """What is stored is what was given, and each value arrives where selection looks."""
    assert stored_form(check(WHOLE)) == WHOLE
    rules = rules_of(digest(rules=WHOLE))
    assert rules.featured.names == Names(categories=("Editorial", "Commentary"), authors=("Nare Saroyan",))
    assert (rules.featured.order, rules.featured.fallback) == (Order.LISTED, NoFeatured.RECENT)
    assert rules.recent.include == Names(sources=(1, 2))
    assert (rules.recent.most, rules.recent.per_section, rules.recent.same_story) == (12, 3, 0.8)
    assert (rules.thin.then, rules.thin.again, rules.thin.again_after_days) == (
        Thin.RERUN,
        Names(tags=("keep",)),
        60,
    )
    assert (rules.settle_seconds, rules.section_order) == (600, ("Commentary", "News"))
    assert featured_section(rules, ["News", "commentary"]) == "commentary"
    assert featured_section(rules, ["News"]) is None


@pytest.mark.parametrize(
    ("kind", "names", "wants_any"),
    [
        (FeaturedBy.CATEGORY, Names(categories=("Essay",)), False),
        (FeaturedBy.TAG, Names(tags=("Essay",)), False),
        (FeaturedBy.AUTHOR, Names(authors=("Essay",)), False),
        (FeaturedBy.NEWEST, Names(), True),
        (FeaturedBy.NONE, Names(), False),
    ],
)
def test_the_columns_stay_the_simple_form(*, kind: FeaturedBy, names: Names, wants_any: bool) -> None:
    """Without names among the further rules the digest's own value is the rule; names take its place."""
    rules = rules_of(digest(featured_by=kind, featured_value="Essay", recent_most=5))
    assert (rules.featured.names, rules.featured.is_any, rules.recent.most) == (names, wants_any, 5)
    more = {"featured": {"tags": ["lead"]}}
    named = rules_of(digest(featured_by=kind, featured_value="Essay", rules=more))
    assert (named.featured.names, named.featured.is_any) == (Names(tags=("lead",)), False)


def test_a_cadence_lies_over_its_digest() -> None:
    """Name by name; a list replaces a list; most, least and days are a cadence's own too."""
    cadence = Cadence(
        rules={"recent": {"most": 30, "exclude": {"tags": []}}, "settle_seconds": 0},
        selection=Selection.BEST_OF,
    )
    rules = rules_of(digest(rules=WHOLE), cadence)
    assert (rules.recent.most, rules.recent.per_section, rules.settle_seconds) == (30, 3, 0)
    assert rules.recent.exclude == Names(categories=("Sports",))
    assert rules.selection is Selection.BEST_OF
    assert over({"a": {"b": 1, "c": 2}}, {"a": {"b": 3}}) == {"a": {"b": 3, "c": 2}}
    assert rules_of(digest(rules={"recent": {"same_story": 0}})).recent.same_story is None
    assert rules_of(digest()).recent == Rules().recent


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"featured": {"categroies": []}}, "no rule 'featured.categroies'; there are: featured.categories"),
        ({"featured": "Commentary"}, "featured must be a table"),
        ({"featured": {"fallback": "wait"}}, "must be one of none, recent, hold, not 'wait'"),
        ({"recent": {"per_author": 0}}, "recent.per_author must be a whole number from 1 to 100, not '0'"),
        ({"recent": {"per_author": True}}, "must be a whole number"),
        ({"recent": {"per_author": "2"}}, "must be a whole number"),
        ({"recent": {"same_story": 0.2}}, "from 0.5"),
        ({"recent": {"same_story": "yes"}}, "from 0.5"),
        ({"recent": {"exclude": {"tags": [1]}}}, "must be a list of names"),
        ({"recent": {"exclude": {"tags": [" "]}}}, "holds an empty name"),
        ({"recent": {"exclude": {"sources": ["x"]}}}, "must be a list of source ids"),
        ({"section_order": ["x"] * 101}, "lists more than 100"),
        ({"settle_seconds": 90_000}, "from 0 to 86400"),
    ],
)
def test_what_cannot_be_a_rule_is_refused(given: dict[str, Any], words: str) -> None:
    """With the place, and with what could stand there."""
    with pytest.raises(InputError) as refused:
        check(given)
    assert words in str(refused.value)


def test_single_rules_are_set_and_taken_out() -> None:
    """As a command gives them: words, lists with commas, numbers, JSON."""
    made = changed(
        {"settle_seconds": 60},
        [
            "featured.fallback=hold",
            "recent.exclude.categories=Sports, Weather",
            "recent.include.tags=lead",
            "recent.per_author=2",
            'section_order=["News"]',
        ],
    )
    assert made == {
        "settle_seconds": 60,
        "featured": {"fallback": "hold"},
        "recent": {
            "exclude": {"categories": ["Sports", "Weather"]},
            "include": {"tags": ["lead"]},
            "per_author": 2,
        },
        "section_order": ["News"],
    }
    assert changed(made, (), ["recent.exclude", "featured", "thin.then", "section_order"]) == {
        "settle_seconds": 60,
        "recent": {"include": {"tags": ["lead"]}, "per_author": 2},
    }
    for setting, words in (
        ("settle_seconds", "sets nothing"),
        ("recent=1", "no rule 'recent'"),
        ("recent.per_autor=1", "no rule 'recent.per_autor'"),
    ):
        with pytest.raises(InputError, match=words):
            changed({}, [setting])


# --- patterns


def test_a_pattern_is_filled() -> None:
    """Each token where it stands; what an edition has not makes it empty."""
    pattern = check_pattern("  {digest.title}: {featured.title}\n", what="subject")
    values = {"digest.title": "The Courier", "featured.title": "On {date}"}
    assert fill(pattern, values) == "The Courier: On {date}"
    assert fill(pattern, values | {"featured.title": ""}) == ""
    assert fill("", values) == ""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{title}", r"There is no \{title\} for a subject"),
        ("{featured.title", "a brace that is no token"),
        ("}{", "a brace that is no token"),
        ("x" * 151, "longer than 150"),
    ],
)
def test_a_pattern_that_cannot_be_filled_is_refused(text: str, words: str) -> None:
    """When it is set, not when an edition is to go out."""
    with pytest.raises(InputError, match=words):
        check_pattern(text, what="subject")

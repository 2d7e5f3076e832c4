"""Each code of selection planted once, and its sentence in both languages."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from digest.editions.matching import Candidate
from digest.editions.places import OwnCandidate
from digest.editions.rules import FeaturedRule, Names, NoFeatured, Order, RecentRule, Rules, Thin, ThinRule
from digest.editions.select import Choice, choose
from digest.editions.verdicts import IS_IN, Result, Why
from digest.editions.why_chosen import SENTENCES, why_sentence
from digest.editions.wishes import Wish, Wishes
from digest.i18n import LANGUAGES, translator
from digest.models import ChangeKind, Selection, Withdrawal

AT = dt.datetime(2026, 11, 23, 6, 30, tzinfo=dt.UTC)
DAY = AT.date()
COMMENTARY = FeaturedRule(names=Names(categories=("Commentary",)))
PLAIN = Rules(featured=COMMENTARY, recent=RecentRule(most=3, least=0, days=7))

# What each test of this table plants: candidates, rules, wishes, own items; and whom the code is about.
Plant = Callable[[], tuple[list[Candidate], Rules, Wishes, list[OwnCandidate]]]


def post(post_id: int, hours: float = 5, **more: Any) -> Candidate:
    """A post of some hours before the slot, with a title of its own."""
    title = more.pop("title", f"Story number {post_id}")
    return Candidate(post_id=post_id, published_at=AT - dt.timedelta(hours=hours), title=title, **more)


def own(item_id: int, first: int = -1, last: int = 1, **more: Any) -> OwnCandidate:
    """One of the desk's own items, around the day of the edition."""
    day = dt.timedelta(days=1)
    return OwnCandidate(item_id, DAY + first * day, DAY + last * day, **more)


def pick(candidates: list[Candidate], rules: Rules = PLAIN, **more: Any) -> Choice:
    """Choose for the edition of the test."""
    return choose(candidates, rules, at=AT, day=DAY, **more)


def recent(**values: Any) -> Rules:
    """The plain rules with some of those for headlines otherwise."""
    return replace(PLAIN, recent=replace(PLAIN.recent, **values))


def wish(kind: ChangeKind, **more: Any) -> Wish:
    return Wish(kind, by="nare", **more)


def wished(post_id: int, kind: ChangeKind, **more: Any) -> Wishes:
    return Wishes(posts={post_id: wish(kind, **more)})


def told(choice: Choice) -> dict[int, Why]:
    """The code of each post; of own items by the negative of their ids."""
    return {
        verdict.post_id if verdict.post_id is not None else -(verdict.own_item_id or 0): verdict.why
        for verdict in choice.why
    }


def facts(choice: Choice, post_id: int) -> dict[str, Any]:
    return next(dict(verdict.facts) for verdict in choice.why if verdict.post_id == post_id)


NONE = Wishes()
SENT_AT = AT - dt.timedelta(days=40)
# The planted one is post 1, or own item 1 (as -1).
TABLE: dict[Why, tuple[list[Candidate], Rules, Wishes, list[OwnCandidate]]] = {
    Why.FEATURED: ([post(1, categories=("commentary",)), post(2, 1)], PLAIN, NONE, []),
    Why.FEATURED_INSTEAD: (
        [post(1), post(2, 9)],
        replace(PLAIN, featured=replace(COMMENTARY, fallback=NoFeatured.RECENT)),
        NONE,
        [],
    ),
    Why.FEATURED_BY_EDITOR: (
        [post(1), post(2, categories=("Commentary",))],
        PLAIN,
        wished(1, ChangeKind.PIN, place=0),
        [],
    ),
    Why.LISTED: ([post(1)], PLAIN, NONE, []),
    Why.PINNED: ([post(1, 90), post(2)], PLAIN, wished(1, ChangeKind.PIN, place=1), []),
    Why.INCLUDED: ([post(1, 24 * 30), post(2)], PLAIN, wished(1, ChangeKind.INCLUDE), []),
    Why.WIDENED: (
        [post(1, 24 * 9)],
        replace(recent(least=1), thin=ThinRule(Thin.WIDEN, widen_days=14)),
        NONE,
        [],
    ),
    Why.RERUN: (
        [post(1, 24 * 41, sent_at=SENT_AT, times_sent=1), post(2)],
        replace(recent(least=2), thin=ThinRule(Thin.RERUN)),
        NONE,
        [],
    ),
    Why.OWN: ([post(2)], PLAIN, NONE, [own(1)]),
    Why.WITHDRAWN: ([post(1, withdrawn=Withdrawal.GONE)], PLAIN, wished(1, ChangeKind.PIN), []),
    Why.DROPPED: ([post(1)], PLAIN, wished(1, ChangeKind.DROP), []),
    Why.EMBARGOED: (
        [post(1, embargo_until=AT + dt.timedelta(seconds=1))],
        PLAIN,
        wished(1, ChangeKind.PIN),
        [],
    ),
    Why.SENT: ([post(1, sent_at=SENT_AT, times_sent=1)], PLAIN, wished(1, ChangeKind.PIN), []),
    Why.KNOWN_BEFORE: ([post(1, is_news=False)], PLAIN, NONE, []),
    Why.TOO_FRESH: ([post(1, 0.1)], replace(PLAIN, settle_seconds=600), NONE, []),
    Why.TOO_OLD: ([post(1, 24 * 8)], PLAIN, NONE, []),
    Why.NOT_INCLUDED: ([post(1)], recent(include=Names(categories=("News",))), NONE, []),
    Why.EXCLUDED_SECTION: (
        [post(1, categories=("All", "SPORTS"))],
        recent(exclude=Names(categories=("Sports",))),
        NONE,
        [],
    ),
    Why.EXCLUDED_TAG: ([post(1, tags=("Paid",))], recent(exclude=Names(tags=("paid",))), NONE, []),
    Why.EXCLUDED_AUTHOR: ([post(1, author="ANI")], recent(exclude=Names(authors=("Ani",))), NONE, []),
    Why.EXCLUDED_SOURCE: ([post(1, sources=(4,))], recent(exclude=Names(sources=(4,))), NONE, []),
    Why.SAME_STORY: (
        [post(1, 1, title="The Bridge Opens on Monday!"), post(2, 2, title="Bridge opens Monday")],
        PLAIN,
        NONE,
        [],
    ),
    Why.SECTION_LIMIT: (
        [post(1, 9, categories=("News",)), post(2, categories=("news",))],
        recent(per_section=1),
        NONE,
        [],
    ),
    Why.AUTHOR_LIMIT: ([post(1, 9, author="Ani"), post(2, author="ani")], recent(per_author=1), NONE, []),
    Why.SOURCE_LIMIT: ([post(1, 9, sources=(1, 2)), post(2, sources=(2,))], recent(per_source=1), NONE, []),
    Why.NO_ROOM: ([post(1, 9), post(2), post(3), post(4)], PLAIN, NONE, []),
    Why.NOT_YET: ([post(2)], PLAIN, NONE, [own(1, first=1)]),
    Why.OVER: ([post(2)], PLAIN, NONE, [own(1, last=-1)]),
}


@pytest.mark.parametrize("why", Why)
def test_each_code_is_given_where_it_is_planted(why: Why) -> None:
    """The planted candidate has it, every candidate has one, and in are exactly those the codes say."""
    candidates, rules, wishes, items = TABLE[why]
    choice = pick(candidates, rules, wishes=wishes, own=items)
    codes = told(choice)
    assert codes.get(1, codes.get(-1)) is why
    assert len(choice.why) == len(codes) == len(candidates) + len(items)
    assert {post_id for post_id, code in codes.items() if post_id > 0 and code in IS_IN} == set(
        choice.post_ids
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_has_its_sentence(language: str) -> None:
    """In each language, all different, with the facts that a planted one has and no place left open."""
    words = translator(language)
    assert set(SENTENCES) == set(Why) == set(TABLE)
    sentences = set()
    for candidates, rules, wishes, items in TABLE.values():
        choice = pick(candidates, rules, wishes=wishes, own=items)
        planted = next(one for one in choice.why if one.post_id == 1 or one.own_item_id == 1)
        sentence = why_sentence(planted.why, planted.facts, words, "Asia/Yerevan")
        assert "%" not in sentence
        assert sentence.endswith("." if language == "en" else "։")
        assert bool(re.search("[\u0531-\u0587]", sentence)) == (language == "hy"), sentence
        sentences.add(sentence)
    assert len(sentences) == len(Why)


def test_the_sentences_name_the_facts() -> None:
    """The age of a fresh story, the day on which one was sent, the story that another tells too."""
    words = translator("en")

    def sentence(why: Why) -> str:
        candidates, rules, wishes, items = TABLE[why]
        planted = next(
            one for one in pick(candidates, rules, wishes=wishes, own=items).why if one.post_id == 1
        )
        return why_sentence(planted.why, planted.facts, words, "Asia/Yerevan")

    assert sentence(Why.TOO_FRESH).startswith("Too fresh (6:00).")
    assert sentence(Why.SENT) == "Sent already, on Wednesday, October 14, 2026."
    assert sentence(Why.SAME_STORY) == "The same story as “Bridge opens Monday”."
    assert sentence(Why.PINNED) == "In it at place 1, pinned by nare."
    assert sentence(Why.EMBARGOED) == "Under embargo until Monday, November 23, 2026, 10:30 am, Yerevan."
    assert why_sentence(Why.TOO_FRESH, {"age": 3665}, words, "UTC").startswith("Too fresh (1:01:05).")


# --- the featured one


def test_features_the_newest_commentary_and_lists_the_newest_others() -> None:
    """The featured story is the newest that the rule finds; it is not repeated below."""
    posts = [
        post(1, 30, categories=("Commentary",)),
        post(2, 5, categories=("commentary", "Books")),
        post(3, 2, categories=("News",)),
        post(4, 9, categories=("Arts",)),
    ]
    choice = pick(posts)
    assert choice.featured == 2
    assert choice.recent == (3, 4, 1)
    assert choice.result is Result.OK


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (Names(authors=("lusine abelian",)), 1),
        (Names(tags=("essay",)), 2),
        (Names(tags=("Commentary",)), 1),  # sites write tags as categories
        (Names(categories=("Sports",), tags=("essay",)), 2),
        (Names(sources=(7,)), 3),
        (Names(categories=("Sports",)), None),
        (Names(), None),
    ],
)
def test_finds_the_featured_story_by_any_of_the_names(names: Names, expected: int | None) -> None:
    """Names are compared without regard to case; no match means no featured story."""
    posts = [
        post(1, 9, author="Lusine Abelian", categories=("Commentary",)),
        post(2, 8, tags=("Essay",)),
        post(3, 1, sources=(5, 7)),
    ]
    assert pick(posts, replace(PLAIN, featured=FeaturedRule(names=names))).featured == expected


def test_features_by_the_order_of_the_list_where_the_rule_says_so() -> None:
    """An editorial before a commentary, though it is older; of several the newest."""
    names = Names(categories=("Editorial", "Commentary"))
    posts = [
        post(1, 1, categories=("Commentary",)),
        post(2, 9, categories=("Editorial",)),
        post(3, 8, categories=("Editorial",)),
    ]
    assert pick(posts, replace(PLAIN, featured=FeaturedRule(names=names))).featured == 1
    assert pick(posts, replace(PLAIN, featured=FeaturedRule(names=names, order=Order.LISTED))).featured == 3


def test_features_a_commentary_however_old_unless_the_rule_says_how_old() -> None:
    """The window is for headlines; yesterday's second commentary is today's first."""
    old = [post(1, 24 * 30, categories=("Commentary",))]
    assert pick(old).featured == 1
    assert pick(old, replace(PLAIN, featured=replace(COMMENTARY, max_age_days=29))).featured is None


def test_an_edition_without_a_featured_story_is_as_its_rule_says() -> None:
    """None, the best of the headlines, or a person decides; a digest that wants none never asks."""
    for fallback, featured, result in (
        (NoFeatured.NONE, None, Result.OK),
        (NoFeatured.RECENT, 2, Result.OK),
        (NoFeatured.HOLD, None, Result.NO_FEATURED),
    ):
        choice = pick([post(1), post(2, 1)], replace(PLAIN, featured=replace(COMMENTARY, fallback=fallback)))
        assert (choice.featured, choice.result) == (featured, result)
        assert (2 in choice.recent) == (featured is None)
    unwanted = replace(PLAIN, featured=FeaturedRule(fallback=NoFeatured.HOLD))
    assert pick([post(1)], unwanted).result is Result.OK


# --- thin news


@pytest.mark.parametrize(
    ("then", "result"),
    [
        (Thin.SKIP, Result.THIN),
        (Thin.WIDEN, Result.OK),
        (Thin.RERUN, Result.OK),
        (Thin.HOLD, Result.THIN_HELD),
    ],
)
def test_thin_news_is_dealt_with_as_the_rule_says(then: Thin, result: Result) -> None:
    """Skipped, filled from further back, filled with what is worth reading again, or a person decides."""
    posts = [post(1), post(2, 24 * 10), post(3, 24 * 60, sent_at=SENT_AT, times_sent=1)]
    choice = pick(posts, replace(recent(least=2), thin=ThinRule(then)))
    assert choice.result is result
    expected = {Thin.SKIP: (1,), Thin.WIDEN: (1, 2), Thin.RERUN: (1, 3), Thin.HOLD: (1,)}
    assert choice.recent == expected[then]


def test_no_news_at_all_is_never_filled_with_what_was_sent() -> None:
    """An edition of nothing but old stories is no edition."""
    posts = [post(1, 24 * 60, sent_at=SENT_AT, times_sent=1)]
    choice = pick(posts, replace(recent(least=1), thin=ThinRule(Thin.RERUN)))
    assert choice.result is Result.EMPTY
    assert told(choice) == {1: Why.SENT}


def test_what_is_worth_reading_again_is_what_went_out_least_and_long_ago() -> None:
    """Not what was sent of late, nor what the rule does not name; the seldom sent first, then the last."""
    recently = AT - dt.timedelta(days=10)
    posts = [
        post(1),
        post(2, 24 * 70, sent_at=SENT_AT, times_sent=2, tags=("keep",)),
        post(3, 24 * 80, sent_at=SENT_AT - dt.timedelta(days=9), times_sent=1, tags=("keep",)),
        post(4, 24 * 75, sent_at=SENT_AT, times_sent=1, tags=("keep",)),
        post(5, 24 * 11, sent_at=recently, times_sent=1, tags=("keep",)),
        post(6, 24 * 75, sent_at=SENT_AT, times_sent=1),
    ]
    rules = replace(recent(least=3), thin=ThinRule(Thin.RERUN, again=Names(tags=("keep",))))
    choice = pick(posts, rules)
    assert choice.recent == (1, 4, 3)
    assert facts(choice, 4)["rerun"] is True


# --- the same story


def test_of_two_that_tell_the_same_story_the_fuller_or_the_earlier_is_taken() -> None:
    """Twice the text beats a brief; of two alike the earlier. Who lost to a loser is told of the winner."""
    brief = post(1, 3, title="Fire in the old mill put out", length=200)
    full = post(2, 2, title="Fire in old mill put out", length=4000)
    later = post(3, 1, title="Fire in the Old Mill Put Out", length=4100)
    choice = pick([brief, full, later])
    assert choice.recent == (2,)
    assert facts(choice, 3)["as"] == facts(choice, 1)["as"] == 2


def test_whoever_lost_to_a_loser_is_told_of_the_one_that_is_in() -> None:
    """Three alike, of which the earliest is taken, though each lost to the next at first."""
    posts = [post(number, number, title="Fire in the old mill put out", length=900) for number in (1, 2, 3)]
    choice = pick(posts)
    assert choice.recent == (3,)
    assert facts(choice, 1)["as"] == facts(choice, 2)["as"] == 3


def test_the_fuller_story_is_taken_though_it_is_the_later() -> None:
    """In whatever order they are looked at: in a best-of the section decides about that."""
    brief = post(1, 9, title="Fire in the old mill put out", categories=("News",), length=200)
    full = post(2, 1, title="Fire in the old mill put out", categories=("Arts",), length=400)
    assert pick([brief, full]).recent == (2,)
    for order in (("News", "Arts"), ("Arts", "News")):
        rules = replace(PLAIN, selection=Selection.BEST_OF, section_order=order)
        assert pick([brief, full], rules).recent == (2,)


def test_nobody_tells_the_featured_story_again() -> None:
    """However much fuller it is."""
    posts = [
        post(1, 9, title="What the harvest owes us", categories=("Commentary",), length=10),
        post(2, 1, title="What the Harvest Owes Us", length=9000),
    ]
    choice = pick(posts)
    assert choice.featured == 1
    assert facts(choice, 2)["as"] == 1


def test_an_editor_may_have_both() -> None:
    """Who pins two stories that are alike means it."""
    posts = [post(1, title="Bridge opens Monday"), post(2, 1, title="The bridge opens on Monday")]
    both = Wishes(posts={1: wish(ChangeKind.PIN), 2: wish(ChangeKind.INCLUDE)})
    assert set(pick(posts, wishes=both).recent) == {1, 2}
    assert len(pick(posts).recent) == 1
    assert len(pick(posts, recent(same_story=None)).recent) == 2


# --- wishes and places


def test_pins_stand_where_they_are_put() -> None:
    """A place, the end where there is no such place, ahead of the others without one; the later pin first."""
    posts = [post(number, number) for number in range(1, 7)]
    rules = recent(most=6)
    wishes = Wishes(
        posts={
            6: wish(ChangeKind.PIN, place=2, rank=1),
            5: wish(ChangeKind.PIN, place=2, rank=2),
            4: wish(ChangeKind.PIN, rank=3),
            1: wish(ChangeKind.PIN, place=99, rank=4),
        }
    )
    assert pick(posts, rules, wishes=wishes).recent == (4, 5, 6, 2, 3, 1)


def test_a_pinned_story_takes_the_place_of_another() -> None:
    """There is room for three: the editor's are among them, whatever the limits say."""
    posts = [post(number, number, categories=("News",)) for number in range(1, 6)]
    choice = pick(posts, recent(per_section=1), wishes=wished(5, ChangeKind.INCLUDE))
    assert choice.recent == (5,)
    assert told(choice)[1] is Why.SECTION_LIMIT


def test_an_editors_word_overrides_the_clock_and_the_past_only_where_it_may() -> None:
    """Fresh and known before: yes. Sent before: only if that is said. Embargo: never."""
    fresh, known = post(1, 0.01), post(2, is_news=False)
    sent = post(3, sent_at=SENT_AT, times_sent=1)
    held = post(4, -1)
    posts = {number: wish(ChangeKind.INCLUDE) for number in (1, 2, 3, 4)}
    rules = replace(recent(most=9), settle_seconds=3600)
    choice = pick([fresh, known, sent, held], rules, wishes=Wishes(posts=posts))
    assert choice.recent == (1, 2)
    posts[3] = wish(ChangeKind.PIN, place=0, again=True)
    choice = pick([fresh, known, sent, held], rules, wishes=Wishes(posts=posts))
    assert choice.featured == 3
    assert facts(choice, 3) == {"rerun": True, "at": SENT_AT.isoformat(), "by": "nare"}


def test_a_story_settles_until_its_edition_is_fixed() -> None:
    """What is fresh now may be old enough when the content is fixed; an embargo looks at the slot."""
    rules = replace(PLAIN, settle_seconds=600)
    one = post(1, 0.25)
    assert told(pick([one], rules, now=AT - dt.timedelta(minutes=10)))[1] is Why.TOO_FRESH
    assert told(pick([one], rules, now=AT - dt.timedelta(minutes=5)))[1] is Why.LISTED
    assert facts(pick([one], rules, now=AT - dt.timedelta(minutes=10)), 1)["age"] == 300


def test_the_desks_own_items_have_their_places() -> None:
    """At their position, or behind the others; they neither count as headlines nor take their room."""
    posts = [post(number, number) for number in range(1, 5)]
    items = [own(1, position=2), own(2), own(3, used_at=SENT_AT), own(4, used_at=SENT_AT, may_repeat=True)]
    choice = pick(posts, own=items)
    assert [(place.post_id, place.own_item_id) for place in choice.places] == [
        (1, None),
        (None, 1),
        (2, None),
        (3, None),
        (None, 2),
        (None, 4),
    ]
    assert told(choice)[-3] is Why.SENT
    assert pick([], own=items).result is Result.EMPTY
    moved = Wishes(own={2: wish(ChangeKind.PIN, place=1), 1: wish(ChangeKind.DROP)})
    choice = pick(posts, own=items, wishes=moved)
    assert choice.places[0].own_item_id == 2
    assert told(choice)[-1] is Why.DROPPED


def test_a_best_of_features_the_windows_commentary_and_goes_by_section() -> None:
    """The other commentaries come first, then section by section as listed, each by time; pins before all."""
    posts = [
        post(1, 50, categories=("Commentary",)),
        post(2, 60, categories=("Commentary",)),
        post(3, 24 * 9, categories=("Commentary",)),
        post(4, 1, categories=("Sports",)),
        post(5, 90, categories=("Arts",)),
        post(6, 80, categories=("Arts",)),
        post(7, 100, categories=("News",)),
    ]
    rules = replace(recent(most=9), selection=Selection.BEST_OF, section_order=("news", "arts"))
    choice = pick(posts, rules)
    assert (choice.featured, choice.recent) == (1, (2, 7, 6, 5, 4))
    assert told(choice)[3] is Why.TOO_OLD
    assert pick(posts, rules, wishes=wished(4, ChangeKind.PIN)).recent == (4, 2, 7, 6, 5)

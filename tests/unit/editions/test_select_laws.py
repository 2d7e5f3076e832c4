"""What holds for any posts, any rules and any wishes."""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from digest.editions.matching import Candidate
from digest.editions.rules import FeaturedRule, Names, NoFeatured, Order, RecentRule, Rules, Thin, ThinRule
from digest.editions.select import choose
from digest.editions.verdicts import IS_IN, Why
from digest.editions.wishes import Wish, Wishes
from digest.models import ChangeKind, Selection, Withdrawal

AT = dt.datetime(2026, 11, 23, 6, 30, tzinfo=dt.UTC)
_SECTIONS = [(), ("News",), ("Commentary",), ("Arts", "Commentary"), ("Sports",)]
_TITLES = [
    "Bridge opens Monday",
    "The bridge opens on Monday",
    "Choir seeks tenors",
    "Կամուրջը բացվում է",
    "",
]


def moments(first: int, last: int) -> st.SearchStrategy[dt.datetime]:
    return st.integers(first, last).map(lambda hours: AT + dt.timedelta(hours=hours))


CANDIDATES = st.lists(
    st.builds(
        Candidate,
        post_id=st.integers(1, 40),
        published_at=moments(-500, 20),
        title=st.sampled_from(_TITLES) | st.text(max_size=12),
        author=st.sampled_from(["", "Ani", "Ara"]),
        categories=st.sampled_from(_SECTIONS),
        tags=st.sampled_from([(), ("paid",)]),
        sources=st.sampled_from([(1,), (1, 2), (3,)]),
        length=st.integers(0, 5000),
        embargo_until=st.none() | st.none() | moments(-5, 5),
        withdrawn=st.none() | st.none() | st.sampled_from(Withdrawal),
        is_news=st.sampled_from([True, True, True, False]),
        sent_at=st.none() | st.none() | moments(-2000, -24),
        times_sent=st.integers(0, 2),
    ),
    max_size=40,
    unique_by=lambda candidate: candidate.post_id,
)
NAMES = st.sampled_from(
    [Names(), Names(categories=("Commentary",)), Names(tags=("paid",)), Names(authors=("ani",), sources=(3,))]
)
LIMIT = st.none() | st.integers(1, 3)
RULES = st.builds(
    Rules,
    featured=st.builds(
        FeaturedRule,
        names=NAMES,
        is_any=st.booleans(),
        order=st.sampled_from(Order),
        max_age_days=st.none() | st.integers(1, 30),
        fallback=st.sampled_from(NoFeatured),
    ),
    recent=st.builds(
        RecentRule,
        most=st.integers(0, 12),
        least=st.integers(0, 12),
        days=st.integers(1, 21),
        include=NAMES,
        exclude=NAMES,
        per_section=LIMIT,
        per_author=LIMIT,
        per_source=LIMIT,
        same_story=st.none() | st.just(0.75),
    ),
    thin=st.builds(ThinRule, then=st.sampled_from(Thin), widen_days=st.integers(1, 30), again=NAMES),
    settle_seconds=st.sampled_from([0, 7200]),
    section_order=st.sampled_from([(), ("Arts", "News")]),
    selection=st.sampled_from(Selection),
)
WISHES = st.dictionaries(
    st.integers(1, 40),
    st.builds(
        Wish,
        kind=st.sampled_from([ChangeKind.PIN, ChangeKind.DROP, ChangeKind.INCLUDE]),
        place=st.none() | st.integers(0, 9),
        again=st.booleans(),
        rank=st.integers(1, 10_000),
    ),
    max_size=8,
).map(lambda posts: Wishes(posts={post: _ranked(wish, post) for post, wish in posts.items()}))


def _ranked(wish: Wish, post: int) -> Wish:
    """Ranks are ids of rows, so no two are the same; only a pin has a place."""
    place = wish.place if wish.kind is ChangeKind.PIN else None
    return Wish(wish.kind, place, wish.again, "nare", wish.rank * 100 + post)


@given(posts=CANDIDATES, rules=RULES, wishes=WISHES, seed=st.integers())
def test_the_choice_keeps_its_laws(posts: list[Candidate], rules: Rules, wishes: Wishes, seed: int) -> None:
    """One code each; order of input is nothing; never too many, too early, twice, or sent but on purpose."""
    choice = choose(posts, rules, at=AT, wishes=wishes)
    shuffled = posts[:]
    random.Random(seed).shuffle(shuffled)
    assert choose(shuffled, rules, at=AT, wishes=wishes) == choice

    codes = {verdict.post_id: verdict.why for verdict in choice.why}
    assert Counter(verdict.post_id for verdict in choice.why) == Counter(post.post_id for post in posts)
    assert {post_id for post_id, why in codes.items() if why in IS_IN} == set(choice.post_ids)
    assert len(set(choice.post_ids)) == len(choice.post_ids)
    assert choice.featured not in choice.recent
    assert len(choice.recent) <= max(rules.recent.most, rules.recent.least)
    fresh = [post_id for post_id in choice.recent if codes[post_id] is not Why.RERUN]
    assert len(fresh) <= rules.recent.most

    by_id = {post.post_id: post for post in posts}
    for post_id in choice.post_ids:
        post, wish = by_id[post_id], wishes.posts.get(post_id)
        assert post.withdrawn is None
        assert post.published_at <= AT
        assert post.embargo_until is None or post.embargo_until <= AT
        assert wish is None or wish.kind is not ChangeKind.DROP
        assert post.sent_at is None or codes[post_id] is Why.RERUN or (wish is not None and wish.again)


@given(posts=CANDIDATES, rules=RULES, wishes=WISHES)
def test_pins_are_obeyed(posts: list[Candidate], rules: Rules, wishes: Wishes) -> None:
    """Who is wanted and can be had is in while there is room; the first pin of a place stands in it."""
    choice = choose(posts, rules, at=AT, wishes=wishes)
    codes = {verdict.post_id: verdict.why for verdict in choice.why}
    for post_id, wish in wishes.posts.items():
        if post_id not in codes or wish.kind is ChangeKind.DROP:
            continue
        assert codes[post_id] in IS_IN | {Why.WITHDRAWN, Why.EMBARGOED, Why.SENT, Why.NO_ROOM}
    wanted = [
        (wish.place, -wish.rank, post_id)
        for post_id in choice.recent
        if (wish := wishes.posts.get(post_id)) is not None and wish.kind is ChangeKind.PIN and wish.place
    ]
    if wanted:
        place, _, post_id = min(wanted)
        assert place is not None
        assert choice.recent[min(place, len(choice.recent)) - 1] == post_id

"""The rules of selection, and what holds for any posts and any rules."""

from __future__ import annotations

import datetime as dt
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.editions.select import Candidate, Left, Rules, choose
from digest.models import FeaturedBy

AT = dt.datetime(2026, 11, 23, 6, 30, tzinfo=dt.UTC)


def _post(post_id: int, hours: float, **more: object) -> Candidate:
    return Candidate(post_id=post_id, published_at=AT - dt.timedelta(hours=hours), **more)  # type: ignore[arg-type]


def _rules(featured: FeaturedBy = FeaturedBy.CATEGORY, value: str = "Commentary", **more: int) -> Rules:
    limits = {"recent_most": 3, "recent_least": 1, "recent_days": 7} | more
    return Rules(featured_by=featured, featured_value=value, **limits)


def test_features_the_newest_commentary_and_lists_the_newest_others() -> None:
    """The featured story is the newest that the rule finds; it is not repeated below."""
    posts = [
        _post(1, 30, categories=("Commentary",)),
        _post(2, 5, categories=("commentary", "Books")),
        _post(3, 2, categories=("News",)),
        _post(4, 9, categories=("Arts",)),
    ]
    choice = choose(posts, _rules(), at=AT)
    assert choice.featured == 2
    assert choice.recent == (3, 4, 1)
    assert choice.enough


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (FeaturedBy.AUTHOR, "lusine abelian", 1),
        (FeaturedBy.TAG, "essay", 2),
        (FeaturedBy.TAG, "Commentary", 1),  # sites write tags as categories
        (FeaturedBy.NEWEST, "", 3),
        (FeaturedBy.NONE, "", None),
        (FeaturedBy.CATEGORY, "Sports", None),
    ],
)
def test_finds_the_featured_story_by_each_kind_of_rule(
    kind: FeaturedBy, value: str, expected: int | None
) -> None:
    """Names are compared without regard to case; no match means no featured story."""
    posts = [
        _post(1, 9, author="Lusine Abelian", categories=("Commentary",)),
        _post(2, 8, tags=("Essay",)),
        _post(3, 1),
    ]
    assert choose(posts, _rules(kind, value), at=AT).featured == expected


def test_leaves_out_what_is_too_old_and_what_finds_no_room_and_says_so() -> None:
    """Headlines are no older than the digest's days and no more than its number."""
    posts = [_post(number, number * 24) for number in range(1, 10)]
    choice = choose(posts, _rules(FeaturedBy.NONE, recent_most=5), at=AT)
    assert choice.recent == (1, 2, 3, 4, 5)
    assert dict(choice.left) == {6: Left.NO_ROOM, 7: Left.NO_ROOM, 8: Left.TOO_OLD, 9: Left.TOO_OLD}


def test_features_a_commentary_however_old() -> None:
    """The age limit is for headlines; yesterday's second commentary is today's first."""
    choice = choose([_post(1, 24 * 30, categories=("Commentary",))], _rules(), at=AT)
    assert choice.featured == 1
    assert not choice.enough


def test_leaves_a_post_of_the_future_for_the_next_edition() -> None:
    """What is dated after the slot is under embargo."""
    choice = choose([_post(1, -1, categories=("Commentary",)), _post(2, -0.001)], _rules(), at=AT)
    assert choice.is_empty
    assert choice.left == ()


_CANDIDATES = st.lists(
    st.builds(
        Candidate,
        post_id=st.integers(1, 10_000),
        published_at=st.integers(-500, 20).map(lambda hours: AT + dt.timedelta(hours=hours)),
        categories=st.sampled_from([(), ("News",), ("Commentary",), ("Arts", "Commentary")]),
    ),
    max_size=60,
    unique_by=lambda candidate: candidate.post_id,
)


@given(
    posts=_CANDIDATES,
    most=st.integers(0, 20),
    least=st.integers(0, 20),
    days=st.integers(1, 30),
    seed=st.integers(),
)
def test_keeps_to_the_rules_whatever_the_order(
    posts: list[Candidate], most: int, least: int, days: int, seed: int
) -> None:
    """No story twice, no more than the most, nothing too old or too new, whatever the input's order."""
    rules = _rules(recent_most=most, recent_least=least, recent_days=days)
    choice = choose(posts, rules, at=AT)
    shuffled = posts[:]
    random.Random(seed).shuffle(shuffled)
    assert choose(shuffled, rules, at=AT) == choice
    assert len(set(choice.post_ids)) == len(choice.post_ids)
    assert len(choice.recent) <= most
    assert choice.enough == (len(choice.recent) >= least)
    by_id = {post.post_id: post for post in posts}
    for post_id in choice.recent:
        assert AT - dt.timedelta(days=days) <= by_id[post_id].published_at <= AT
    times = [(by_id[post_id].published_at, post_id) for post_id in choice.recent]
    assert times == sorted(times, reverse=True)
    placed = {*choice.post_ids, *(post_id for post_id, _ in choice.left)}
    assert placed == {post.post_id for post in posts if post.published_at <= AT}

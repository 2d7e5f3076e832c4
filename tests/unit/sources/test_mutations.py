"""Thousands of feeds of papers that change all they can: each article is one post, and goes out once."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.feeds.fingerprints import content_fingerprint, fingerprints
from digest.sources.decide import Add, Known, Seen, decide
from tests.papers import CHANGES, FEED_URL, KINDS, Feed, Paper, marker

_FEEDS = 8
_PAPERS = 250  # of eight feeds each


@dataclass
class Shelf:
    """What the database keeps, in memory: posts, what they are known by, what went out."""

    known: dict[str, Known] = field(default_factory=dict)
    posts: dict[int, int] = field(default_factory=dict)  # and which article each is
    mailed: Counter[int] = field(default_factory=Counter)

    def take(self, feed: Feed) -> None:
        seen = [
            Seen(post, fingerprints(post, feed_url=FEED_URL), content_fingerprint(post))
            for post in feed.posts
        ]
        for intent in decide(seen, self.known):
            post = intent.seen.post
            if isinstance(intent, Add):
                post_id, date = len(self.posts) + 1, post.published_at or feed.at
                self.mailed[marker(post.body_html)] += 1
            else:
                post_id, date = intent.post_id, intent.published_at
            self.posts[post_id] = marker(post.body_html)
            row = Known(post_id, intent.seen.content, post.title, date)
            for one in intent.seen.fingerprints:
                if isinstance(intent, Add):
                    self.known[one.value] = row
                else:
                    self.known.setdefault(one.value, row)
            self.known.update({value: row for value, old in self.known.items() if old.post_id == post_id})


def live(paper: Paper, feeds: int = _FEEDS) -> Counter[str]:
    """A paper's life on a shelf of its own; what it has done in it."""
    shelf, done = Shelf(), Counter[str]()
    for feed in paper.life(feeds):
        shelf.take(feed)
        done.update(feed.changes)
        told = f"{paper.kind} paper {paper.seed} after {feed.changes}"
        # No article twice, and none is lost among the others: the edition of today has today's.
        assert sorted(shelf.posts.values()) == list(range(len(paper.articles))), told
        assert set(shelf.mailed.values()) == {1}, told
    return done


@pytest.mark.parametrize("part", range(5))
def test_every_article_is_one_post_whatever_its_feed_does(part: int) -> None:
    """Two thousand feeds of papers of every kind, in five parts."""
    done = Counter[str]()
    for seed in range(part, _PAPERS, 5):
        done += live(Paper(seed))
    assert set(done) == set(CHANGES)


@given(st.integers(min_value=1000), st.sampled_from(KINDS))
def test_any_paper_keeps_its_articles(seed: int, kind: str) -> None:
    """Seeds that nobody has chosen."""
    live(Paper(seed, kind), feeds=5)

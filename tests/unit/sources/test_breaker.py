"""The guard against odd feeds: what trips it, and what a paper may do without."""

from __future__ import annotations

import dataclasses
import datetime as dt

import pytest

from digest.sources.breaker import Arrival, Limits, OddityCode, SourceNews, limits_of, oddities

NOW = dt.datetime(2026, 11, 23, 6, 0, tzinfo=dt.UTC)
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)


def arrival(count: int, *, ago: dt.timedelta = HOUR, age: dt.timedelta = HOUR, held: int = 10_000) -> Arrival:
    """News that came so long ago, each so old then; the site had been read a quarter of an hour before."""
    at = NOW - ago
    return Arrival(at, [at - age] * count, held, at - HOUR / 4)


# Two stories a day, one at a time, for four weeks; an edition a day.
PAPER = SourceNews(
    source_id=1,
    name="The Paper",
    since=NOW - 100 * DAY,
    window_days=1.0,
    days=28.0,
    earlier=[1] * 56,
    arrivals=(),
)
# Twelve at six o'clock each morning.
MORNING = dataclasses.replace(PAPER, earlier=[12] * 28)


def codes(news: SourceNews, limits: Limits | None = None) -> list[OddityCode]:
    return [oddity.code for oddity in oddities([news], limits or Limits())]


def with_news(news: SourceNews, *arrivals: Arrival) -> SourceNews:
    return dataclasses.replace(news, arrivals=arrivals)


@pytest.mark.parametrize("count", [10, 200, 5_000])
def test_sudden_items_are_odd(count: int) -> None:
    """And the oddity names the collection that brought them, not the one before it."""
    usual, flood = arrival(1, ago=5 * HOUR), arrival(count)
    (oddity,) = oddities([with_news(PAPER, usual, flood)], Limits())
    assert oddity.code is OddityCode.MANY
    assert oddity.arrivals == (flood.at,)
    assert oddity.facts == {"source": "The Paper", "posts": count + 1, "usual": 2}


@pytest.mark.parametrize("count", [0, 1, 9])
def test_a_busy_day_is_not(count: int) -> None:
    assert codes(with_news(PAPER, *[arrival(1, ago=HOUR * number) for number in range(count)])) == []


def test_what_is_usual_is_the_papers_own_measure() -> None:
    """Twelve at once each morning are not odd, nor two mornings together; forty are."""
    assert codes(with_news(MORNING, arrival(12, held=12))) == []
    assert codes(with_news(MORNING, arrival(23, held=30))) == []
    assert codes(with_news(MORNING, arrival(40, held=100))) == [OddityCode.MANY]


def test_a_longer_pause_between_editions_allows_for_more() -> None:
    """A weekly edition of a paper that brings two a day."""
    week = dataclasses.replace(PAPER, window_days=7.0)
    fourteen = [arrival(1, ago=HOUR * 10 * number) for number in range(14)]
    assert codes(with_news(week, *fourteen)) == []


def test_a_flood_that_was_accepted_makes_no_rule() -> None:
    """Two hundred came once and were meant: the next two hundred are odd all the same."""
    flooded = dataclasses.replace(PAPER, earlier=[*PAPER.earlier, 200])
    assert codes(with_news(flooded, arrival(200))) == [OddityCode.MANY]


def test_a_new_source_is_learned_for_a_week() -> None:
    """Its first days tell nothing of what is usual; what no paper does is odd at once."""
    new = dataclasses.replace(PAPER, earlier=[], days=2.0)
    assert codes(with_news(new, arrival(30, held=30))) == []
    assert codes(with_news(new, arrival(60))) == [OddityCode.MANY]


def test_posts_that_must_have_been_there_are_odd() -> None:
    """Three of last week from a site that was read a quarter of an hour before; two may be a mishap."""
    assert codes(with_news(PAPER, arrival(2, age=7 * DAY))) == []
    (oddity,) = oddities([with_news(PAPER, arrival(1), arrival(3, age=7 * DAY))], Limits())
    assert oddity.code is OddityCode.LATE
    assert oddity.facts["oldest"] == (NOW - HOUR - 7 * DAY).date().isoformat()


def test_old_posts_after_a_silence_or_from_before_the_source_are_not() -> None:
    """Nobody has looked meanwhile; or they are what the backlog was asked for."""
    late = arrival(3, age=3 * DAY)
    silent = dataclasses.replace(late, before=NOW - 4 * DAY)
    assert codes(with_news(PAPER, silent)) == []
    assert codes(with_news(PAPER, dataclasses.replace(late, before=None))) == []
    assert codes(dataclasses.replace(with_news(PAPER, late), since=NOW - DAY)) == []


def test_a_feed_that_is_all_new_is_odd() -> None:
    """Six of seven at once; not six of thirty, and not where the site was away for days."""
    assert codes(with_news(PAPER, arrival(6, held=7))) == [OddityCode.SHARE]
    assert codes(with_news(PAPER, arrival(6, held=30))) == []
    away = dataclasses.replace(arrival(6, held=7), before=NOW - 3 * DAY)
    assert codes(with_news(PAPER, away)) == []


def test_limits_come_from_the_digests_rules() -> None:
    """What is missing, unknown or no number is as usual."""
    assert limits_of({}) == limits_of({"breaker": None}) == Limits()
    rules = {"breaker": {"many": 40, "times": "3", "is_on": False, "colour": 1, "late_posts": True}}
    assert limits_of(rules) == Limits(many=40, is_on=False)
    assert codes(with_news(PAPER, arrival(5_000)), limits_of(rules)) == []

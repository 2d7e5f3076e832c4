"""The guard against odd feeds. Pure: what came in since the last edition in, what is odd about it out.

A site that is moved or restored brings its old posts again, and nothing of them may look as it did. What is
news then is for a person to say: the edition is held. What came with a source's first collection is what its
backlog was asked for, and never odd.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class OddityCode(StrEnum):
    """What may be unusual about a source's news; `editions.remarks` has a sentence for each."""

    MANY = "many_at_once"
    LATE = "too_old"
    SHARE = "large_share"


@dataclass(frozen=True, slots=True)
class Limits:
    """From where on news is unusual; a digest sets them in its rules under "breaker"."""

    many: int = 10  # so many from one source are never too many
    times: int = 3  # nor is so many times what is usual
    unknown: int = 60  # as `many`, of a source that is not known well yet
    learning_days: int = 7  # for so long it is not
    late_posts: int = 3
    late_hours: int = 48
    share_percent: int = 80
    share_posts: int = 5
    is_on: bool = True


@dataclass(frozen=True, slots=True)
class Arrival:
    """The news of one collection. `dates` are its posts' own; `held` is how many posts the feed had then.

    `before` is when the source had last been read before.
    """

    at: dt.datetime
    dates: Sequence[dt.datetime]
    held: int = 0
    before: dt.datetime | None = None

    @property
    def new(self) -> int:
        return len(self.dates)


@dataclass(frozen=True, slots=True)
class SourceNews:
    """What one source brought since the last edition, and what it brought in the weeks before.

    `earlier` are the sizes of its collections in the `days` before, without its first; `since` is when it
    was added.
    """

    source_id: int
    name: str
    since: dt.datetime
    window_days: float
    days: float
    earlier: Sequence[int]
    arrivals: Sequence[Arrival]


@dataclass(frozen=True, slots=True)
class Oddity:
    """One unusual thing: the collections that it is about, and the figures in its sentence."""

    code: OddityCode
    source_id: int
    arrivals: tuple[dt.datetime, ...]
    facts: Mapping[str, Any]


def limits_of(rules: Mapping[str, Any]) -> Limits:
    """The limits in a digest's rules; what they do not say, or say wrongly, is as usual."""
    given = rules.get("breaker") or {}
    usual = asdict(Limits())
    return Limits(
        **{name: given[name] if type(given.get(name)) is type(usual[name]) else usual[name] for name in usual}
    )


def oddities(news: Sequence[SourceNews], limits: Limits) -> list[Oddity]:
    """All that is unusual, source by source."""
    if not limits.is_on:
        return []
    looks = (_many, _late, _share)
    found = [look(one, limits) for one in news for look in looks]
    return [oddity for oddity in found if oddity is not None]


def _many(news: SourceNews, limits: Limits) -> Oddity | None:
    total = sum(arrival.new for arrival in news.arrivals)
    usual = _usual(news) * max(1.0, news.window_days)
    most = max(_least(news, limits), limits.times * usual, 2 * _large(news))
    if total < most:
        return None
    # The largest ones, until what is left is not odd.
    taken, left = [], total
    for arrival in sorted(news.arrivals, key=lambda one: one.new, reverse=True):
        if left < most:
            break
        taken.append(arrival.at)
        left -= arrival.new
    return _oddity(OddityCode.MANY, news, taken, posts=total, usual=round(usual))


def _late(news: SourceNews, limits: Limits) -> Oddity | None:
    """Posts that must have been out when the source was last read, and were not there."""
    wait = dt.timedelta(hours=limits.late_hours)
    late = {
        arrival.at: [date for date in arrival.dates if news.since <= date <= arrival.before - wait]
        for arrival in news.arrivals
        if arrival.before is not None
    }
    dates = [date for each in late.values() for date in each]
    if len(dates) < limits.late_posts:
        return None
    moments = [at for at, each in late.items() if each]
    oldest = min(dates).date().isoformat()
    return _oddity(OddityCode.LATE, news, moments, posts=len(dates), oldest=oldest)


def _share(news: SourceNews, limits: Limits) -> Oddity | None:
    """A feed that is all new at once, by a source that does not publish in such portions."""
    if news.days < limits.learning_days:
        return None
    for arrival in news.arrivals:
        gap = (arrival.at - arrival.before).total_seconds() / 86_400 if arrival.before else 1.0
        least = max(limits.share_posts, limits.times * _usual(news) * gap, 2 * _large(news))
        if arrival.new >= least and arrival.new * 100 >= arrival.held * limits.share_percent > 0:
            return _oddity(OddityCode.SHARE, news, [arrival.at], posts=arrival.new, held=arrival.held)
    return None


def _least(news: SourceNews, limits: Limits) -> int:
    return limits.many if news.days >= limits.learning_days else max(limits.many, limits.unknown)


def _large(news: SourceNews) -> int:
    """The second largest collection before: one flood that a person accepted makes no rule."""
    return sorted(news.earlier)[-2] if len(news.earlier) > 1 else 0


def _usual(news: SourceNews) -> float:
    """News a day, without the largest collection."""
    return sum(sorted(news.earlier)[:-1]) / max(1.0, news.days)


def _oddity(code: OddityCode, news: SourceNews, arrivals: Sequence[dt.datetime], **facts: Any) -> Oddity:
    return Oddity(code, news.source_id, tuple(sorted(arrivals)), {"source": news.name, **facts})

"""What is odd about a source as a whole. Pure: facts in, alarms out; each has a sentence for an editor.

An alarm is no fault: the source is read, and its news go out. Somebody should look at it all the same.
"""

from __future__ import annotations

import datetime as dt
import itertools
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from digest.i18n import N_, Translator


class AlarmCode(StrEnum):
    """What may be odd."""

    STALE = "stale"
    SHRUNKEN = "shrunken"
    EQUAL_DATES = "equal_dates"
    CLOCK_AHEAD = "clock_ahead"
    PARSE_FAULTS = "parse_faults"


SENTENCES: dict[AlarmCode, str] = {
    AlarmCode.STALE: N_(
        "Nothing new for %(quiet)s, and it is seldom quiet for more than %(usual)s. "
        "Look whether the site still fills this feed."
    ),
    AlarmCode.SHRUNKEN: N_(
        "The feed holds %(posts)s stories now, and %(usual)s most of the time. "
        "Look whether the site has changed it."
    ),
    AlarmCode.EQUAL_DATES: N_(
        "All %(posts)s stories bear the same date. The dates of new ones cannot be trusted."
    ),
    AlarmCode.CLOCK_AHEAD: N_(
        "A story is dated %(ahead)s ahead of now. The site's clock or its time zone may be wrong."
    ),
    AlarmCode.PARSE_FAULTS: N_("The feed has faults, %(count)s of them; what could be read was taken."),
}

# Below so many there is nothing to compare with.
_FEWEST_POSTS = 6
_FEWEST_ANSWERS = 5
_QUIET_TIMES = 3  # as long as its longest pauses, of which one in ten is longer
_QUIET_LEAST = dt.timedelta(days=2)  # a paper's weekend
_SHRUNKEN = 0.5
_ONE_MOMENT = dt.timedelta(minutes=1)
_AHEAD = dt.timedelta(minutes=15)  # clocks differ by some minutes


@dataclass(frozen=True, slots=True)
class Alarm:
    """One odd thing, and the figures in its sentence."""

    code: AlarmCode
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """What is known of a source at the moment of an answer.

    `dates` are those of the feed of this answer, None where it said that nothing has changed; `published`
    are those of the posts we have of it; `posts_before` how many its earlier answers held;
    `oddities` how many faults the feed itself has.
    """

    now: dt.datetime
    published: Sequence[dt.datetime] = ()
    last_new_at: dt.datetime | None = None
    dates: Sequence[dt.datetime] | None = None
    posts: int = 0
    posts_before: Sequence[int] = ()
    oddities: int = 0


def alarms(facts: SourceFacts) -> tuple[Alarm, ...]:
    """Everything that is odd, in the order of the codes."""
    found = (_stale(facts), _shrunken(facts), _equal_dates(facts), _clock_ahead(facts), _faults(facts))
    return tuple(alarm for alarm in found if alarm is not None)


def alarm_sentence(code: str, facts: Mapping[str, Any], words: Translator) -> str:
    """An alarm for a person: seconds as a span of time, numbers in the language's digits."""
    spans = {"quiet", "usual", "ahead"} if code in {AlarmCode.STALE, AlarmCode.CLOCK_AHEAD} else set()
    shown = {
        name: words.span(dt.timedelta(seconds=value)) if name in spans else words.number(value)
        for name, value in facts.items()
    }
    return words.gettext(SENTENCES[AlarmCode(code)], **shown)


def _stale(facts: SourceFacts) -> Alarm | None:
    moments = sorted(facts.published)
    if len(moments) < _FEWEST_POSTS:
        return None
    pauses = sorted(later - earlier for earlier, later in itertools.pairwise(moments))
    usual = pauses[len(pauses) * 9 // 10]
    # The site's dates may be wrong in either way; what came in is known by our own clock.
    newest = max(moments[-1], facts.last_new_at or moments[-1])
    quiet = facts.now - newest
    if quiet <= max(usual * _QUIET_TIMES, _QUIET_LEAST):
        return None
    return Alarm(AlarmCode.STALE, {"quiet": _seconds(quiet), "usual": _seconds(usual)})


def _shrunken(facts: SourceFacts) -> Alarm | None:
    before = [posts for posts in facts.posts_before if posts]
    if facts.dates is None or len(before) < _FEWEST_ANSWERS:
        return None
    usual = int(statistics.median(before))
    if usual < _FEWEST_POSTS or facts.posts > usual * _SHRUNKEN:
        return None
    return Alarm(AlarmCode.SHRUNKEN, {"posts": facts.posts, "usual": usual})


def _equal_dates(facts: SourceFacts) -> Alarm | None:
    dates = facts.dates or ()
    if len(dates) < _FEWEST_POSTS or max(dates) - min(dates) >= _ONE_MOMENT:
        return None
    return Alarm(AlarmCode.EQUAL_DATES, {"posts": len(dates)})


def _clock_ahead(facts: SourceFacts) -> Alarm | None:
    ahead = max(facts.dates or (facts.now,)) - facts.now
    return Alarm(AlarmCode.CLOCK_AHEAD, {"ahead": _seconds(ahead)}) if ahead > _AHEAD else None


def _faults(facts: SourceFacts) -> Alarm | None:
    return Alarm(AlarmCode.PARSE_FAULTS, {"count": facts.oddities}) if facts.oddities else None


def _seconds(span: dt.timedelta) -> int:
    return int(span.total_seconds())

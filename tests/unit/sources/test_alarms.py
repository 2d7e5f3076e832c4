"""What is odd about a source: each alarm is raised by its planted case and by nothing else."""

from __future__ import annotations

import dataclasses
import datetime as dt

import pytest

from digest.i18n import LANGUAGES, translator
from digest.sources.alarms import SENTENCES, Alarm, AlarmCode, SourceFacts, alarm_sentence, alarms

NOW = dt.datetime(2026, 11, 23, 6, 0, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
DATES = [NOW - number * 6 * HOUR for number in range(1, 21)]
GOOD = SourceFacts(
    now=NOW, published=DATES, last_new_at=NOW - 5 * HOUR, dates=DATES, posts=20, posts_before=[20] * 8
)
PLANTED = {
    AlarmCode.STALE: {"now": NOW + 72 * HOUR},
    AlarmCode.SHRUNKEN: {"posts": 9, "dates": DATES[:9]},
    AlarmCode.EQUAL_DATES: {"dates": [NOW - HOUR] * 20},
    AlarmCode.CLOCK_AHEAD: {"dates": [NOW + 3 * HOUR, *DATES]},
    AlarmCode.PARSE_FAULTS: {"oddities": 2},
}


def test_a_good_source_raises_none() -> None:
    """Twenty posts, one every six hours, the last six hours ago."""
    assert alarms(GOOD) == ()


@pytest.mark.parametrize("code", AlarmCode)
def test_each_alarm_is_raised_alone(code: AlarmCode) -> None:
    """And it has a sentence in every language, with its figures."""
    (alarm,) = alarms(dataclasses.replace(GOOD, **PLANTED[code]))
    assert alarm.code is code
    told = {alarm_sentence(alarm.code, alarm.facts, translator(language)) for language in LANGUAGES}
    assert len(told) == len(LANGUAGES)
    assert not any("%(" in sentence for sentence in told)


def test_every_alarm_has_its_case_and_its_sentence() -> None:
    assert set(PLANTED) == set(SENTENCES) == set(AlarmCode)


def test_figures_are_told_as_people_tell_them() -> None:
    """Seconds as spans, numbers as numbers."""
    stale = Alarm(AlarmCode.STALE, {"quiet": 5 * 86_400, "usual": 6 * 3600})
    told = alarm_sentence(stale.code, stale.facts, translator("en"))
    assert told.startswith("Nothing new for 5 days, and it is seldom quiet for more than 6 hours.")


def test_a_quiet_weekend_is_no_alarm() -> None:
    """A paper of working days is quiet for three times its longest usual pause before anybody is told."""
    working_days = [
        NOW - dt.timedelta(days=number)
        for number in range(1, 30)
        if (NOW - dt.timedelta(days=number)).weekday() < 5
    ]
    facts = dataclasses.replace(GOOD, published=working_days, last_new_at=None)
    assert alarms(dataclasses.replace(facts, now=NOW + dt.timedelta(days=4))) == ()
    (alarm,) = alarms(dataclasses.replace(facts, now=NOW + dt.timedelta(days=8)))
    assert alarm.code is AlarmCode.STALE


def test_too_little_is_known_to_compare() -> None:
    """A source of five posts and four answers is not judged by what is usual."""
    few = SourceFacts(
        now=NOW + 999 * HOUR, published=DATES[:5], dates=DATES[:2], posts=2, posts_before=[20] * 4
    )
    assert alarms(few) == ()


def test_an_unchanged_feed_can_still_be_stale() -> None:
    """ "Not modified" tells nothing of sizes and dates, but the days go on."""
    silent = dataclasses.replace(GOOD, dates=None, posts=0, now=NOW + 72 * HOUR)
    assert [alarm.code for alarm in alarms(silent)] == [AlarmCode.STALE]


def test_new_posts_with_old_dates_are_news_of_life() -> None:
    """Dates may be wrong in either way: what came in an hour ago shows that the source is filled."""
    facts = dataclasses.replace(GOOD, now=NOW + 72 * HOUR, last_new_at=NOW + 71 * HOUR)
    assert alarms(facts) == ()

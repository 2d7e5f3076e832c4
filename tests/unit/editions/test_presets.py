"""Schedules as editors think of them."""

from __future__ import annotations

import datetime as dt
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.editions.presets import (
    LAST,
    Every,
    Preset,
    cron_of,
    of_json,
    parse_preset,
    preset_of,
    schedule_words,
)
from digest.editions.schedule import check_cron, slots
from digest.errors import InputError
from digest.i18n import Translator

START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
TIMES = st.sets(st.times().map(lambda time: time.replace(second=0, microsecond=0)), min_size=1, max_size=5)


@st.composite
def presets(draw: st.DrawFn) -> Preset:
    """Any preset that an editor can choose."""
    every, at = draw(st.sampled_from(Every)), tuple(sorted(draw(TIMES)))
    if every is Every.WEEKDAYS:
        days = draw(st.sets(st.integers(1, 7), min_size=1))
        return Preset(every, at, tuple(sorted(days)))
    if every is Every.DATE:
        return Preset(every, at, date=draw(st.sampled_from([*range(1, 29), LAST])))
    if every is Every.NTH:
        return Preset(every, at, (draw(st.integers(1, 7)),), nth=draw(st.sampled_from([1, 2, 3, 4, LAST])))
    return Preset(every, at)


def fits(preset: Preset, moment: dt.datetime) -> bool:
    """Whether a moment is one of the preset's, by the calendar alone."""
    tomorrow_week = moment + dt.timedelta(days=7)
    is_last_of_its_weekday = tomorrow_week.month != moment.month
    is_day = {
        Every.DAY: True,
        Every.WEEKDAYS: moment.isoweekday() in preset.weekdays,
        Every.DATE: moment.day == preset.date
        or (preset.date == LAST and (moment + dt.timedelta(days=1)).month != moment.month),
        Every.NTH: moment.isoweekday() in preset.weekdays
        and (is_last_of_its_weekday if preset.nth == LAST else (moment.day + 6) // 7 == preset.nth),
    }[preset.every]
    return is_day and moment.time() in preset.times


@given(presets())
def test_a_preset_comes_on_its_days_and_on_no_others(preset: Preset) -> None:
    """Its cron text gives the moments that the calendar gives, and is read back as the same preset."""
    cron = check_cron(cron_of(preset))
    assert preset_of(cron) == preset
    assert of_json(preset.as_json()) == preset
    found = list(islice(slots(cron, "UTC", after=START), 6))
    assert all(fits(preset, moment) for moment in found)
    days = [START.replace(tzinfo=None) + dt.timedelta(days=n) for n in range((found[-1] - START).days + 1)]
    wanted = [
        moment
        for day in days
        for time in preset.times
        if (moment := dt.datetime.combine(day, time, dt.UTC)) > START and fits(preset, moment)
    ]
    assert found == [moment for moment in wanted if moment <= found[-1]]


@pytest.mark.parametrize(
    ("every", "times", "cron", "english", "armenian"),
    [
        ("day", ["6:30"], "30 6 * * *", "every day at 6:30 am", "ամեն օր, ժամը 06:30"),
        (
            "day",
            ["18:00", "6:30"],
            "0 18 * * *\n30 6 * * *",
            "every day at 6:30 am and 6:00 pm",
            "ամեն օր, ժամը 06:30 և 18:00",
        ),
        (
            "weekday",
            ["7:00"],
            "0 7 * * 1,2,3,4,5",
            "every day from Monday to Friday at 7:00 am",
            "ամեն օր՝ երկուշաբթի – ուրբաթ, ժամը 07:00",
        ),
        (
            "thu,monday",
            ["7:00"],
            "0 7 * * 1,4",
            "every Monday and Thursday at 7:00 am",
            "ամեն երկուշաբթի և հինգշաբթի, ժամը 07:00",
        ),
        ("Sunday", ["8:00"], "0 8 * * 0", "every Sunday at 8:00 am", "ամեն կիրակի, ժամը 08:00"),
        (
            "month-15",
            ["8:00"],
            "0 8 15 * *",
            "on day 15 of each month at 8:00 am",
            "ամեն ամսի 15-ին, ժամը 08:00",
        ),
        (
            "month-last",
            ["8:00"],
            "0 8 L * *",
            "on the last day of each month at 8:00 am",
            "ամեն ամսի վերջին օրը, ժամը 08:00",
        ),
        (
            "first-sun",
            ["8:00"],
            "0 8 * * 0#1",
            "on the first Sunday of each month at 8:00 am",
            "ամեն ամսի առաջին կիրակի օրը, ժամը 08:00",
        ),
        (
            "last-friday",
            ["8:00"],
            "0 8 * * 5L",
            "on the last Friday of each month at 8:00 am",
            "ամեն ամսի վերջին ուրբաթ օրը, ժամը 08:00",
        ),
    ],
)
def test_what_an_editor_writes(every: str, times: list[str], cron: str, english: str, armenian: str) -> None:
    """Each form, its cron text, and its sentence in both languages."""
    preset = parse_preset(every, times)
    assert cron_of(preset) == cron
    assert schedule_words(cron, Translator("en")) == english
    assert schedule_words(cron, Translator("hy")) == armenian


@pytest.mark.parametrize(
    ("cron", "words"),
    [
        ("30 6 * * 1-5", "every day from Monday to Friday at 6:30 am"),
        ("30 6 * * MON,THU", "every Monday and Thursday at 6:30 am"),
        ("0 8 * * 7", "every Sunday at 8:00 am"),
        ("*/30 * * * *", "by the schedule */30 * * * *"),
        ("0 8 31 * *", "by the schedule 0 8 31 * *"),
        ("0 8 * 12 *", "by the schedule 0 8 * 12 *"),
        ("0 8 1 * 1", "by the schedule 0 8 1 * 1"),
        ("0 8 * * *\n0 9 * * 1", "by the schedule 0 8 * * *; 0 9 * * 1"),
    ],
)
def test_cron_text_in_words(cron: str, words: str) -> None:
    """What a preset could have made has its words; anything else is shown as it is."""
    assert schedule_words(cron, Translator("en")) == words


@pytest.mark.parametrize(
    ("every", "times"),
    [
        ("someday", ["6:30"]),
        ("mo", ["6:30"]),
        ("", ["6:30"]),
        ("month-29", ["6:30"]),
        ("month-0", ["6:30"]),
        ("fifth-sunday", ["6:30"]),
        ("day", []),
        ("day", ["6.30"]),
        ("day", ["24:00"]),
        ("day", [f"{hour}:{minute:02}" for hour in range(5) for minute in range(5)]),
    ],
)
def test_a_wrong_choice_is_refused_in_one_sentence(every: str, times: list[str]) -> None:
    """With how to write it."""
    with pytest.raises(InputError) as caught:
        parse_preset(every, times)
    assert str(caught.value).endswith(".")

"""A rhythm as it is asked for in a form: the days, the times, the place; cron text for all else. Pure."""

from __future__ import annotations

from typing import Any, Final

from digest.editions.presets import LAST, Every, Preset, parse_preset, preset_of
from digest.errors import InputError
from digest.i18n import N_
from digest.models import Cadence
from digest.web.desk.forms import Form

WEEKLY: Final = "days"
EVERY: Final = (
    ("day", N_("every day")),
    ("weekday", N_("Monday to Friday")),
    (WEEKLY, N_("on chosen days of the week")),
    ("month", N_("on a day of each month")),
    ("nth", N_("on the first, second ... last of a weekday of each month")),
    ("cron", N_("by cron text")),
)
NTH: Final = (
    ("first", N_("first")),
    ("second", N_("second")),
    ("third", N_("third")),
    ("fourth", N_("fourth")),
    ("last", N_("last")),
)
WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_WORKDAYS: Final = (1, 2, 3, 4, 5)


def read_rhythm(form: Form) -> str | Preset:
    """The schedule that was chosen. Raises InputError with a sentence."""
    every = form.text("every")
    if every == "cron":
        return form.raw("cron").strip()
    times = form.text("times").replace(",", " ").split()
    if every == WEEKLY:
        chosen = [day for day in form.texts("weekday") if day in WEEKDAYS]
        if not chosen:
            raise InputError(N_("Choose at least one day of the week."))
        return parse_preset(",".join(chosen), times)
    if every == "month":
        return parse_preset(f"month-{form.text('date')}", times)
    if every == "nth":
        return parse_preset(f"{form.text('nth')}-{form.text('nth_day')}", times)
    return parse_preset(every, times)


def as_typed(cadence: Cadence) -> dict[str, Any]:
    """A cadence's schedule as the form shows it."""
    preset = preset_of(cadence.cron)
    if preset is None:
        return usual() | {"every": "cron", "cron": cadence.cron}
    shown = usual() | {
        "times": ", ".join(f"{time:%H:%M}" for time in preset.times),
        "every": _every(preset),
        "cron": cadence.cron,
    }
    if preset.every is Every.WEEKDAYS:
        shown["weekday"] = [WEEKDAYS[number - 1] for number in preset.weekdays]
    elif preset.every is Every.DATE:
        shown["date"] = "last" if preset.date == LAST else str(preset.date)
    elif preset.every is Every.NTH and preset.nth is not None:
        shown["nth"] = NTH[-1 if preset.nth == LAST else preset.nth - 1][0]
        shown["nth_day"] = WEEKDAYS[preset.weekdays[0] - 1]
    return shown


def typed_again(form: Form) -> dict[str, Any]:
    """What was typed, for the form to show it once more."""
    names = ("times", "every", "cron", "date", "nth", "nth_day")
    return {name: form.raw(name) for name in names} | {"weekday": form.texts("weekday")}


def usual() -> dict[str, Any]:
    """What the form begins with."""
    return {
        "every": "day",
        "times": "06:30",
        "weekday": ["sunday"],
        "date": "1",
        "nth": "first",
        "nth_day": "sunday",
        "cron": "",
    }


def _every(preset: Preset) -> str:
    if preset.every is Every.WEEKDAYS:
        return "weekday" if preset.weekdays == _WORKDAYS else WEEKLY
    return {Every.DAY: "day", Every.DATE: "month", Every.NTH: "nth"}[preset.every]

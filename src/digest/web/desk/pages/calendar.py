"""The calendar: when all digests come out, by month and by week, and days that differ from the schedule."""

from __future__ import annotations

import calendar
import datetime as dt
from dataclasses import dataclass
from typing import Final

from sqlalchemy.orm import Session
from starlette.responses import Response

from digest.accounts.rights import May
from digest.editions.calendar import CalendarSlot, day_facts, slots_between
from digest.editions.dates import add_moment, dates_of, parse_day, parse_local, skip_day, take_back
from digest.editions.schedule import day_of, moment_of
from digest.errors import DigestError, InputError
from digest.i18n import N_
from digest.models import Cadence, DateKind, Digest
from digest.web.desk.table import desk
from digest.web.desk.visit import Here, Visit

# Slots of one day that a month shows; the week shows them all.
_OF_DAY: Final = 4
_TYPED: Final = ("fault_skip", "fault_extra", "extra_day", "extra_time", "extra_note")
_YEARS: Final = (2000, 2100)


@dataclass(frozen=True, slots=True)
class Day:
    """A square of the calendar."""

    date: dt.date
    is_today: bool
    is_past: bool
    is_outside: bool  # of the month before or after
    slots: tuple[CalendarSlot, ...]
    more: int


@desk.get("/calendar", may=May.WORK)
def show_calendar(visit: Here) -> Response:
    """The month or the week around a day, in the zone of whoever looks."""
    query, zone = visit.request.query_params, visit.zone
    today = day_of(visit.now, zone)
    is_week = query.get("view") == "week"
    day = _asked_day(query.get("day", "")) or today
    first, count = _window(day, is_week=is_week, starts_with=visit.words.locale.first_week_day)
    last = first + dt.timedelta(days=count)
    with visit.database.read() as session:
        found = slots_between(session, visit.me, _midnight(first, zone), _midnight(last, zone), now=visit.now)
    by_day: dict[dt.date, list[CalendarSlot]] = {}
    for slot in found.slots:
        by_day.setdefault(day_of(slot.at, zone), []).append(slot)
    dates = [first + dt.timedelta(days=number) for number in range(count)]
    most = len(found.slots) if is_week else _OF_DAY
    days = [
        Day(
            date=each,
            is_today=each == today,
            is_past=each < today,
            is_outside=not is_week and each.month != day.month,
            slots=tuple(by_day.get(each, ())[:most]),
            more=max(0, len(by_day.get(each, ())) - most),
        )
        for each in dates
    ]
    before, after = _neighbours(day, is_week=is_week)
    return visit.page(
        "calendar.html",
        weeks=[days[start : start + 7] for start in range(0, count, 7)],
        rhythms=found.rhythms,
        is_cut=found.is_cut,
        has_slots=bool(found.slots),
        is_week=is_week,
        day=day,
        today=today,
        before=before,
        after=after,
        first=first,
        last=last - dt.timedelta(days=1),
        words=visit.words,
    )


@desk.get("/cadences/{cadence}/dates", may=May.EDIT_CADENCE)
def show_dates(visit: Here, cadence: int) -> Response:
    """The days and moments of a rhythm that differ from its schedule; with `day`, what skipping it means."""
    with visit.database.read() as session:
        return _dates_page(visit, session, cadence, day=visit.request.query_params.get("day", ""))


@desk.post("/cadences/{cadence}/dates/skip", may=May.EDIT_CADENCE)
def skip_date(visit: Here, cadence: int) -> Response:
    """Let no edition come out on a day."""
    typed, note = visit.form.text("day"), visit.form.text("note")
    try:
        day = _within_reach(parse_day(typed))
        with visit.database.write() as session:
            row = session.get_one(Cadence, cadence)
            _check_ahead(is_ahead=day >= day_of(visit.now, row.zone))
            skip_day(session, row, day, note=note, actor=visit.actor, now=visit.now)
    except InputError as error:
        return _again(visit, cadence, fault_skip=visit.told(error), day=typed)
    said = N_("Nothing comes out on %(day)s. You can take that back until then.")
    return visit.go(_calendar_at(day), visit.words.gettext(said, day=visit.words.day(day)))


@desk.post("/cadences/{cadence}/dates/extra", may=May.EDIT_CADENCE)
def add_date(visit: Here, cadence: int) -> Response:
    """Let an edition come out at a moment besides."""
    typed = visit.form.text("day"), visit.form.text("time"), visit.form.text("note")
    try:
        local = parse_local(f"{typed[0]} {typed[1]}")
        _within_reach(local.date())
        with visit.database.write() as session:
            row = session.get_one(Cadence, cadence)
            _check_ahead(is_ahead=moment_of(local, row.zone) > visit.now)
            add_moment(session, row, local, note=typed[2], actor=visit.actor, now=visit.now)
    except InputError as error:
        return _again(
            visit,
            cadence,
            fault_extra=visit.told(error),
            extra_day=typed[0],
            extra_time=typed[1],
            extra_note=typed[2],
        )
    said = N_("An edition comes out on %(day)s besides. You can take that back until then.")
    return visit.go(_calendar_at(local.date()), visit.words.gettext(said, day=visit.words.day(local.date())))


@desk.post("/cadences/{cadence}/dates/back", may=May.EDIT_CADENCE)
def take_date_back(visit: Here, cadence: int) -> Response:
    """Go by the schedule again on a day, or no longer come out at a moment."""
    local = visit.form.text("local")
    with visit.database.write() as session:
        take_back(session, session.get_one(Cadence, cadence), local, actor=visit.actor, now=visit.now)
    if visit.form.text("to") == "dates":
        path = f"/desk/cadences/{cadence}/dates"
    else:
        path = _calendar_at(parse_day(local[:10]))
    return visit.go(path, visit.words.gettext(N_("It goes by its schedule again.")))


def _check_ahead(*, is_ahead: bool) -> None:
    if not is_ahead:
        raise InputError(N_("This has passed already."))


def _dates_page(
    visit: Visit, session: Session, cadence: int, *, day: str = "", status: int = 200, **typed: str
) -> Response:
    row = session.get_one(Cadence, cadence)
    today = day_of(visit.now, row.zone)
    rows = dates_of(session, row)
    facts = None
    if not typed and day and (wanted := _asked_day(day)) is not None and wanted >= today:
        facts = day_facts(session, row, wanted, now=visit.now)
    coming = [each for each in rows if each.local[:10] >= today.isoformat()]
    return visit.page(
        "cadence_dates.html",
        status=status,
        cadence=row,
        digest=session.get_one(Digest, row.digest_id).title,
        skips=[(each, parse_day(each.local)) for each in coming if each.kind is DateKind.SKIP],
        extras=[
            (each, moment_of(parse_local(each.local), row.zone))
            for each in coming
            if each.kind is DateKind.EXTRA
        ],
        facts=facts,
        facts_times=", ".join(
            visit.words.hour(slot, row.zone) for slot in (facts.slots[:6] if facts else ())
        ),
        day=day,
        today=today,
        typed=dict.fromkeys(_TYPED, "") | typed,
        words=visit.words,
        place=visit.words.place(row.zone),
    )


def _again(visit: Visit, cadence: int, *, day: str = "", **typed: str) -> Response:
    with visit.database.read() as session:
        return _dates_page(visit, session, cadence, day=day, status=422, **typed)


def _asked_day(text: str) -> dt.date | None:
    """A day of the address, if it is one that a calendar may be asked for."""
    try:
        return _within_reach(parse_day(text))
    except DigestError:
        return None


def _within_reach(day: dt.date) -> dt.date:
    if not _YEARS[0] <= day.year <= _YEARS[1]:
        raise InputError(N_("%(day)s is too far away."), day=day)
    return day


def _midnight(day: dt.date, zone: str) -> dt.datetime:
    return moment_of(dt.datetime.combine(day, dt.time()), zone)


def _window(day: dt.date, *, is_week: bool, starts_with: int) -> tuple[dt.date, int]:
    """The first day that is shown, and how many are: whole weeks."""
    if is_week:
        return day - dt.timedelta(days=(day.weekday() - starts_with) % 7), 7
    first = day.replace(day=1)
    start = first - dt.timedelta(days=(first.weekday() - starts_with) % 7)
    last = day.replace(day=calendar.monthrange(day.year, day.month)[1])
    weeks = ((last - start).days // 7) + 1
    return start, weeks * 7


def _neighbours(day: dt.date, *, is_week: bool) -> tuple[dt.date, dt.date]:
    """A day of the window before and of the one after."""
    if is_week:
        return day - dt.timedelta(days=7), day + dt.timedelta(days=7)
    first = day.replace(day=1)
    before = (first - dt.timedelta(days=1)).replace(day=1)
    return before, (first + dt.timedelta(days=32)).replace(day=1)


def _calendar_at(day: dt.date) -> str:
    return f"/desk/calendar?day={day.isoformat()}"

"""How fast mails are handed over: what a mail service may be given, what that means, and who is at rest."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session
from starlette.responses import Response

from digest import audit
from digest.accounts.rights import May
from digest.errors import InputError
from digest.i18n import N_
from digest.lists.counts import largest_list
from digest.models import CoolDown, RampOrder, RampUp, Transport
from digest.pacing import change, transports
from digest.pacing.duration import a_day, time_for
from digest.pacing.ramp_up import number_on, start_ramp_up, stop_ramp_up
from digest.web.desk.service_form import limits
from digest.web.desk.table import desk
from digest.web.desk.told_services import told_duration, told_pace
from digest.web.desk.visit import Here, Visit

_RESTING_MOST: Final = 50
_DAYS_SHOWN: Final = 7
# Of whoever has no list yet: so that a number can be imagined.
_EXAMPLE: Final = 10_000
_ORDERS: Final = (
    (RampOrder.SIGN_OF_LIFE.value, N_("whose last sign of life is the latest")),
    (RampOrder.JOINED.value, N_("who joined last")),
)


@dataclass(frozen=True, slots=True)
class Paced:
    """A mail service with what its pace means, and its growth if there is one."""

    row: Transport
    pace: str
    meaning: str
    is_tight: bool  # a day is too short for the largest list
    ramp: RampUp | None
    days: tuple[tuple[str, int], ...]


@desk.get("/settings/paces", may=May.RUN_SETTINGS)
def show_paces(visit: Here) -> Response:
    """Each service with its pace in words, and what it means for the largest list."""
    return _paces(visit)


@desk.post("/mail-services/{transport}/pace", may=May.RUN_TRANSPORT)
def save_pace(visit: Here, transport: int) -> Response:
    """How much it is handed from now on: what is on its way goes on at the new pace."""
    try:
        wanted = transports.checked_limits(**limits(visit.form))
        with visit.database.write() as session:
            row = session.get_one(Transport, transport)
            changed = change.change_transport(row, wanted)
            if changed:
                audit.record(session, "transport.set", row, actor=visit.actor, now=visit.now, details=changed)
    except InputError as error:
        return _paces(visit, fault=visit.told(error), of=transport)
    return visit.go(
        "/desk/settings/paces", visit.words.gettext(N_("Saved. It counts from the next mail on."))
    )


@desk.post("/mail-services/{transport}/growth", may=May.RUN_TRANSPORT)
def save_growth(visit: Here, transport: int) -> Response:
    """Let a new sender mail more people every day, or end that."""
    form = visit.form
    try:
        with visit.database.write() as session:
            row = session.get_one(Transport, transport)
            if form.is_ticked("stop"):
                stop_ramp_up(session, row)
                details: dict[str, object] = {"stopped": True}
            else:
                made = start_ramp_up(
                    session,
                    row,
                    first_day=form.number("first_day"),
                    growth_percent=form.number("growth"),
                    order=_order(form.text("order")),
                    rest=session.get(Transport, form.number("rest", 0)),
                    now=visit.now,
                )
                details = {"first_day": made.first_day, "growth_percent": made.growth_percent}
            audit.record(session, "transport.ramp-up", row, actor=visit.actor, now=visit.now, details=details)
    except InputError as error:
        return _paces(visit, fault=visit.told(error), of=transport)
    said = N_("It counts for editions whose audience is fixed from now on.")
    return visit.go("/desk/settings/paces", visit.words.gettext(said))


def _paces(visit: Visit, *, fault: str = "", of: int = 0) -> Response:
    with visit.database.read() as session:
        rows = [row for row in transports.transports(session) if row.is_enabled]
        ramps = {ramp.transport_id: ramp for ramp in session.scalars(sa.select(RampUp))}
        resting = _resting(session, visit.now)
        largest = largest_list(session)
    people = largest[1] if largest else _EXAMPLE
    return visit.page(
        "settings_paces.html",
        status=422 if fault else 200,
        fault=fault,
        of=of,
        services=[_paced(visit, row, ramps.get(row.id), people) for row in rows],
        largest=largest,
        people=people,
        resting=resting,
        names={row.id: row.name for row in rows},
        orders=[(key, visit.words.gettext(text)) for key, text in _ORDERS],
        typed={name: visit.form.text(name) for name in ("per_second", "per_hour", "first_day", "growth")},
    )


def _paced(visit: Visit, row: Transport, ramp: RampUp | None, people: int) -> Paced:
    words = visit.words
    takes = time_for(people, per_second=row.per_second, per_hour=row.per_hour)
    room = a_day(per_second=row.per_second, per_hour=row.per_hour)
    today = visit.now.astimezone(dt.UTC).date()
    return Paced(
        row=row,
        pace=told_pace(row, words),
        meaning=told_duration(people, takes, words),
        is_tight=room is not None and room < people,
        ramp=ramp,
        days=tuple((words.day(day), number) for day, number in _days(ramp, today)) if ramp else (),
    )


def _days(ramp: RampUp, today: dt.date) -> tuple[tuple[dt.date, int], ...]:
    begin = max(today, ramp.starts_on)
    days = (begin + dt.timedelta(days=number) for number in range(_DAYS_SHOWN))
    return tuple(
        (
            day,
            number_on(
                day,
                starts_on=ramp.starts_on,
                first_day=ramp.first_day,
                growth_percent=ramp.growth_percent,
            ),
        )
        for day in days
    )


def _resting(session: Session, now: dt.datetime) -> list[tuple[str, str, dt.datetime]]:
    """The receiving domains at rest, with the service and the end, the longest first."""
    query = (
        sa.select(CoolDown.domain, Transport.name, CoolDown.until)
        .join(Transport, Transport.id == CoolDown.transport_id)
        .where(CoolDown.until > now)
        .order_by(CoolDown.until.desc(), CoolDown.domain)
        .limit(_RESTING_MOST)
    )
    return [(domain, name, until) for domain, name, until in session.execute(query)]


def _order(text: str) -> RampOrder:
    return RampOrder(text) if text in set(RampOrder) else RampOrder.SIGN_OF_LIFE

"""The ramp-up of a new sender: how many people it may mail on which day, and the rows that say so."""

from __future__ import annotations

import datetime as dt

from sqlalchemy.orm import Session

from digest.errors import InputError
from digest.i18n import N_
from digest.models import RampOrder, RampUp, Transport

# Beyond all audiences, and within what the databases' whole numbers hold.
EVERYBODY = 1_000_000_000
_MOST_DAYS = 3_000  # at 1 % a day one person has become everybody by then


def number_on(day: dt.date, *, starts_on: dt.date, first_day: int, growth_percent: int) -> int:
    """How many people may be mailed on a day (in UTC): `first_day`, then so many per cent more each day.

    0 before it starts. Rounded down from the exact number, so that small beginnings grow too. Pure.
    """
    days = (day - starts_on).days
    if days < 0:
        return 0
    days = min(days, _MOST_DAYS)
    return int(min(EVERYBODY, first_day * (100 + growth_percent) ** days // 100**days))


def start_ramp_up(
    session: Session,
    transport: Transport,
    *,
    first_day: int,
    growth_percent: int,
    now: dt.datetime,
    order: RampOrder = RampOrder.SIGN_OF_LIFE,
    rest: Transport | None = None,
) -> RampUp:
    """Start a ramp-up today, or change one that runs, which keeps its first day. Raises InputError.

    `rest` is the mail service for whoever is beyond the day's number; without one they are skipped.
    """
    if not 1 <= first_day <= 10_000_000:
        raise InputError(N_("The first day's number is from 1 to 10000000 people."))
    if not 1 <= growth_percent <= 900:
        raise InputError(N_("The growth is from 1 to 900 per cent a day."))
    if rest is not None and rest.id == transport.id:
        raise InputError(N_("The rest must go by another mail service than the one that is ramped up."))
    if rest is not None and session.get(RampUp, rest.id) is not None:
        raise InputError(
            N_("The mail service %(name)s is ramped up itself: the rest cannot go by it."), name=rest.name
        )
    row = session.get(RampUp, transport.id)
    if row is None:
        row = RampUp(transport_id=transport.id, starts_on=now.astimezone(dt.UTC).date(), created_at=now)
        session.add(row)
    row.first_day, row.growth_percent, row.order = first_day, growth_percent, order
    row.rest_transport_id = rest.id if rest else None
    session.flush()
    return row


def stop_ramp_up(session: Session, transport: Transport) -> bool:
    """End a ramp-up: from now on the mail service may mail everybody. False if there was none."""
    row = session.get(RampUp, transport.id)
    if row is None:
        return False
    session.delete(row)
    session.flush()
    return True

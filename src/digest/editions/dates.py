"""The days on which a cadence does not come out, and the moments at which it comes out besides."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import audit
from digest.editions.reschedule import reschedule
from digest.editions.schedule import moment_of
from digest.errors import InputError, NotFoundError
from digest.i18n import N_
from digest.lists.fields import clean_line
from digest.models import Cadence, CadenceDate, DateKind

_MOST = 1000
_NOTE_LIMIT = 200


def parse_day(text: str) -> dt.date:
    """`2026-12-25` as a day; raises InputError."""
    try:
        return dt.date.fromisoformat(text.strip())
    except ValueError:
        raise InputError(N_("%(text)r is not a day; write it like 2026-12-25."), text=text[:40]) from None


def parse_local(text: str) -> dt.datetime:
    """`2026-12-24 18:00` as a time on the wall clock; raises InputError."""
    try:
        found = dt.datetime.strptime(" ".join(text.replace("T", " ").split()), "%Y-%m-%d %H:%M")  # noqa: DTZ007
    except ValueError:
        raise InputError(
            N_("%(text)r is not a day with a time; write it like '2026-12-24 18:00'."), text=text[:40]
        ) from None
    return found


def skip_day(
    session: Session, cadence: Cadence, day: dt.date, *, actor: str, now: dt.datetime, note: str = ""
) -> bool:
    """Let a cadence not come out on a day of its zone; False if it is so already.

    An edition of that day that is not locked yet moves to the next slot, with what editors did to it.
    """
    return _add(session, cadence, DateKind.SKIP, day.isoformat(), note=note, actor=actor, now=now)


def is_skipped(session: Session, cadence: Cadence, day: dt.date) -> bool:
    """Whether somebody has said that a cadence does not come out on a day."""
    return session.get(CadenceDate, (cadence.id, DateKind.SKIP, day.isoformat())) is not None


def add_moment(
    session: Session, cadence: Cadence, local: dt.datetime, *, actor: str, now: dt.datetime, note: str = ""
) -> bool:
    """Let a cadence come out at a moment of its zone's wall clock besides; False if it is so already.

    Raises InputError for a moment that has passed.
    """
    if moment_of(local, cadence.zone) <= now:
        raise InputError(
            N_("This moment has passed."), hint="For an edition now there is `digest edition extra`."
        )
    text = f"{local:%Y-%m-%d %H:%M}"
    return _add(session, cadence, DateKind.EXTRA, text, note=note, actor=actor, now=now)


def take_back(session: Session, cadence: Cadence, local: str, *, actor: str, now: dt.datetime) -> None:
    """Forget a day or a moment, as `dates_of` shows it; raises NotFoundError."""
    session.refresh(cadence, with_for_update=True)
    row = session.scalars(
        sa.select(CadenceDate).where(CadenceDate.cadence_id == cadence.id, CadenceDate.local == local)
    ).one_or_none()
    if row is None:
        raise NotFoundError(N_("This rhythm has no day or moment %(local)r of its own."), local=local[:20])
    details = {"kind": row.kind.value, "local": local}
    session.delete(row)
    audit.record(session, "cadence.date_remove", cadence, actor=actor, now=now, details=details)
    reschedule(session, cadence, now=now)


def dates_of(session: Session, cadence: Cadence) -> list[CadenceDate]:
    """The days and moments of a cadence, in their order."""
    of_cadence = sa.select(CadenceDate).where(CadenceDate.cadence_id == cadence.id)
    return list(session.scalars(of_cadence.order_by(CadenceDate.local)))


def _add(
    session: Session,
    cadence: Cadence,
    kind: DateKind,
    local: str,
    *,
    note: str,
    actor: str,
    now: dt.datetime,
) -> bool:
    session.refresh(cadence, with_for_update=True)
    if session.get(CadenceDate, (cadence.id, kind, local)) is not None:
        return False
    if len(dates_of(session, cadence)) >= _MOST:
        raise InputError(
            N_("A rhythm has at most %(most)s days and moments of its own; take old ones away."), most=_MOST
        )
    note = clean_line(note, what=N_("note"), limit=_NOTE_LIMIT) if note else ""
    session.add(
        CadenceDate(cadence_id=cadence.id, kind=kind, local=local, note=note, made_by=actor, made_at=now)
    )
    details = {"kind": kind.value, "local": local}
    audit.record(session, "cadence.date_add", cadence, actor=actor, now=now, details=details)
    reschedule(session, cadence, now=now)
    return True

"""Rests for receiving domains: one that asks for it (421, 4.7.x) or refuses us (5.7.x) is left alone a while.

That slows the mail to this domain by this mail service only. It says nothing about the people there.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.db.dialect import insert_new_rows
from digest.models import CoolDown

RESTS = tuple(dt.timedelta(minutes=minutes) for minutes in (1, 2, 5, 15, 30, 60))
# Of a domain that has had no complaint for so long, the earlier ones are forgotten.
FORGOTTEN_AFTER = dt.timedelta(days=1)
_PART = 1_000  # domains a statement


def rest_for(times_in_a_row: int) -> dt.timedelta:
    """How long a domain rests that has asked for it so many times in a row, at least once."""
    return RESTS[min(max(times_in_a_row, 1), len(RESTS)) - 1]


def next_rest(until: dt.datetime | None, times_in_a_row: int, *, now: dt.datetime) -> tuple[dt.datetime, int]:
    """Until when a domain rests that asks for it now, and how many times in a row it has. Pure.

    `until` and `times_in_a_row` are those of its last rest, if there was one. While it rests nothing grows:
    those are replies to mails that were on their way already.
    """
    if until is not None and until > now:
        return until, times_in_a_row
    if until is None or now - until >= FORGOTTEN_AFTER:
        times_in_a_row = 0
    times_in_a_row += 1
    return now + rest_for(times_in_a_row), times_in_a_row


def cooling(
    session: Session, transport_id: int, domains: Collection[str], *, now: dt.datetime
) -> dict[str, dt.datetime]:
    """Those of the domains that rest at a mail service now, each with the end of its rest."""
    found: dict[str, dt.datetime] = {}
    for some in _parts(domains):
        rows = session.execute(
            sa.select(CoolDown.domain, CoolDown.until).where(
                CoolDown.transport_id == transport_id, CoolDown.domain.in_(some), CoolDown.until > now
            )
        )
        found.update((domain, until) for domain, until in rows)
    return found


def note(
    session: Session, transport_id: int, domain: str, reply_id: int | None, *, now: dt.datetime
) -> dt.datetime:
    """Give a domain a rest because of a reply; returns its end. The longer, the more often in a row."""
    key = {"transport_id": transport_id, "domain": domain}
    nothing_yet = {"until": now, "times_in_a_row": 0, "changed_at": now}
    insert_new_rows(session, CoolDown, [key | nothing_yet])
    of_domain = (CoolDown.transport_id == transport_id, CoolDown.domain == domain)
    row = session.execute(
        sa.select(CoolDown.until, CoolDown.times_in_a_row).where(*of_domain).with_for_update()
    ).one()
    until, times = next_rest(row.until if row.times_in_a_row else None, row.times_in_a_row, now=now)
    session.execute(
        sa.update(CoolDown)
        .where(*of_domain)
        .values(until=until, times_in_a_row=times, reply_id=reply_id, changed_at=now),
        execution_options={"synchronize_session": False},
    )
    return until


def warm(session: Session, transport_id: int, domains: Collection[str], *, now: dt.datetime) -> None:
    """Forget the rests of domains that took a mail again. One that rests now goes on resting.

    What it took now was on its way already. Most often there is nothing to forget, and nothing is written.
    """
    for some in _parts(domains):
        session.execute(
            sa.delete(CoolDown).where(
                CoolDown.transport_id == transport_id, CoolDown.domain.in_(some), CoolDown.until <= now
            ),
            execution_options={"synchronize_session": False},
        )


def _parts(domains: Collection[str]) -> list[list[str]]:
    known = sorted(set(domains))
    return [known[start : start + _PART] for start in range(0, len(known), _PART)]

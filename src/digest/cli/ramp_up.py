"""`digest transport ramp-up` and `digest edition ramp-up-rest`: a new sender that mails more every day."""

from __future__ import annotations

import csv
import datetime as dt
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from digest import audit
from digest.cli import common
from digest.cli.common import JsonOption
from digest.errors import InputError
from digest.lists.export_cells import quoted
from digest.models import RampOrder, RampUp, Transport

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from digest.deliveries.allowance import LeftOver

_DAYS_SHOWN = 7
_COLUMNS = ("address", "name", "zone", "language", "text_size")


def ramp_up(
    name: str = typer.Argument(help="Short name of the mail service."),
    first_day: int | None = typer.Option(None, help="How many people it may mail on the first day, today."),
    growth: int | None = typer.Option(None, help="How many per cent more on each day that follows."),
    order: RampOrder | None = typer.Option(
        None, help="Who is mailed first: who joined last, or whose last sign of life is the latest (default)."
    ),
    rest: str | None = typer.Option(
        None, help="The mail service for all others; without it they are skipped."
    ),
    stop: bool = typer.Option(False, "--stop", help="End it: the mail service may mail everybody."),
    as_json: bool = JsonOption,
) -> None:
    """Let a new sender mail more people every day, in UTC; without options, show how far it is.

    It holds for editions that are planned from now on, while this is the mail service that is tried first.
    Whoever is skipped can be exported with `digest edition ramp-up-rest`.
    """
    from digest.pacing.ramp_up import start_ramp_up, stop_ramp_up  # noqa: PLC0415
    from digest.pacing.transports import transport_named  # noqa: PLC0415

    given = (first_day, growth, order, rest)
    if stop and given != (None, None, None, None):
        raise InputError("A ramp-up is either stopped or set, not both.")
    now = common.now()
    if not stop and given == (None, None, None, None):
        with common.read() as session:
            _show(session, transport_named(session, name), now, as_json=as_json)
        return
    with common.write() as session:
        row = transport_named(session, name)
        if stop:
            if not stop_ramp_up(session, row):
                raise InputError(f"The mail service {name} has no ramp-up.")
            audit.record(session, "transport.ramp-up", row, actor=common.actor(), now=now)
            common.say(f"The ramp-up is over: the mail service {name} may mail everybody.")
            return
        before = session.get(RampUp, row.id)
        if before is None and (first_day is None or growth is None):
            raise InputError("A ramp-up needs --first-day and --growth.")
        by = transport_named(session, rest) if rest else None
        if by is None and before is not None and before.rest_transport_id is not None:
            by = session.get_one(Transport, before.rest_transport_id)
        made = start_ramp_up(
            session,
            row,
            first_day=_or(first_day, before.first_day if before else 0),
            growth_percent=_or(growth, before.growth_percent if before else 0),
            order=order or (before.order if before else RampOrder.SIGN_OF_LIFE),
            rest=by,
            now=now,
        )
        details = {"first_day": made.first_day, "growth_percent": made.growth_percent}
        audit.record(session, "transport.ramp-up", row, actor=common.actor(), now=now, details=details)
        _show(session, row, now, as_json=as_json)


def ramp_up_rest(
    edition: int = typer.Argument(metavar="ID", help="The edition's id."),
    out: Path = typer.Option(..., help="The CSV file to write; it must not be there yet."),
) -> None:
    """Write those whom a ramp-up left over to a file, as far as they may still be mailed."""
    from digest.deliveries.allowance import left_over  # noqa: PLC0415
    from digest.editions.show import get_edition  # noqa: PLC0415

    with common.read() as session:
        get_edition(session, edition)
        count = _write(out, left_over(session, edition))
    common.say(
        f"{count} people of edition {edition} are in {out}; the file holds addresses: keep it private."
    )


def _show(session: Session, row: Transport, now: dt.datetime, *, as_json: bool) -> None:
    from digest.deliveries.allowance import planned_on  # noqa: PLC0415
    from digest.pacing.ramp_up import number_on  # noqa: PLC0415
    from digest.pacing.transports import first_way  # noqa: PLC0415

    found = session.get(RampUp, row.id)
    if found is None:
        common.say(f"The mail service {row.name} has no ramp-up: it may mail everybody.")
        return
    today = now.astimezone(dt.UTC).date()
    days = [max(today, found.starts_on) + dt.timedelta(days=number) for number in range(_DAYS_SHOWN)]
    numbers = {
        day: number_on(
            day,
            starts_on=found.starts_on,
            first_day=found.first_day,
            growth_percent=found.growth_percent,
        )
        for day in days
    }
    rest = session.get(Transport, found.rest_transport_id) if found.rest_transport_id else None
    planned = planned_on(session, row.id, today)
    if as_json:
        common.print_json(
            {
                "name": row.name,
                "starts_on": found.starts_on.isoformat(),
                "first_day": found.first_day,
                "growth_percent": found.growth_percent,
                "order": found.order,
                "rest": rest.name if rest else None,
                "planned_today": planned,
                "days": {day.isoformat(): number for day, number in numbers.items()},
            }
        )
        return
    coming = ", ".join(f"{day:%m-%d}: {number:,}" for day, number in numbers.items())
    common.print_fields(
        {
            "ramp-up": f"{found.first_day:,} people on {found.starts_on}, "
            f"then {found.growth_percent} % more each day (UTC)",
            "first": "who joined last"
            if found.order is RampOrder.JOINED
            else "whose sign of life is the latest",
            "the rest": f"by {rest.name}" if rest else "skipped: `digest edition ramp-up-rest` exports them",
            "planned today": f"{planned:,} people",
            "people a day": coming,
        }
    )
    first = first_way(session)
    if first is None or first.id != row.id:
        common.say(
            f"It has no effect yet: {row.name} is not the one that is tried first "
            f"(`digest transport list`, `digest transport set {row.name} --rank ...`)."
        )


def _or(given: int | None, before: int) -> int:
    return before if given is None else given


def _write(file: Path, people: Iterable[LeftOver]) -> int:
    """Write the file, readable by its owner alone; how many people it holds."""
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise InputError(f"{file} is there already; name another file.") from None
    except OSError as error:
        raise InputError(f"{file} cannot be written: {error.strerror}.") from None
    count = 0
    with open(handle, "w", encoding="utf-8", newline="") as stream:  # noqa: PTH123  (a file that is open)
        writer = csv.writer(stream)
        writer.writerow(_COLUMNS)
        for person in people:
            writer.writerow(_cells(person))
            count += 1
    return count


def _cells(person: LeftOver) -> Iterator[str]:
    """A person's cells; one that a spreadsheet would compute gets an apostrophe in front."""
    for column in _COLUMNS:
        yield quoted(str(getattr(person, column) or ""))

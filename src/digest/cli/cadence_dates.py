"""`digest cadence skip|extra|dates|forget`: single days that differ from a rhythm's schedule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli import common
from digest.cli.common import JsonOption

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from digest.models import Cadence

app = typer.Typer(rich_markup_mode=None, add_completion=False)

DigestName = Annotated[str, typer.Argument(metavar="DIGEST", help="The digest.")]
Name = Annotated[str, typer.Argument(metavar="CADENCE", help="The cadence.")]
Note = Annotated[str, typer.Option(help="Why, for others.")]


@app.command("skip", epilog="Example: digest cadence skip courier morning 2026-12-25 --note Christmas")
def skip(
    digest: DigestName,
    name: Name,
    day: Annotated[str, typer.Argument(metavar="DATE", help="A day of its zone: 2026-12-25.")],
    note: Note = "",
) -> None:
    """Let no edition come out on a day. One of that day that is not locked moves to the next slot."""
    from digest.editions.dates import parse_day, skip_day  # noqa: PLC0415

    wanted, now = parse_day(day), common.now()
    with common.write() as session:
        cadence = _cadence(session, digest, name)
        is_new = skip_day(session, cadence, wanted, note=note, actor=common.actor(), now=now)
    common.say(f"The cadence {name} does not come out on {wanted}{'' if is_new else ' already'}.")


@app.command("extra", epilog="Example: digest cadence extra courier morning '2026-12-24 18:00'")
def extra(
    digest: DigestName,
    name: Name,
    moment: Annotated[
        str, typer.Argument(metavar="MOMENT", help="On the clock of its zone: '2026-12-24 18:00'.")
    ],
    note: Note = "",
) -> None:
    """Let an edition come out at a moment besides, whatever the schedule says of that day."""
    from digest.editions.dates import add_moment, parse_local  # noqa: PLC0415

    wanted, now = parse_local(moment), common.now()
    with common.write() as session:
        cadence = _cadence(session, digest, name)
        is_new = add_moment(session, cadence, wanted, note=note, actor=common.actor(), now=now)
    common.say(
        f"The cadence {name} comes out at {wanted:%Y-%m-%d %H:%M} besides{'' if is_new else ' already'}."
    )


@app.command("forget", epilog="Example: digest cadence forget courier morning 2026-12-25")
def forget(
    digest: DigestName,
    name: Name,
    date: Annotated[
        str, typer.Argument(metavar="DATE", help="The day or the moment, as `digest cadence dates` shows it.")
    ],
) -> None:
    """Take back a day without an edition, or a moment besides."""
    from digest.editions.dates import take_back  # noqa: PLC0415

    with common.write() as session:
        cadence = _cadence(session, digest, name)
        take_back(session, cadence, date.strip(), actor=common.actor(), now=common.now())
    common.say(f"The cadence {name} comes out by its schedule again: {date.strip()} is forgotten.")


@app.command("dates", epilog="Example: digest cadence dates courier morning")
def dates(digest: DigestName, name: Name, as_json: bool = JsonOption) -> None:
    """Show the days on which a cadence does not come out, and the moments besides."""
    from digest.editions.dates import dates_of  # noqa: PLC0415

    with common.read() as session:
        cadence = _cadence(session, digest, name)
        found = dates_of(session, cadence)
    if as_json:
        common.print_json(
            {
                "starts_on": cadence.starts_on.isoformat() if cadence.starts_on else None,
                "ends_on": cadence.ends_on.isoformat() if cadence.ends_on else None,
                "dates": [{"kind": one.kind, "local": one.local, "note": one.note} for one in found],
            }
        )
        return
    if cadence.starts_on:
        common.say(f"It comes out from {cadence.starts_on} on.")
    if cadence.ends_on:
        common.say(f"It comes out until {cadence.ends_on}.")
    rows = [(one.local, one.kind.value, one.note or None, one.made_by) for one in found]
    columns = (cadence.zone, "what", "why", "by")
    common.print_table(columns, rows, empty="It comes out by its schedule alone.")


def _cadence(session: Session, digest: str, name: str) -> Cadence:
    from digest.lists.queries import cadence_named, digest_named  # noqa: PLC0415

    return cadence_named(session, digest_named(session, digest).id, name)

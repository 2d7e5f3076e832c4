"""`digest cadence`: the rhythms of a digest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from digest.cli import cadence_people, common, first_copies
from digest.cli.common import JsonOption
from digest.errors import InputError

if TYPE_CHECKING:
    from digest.models import Cadence

app = common.group("The rhythms that a digest comes out on.")

app.add_typer(first_copies.app, name="first-copy")

DigestName = Annotated[str, typer.Argument(metavar="DIGEST", help="The digest.")]
Name = Annotated[str, typer.Argument(help="The cadence's short name: a-z, digits, hyphens.")]
_LEAD = "Seconds before its slot at which an edition is locked (600)."
_GRACE = "Seconds by which a missed edition may be late; after that it is skipped (10800)."
_CRON = "Minute, hour, day, month and weekday, as in cron."
_SPREAD = "Over how long an edition goes out: 20m; 0: at once; auto: at once below 20,000 people, else 20m."
_SEGMENT = "The segment that its editions go to (`digest segment list`); none: to everybody."
_USEFUL = "How long after its slot an edition is worth having: 24h. Deferred mail is tried no longer."
_MOVE_TO = "Put everybody who has chosen it on this cadence of the digest, with proof."
_ZONE = "The time zone that the hours are meant in, such as Asia/Yerevan."


@app.command(
    "add", epilog="Example: digest cadence add courier morning --cron '30 6 * * *' --zone Asia/Yerevan"
)
def add(
    digest: DigestName,
    name: Name,
    cron: Annotated[str, typer.Option(help=_CRON)],
    zone: Annotated[str, typer.Option(help=_ZONE)],
    lead: Annotated[int | None, typer.Option(help=_LEAD)] = None,
    grace: Annotated[int | None, typer.Option(help=_GRACE)] = None,
    as_json: bool = JsonOption,
) -> None:
    """Add a rhythm to a digest. Its first edition is the first slot from now on."""
    from digest.editions.cadences import add_cadence, next_slots  # noqa: PLC0415
    from digest.lists.queries import digest_named  # noqa: PLC0415

    now = common.now()
    with common.write() as session:
        cadence = add_cadence(
            session,
            digest_named(session, digest),
            name=name,
            cron=cron,
            zone=zone,
            lead_seconds=lead,
            grace_seconds=grace,
            actor=common.actor(),
            now=now,
        )
        first = next_slots(cadence, count=1, now=now)[0]
        result = _as_dict(digest, cadence) | {"next_at": first}
    if as_json:
        common.print_json(result)
    else:
        common.say(f"The cadence {name} is there; its first edition goes out at {common.shown(first, zone)}.")


@app.command(
    "set", epilog="Example: digest cadence set courier morning --cron '0 7 * * 1-5' --spread 20m --useful 24h"
)
def set_values(
    digest: DigestName,
    name: Name,
    cron: Annotated[str | None, typer.Option(help=_CRON)] = None,
    zone: Annotated[str | None, typer.Option(help=_ZONE)] = None,
    lead: Annotated[int | None, typer.Option(help=_LEAD)] = None,
    grace: Annotated[int | None, typer.Option(help=_GRACE)] = None,
    spread: Annotated[str | None, typer.Option(help=_SPREAD)] = None,
    useful: Annotated[str | None, typer.Option(help=_USEFUL)] = None,
    segment: Annotated[str | None, typer.Option(help=_SEGMENT)] = None,
    running: Annotated[
        bool | None, typer.Option("--running/--stopped", help="Whether new editions come.")
    ] = None,
    move_to: Annotated[str | None, typer.Option(help=_MOVE_TO)] = None,
) -> None:
    """Change a rhythm. A new schedule counts from now on; what is locked already goes out as it is."""
    from digest.editions.cadences import Auto, next_slots, set_cadence  # noqa: PLC0415
    from digest.lists.queries import cadence_named, digest_named  # noqa: PLC0415
    from digest.lists.segments import set_cadence_segment  # noqa: PLC0415

    if all(value is None for value in (cron, zone, lead, grace, spread, useful, segment, running)):
        if move_to is not None:
            cadence_people.move_all(digest, name, move_to)
            return
        raise InputError("Nothing to change was given; `digest cadence set --help` lists what can be.")
    now = common.now()
    with common.write() as session:
        cadence = cadence_named(session, digest_named(session, digest).id, name)
        cadence_people.check_target(session, cadence, move_to)
        set_cadence(
            session,
            cadence,
            cron=cron,
            zone=zone,
            lead_seconds=lead,
            grace_seconds=grace,
            useful_seconds=None if useful is None else common.parse_span(useful),
            spread_seconds=Auto.AUTO if spread == "auto" else common.parse_span(spread) if spread else None,
            is_running=running,
            actor=common.actor(),
            now=now,
        )
        if segment is not None:
            wanted = None if segment == "none" else segment
            set_cadence_segment(session, cadence, wanted, actor=common.actor(), now=now)
        coming = next_slots(cadence, count=1, now=now)[0] if cadence.is_running else None
        zone = cadence.zone
        stranded = "" if move_to else cadence_people.stranded_line(session, digest, cadence)
    if coming is None:
        common.say(f"The cadence {name} is stopped: no new editions come.")
        if stranded:
            common.say(stranded)
    else:
        common.say(f"The cadence {name} is changed; its next slot is {common.shown(coming, zone)}.")
    if move_to is not None:
        cadence_people.move_all(digest, name, move_to)


@app.command("next", epilog="Example: digest cadence next courier morning --count 3")
def next_ones(
    digest: DigestName,
    name: Name,
    count: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 10,
    as_json: bool = JsonOption,
) -> None:
    """Show the next slots, in the cadence's zone and in UTC."""
    from digest.editions.cadences import next_slots  # noqa: PLC0415
    from digest.editions.schedule import local_text  # noqa: PLC0415
    from digest.lists.queries import cadence_named, digest_named  # noqa: PLC0415

    with common.read() as session:
        cadence = cadence_named(session, digest_named(session, digest).id, name)
    found = next_slots(cadence, count=count, now=common.now())
    if as_json:
        common.print_json([{"local": local_text(slot, cadence.zone), "utc": slot} for slot in found])
        return
    rows = [(local_text(slot, cadence.zone), f"{slot:%a %Y-%m-%d %H:%M}") for slot in found]
    common.print_table((cadence.zone, "UTC"), rows, empty="It never comes due.")
    if not cadence.is_running:
        common.say("The cadence is stopped: these slots bring no editions.")


@app.command("list", epilog="Example: digest cadence list courier")
def list_all(
    digest: Annotated[
        str | None, typer.Argument(metavar="[DIGEST]", help="Only those of this digest.")
    ] = None,
    as_json: bool = JsonOption,
) -> None:
    """Show the rhythms there are."""
    from digest.editions.cadences import next_slots  # noqa: PLC0415
    from digest.editions.show import cadences_of  # noqa: PLC0415
    from digest.lists.queries import digest_named  # noqa: PLC0415
    from digest.lists.segments import segments_of  # noqa: PLC0415

    with common.read() as session:
        owner = digest_named(session, digest).id if digest else None
        found = cadences_of(session, owner)
        segments = {segment.id: segment.name for _, segment in segments_of(session, owner)}
    now = common.now()
    coming = {one.id: next_slots(one, count=1, now=now)[0] for _, one in found if one.is_running}
    if as_json:
        common.print_json(
            [
                _as_dict(own, one)
                | {"segment": segments.get(one.segment_id or 0), "next_at": coming.get(one.id)}
                for own, one in found
            ]
        )
        return
    rows = [
        (
            own,
            one.name,
            one.cron,
            one.zone,
            "auto" if one.spread_seconds is None else common.span(one.spread_seconds),
            common.span(one.useful_seconds),
            segments.get(one.segment_id or 0, "everybody"),
            common.shown(coming[one.id]) if one.id in coming else "stopped",
        )
        for own, one in found
    ]
    common.print_table(
        ("digest", "cadence", "schedule", "zone", "spread", "useful", "goes to", "next slot"),
        rows,
        empty="There is no cadence yet; add one with `digest cadence add`.",
    )


def _as_dict(digest: str, cadence: Cadence) -> dict[str, Any]:
    return {
        "digest": digest,
        "name": cadence.name,
        "cron": cadence.cron,
        "zone": cadence.zone,
        "lead_seconds": cadence.lead_seconds,
        "grace_seconds": cadence.grace_seconds,
        "useful_seconds": cadence.useful_seconds,
        "spread_seconds": cadence.spread_seconds,
        "is_running": cadence.is_running,
    }

"""`digest cadence`: the rhythms of a digest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from digest.cli import approvals, cadence_dates, cadence_people, common, first_copies
from digest.cli.common import JsonOption
from digest.errors import InputError
from digest.models import Fallback, Missed, Selection

if TYPE_CHECKING:
    import datetime as dt

    from digest.editions.cadences import Unbounded
    from digest.editions.presets import Preset
    from digest.models import Cadence

app = common.group("The rhythms that a digest comes out on.")

app.add_typer(first_copies.app, name="first-copy")
# The commands for single days stand beside these: `digest cadence skip`.
app.registered_commands += cadence_dates.app.registered_commands
app.registered_commands += approvals.of_cadence.registered_commands

DigestName = Annotated[str, typer.Argument(metavar="DIGEST", help="The digest.")]
Name = Annotated[str, typer.Argument(help="The cadence's short name: a-z, digits, hyphens.")]
_LEAD = "Seconds before its slot at which an edition is locked (600)."
_GRACE = "Seconds by which a missed edition may be late; after that it is skipped (10800)."
_SPREAD = "Over how long an edition goes out: 20m; 0: at once; auto: at once below 20,000 people, else 20m."
_SEGMENT = "The segment that its editions go to (`digest segment list`); none: to everybody."
_USEFUL = "How long after its slot an edition is worth having: 24h. Deferred mail is tried no longer."
_MOVE_TO = "Put everybody who has chosen it on this cadence of the digest, with proof."
_ZONE = "The time zone that the hours are meant in, such as Asia/Yerevan."

EveryOption = Annotated[
    str | None,
    typer.Option(
        help="On which days: day, weekday, mon,thu, month-15, month-last, first-sunday, last-friday.",
    ),
]
AtOption = Annotated[
    list[str] | None, typer.Option(help="At which time of day: 6:30. May be repeated.", metavar="H:MM")
]
CronOption = Annotated[
    list[str] | None,
    typer.Option(help="Minute, hour, day, month and weekday, as in cron. May be repeated."),
]
MissedOption = Annotated[
    Missed | None,
    typer.Option(help="What becomes of a missed slot within its grace: late, merge into the next, skip."),
]
ApprovalOption = Annotated[
    bool | None,
    typer.Option("--approval/--no-approval", help="Whether somebody must approve each edition."),
]
HoldOption = Annotated[
    str | None, typer.Option(help="How long after its slot a held edition waits for a person: 3h.")
]
HoldOutcomeOption = Annotated[Fallback | None, typer.Option(help="What becomes of it then: send or skip.")]
SelectionOption = Annotated[
    Selection | None,
    typer.Option(help="What it takes: the latest, or best_of, the best of its span, commentaries first."),
]
StartsOption = Annotated[
    str | None, typer.Option(help="The first day on which it comes out, 2026-12-01; or none.")
]
EndsOption = Annotated[
    str | None, typer.Option(help="The last day on which it comes out, 2026-12-24; or none.")
]


@app.command(
    "add", epilog="Example: digest cadence add courier morning --every day --at 6:30 --zone Asia/Yerevan"
)
def add(
    digest: DigestName,
    name: Name,
    zone: Annotated[str, typer.Option(help=_ZONE)],
    every: EveryOption = None,
    at: AtOption = None,
    cron: CronOption = None,
    lead: Annotated[int | None, typer.Option(help=_LEAD)] = None,
    grace: Annotated[int | None, typer.Option(help=_GRACE)] = None,
    missed: MissedOption = None,
    approval: ApprovalOption = None,
    hold: HoldOption = None,
    hold_outcome: HoldOutcomeOption = None,
    selection: SelectionOption = None,
    starts: StartsOption = None,
    ends: EndsOption = None,
    as_json: bool = JsonOption,
) -> None:
    """Add a rhythm to a digest. Its first edition is the first slot from now on."""
    from digest.editions.cadences import add_cadence  # noqa: PLC0415
    from digest.editions.timetables import next_slots  # noqa: PLC0415
    from digest.lists.queries import digest_named  # noqa: PLC0415

    now = common.now()
    schedule = _schedule(every, at, cron)
    if schedule is None:
        raise InputError("Say when it comes out: --every day --at 6:30, or --cron '30 6 * * *'.")
    with common.write() as session:
        cadence = add_cadence(
            session,
            digest_named(session, digest),
            name=name,
            cron=schedule,
            zone=zone,
            lead_seconds=lead,
            grace_seconds=grace,
            missed=missed,
            wants_approval=approval,
            hold_seconds=_span(hold),
            hold_outcome=hold_outcome,
            selection=selection,
            starts_on=_bound(starts),
            ends_on=_bound(ends),
            actor=common.actor(),
            now=now,
        )
        first = next(iter(next_slots(session, cadence, count=1, now=now)), None)
        result = _as_dict(digest, cadence) | {"next_at": first}
    if as_json:
        common.print_json(result)
    elif first is None:
        common.say(f"The cadence {name} is there; no edition of it comes.")
    else:
        common.say(f"The cadence {name} is there; its first edition goes out at {common.shown(first, zone)}.")


@app.command(
    "set", epilog="Example: digest cadence set courier morning --every weekday --at 7:00 --missed merge"
)
def set_values(
    digest: DigestName,
    name: Name,
    every: EveryOption = None,
    at: AtOption = None,
    cron: CronOption = None,
    zone: Annotated[str | None, typer.Option(help=_ZONE)] = None,
    lead: Annotated[int | None, typer.Option(help=_LEAD)] = None,
    grace: Annotated[int | None, typer.Option(help=_GRACE)] = None,
    missed: MissedOption = None,
    approval: ApprovalOption = None,
    hold: HoldOption = None,
    hold_outcome: HoldOutcomeOption = None,
    selection: SelectionOption = None,
    starts: StartsOption = None,
    ends: EndsOption = None,
    spread: Annotated[str | None, typer.Option(help=_SPREAD)] = None,
    useful: Annotated[str | None, typer.Option(help=_USEFUL)] = None,
    segment: Annotated[str | None, typer.Option(help=_SEGMENT)] = None,
    running: Annotated[
        bool | None, typer.Option("--running/--stopped", help="Whether new editions come.")
    ] = None,
    move_to: Annotated[str | None, typer.Option(help=_MOVE_TO)] = None,
) -> None:
    """Change a rhythm. A new schedule counts from now on; what is locked already goes out as it is.

    The coming edition moves to the new schedule's next slot and keeps what editors did to it.
    """
    from digest.editions.cadences import Auto, set_cadence  # noqa: PLC0415
    from digest.editions.timetables import next_slots  # noqa: PLC0415
    from digest.lists.queries import cadence_named, digest_named  # noqa: PLC0415
    from digest.lists.segments import set_cadence_segment  # noqa: PLC0415

    schedule = _schedule(every, at, cron)
    values: dict[str, Any] = {
        "lead_seconds": lead,
        "grace_seconds": grace,
        "missed": missed,
        "wants_approval": approval,
        "hold_seconds": _span(hold),
        "hold_outcome": hold_outcome,
        "selection": selection,
        "starts_on": _bound(starts),
        "ends_on": _bound(ends),
        "useful_seconds": _span(useful),
        "spread_seconds": Auto.AUTO if spread == "auto" else _span(spread),
        "is_running": running,
    }
    if all(value is None for value in (schedule, zone, segment, *values.values())):
        if move_to is not None:
            cadence_people.move_all(digest, name, move_to)
            return
        raise InputError("Nothing to change was given; `digest cadence set --help` lists what can be.")
    now = common.now()
    with common.write() as session:
        cadence = cadence_named(session, digest_named(session, digest).id, name)
        cadence_people.check_target(session, cadence, move_to)
        set_cadence(session, cadence, cron=schedule, zone=zone, **values, actor=common.actor(), now=now)
        if segment is not None:
            wanted = None if segment == "none" else segment
            set_cadence_segment(session, cadence, wanted, actor=common.actor(), now=now)
        coming = next(iter(next_slots(session, cadence, count=1, now=now)), None)
        is_running, zone = cadence.is_running, cadence.zone
        stranded = "" if move_to else cadence_people.stranded_line(session, digest, cadence)
    if not is_running:
        common.say(f"The cadence {name} is stopped: no new editions come.")
        if stranded:
            common.say(stranded)
    elif coming is None:
        common.say(f"The cadence {name} is changed; no edition of it comes any more.")
    else:
        common.say(f"The cadence {name} is changed; its next slot is {common.shown(coming, zone)}.")
    if move_to is not None:
        cadence_people.move_all(digest, name, move_to)


@app.command("next", epilog="Example: digest cadence next courier morning --count 3")
def next_ones(
    digest: DigestName,
    name: Name,
    count: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 10,
    language: Annotated[str, typer.Option(help="The language of the words: en or hy.")] = "en",
    as_json: bool = JsonOption,
) -> None:
    """Show the next slots, in the cadence's zone and in UTC, and where a change of the clock matters."""
    from digest.editions.presets import schedule_words  # noqa: PLC0415
    from digest.editions.timetables import shown_slots  # noqa: PLC0415
    from digest.i18n import Translator  # noqa: PLC0415
    from digest.lists.queries import cadence_named, digest_named  # noqa: PLC0415

    words = Translator(language)
    with common.read() as session:
        cadence = cadence_named(session, digest_named(session, digest).id, name)
        found = shown_slots(session, cadence, count=count, now=common.now())
    if as_json:
        common.print_json([{"local": one.local, "utc": one.slot, "remarks": one.remarks} for one in found])
        return
    common.say(f"{name}: {schedule_words(cadence.cron, words)}, {words.place(cadence.zone)}.")
    rows = [(one.local, f"{one.slot:%a %Y-%m-%d %H:%M}", " ".join(one.sentences(words))) for one in found]
    common.print_table((cadence.zone, "UTC", ""), rows, empty="It never comes due.")
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
    from digest.editions.presets import schedule_words  # noqa: PLC0415
    from digest.editions.show import cadences_of  # noqa: PLC0415
    from digest.editions.timetables import next_slots  # noqa: PLC0415
    from digest.i18n import Translator  # noqa: PLC0415
    from digest.lists.queries import digest_named  # noqa: PLC0415
    from digest.lists.segments import segments_of  # noqa: PLC0415

    with common.read() as session:
        owner = digest_named(session, digest).id if digest else None
        found = cadences_of(session, owner)
        segments = {segment.id: segment.name for _, segment in segments_of(session, owner)}
        now = common.now()
        running = [one for _, one in found if one.is_running]
        slots = {one.id: next_slots(session, one, count=1, now=now) for one in running}
    coming = {number: found[0] for number, found in slots.items() if found}
    words = Translator("en")
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
            schedule_words(one.cron, words),
            one.zone,
            "auto" if one.spread_seconds is None else common.span(one.spread_seconds),
            common.span(one.useful_seconds),
            segments.get(one.segment_id or 0, "everybody"),
            common.shown(coming.get(one.id)) if one.is_running else "stopped",
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
        "preset": cadence.preset,
        "zone": cadence.zone,
        "lead_seconds": cadence.lead_seconds,
        "grace_seconds": cadence.grace_seconds,
        "missed": cadence.missed,
        "starts_on": cadence.starts_on.isoformat() if cadence.starts_on else None,
        "ends_on": cadence.ends_on.isoformat() if cadence.ends_on else None,
        "wants_approval": cadence.wants_approval,
        "approval_seconds": cadence.approval_seconds,
        "approval_outcome": cadence.approval_outcome,
        "hold_seconds": cadence.hold_seconds,
        "hold_outcome": cadence.hold_outcome,
        "selection": cadence.selection,
        "useful_seconds": cadence.useful_seconds,
        "spread_seconds": cadence.spread_seconds,
        "is_running": cadence.is_running,
    }


def _schedule(every: str | None, at: list[str] | None, cron: list[str] | None) -> str | Preset | None:
    """What was chosen in one way or the other; raises InputError for both."""
    from digest.editions.presets import parse_preset  # noqa: PLC0415

    if cron and (every or at):
        raise InputError("Give --every with --at, or --cron; not both.")
    if cron:
        return "\n".join(cron)
    return parse_preset(every or "day", at or []) if every or at else None


def _bound(text: str | None) -> dt.date | Unbounded | None:
    from digest.editions.cadences import Unbounded  # noqa: PLC0415
    from digest.editions.dates import parse_day  # noqa: PLC0415

    if text is None:
        return None
    return Unbounded.NONE if text == "none" else parse_day(text)


def _span(text: str | None) -> int | None:
    return None if text is None else common.parse_span(text)

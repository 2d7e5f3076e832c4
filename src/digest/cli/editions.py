"""`digest edition`: see, lock and send editions."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digest.cli import (
    after_sending,
    approvals,
    common,
    last_look,
    looking,
    ramp_up,
    revisions,
    segments,
    sending,
    shaping,
)
from digest.cli.common import JsonOption
from digest.cli.preflight import plain, say_findings
from digest.cli.variants import print_variants
from digest.errors import DigestError, InputError, StateError
from digest.models import EditionState

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from digest.config import Settings
    from digest.editions.freeze import FreezeSettings
    from digest.editions.show import EditionLine, EditionView
    from digest.i18n import Translator
    from digest.models import Cadence
    from digest.net.http import Fetcher

app = common.group("The editions of the digests: past, coming and being handed over.")

# Without a name: its commands stand among these.
app.add_typer(revisions.app)
app.add_typer(approvals.of_edition)
app.add_typer(after_sending.app)
app.add_typer(last_look.app)
app.add_typer(shaping.app)
app.add_typer(looking.app)
# The commands for a send that is under way stand beside these: `digest edition pause`.
app.registered_commands += sending.app.registered_commands

EditionId = Annotated[int, typer.Argument(metavar="ID", help="The edition's id.")]
Language = Annotated[str, typer.Option(help="The language of states and reasons: en or hy.")]


@app.command("list", epilog="Example: digest edition list --digest courier --state upcoming")
def list_all(
    digest: Annotated[str | None, typer.Option(help="Only of this digest.")] = None,
    state: Annotated[
        list[EditionState] | None, typer.Option(help="Only in this state. May be repeated.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 20,
    language: Language = "en",
    as_json: bool = JsonOption,
) -> None:
    """Show editions by their slots, the newest first."""
    from digest.cli.messages import edition_state  # noqa: PLC0415
    from digest.editions.show import list_editions  # noqa: PLC0415
    from digest.i18n import Translator  # noqa: PLC0415
    from digest.lists.queries import digest_named  # noqa: PLC0415

    words = Translator(language)
    with common.read() as session:
        owner = digest_named(session, digest).id if digest else None
        found = list_editions(session, digest_id=owner, states=state or (), limit=limit)
    if as_json:
        common.print_json([_line_as_dict(line, words) for line in found])
        return
    rows = [
        (
            line.id,
            line.digest,
            line.cadence if line.kind == "scheduled" else f"{line.cadence} ({line.kind})",
            line.due_local,
            edition_state(line, words),
            line.subject or None,
        )
        for line in found
    ]
    columns = ("id", "digest", "cadence", "goes out at", "state", "subject")
    common.print_table(columns, rows, empty="There is no edition that fits; `digest cadence add` makes some.")


@app.command("show", epilog="Example: digest edition show 12")
def show(edition: EditionId, language: Language = "en", as_json: bool = JsonOption) -> None:
    """Show an edition: its state, its stories, how far it is handed over, what its mail service says."""
    from digest.editions.page_again import list_amendments  # noqa: PLC0415
    from digest.editions.remarks import remark_sentence  # noqa: PLC0415
    from digest.editions.show import get_edition, show_edition  # noqa: PLC0415
    from digest.i18n import Translator  # noqa: PLC0415
    from digest.lists.segments import EVERYBODY, segment_of  # noqa: PLC0415

    words = Translator(language)
    with common.read() as session:
        view = show_edition(session, edition)
        found = get_edition(session, edition)
        chosen, remarks = segment_of(session, found), found.remarks
        corrects, put_right = found.corrects_id, list_amendments(session, edition)
    segment = chosen.name if chosen is not None else None
    if as_json:
        more = {"corrects": corrects, "amendments": after_sending.as_dicts(put_right)}
        common.print_json(_view_as_dict(view, words) | {"segment": segment, "remarks": remarks} | more)
        return
    if corrects is not None:
        common.say(f"It corrects edition {corrects}, and goes to those who had the story there.")
    if segment == EVERYBODY:
        common.say("It goes to everybody, whatever segment its cadence goes to.")
    elif segment is not None:
        common.say(f"It goes to the segment {segment}.")
    _print_view(view, words)
    for one in remarks:
        common.say(f"! {remark_sentence(one, words)}")
    after_sending.print_amendments(put_right)
    if view.findings:
        say_findings(view.findings, (), words, head=f"The checks (`digest preflight {edition}`)", mends=False)


@app.command("freeze", epilog="Example: digest edition freeze 12")
def freeze(edition: EditionId, language: Language = "en") -> None:
    """Lock an edition now: collect, choose, render, fix. Exit code 1 if it could not be locked."""
    from digest.cli.messages import edition_state  # noqa: PLC0415
    from digest.editions.freeze import FREEZABLE  # noqa: PLC0415
    from digest.editions.freeze import freeze as freeze_edition  # noqa: PLC0415
    from digest.editions.show import get_edition, show_edition  # noqa: PLC0415
    from digest.i18n import Translator  # noqa: PLC0415
    from digest.net.http import Fetcher, user_agent  # noqa: PLC0415

    words, settings = Translator(language), common.settings()
    with common.open_database() as database:
        with database.read() as session:
            state = get_edition(session, edition).state
        if state not in FREEZABLE:
            raise StateError(
                f"Edition {edition} is {state}; only one that is upcoming or held can be locked."
            )
        with Fetcher(settings.private_hosts, user_agent(settings.contact)) as fetcher:
            freeze_edition(database, edition, _freeze_settings(settings, fetcher))
        with database.read() as session:
            view = show_edition(session, edition)
    outcome = edition_state(view.line, words)
    if view.line.state in FREEZABLE:
        raise DigestError(f"Edition {edition} could not be locked: {outcome}")
    common.say(f"Edition {edition}: {outcome}")
    if view.line.subject:
        common.say(f"{view.line.subject} ({len(view.items)} stories, version {view.revision})")


@app.command("extra", epilog="Example: digest edition extra courier morning")
def extra(
    digest: Annotated[str, typer.Argument(metavar="DIGEST", help="The digest.")],
    cadence: Annotated[
        str | None,
        typer.Argument(metavar="[CADENCE]", help="Whose readers get it; needed if there are several."),
    ] = None,
    at: Annotated[
        str | None, typer.Option(help="When it goes out, in the cadence's zone: 2027-01-15T07:00; else now.")
    ] = None,
    segment: Annotated[
        str | None, typer.Option(help="Of its readers only those in this segment; else as its cadence.")
    ] = None,
    everybody: Annotated[bool, typer.Option("--everybody", help=segments.TO_EVERYBODY)] = False,
    as_json: bool = JsonOption,
) -> None:
    """Put an extra edition beside the schedule."""
    from digest.editions.cadences import add_extra  # noqa: PLC0415
    from digest.lists.segments import set_edition_segment  # noqa: PLC0415

    now, wanted = common.now(), segments.choice_of(segment, everybody=everybody)
    with common.write() as session:
        chosen = _cadence(session, digest, cadence)
        due_at = common.parse_moment(at, chosen.zone) if at else now
        if due_at < now:
            raise InputError("An extra edition cannot go out in the past.")
        made = add_extra(session, chosen, due_at=due_at, actor=common.actor(), now=now)
        if wanted is not None:
            set_edition_segment(session, made, wanted, actor=common.actor(), now=now)
        result = {"id": made.id, "cadence": chosen.name, "due_at": made.due_at, "due_local": made.due_local}
    if as_json:
        common.print_json(result)
    else:
        common.say(f"The extra edition {result['id']} goes out at {common.shown(due_at, chosen.zone)}.")


@app.command("breaking", epilog="Example: digest edition breaking courier morning --post 41 --post 40")
def breaking(
    digest: Annotated[str, typer.Argument(metavar="DIGEST", help="The digest.")],
    cadence: Annotated[
        str | None,
        typer.Argument(metavar="[CADENCE]", help="Whose readers get it; needed if there are several."),
    ] = None,
    post: Annotated[
        list[int] | None,
        typer.Option(help="A story's id, in the order wanted. May be repeated; else what is new."),
    ] = None,
    as_json: bool = JsonOption,
) -> None:
    """Send a breaking edition at once, before all other mail. The scheduled ones come as they would have."""
    from digest.editions.cadences import add_breaking  # noqa: PLC0415

    with common.write() as session:
        chosen = _cadence(session, digest, cadence)
        made = add_breaking(session, chosen, post or (), actor=common.actor(), now=common.now())
        result = {"id": made.id, "cadence": chosen.name, "due_at": made.due_at, "due_local": made.due_local}
    if as_json:
        common.print_json(result)
    else:
        common.say(f"The breaking edition {result['id']} is locked now and goes out as soon as it is.")


@app.command("web", epilog="Example: digest edition web 12")
def web(edition: EditionId) -> None:
    """Print the address of an edition on the web. It opens once the edition goes out."""
    from digest.editions.show import get_edition  # noqa: PLC0415

    with common.read() as session:
        common.say(_web_address(get_edition(session, edition).public_id))


app.command("ramp-up-rest", epilog="Example: digest edition ramp-up-rest 12 --out rest.csv")(
    ramp_up.ramp_up_rest
)


app.command("segment", epilog="Example: digest edition segment 12 --segment armenian")(segments.for_edition)


def _cadence(session: Session, digest: str, name: str | None) -> Cadence:
    """The named cadence of a digest, or its only one."""
    from digest.editions.show import cadences_of  # noqa: PLC0415
    from digest.lists.queries import cadence_named, digest_named  # noqa: PLC0415

    owner = digest_named(session, digest)
    if name is not None:
        return cadence_named(session, owner.id, name)
    found = [cadence for _, cadence in cadences_of(session, owner.id)]
    if not found:
        raise StateError(
            f"The digest {digest} has no cadence; add one with `digest cadence add {digest} ...`."
        )
    if len(found) > 1:
        names = ", ".join(cadence.name for cadence in found)
        raise InputError(f"The digest {digest} has several cadences; name one of: {names}.")
    return found[0]


def _freeze_settings(settings: Settings, fetcher: Fetcher) -> FreezeSettings:
    from digest.editions.freeze import FreezeSettings  # noqa: PLC0415

    return FreezeSettings(
        fetcher=fetcher,
        public_url=settings.public_url,
        templates=settings.templates,
        collect_interval=dt.timedelta(seconds=settings.collect_interval_seconds),
        plan_lead=dt.timedelta(seconds=settings.plan_lead_seconds),
    )


def _web_address(public_id: str) -> str:
    return f"{common.settings().public_url}/e/{public_id}"


def _print_view(view: EditionView, words: Translator) -> None:
    from digest.cli.messages import edition_state  # noqa: PLC0415

    line = view.line
    common.print_fields(
        {
            "edition": f"{line.id} ({line.kind}) of {line.digest}, {line.cadence}",
            "state": edition_state(line, words),
            "slot": f"{line.due_local} {line.zone} = {common.shown(line.due_at)}",
            "may go out": common.shown(line.send_at) if line.send_at != line.due_at else "at its slot",
            "subject": line.subject or None,
            "version": view.revision,
            "people": _people(view),
            "web": _web_address(line.public_id),
        }
    )
    for fault in view.faults:
        common.say(
            f"mail service: {fault.fault} ({fault.batches} batches wait, "
            f"next try {common.shown(fault.next_try_at)})"
        )
    if not view.is_fixed and view.items:
        common.say("As it looks now (it can still change):")
    rows = [
        (number, item.role.value, item.title, item.author or None, common.shown(item.published_at))
        for number, item in enumerate(view.items, start=1)
    ]
    common.print_table(("story", "role", "title", "author", "published"), rows, empty="It has no stories.")
    print_variants(view.variants, "Its mails, by topics and text size:")


def _people(view: EditionView) -> str:
    """How many deliveries there are of each status."""
    if view.planned_at is None:
        return "not fixed yet"
    told = "; ".join(f"{count} {status.value}" for status, count in view.deliveries.items() if count)
    return f"{told} (no longer on record one by one)" if view.dropped_at else told


def _line_as_dict(line: EditionLine, words: Translator) -> dict[str, Any]:
    from digest.editions.reasons import sentence  # noqa: PLC0415

    return {
        "id": line.id,
        "digest": line.digest,
        "cadence": line.cadence,
        "kind": line.kind,
        "state": line.state,
        "reason": line.reason,
        "sentence": sentence(line.reason, words) if line.reason else "",
        "detail": line.reason_detail,
        "due_at": line.due_at,
        "due_local": line.due_local,
        "zone": line.zone,
        "send_at": line.send_at,
        "subject": line.subject,
        "web": _web_address(line.public_id),
    }


def _view_as_dict(view: EditionView, words: Translator) -> dict[str, Any]:
    return {
        **_line_as_dict(view.line, words),
        "is_fixed": view.is_fixed,
        "revision": view.revision,
        "fingerprint": view.fingerprint,
        "planned_at": view.planned_at,
        "items": view.items,
        "deliveries": {status.value: count for status, count in view.deliveries.items()},
        "faults": view.faults,
        "dropped_at": view.dropped_at,
        "variants": view.variants,
        "findings": [plain(one, words) for one in view.findings],
    }

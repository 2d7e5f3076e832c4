"""`digest edition send|status|watch|pause|resume|cancel|retry`: an edition on its way out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digest.cli import common
from digest.cli.common import JsonOption
from digest.errors import InputError
from digest.models import DeliveryReason, DeliveryStatus

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from digest.deliveries.control import Failed
    from digest.deliveries.figures import Progress
    from digest.editions.show import EditionLine

app = common.group("An edition on its way out.")

EditionId = Annotated[int, typer.Argument(metavar="ID", help="The edition's id.")]
Language = Annotated[str, typer.Option(help="The language of states and reasons: en or hy.")]
Because = Annotated[str, typer.Option("--because", help="Why, in a few words; shown with the edition.")]


@app.command("send", epilog="Example: digest edition send 12")
def send(edition: EditionId) -> None:
    """Let an edition go out at once instead of at its slot; a worker locks it first if need be."""
    from digest.deliveries.control import count_waiting  # noqa: PLC0415
    from digest.editions.cadences import send_now  # noqa: PLC0415
    from digest.editions.show import get_edition  # noqa: PLC0415

    with common.write() as session:
        found = get_edition(session, edition)
        people = count_waiting(session, found)
        send_now(session, found, actor=common.actor(), now=common.now())
    common.say(
        f"Edition {edition} goes out to {people:,} people as soon as a worker takes it; "
        f"`digest edition watch {edition}` shows how far it is."
    )


@app.command("status", epilog="Example: digest edition status 12 --json")
def status(edition: EditionId, language: Language = "en", as_json: bool = JsonOption) -> None:
    """Show how far an edition is: people, rate, end, providers, replies, what mail services do wrong."""
    from digest.cli.watch import print_screen  # noqa: PLC0415
    from digest.i18n import Translator  # noqa: PLC0415

    words = Translator(language)
    with common.open_database() as database, database.read() as session:
        line, found = _look(session, edition)
    if as_json:
        common.print_json(as_dict(line, found))
    else:
        print_screen(line, found, words)


@app.command("watch", epilog="Example: digest edition watch 12")
def watch(
    edition: EditionId,
    every: Annotated[
        float | None,
        typer.Option(min=0.05, max=3600, help="Seconds between two looks; 1 at a terminal, else 5."),
    ] = None,
    language: Language = "en",
    as_json: bool = JsonOption,
) -> None:
    """Watch an edition until it is final. Only looks: leave with Ctrl-C and join again as you like.

    At a terminal it is a picture that changes, else a line for each change, or with --json an object a line.
    Exit code 0 once it is final, 3 if it is paused or held and waits for a person.
    """
    from digest.cli.watch import Picture, follow, print_line  # noqa: PLC0415
    from digest.i18n import Translator  # noqa: PLC0415

    words = Translator(language)
    with common.open_database() as database:
        if as_json:
            last = follow(
                database, edition, every or 5.0, lambda line, now: common.print_json_line(as_dict(line, now))
            )
        elif common.is_terminal():
            with Picture(words) as picture:
                last = follow(database, edition, every or 1.0, picture.show, always=True)
        else:
            last = follow(database, edition, every or 5.0, lambda line, now: print_line(line, now, words))
    if not last.is_over:
        raise typer.Exit(3)


@app.command("pause", epilog='Example: digest edition pause 12 --because "a wrong name in the headline"')
def pause(edition: EditionId, because: Because = "") -> None:
    """Stop handing an edition over for now. What is on the wire is finished; nobody is forgotten."""
    from digest.deliveries import control  # noqa: PLC0415
    from digest.editions.show import get_edition  # noqa: PLC0415

    with common.write() as session:
        found = get_edition(session, edition)
        is_new = control.pause(session, found, actor=common.actor(), now=common.now(), detail=because)
        _, after = _look(session, edition, details=False)
    common.say(
        f"Edition {edition} is paused{'' if is_new else ' already'}: {_have_it(after)}, {_wait(after)}. "
        f"`digest edition resume {edition}` goes on, `digest edition cancel {edition}` ends it."
    )


@app.command("resume", epilog="Example: digest edition resume 12")
def resume(edition: EditionId) -> None:
    """Go on with a paused edition, where it was. What its mail service did wrong is tried again at once."""
    from digest.deliveries import control  # noqa: PLC0415
    from digest.editions.show import get_edition  # noqa: PLC0415

    with common.write() as session:
        found = get_edition(session, edition)
        is_new = control.resume(session, found, actor=common.actor(), now=common.now())
        _, after = _look(session, edition, details=False)
    common.say(f"Edition {edition} goes on{'' if is_new else ' already'}: {_have_it(after)}, {_wait(after)}.")


@app.command("cancel", epilog="Example: digest edition cancel 12 --yes")
def cancel(
    edition: EditionId,
    because: Because = "",
    yes: Annotated[bool, typer.Option("--yes", help="Yes, although people still wait for it.")] = False,
) -> None:
    """End an edition for good: who has not got it yet, will not. There is no way back."""
    from digest.deliveries import control  # noqa: PLC0415
    from digest.deliveries.handover import settle_cancelled  # noqa: PLC0415
    from digest.editions.show import get_edition  # noqa: PLC0415

    with common.open_database() as database:
        with database.read() as session:
            found = get_edition(session, edition)
            waiting = control.count_waiting(session, found) if found.state in control.CANCELLABLE else 0
            _, before = _look(session, edition, details=False)
        if waiting and not yes:
            raise InputError(
                f"{waiting:,} people still wait for edition {edition} and would not get it "
                f"({_have_it(before)}); that is final. Say --yes if it is meant, "
                f"or `digest edition pause {edition}`."
            )
        with database.write() as session:
            found = get_edition(session, edition)
            control.cancel(session, found, actor=common.actor(), now=common.now(), detail=because)
        # On its own: workers see the cancel at once, however long it takes to note it for a million people.
        with database.write() as session:
            settle_cancelled(session, now=common.now())
        with database.read() as session:
            _, after = _look(session, edition, details=False)
    skipped, pending = after.reasons.get(DeliveryReason.CANCELLED, 0), after.counts[DeliveryStatus.PENDING]
    rest = f"; a worker lets go of {pending:,} more within seconds" if pending else ""
    common.say(f"Edition {edition} is cancelled: {skipped:,} people are not mailed, {_have_it(after)}{rest}.")


@app.command("retry", epilog="Example: digest edition retry 12 --code 552 --provider Google --dry-run")
def retry(
    edition: EditionId,
    code: Annotated[
        list[int] | None, typer.Option(min=400, max=599, help="Only this SMTP code. May be repeated.")
    ] = None,
    enhanced: Annotated[
        list[str] | None, typer.Option(help="Only this enhanced code, like 5.2.2. May be repeated.")
    ] = None,
    provider: Annotated[
        list[str] | None,
        typer.Option(help="Only this provider's people, as `status` names it. May be repeated."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how many people that is.")] = False,
    as_json: bool = JsonOption,
) -> None:
    """Try once more with people who failed: all, or those of some replies or providers."""
    from digest.deliveries import control  # noqa: PLC0415
    from digest.editions.show import get_edition  # noqa: PLC0415

    which = _which(code or (), enhanced or (), provider or ())
    scope = common.read() if dry_run else common.write()
    with scope as session:
        found = get_edition(session, edition)
        if dry_run:
            people = control.count_failed(session, edition, which)
        else:
            people = control.retry(session, found, which, actor=common.actor(), now=common.now())
    if as_json:
        common.print_json({"edition": edition, "people": people, "dry_run": dry_run})
    elif not people:
        common.say(f"Nobody failed with edition {edition} in that way.")
    else:
        would = "would be" if dry_run else "are"
        common.say(f"{people:,} people who failed {would} tried again with edition {edition}.")


def as_dict(line: EditionLine, found: Progress) -> dict[str, Any]:
    """Where an edition is, for programs."""
    return {
        "id": line.id,
        "digest": line.digest,
        "cadence": line.cadence,
        "subject": line.subject,
        "state": found.state,
        "reason": found.reason,
        "detail": found.reason_detail,
        "state_since": found.state_since,
        "at": found.at,
        "is_over": found.is_over,
        "people": found.people,
        "deliveries": {status.value: count for status, count in found.counts.items()},
        "reasons": {reason.value: count for reason, count in found.reasons.items()},
        "may_have_arrived": found.may_have_arrived,
        "rate": round(found.rate, 2),
        "rate_last_minute": round(found.rate_last_minute, 2),
        "ends_at": found.ends_at,
        "batches": found.batches,
        "waiting": found.waiting,
        "providers": [
            {
                "name": one.name,
                "people": one.people,
                **{status.value: count for status, count in one.counts.items()},
            }
            for one in found.providers
        ],
        "replies": found.replies,
        "faults": found.faults,
        "rests": found.rests,
        "dropped_at": found.dropped_at,
    }


def _look(session: Session, edition: int, *, details: bool = True) -> tuple[EditionLine, Progress]:
    from digest.deliveries.progress import progress  # noqa: PLC0415
    from digest.editions.show import edition_line  # noqa: PLC0415

    line = edition_line(session, edition)
    return line, progress(session, edition, now=common.now(), details=details)


def _have_it(found: Progress) -> str:
    sent, unsure = found.counts[DeliveryStatus.SENT], found.may_have_arrived
    return f"{sent:,} have it" + (f", {unsure:,} may have it" if unsure else "")


def _wait(found: Progress) -> str:
    return f"{found.counts[DeliveryStatus.PENDING]:,} wait for it"


def _which(codes: Sequence[int], enhanced: Sequence[str], providers: Sequence[str]) -> Failed:
    """The people that are meant; raises InputError for what is no code and for an unknown provider."""
    from digest.deliveries.control import Failed  # noqa: PLC0415
    from digest.deliveries.providers import OTHER, PROVIDERS, provider_named  # noqa: PLC0415

    for one in enhanced:
        if not re.fullmatch(r"[45]\.[0-9]{1,3}\.[0-9]{1,3}", one):
            raise InputError(f"{one[:20]!r} is no enhanced code; it is written like 5.2.2.")
    named = {one: provider_named(one) for one in providers}
    for one, name in named.items():
        if name is None:
            known = ", ".join([*PROVIDERS, OTHER])
            raise InputError(f"There is no provider {one[:40]!r}; there are: {known}.")
    return Failed(tuple(codes), tuple(enhanced), tuple(name for name in named.values() if name))

"""`digest permission`: ask those who have long been silent whether they still want a list."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli import common
from digest.cli.common import JsonOption
from digest.errors import NotFoundError

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from digest.lists.permission import RunCounts
    from digest.models import PermissionRun

app = common.group("Ask those who have long been silent whether they still want a list.")

ListName = Annotated[str, typer.Argument(metavar="LIST", help="The list.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say how many people it would be.")]


@app.command("start", epilog="Example: digest permission start readers --silent-for 365d --answer-within 30d")
def start(
    list_name: ListName,
    silent_for: Annotated[str, typer.Option(help="How long without a sign of life: 365d.")],
    answer_within: Annotated[str, typer.Option(help="How long they may take to answer: 30d.")],
    dry_run: DryRun = False,
    as_json: bool = JsonOption,
) -> None:
    """Ask each of them once, by a mail with one link. Paused and suppressed people are not asked."""
    from digest.lists.permission import count_silent, counts, start_run  # noqa: PLC0415
    from digest.lists.queries import list_named  # noqa: PLC0415

    now = common.now()
    silent = dt.timedelta(seconds=common.parse_span(silent_for))
    answer = dt.timedelta(seconds=common.parse_span(answer_within))
    if dry_run:
        with common.read() as session:
            people = count_silent(session, list_named(session, list_name).id, now - silent)
        if as_json:
            common.print_json({"people": people})
        else:
            common.say(f"{people:,} people of {list_name} would be asked.")
        return
    with common.write() as session:
        mailing_list = list_named(session, list_name)
        actor = common.actor()
        run = start_run(session, mailing_list, silent_for=silent, answer_within=answer, actor=actor, now=now)
        found = counts(session, run)
    if as_json:
        common.print_json(found)
    else:
        common.say(
            f"{found.waiting:,} people of {list_name} are being asked; "
            f"they may answer until {common.shown(found.answer_until)}."
        )


@app.command("status", epilog="Example: digest permission status readers")
def status(
    list_name: Annotated[str | None, typer.Argument(metavar="[LIST]", help="Only runs of this list.")] = None,
    as_json: bool = JsonOption,
) -> None:
    """Show the runs: who is still to be asked, was asked, has answered, and would end."""
    from digest.lists.permission import all_runs, counts  # noqa: PLC0415
    from digest.lists.queries import list_named  # noqa: PLC0415

    with common.read() as session:
        list_id = list_named(session, list_name).id if list_name else None
        found = [counts(session, run) for run in all_runs(session, list_id)]
    if as_json:
        common.print_json(found)
        return
    rows = [
        (
            one.id,
            one.list_name,
            common.shown(one.answer_until),
            "closed" if one.closed_at else "open",
            f"{one.waiting:,}",
            f"{one.asked:,}",
            f"{one.handed_over:,}",
            f"{one.answered:,}",
            f"{one.to_end:,}",
        )
        for one in found
    ]
    columns = (
        *("run", "list", "answers until", "state"),
        *("to be asked", "asked", "handed over", "answered", "no answer"),
    )
    common.print_table(columns, rows, empty="Nobody has been asked yet: `digest permission start`.")


@app.command("close", epilog="Example: digest permission close readers --dry-run")
def close(
    list_name: ListName,
    dry_run: DryRun = False,
    end_nobody: Annotated[
        bool, typer.Option("--end-nobody", help="Only stop asking; nobody's subscription ends.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether this is meant.")] = False,
    as_json: bool = JsonOption,
) -> None:
    """End the subscriptions of those who did not answer in time; look first with --dry-run."""
    from digest.lists.permission import check_closable, close_run, counts  # noqa: PLC0415

    now = common.now()
    with common.open_database() as database:
        with database.read() as session:
            run = _open_run(session, list_name)
            found = counts(session, run)
        if dry_run:
            _say_what_ends(found, as_json=as_json)
            return
        if not end_nobody:
            check_closable(run, now=now)
            if not yes:
                question = f"{found.to_end:,} subscriptions to {list_name} will end. Close the run?"
                typer.confirm(question, abort=True, err=True)
        actor = common.actor()
        with common.progress() as tell:
            ended = close_run(database, run.id, actor=actor, now=now, end_nobody=end_nobody, progress=tell)
    if as_json:
        common.print_json({"run": run.id, "ended": ended})
    else:
        common.say(f"The run is closed; {ended:,} subscriptions ended.")


def _open_run(session: Session, list_name: str) -> PermissionRun:
    from digest.lists.permission import open_run  # noqa: PLC0415
    from digest.lists.queries import list_named  # noqa: PLC0415

    run = open_run(session, list_named(session, list_name).id)
    if run is None:
        raise NotFoundError(f"The list {list_name} has no open run.")
    return run


def _say_what_ends(found: RunCounts, *, as_json: bool) -> None:
    if as_json:
        common.print_json(found)
        return
    common.say(
        f"{found.to_end:,} of {found.asked:,} people who were asked have not answered: they would end. "
        f"{found.asked - found.handed_over:,} have not been reached: they stay."
    )

"""`digest retention`: what is kept for how long, and what is past its time."""

from __future__ import annotations

import datetime as dt

import typer

from digest.cli import common
from digest.cli.common import JsonOption
from digest.lists import retention

app = common.group("What is kept for how long.")


@app.command("show", epilog="Example: digest retention show --json")
def show(as_json: bool = JsonOption) -> None:
    """Show for each kind how long it is kept, how much is past its time, and the last run."""
    with common.read() as session:
        lines = retention.describe(session, _times(), now=common.now())
        last = retention.last_run(session)
    if as_json:
        common.print_json({"kinds": lines, "last_run": last})
        return
    rows = [(line.kind.value, line.kept, line.due) for line in lines]
    common.print_table(("kind", "kept", "past its time"), rows, empty="")
    common.say("deliveries: see `digest doctor` and DIGEST_KEEP_DELIVERIES_DAYS; they go by themselves.")
    if last is None:
        common.say("It has not run yet.")
        return
    gone = ", ".join(f"{number} {kind}" for kind, number in last.report.deleted.items() if number)
    ended = "" if last.report.is_done else "; it goes on within the hour"
    common.say(f"Last run: {common.shown(last.at)} by {last.actor}, deleted {gone or 'nothing'}{ended}.")


@app.command("run", epilog="Example: digest retention run")
def run(
    seconds: float = typer.Option(600.0, min=1, max=86_400, help="End after so long; the rest is for later."),
    as_json: bool = JsonOption,
) -> None:
    """Delete now what is past its time; the workers do so once a day."""
    shown = common.is_terminal() and not as_json

    def tell(kind: retention.Kind, number: int) -> None:
        if shown:
            typer.echo(f"\r{kind.value}: {number}", nl=False, err=True)

    with common.open_database() as database:
        report = retention.run(
            database, _times(), actor=common.actor(), now=common.now(), seconds=seconds, progress=tell
        )
    if shown and any(report.deleted.values()):
        typer.echo("", err=True)
    if as_json:
        common.print_json(report)
        return
    common.print_fields({f"{kind} deleted": number for kind, number in report.deleted.items()})
    if not report.is_done:
        common.say("There is more: run it again.")


def _times() -> retention.RetentionTimes:
    config = common.settings()
    return retention.RetentionTimes(
        notices=dt.timedelta(days=config.keep_notices_days), links=dt.timedelta(days=config.keep_links_days)
    )

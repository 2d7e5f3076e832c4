"""`digest suppression`: the do-not-mail list."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import typer

from digest import audit
from digest.cli import common
from digest.cli.common import JsonOption
from digest.cli.import_report import show_bad_lines
from digest.cli.imports import ForceOption, ReportOption, opened, writes_to, writing
from digest.lists import suppress
from digest.lists.status import Origin
from digest.lists.suppression_export import export_suppressions
from digest.lists.suppression_files import SuppressionReport, import_suppressions
from digest.lists.suppression_lines import SuppressionOrder
from digest.models import Suppression, SuppressionCause, SuppressionKind

app = common.group("The do-not-mail list.")

_Cause = typer.Option(
    SuppressionCause.NEVER,
    help="`bounce` and `complaint` end with the person's own new sign-up; `never` and `legal` do not.",
)
_Target = typer.Argument(help="A mail address, or a domain such as example.org.")


@app.command("add", epilog="Example: digest suppression add ani@example.org --reason complaint")
def add(
    target: str = _Target,
    reason: str = typer.Option(..., help="Why, in a word or two."),
    cause: SuppressionCause = _Cause,
) -> None:
    """Never mail an address or a domain again, whatever list it is on."""
    now = common.now()
    address_key = common.load_keys().address_key
    with common.write() as session:
        if "@" in target:
            made = suppress.suppress_address(
                session, address_key, target, reason=reason, cause=cause, source=Origin.CLI, now=now
            )
        else:
            made = suppress.suppress_domain(
                session, target, reason=reason, cause=cause, source=Origin.CLI, now=now
            )
        if made is not None:
            details = {"kind": made.kind.value, "cause": made.cause.value, "reason": made.reason}
            audit.record(session, "suppression.add", made, actor=common.actor(), now=now, details=details)
    common.say(
        "On the do-not-mail list." if made else "On the do-not-mail list already; nothing was changed."
    )


@app.command("remove", epilog="Example: digest suppression remove example.org")
def remove(target: str = _Target) -> None:
    """Take an address or a domain off the do-not-mail list. It puts nobody back on a mailing list."""
    address_key = common.load_keys().address_key
    with common.write() as session:
        if "@" in target:
            found = suppress.release_address(session, address_key, target)
        else:
            found = suppress.release_domain(session, target)
        if found is not None:
            now = common.now()
            details = {"kind": found.kind.value, "reason": found.reason}
            audit.record(session, "suppression.remove", found, actor=common.actor(), now=now, details=details)
    common.say("Off the do-not-mail list." if found else "Not on the do-not-mail list; nothing was changed.")


@app.command("list", epilog="Example: digest suppression list --kind domain --json")
def list_all(
    kind: SuppressionKind | None = typer.Option(None, help="Only addresses or only domains."),
    cause: SuppressionCause | None = typer.Option(None, help="Only those with this cause."),
    limit: int = typer.Option(100, min=1, max=100_000, help="At most so many, the newest first."),
    after: int | None = typer.Option(None, min=1, help="Go on after this number."),
    as_json: bool = JsonOption,
) -> None:
    """Show the do-not-mail list. Of addresses only a keyed hash is kept."""
    with common.read() as session:
        found = suppress.page(session, limit=limit, after=after, kind=kind, cause=cause)
    if as_json:
        names = ("id", "kind", "value", "cause", "reason", "source", "created_at")
        common.print_json([{name: getattr(one, name) for name in names} for one in found])
        return
    rows = [
        (
            one.id,
            one.kind.value,
            _short(one),
            one.cause.value,
            one.reason,
            one.source,
            common.shown(one.created_at),
        )
        for one in found
    ]
    columns = ("number", "kind", "value", "cause", "reason", "by", "since")
    common.print_table(columns, rows, empty="Nothing more." if after else "The do-not-mail list is empty.")
    common.say_more(found, limit)


@app.command(
    "import",
    epilog='Example: digest suppression import cleaned.csv --reason "from our old tool" --dry-run '
    "--report dry-run.csv",
)
def import_file(
    file: Path = typer.Argument(
        help="CSV in UTF-8, a zip of one, or .xlsx: an address or domain a line; a heading may name address, "
        "or value where domains stand too, and cause and reason."
    ),
    reason: str = typer.Option(..., help="Why, for the lines that do not say it."),
    cause: SuppressionCause = _Cause,
    dry_run: bool = typer.Option(False, "--dry-run", help="Only say what would be done."),
    report_file: Path | None = ReportOption,
    force: bool = ForceOption,
    as_json: bool = JsonOption,
) -> None:
    """Put the addresses and domains of a file on the do-not-mail list; nobody is taken off."""
    order = SuppressionOrder(common.load_keys().address_key, reason, cause, dry_run)
    now = common.now()
    with common.open_database() as database, opened(file) as stream:
        assert stream is not None
        with common.progress() as tell, ExitStack() as stack:
            out = stack.enter_context(writing(report_file, force=force)) if report_file else None
            sink = writes_to(out) if out else None
            report = import_suppressions(database, stream, order, now=now, progress=tell, sink=sink)
        if not dry_run:
            with database.write() as session:
                details = {name: getattr(report, name) for name in ("lines", "added", "stronger", "bad")}
                actor, what = common.actor(), Suppression()
                audit.record(session, "suppression.import", what, actor=actor, now=now, details=details)
    if as_json:
        common.print_json(report)
    else:
        _show_report(report)


@app.command("export", epilog="Example: digest suppression export -o do-not-mail.csv")
def export_file(
    output: Path | None = typer.Option(None, "--output", "-o", help="Write it into this file."),
) -> None:
    """Give out the whole list as CSV: domains and the addresses on record in clear, of others the hash."""
    with common.read() as session, common.progress() as tell:
        pieces = common.lines_told(export_suppressions(session), tell)
        if output is None:
            for piece in pieces:
                typer.echo(piece, nl=False)
            return
        common.write_private_file(output, pieces)
    common.say(f"The do-not-mail list is in {output}. It holds addresses: keep it as such.")


def _show_report(report: SuppressionReport) -> None:
    verb = "would be " if report.is_dry_run else ""
    common.print_fields(
        {
            "lines": report.lines,
            f"{verb}added": report.added,
            f"{verb}given a stronger cause": report.stronger,
            "on the list already": report.known,
            "repeated in the file": report.repeated,
            "not usable": report.bad,
        }
    )
    show_bad_lines(report.bad_lines, report.bad)


def _short(row: Suppression) -> str:
    return row.value if row.kind is SuppressionKind.DOMAIN else f"{row.value[:12]}..."

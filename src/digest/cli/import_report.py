"""The report of an import, for a person: counts on standard output, bad lines on standard error."""

from __future__ import annotations

import typer

from digest.cli import common
from digest.lists.import_csv import ImportReport


def show_report(report: ImportReport) -> None:
    """Print what became of the lines."""
    common.print_fields(
        {
            "lines": report.lines,
            "would be added" if report.is_dry_run else "added": report.added,
            "on the list already": report.known,
            "left or erased, not revived": report.left,
            "on the do-not-mail list": report.suppressed,
            "more than once in the file": report.repeated,
            "bad lines": report.bad,
        }
    )
    if report.ignored_columns:
        common.say(f"Columns nobody reads: {', '.join(report.ignored_columns)}.")
    for line in report.bad_lines:
        typer.echo(f"line {line.number}: {line.reason}", err=True)
    if report.bad > len(report.bad_lines):
        typer.echo(f"and {report.bad - len(report.bad_lines)} bad lines more", err=True)

"""`digest export`: the people of a list as a file that `digest subscriber import` reads back."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

import typer

from digest import audit
from digest.cli import common
from digest.cli.imports import ForceOption, writing
from digest.lists import queries
from digest.lists.export import export_list
from digest.lists.export_xlsx import as_xlsx
from digest.models import SubscriptionStatus


class Format(StrEnum):
    CSV = "csv"
    XLSX = "xlsx"


app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(epilog="Example: digest export readers --status active --status paused --output readers.csv")
def export(
    list_name: str = typer.Argument(help="The list."),
    status: list[SubscriptionStatus] = typer.Option([], "--status", help="Only those; may be given again."),
    format_: Format = typer.Option(Format.CSV, "--format", help="The kind of file."),
    output: Path | None = typer.Option(None, "--output", help="Write to this file, not to standard output."),
    force: bool = ForceOption,
) -> None:
    """Write the people of a list to a file. Who was erased is not in it."""
    with common.open_database() as database:
        with database.write() as session:
            mailing_list = queries.list_named(session, list_name)
            details = {"statuses": [one.value for one in status], "format": format_.value}
            audit.record(
                session, "list.export", mailing_list, actor=common.actor(), now=common.now(), details=details
            )
            list_id = mailing_list.id
        tables = export_list(database, list_id, statuses=status)
        with writing(output, force=force) as stream, common.progress() as tell:
            pieces = common.lines_told(tables, tell)
            if format_ is Format.XLSX:
                as_xlsx(pieces, stream)
                return
            for piece in pieces:
                stream.write(piece)

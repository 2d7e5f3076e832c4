"""`digest subscriber import`: people from a file onto a list."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

import typer

from digest.cli import common
from digest.cli.common import JsonOption
from digest.cli.import_report import as_fields, ended_fields, show_preview, show_report
from digest.cli.imports import ForceOption, ReportOption, note, opened, writes_to, writing
from digest.db import Database
from digest.lists import assets, queries
from digest.lists.import_order import ImportOrder, ImportReport
from digest.lists.import_read import preview as import_preview
from digest.lists.import_run import import_by_id, import_subscribers
from digest.lists.mappings import Meaning, parse_map

_EXAMPLE = (
    'Example: digest subscriber import people.csv --list readers --basis "moved from our old list" '
    '--map "E-mail=address" --map "Ort=attribute:city" --dry-run --report dry-run.csv'
)


def register(app: typer.Typer) -> None:
    """Make it a command of the group."""
    app.command("import", epilog=_EXAMPLE)(import_file)


def import_file(
    file: Path = typer.Argument(
        help="CSV or TSV in UTF-8, a zip of one, or .xlsx; the first line names the columns: address, name, "
        "zone, language, text_size, status."
    ),
    list_name: str = typer.Option(..., "--list", help="The list."),
    consent: str = typer.Option(
        "", "--consent", "--basis", help="How and when they agreed, for the proof of consent."
    ),
    signed_by: str = typer.Option(
        "",
        "--signed-by",
        help="Where there is no proof: the name of an account of an admin who answers for it.",
    ),
    cadence: str | None = typer.Option(None, help="How often: a cadence of the list's digest."),
    mapping: str | None = typer.Option(
        None, "--mapping", help="The product that the file comes from: mailchimp, mailpoet or listmonk."
    ),
    columns: list[str] = typer.Option(
        [], "--map", help="COLUMN=FIELD or COLUMN=attribute:NAME; may be given again."
    ),
    meaning: Meaning | None = typer.Option(None, "--as", help="What all people in the file are."),
    leavers_only: bool = typer.Option(
        False, "--leavers-only", help="Only end who left and note who bounced; bring nobody."
    ),
    preview: int = typer.Option(0, min=0, max=1000, help="Only show so many lines as they would be read."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Only say what would be done."),
    report_file: Path | None = ReportOption,
    force: bool = ForceOption,
    as_json: bool = JsonOption,
) -> None:
    """Import people from a file. Who left, was erased or is on the do-not-mail list stays off."""
    address_key = common.load_keys().address_key
    with common.open_database() as database:
        with database.read() as session:
            mailing_list = queries.list_named(session, list_name)
            cadence_id = (
                None
                if cadence is None
                else queries.cadence_named(session, mailing_list.digest_id, cadence).id
            )
        order = ImportOrder(
            mailing_list.id,
            consent,
            common.actor(),
            address_key,
            cadence_id,
            dry_run,
            file_name=file.name,
            mapping=mapping,
            own_columns=parse_map(columns),
            meaning=meaning,
            leavers_only=leavers_only,
            signed_by=signed_by,
        )
        with opened(file) as stream:
            assert stream is not None
            if preview:
                found = import_preview(database, stream, order, now=common.now(), limit=preview)
                common.print_json([as_fields(one) for one in found]) if as_json else show_preview(found)
                return
            report = _run_import(database, stream, order, report_file, force=force)
    if as_json:
        common.print_json(ended_fields(report))
    else:
        show_report(report)


def _run_import(
    database: Database, stream: BinaryIO, order: ImportOrder, report_file: Path | None, *, force: bool
) -> ImportReport:
    with common.progress() as tell, ExitStack() as stack:
        out = stack.enter_context(writing(report_file, force=force)) if report_file else None
        report = import_subscribers(
            database,
            stream,
            order,
            now=common.now(),
            progress=tell,
            sink=writes_to(out) if out else None,
        )
        if report.import_id is None:
            return report
        note(database, "list.import", report.import_id, {"lines": report.lines, "added": report.added})
        if out:
            with database.read() as session:
                row = import_by_id(session, report.import_id)
                for chunk in assets.chunks(session, row.report_id or 0):
                    out.write(chunk)
    return report

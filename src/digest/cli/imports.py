"""`digest import`: imports that were made: look at them, go on with one, take one back."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import typer

from digest import audit
from digest.cli import common
from digest.cli.common import JsonOption
from digest.cli.import_report import ended_fields, show_report
from digest.errors import InputError
from digest.lists import assets, import_run, import_undo, queries
from digest.models import Import

app = common.group("Imports that were made. (`digest subscriber import` makes one.)")

ReportOption = typer.Option(
    None, "--report", help="Write a CSV here that names each line that is not simply added, and why."
)
ForceOption = typer.Option(False, "--force", help="Put the file in the place of one that is there.")
_Id = typer.Argument(help="The import's number.")
_NAMES = ("id", "list_id", "file_name", "state", "position", "counts", "leavers_only", "actor", "fault")
_MOMENTS = ("created_at", "changed_at", "undone_at")


@app.command("list", epilog="Example: digest import list --list readers")
def list_all(
    list_name: str | None = typer.Option(None, "--list", help="Only those into this list."),
    limit: int = typer.Option(50, min=1, max=10_000, help="At most so many, the newest first."),
    after: int | None = typer.Option(None, min=1, help="Go on after this number."),
    as_json: bool = JsonOption,
) -> None:
    """Show the imports, the newest first."""
    with common.read() as session:
        wanted = queries.list_named(session, list_name).id if list_name else None
        found = import_undo.imports(session, list_id=wanted, limit=limit, after=after)
    if as_json:
        common.print_json([_fields(one) for one in found])
        return
    rows = [
        (one.id, one.file_name or None, one.state.value, one.position, one.counts.get("added", 0), one.actor)
        for one in found
    ]
    columns = ("number", "file", "state", "lines done", "added", "by")
    common.print_table(columns, rows, empty="Nothing was imported." if after else "Nothing was imported yet.")
    common.say_more(found, limit)


@app.command("show", epilog="Example: digest import show 3 --json")
def show(import_id: int = _Id, as_json: bool = JsonOption) -> None:
    """Show one import: what was brought, on what basis, and how far it has come."""
    with common.read() as session:
        found = import_run.import_by_id(session, import_id)
    fields = _fields(found) | {"basis": found.consent, "mapping": found.mapping}
    if as_json:
        common.print_json(fields)
        return
    counts = ", ".join(f"{name} {count}" for name, count in found.counts.items() if count)
    common.print_fields(fields | {"state": found.state.value, "counts": counts or None, "mapping": None})


@app.command("report", epilog="Example: digest import report 3 --output report.csv")
def report(
    import_id: int = _Id,
    output: Path | None = typer.Option(None, "--output", help="Write it to this file."),
    force: bool = ForceOption,
) -> None:
    """Write the report of an import as CSV: each line that was not simply added, and why."""
    with common.read() as session:
        found = import_run.import_by_id(session, import_id)
        if found.report_id is None:
            raise InputError("The report of this import is not kept any longer.")
        with writing(output, force=force) as stream:
            for chunk in assets.chunks(session, found.report_id):
                stream.write(chunk)


@app.command("resume", epilog="Example: digest import resume 3")
def resume(
    import_id: int = _Id,
    file: Path | None = typer.Option(
        None, "--file", help="The same file again, if it is not kept any longer."
    ),
    as_json: bool = JsonOption,
) -> None:
    """Go on with an import whose process ended half way."""
    address_key = common.load_keys().address_key
    with common.open_database() as database, opened(file) as stream, common.progress() as tell:
        found = import_run.resume(
            database, import_id, address_key=address_key, now=common.now(), stream=stream, progress=tell
        )
        note(database, "list.import_resume", import_id, {"added": found.added, "bad": found.bad})
    if as_json:
        common.print_json(ended_fields(found))
    else:
        show_report(found)


@app.command("undo", epilog="Example: digest import undo 3")
def undo(import_id: int = _Id, as_json: bool = JsonOption) -> None:
    """End the subscriptions that an import made and nobody has changed since."""
    with common.open_database() as database, common.progress() as tell:
        found = import_undo.undo(database, import_id, actor=common.actor(), now=common.now(), progress=tell)
        details = {"ended": found.ended, "kept": found.changed_since, "released": found.released}
        note(database, "list.import_undo", import_id, details)
    if as_json:
        common.print_json(ended_fields(found))
        return
    common.print_fields(
        {
            "ended": found.ended,
            "changed since, left alone": found.changed_since,
            "taken off the do-not-mail list": found.released,
        }
    )


@app.command("purge", epilog="Example: digest import purge")
def purge() -> None:
    """Delete kept files (imports, reports) that have expired."""
    count = 0
    with common.open_database() as database:
        while True:
            with database.write() as session:
                done = assets.purge(session, now=common.now())
            if not done:
                break
            count += done
    common.say(f"Deleted {count} files.")


def note(database: Any, action: str, import_id: int, details: dict[str, Any]) -> None:
    """Leave an entry in the audit."""
    with database.write() as session:
        row = import_run.import_by_id(session, import_id)
        audit.record(session, action, row, actor=common.actor(), now=common.now(), details=details)


@contextmanager
def opened(file: Path | None) -> Iterator[BinaryIO | None]:
    """A file for reading, or None; raises InputError with a sentence."""
    if file is None:
        yield None
        return
    if not file.is_file():
        raise InputError(f"There is no file {file}.")
    try:
        with file.open("rb") as stream:
            yield stream
    except OSError as error:
        raise InputError(f"The file {file} cannot be read: {error.strerror}.") from None


@contextmanager
def writing(file: Path | None, *, force: bool) -> Iterator[BinaryIO]:
    """A new file that only we may read, or standard output; `force` as `common.private_file` has it."""
    if file is None:
        yield sys.stdout.buffer
        return
    with common.private_file(file, force=force) as stream:
        yield stream


def writes_to(out: BinaryIO) -> Callable[[bytes], None]:
    """What takes a report piece by piece and writes it there."""

    def take(data: bytes) -> None:
        out.write(data)

    return take


def _fields(one: Import) -> dict[str, Any]:
    return {name: getattr(one, name) for name in (*_NAMES, *_MOMENTS)}

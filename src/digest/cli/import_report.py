"""The report of an import, for a person: counts on standard output, bad lines on standard error."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence

import typer

from digest.cli import common
from digest.lists.csv_lines import BadLine
from digest.lists.import_order import ImportReport
from digest.lists.import_rows import Row
from digest.lists.import_undo import Undone

_ONLY_IF_ANY = {
    "ended": "left there, ended here",
    "barred": "put on the do-not-mail list",
    "unconfirmed": "never confirmed, passed over",
    "passed_over": "subscribed, passed over",
    "offices": "of all, offices such as info@",
}


def show_report(report: ImportReport) -> None:
    """Print what became of the lines."""
    fields: dict[str, object] = {
        "lines": report.lines,
        "would be added" if report.is_dry_run else "added": report.added,
        "on the list already": report.known,
        "left or erased, not revived": report.left,
        "on the do-not-mail list": report.suppressed,
        "more than once in the file": report.repeated,
        "bad lines": report.bad,
    }
    fields |= {words: getattr(report, name) for name, words in _ONLY_IF_ANY.items() if getattr(report, name)}
    common.print_fields(fields)
    if report.ignored_columns:
        common.say(f"Columns nobody reads: {', '.join(report.ignored_columns)}.")
    show_bad_lines(report.bad_lines, report.bad)
    if report.import_id is not None:
        common.say(
            f"This is import {report.import_id}: `digest import report {report.import_id}` names each line, "
            f"`digest import undo {report.import_id}` takes it back."
        )


def show_bad_lines(shown: Sequence[BadLine], count: int) -> None:
    """Name the lines that cannot be used, on standard error; `count` are all of them."""
    for line in shown:
        where = f"{line.part}, line" if line.part else "line"
        typer.echo(f"{where} {line.number}: {line.reason}", err=True)
    if count > len(shown):
        typer.echo(f"and {count - len(shown)} bad lines more", err=True)


def show_preview(found: Sequence[Row | BadLine]) -> None:
    """Print the first lines as they would be read."""
    rows = [
        (one.number, f"cannot be read: {one.reason}", None, None, None, None)
        if isinstance(one, BadLine)
        else (
            one.number,
            one.address.text,
            one.meaning.value,
            one.name or None,
            one.zone,
            None if one.attributes == "{}" else one.attributes,
        )
        for one in found
    ]
    columns = ("line", "address", "status", "name", "zone", "attributes")
    common.print_table(columns, rows, empty="The file holds nobody.")


def as_fields(one: Row | BadLine) -> dict[str, object]:
    """A line of a preview for programs."""
    if isinstance(one, BadLine):
        return {"line": one.number, "file": one.part, "reason": one.reason}
    fields = one._asdict()
    return {
        "line": fields.pop("number"),
        "file": fields.pop("part"),
        **fields,
        "address": one.address.text,
        "topics": json.loads(one.topics),
        "attributes": json.loads(one.attributes),
    }


def ended_fields(found: ImportReport | Undone) -> dict[str, object]:
    """What a command has done to its end, for programs: a turn that leaves the rest is not its way."""
    return {name: value for name, value in dataclasses.asdict(found).items() if name != "is_whole"}

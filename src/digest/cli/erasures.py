"""`digest subscriber erasures` and `erase-again`: so that a restored backup brings nobody back."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import typer

from digest import audit
from digest.cli import common
from digest.cli.common import JsonOption
from digest.errors import InputError
from digest.lists.erasures import Again, AgainReport, Erasure, erase_again, read_list
from digest.lists.erasures import erasures as all_erasures


def register(app: typer.Typer) -> None:
    """Make them commands of the group."""
    app.command("erasures", epilog="Example: digest subscriber erasures --since 2027-01-15 -o erased.jsonl")(
        erasures
    )
    app.command("erase-again", epilog="Example: digest subscriber erase-again var/journals/erased.jsonl")(
        again
    )


def erasures(
    since: str | None = typer.Option(None, "--since", help="Only those since this day or moment, in UTC."),
    output: Path | None = typer.Option(None, "--output", "-o", help="Write it into this file."),
) -> None:
    """List who was erased: numbers, keyed hashes and moments, a line of JSON for each."""
    moment = common.parse_moment(since, None) if since else None
    with common.read() as session:
        lines = [one.as_line() for one in all_erasures(session, since=moment)]
    if output is None:
        typer.echo("".join(lines), nl=False)
        return
    common.write_private_file(output, [line.encode("ascii") for line in lines])
    common.say(f"{len(lines)} erasures are in {output}.")


def again(
    files: list[Path] = typer.Argument(help="Lists of the erased, from every machine that has one."),
    yes: bool = typer.Option(False, "--yes", help="Do not ask whether this is meant."),
    as_json: bool = JsonOption,
) -> None:
    """After a restore: erase whom the backup brought back, and know again whom it never had."""
    found = _read(files)
    if not yes:
        typer.confirm(
            f"This cannot be undone. Erase again whom {len(found)} lines name?", abort=True, err=True
        )
    counts: Counter[str] = Counter({what.value: 0 for what in Again})
    now = common.now()
    with common.open_database() as database:
        for one in found:
            with database.write() as session:
                counts[erase_again(session, one, actor=common.actor(), now=now).value] += 1
        with database.write() as session:
            report = AgainReport(dict(counts))
            audit.record(
                session,
                "subscriber.erase_again",
                report,
                actor=common.actor(),
                now=now,
                details=dict(report.counts),
            )
    if as_json:
        common.print_json(dict(counts))
        return
    common.say(
        f"Erased again: {counts[Again.ERASED]}; erased already: {counts[Again.KNOWN]}; not in this database, "
        f"remembered by their hash: {counts[Again.REMEMBERED]}."
    )


def _read(files: list[Path]) -> list[Erasure]:
    lines: list[bytes] = []
    for file in files:
        try:
            lines += file.read_bytes().splitlines()
        except OSError as error:
            raise InputError(f"The file {file} cannot be read: {error.strerror}.") from None
    return read_list(lines)

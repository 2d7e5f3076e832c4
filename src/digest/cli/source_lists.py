"""`digest source import` and `digest source export`: OPML, the list of feeds that other programs know."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from digest.cli import common
from digest.cli.common import JsonOption
from digest.errors import InputError

if TYPE_CHECKING:
    from digest.sources.exchange import TakenIn


def register(app: typer.Typer) -> None:
    """Make them commands of the group."""
    app.command("import", epilog="Example: digest source import feeds.opml --digest courier")(import_list)
    app.command("export", epilog="Example: digest source export -o feeds.opml")(export_list)


def import_list(
    file: Path = typer.Argument(help="An OPML file, as feed readers write it."),
    digest: str | None = typer.Option(None, help="A digest that is to draw from all of them."),
    include_backlog: str = typer.Option(
        "0h", help="How old a post that is there already may be and still be news: 36h or 7d."
    ),
    as_json: bool = JsonOption,
) -> None:
    """Add the sources of an OPML file; none is looked at yet. Those that are there stay as they are."""
    from digest.editions.digests import use_sources  # noqa: PLC0415
    from digest.feeds.opml import LARGEST_FILE, read_opml  # noqa: PLC0415
    from digest.lists.queries import digest_named  # noqa: PLC0415
    from digest.sources.catalogue import parse_backlog  # noqa: PLC0415
    from digest.sources.exchange import take_in  # noqa: PLC0415

    backlog = parse_backlog(include_backlog)
    try:
        with file.open("rb") as stream:
            listed = read_opml(stream.read(LARGEST_FILE + 1))
    except OSError as error:
        raise InputError(f"The file {file} cannot be read: {error.strerror}.") from None
    with common.write() as session:
        owner = digest_named(session, digest) if digest else None
        done = take_in(session, listed.feeds, backlog=backlog, actor=common.actor(), now=common.now())
        if owner is not None:
            sources = [one.source for one in done if one.source is not None]
            use_sources(session, owner, sources, actor=common.actor(), now=common.now())
        rows = [_row(one) for one in done]
    if as_json:
        names = ("id", "url", "title", "outcome", "why")
        common.print_json([dict(zip(names, row, strict=True)) for row in rows])
        return
    common.print_table(("id", "address", "title", "outcome", "why"), rows, empty="The file names no feed.")
    counts = Counter(one.outcome.value for one in done)
    if listed.left_out:
        counts["not of the web"] = listed.left_out
    if counts:
        common.say(", ".join(f"{number} {name}" for name, number in counts.items()) + ".")


def export_list(
    digest: str | None = typer.Option(None, help="Only the sources that this digest draws from."),
    output: Path | None = typer.Option(None, "--output", "-o", help="A new file; without it, to the screen."),
) -> None:
    """Write the sources as OPML, for another feed reader or another installation."""
    from digest.feeds.opml import write_opml  # noqa: PLC0415
    from digest.lists.queries import digest_named  # noqa: PLC0415
    from digest.sources.exchange import outlines  # noqa: PLC0415

    with common.read() as session:
        owner = digest_named(session, digest) if digest else None
        listed = outlines(session, owner.id if owner else None)
        title = owner.title if owner else "Sources of Digest"
    text = write_opml(title, listed, now=common.now())
    if output is None:
        typer.echo(text.decode("utf-8"), nl=False)
        return
    common.write_private_file(output, [text])
    common.say(f"{len(listed)} sources are in {output}.")


def _row(one: TakenIn) -> tuple[object, ...]:
    return (one.source.id if one.source else None, one.url, one.title, one.outcome, one.why)

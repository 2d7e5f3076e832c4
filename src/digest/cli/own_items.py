"""`digest item`: what the desk writes itself: obituaries, appeals, events, notes."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import typer

from digest.cli import common
from digest.cli.common import JsonOption
from digest.errors import InputError
from digest.models import OwnItemKind

app = common.group("What the desk writes itself: obituaries, appeals, events, notes.")

Digest = Annotated[str, typer.Argument(metavar="DIGEST", help="The digest.")]


@app.command(
    "add",
    epilog="Example: digest item add courier --kind event --title 'Open day at the library' "
    "--from 2027-03-01 --until 2027-03-05 --text 'From ten to four.'",
)
def add(
    digest: Digest,
    kind: Annotated[OwnItemKind, typer.Option(help="What it is.")],
    title: Annotated[str, typer.Option(help="Its title.")],
    first: Annotated[str, typer.Option("--from", help="The first day on which it may go out: 2027-03-01.")],
    until: Annotated[str | None, typer.Option(help="The last day; else the first one.")] = None,
    text: Annotated[str, typer.Option(help="Its text, in Markdown.")] = "",
    url: Annotated[str, typer.Option(help="Where its title leads.")] = "",
    section: Annotated[str, typer.Option(help="The section it stands under.")] = "",
    repeat: Annotated[bool, typer.Option("--repeat", help="In each edition of these days.")] = False,
    position: Annotated[
        int | None, typer.Option(help="Its place among the headlines, from 1; else behind them.")
    ] = None,
    as_json: bool = JsonOption,
) -> None:
    """Put an item into the coming editions of a digest, on the days that are given."""
    from digest.editions.own_items import add_own_item  # noqa: PLC0415
    from digest.lists.queries import digest_named  # noqa: PLC0415

    with common.write() as session:
        made = add_own_item(
            session,
            digest_named(session, digest),
            kind=kind,
            title=title,
            from_on=_day(first),
            until_on=_day(until or first),
            text=text,
            url=url,
            section=section,
            may_repeat=repeat,
            position=position,
            actor=common.actor(),
            now=common.now(),
        ).id
    if as_json:
        common.print_json({"id": made})
    else:
        common.say(f"The item {made} goes out from {first} to {until or first}.")


@app.command("list", epilog="Example: digest item list courier")
def list_all(digest: Digest, as_json: bool = JsonOption) -> None:
    """Show a digest's own items, and in how many editions each went out."""
    from digest.editions.own_items import list_own_items  # noqa: PLC0415
    from digest.editions.places import ONE_EDITION  # noqa: PLC0415
    from digest.lists.queries import digest_named  # noqa: PLC0415

    with common.read() as session:
        found = list_own_items(session, digest_named(session, digest))
    if as_json:
        common.print_json([_as_dict(one) for one in found])
        return
    rows = [
        (
            one.id,
            one.kind.value,
            one.title,
            "in one edition alone"
            if one.until_on == ONE_EDITION
            else f"{one.from_on} to {one.until_on}" + (", each time" if one.may_repeat else ""),
            one.position,
            one.uses,
            common.shown(one.withdrawn_at) if one.withdrawn_at else None,
        )
        for one in found
    ]
    columns = ("id", "kind", "title", "days", "place", "editions", "withdrawn")
    common.print_table(columns, rows, empty="It has no items of its own; `digest item add` makes one.")


@app.command("withdraw", epilog="Example: digest item withdraw 3")
def withdraw(item: Annotated[int, typer.Argument(metavar="ID", help="The item's id.")]) -> None:
    """Let an item go out no more. An edition that is locked with it keeps it."""
    from digest.editions.own_items import get_own_item, withdraw_own_item  # noqa: PLC0415

    with common.write() as session:
        found = get_own_item(session, item)
        is_new = withdraw_own_item(session, found, actor=common.actor(), now=common.now())
    common.say(f"The item {item} goes out no more." if is_new else f"The item {item} was withdrawn already.")


def _day(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text.strip())
    except ValueError:
        raise InputError(f"{text[:40]!r} is not a day; write it like 2027-03-01.") from None


def _as_dict(one: object) -> dict[str, object]:
    from dataclasses import asdict  # noqa: PLC0415

    told = asdict(one)  # type: ignore[call-overload]
    return {name: value.isoformat() if type(value) is dt.date else value for name, value in told.items()}

"""`digest attribute`: the typed fields of subscribers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from digest.cli import common
from digest.cli.common import JsonOption
from digest.errors import InputError
from digest.models import AttributeKind

if TYPE_CHECKING:
    from digest.models import Attribute

app = common.group("Typed fields of subscribers, for segments and mails.")

Name = Annotated[str, typer.Argument(help="Short name: a letter, then a-z, 0-9 and _.")]
_TITLE = "What it is called on the desk."
_FALLBACK = "What a mail says where a person has no value."


@app.command("add", epilog='Example: digest attribute add city --kind text --fallback "your city"')
def add(
    name: Name,
    kind: Annotated[AttributeKind, typer.Option(help="What its values are.")],
    title: Annotated[str, typer.Option(help=_TITLE)] = "",
    fallback: Annotated[str, typer.Option(help=_FALLBACK)] = "",
    as_json: bool = JsonOption,
) -> None:
    """Make an attribute. A digest's intro and sign-off may name it: %%attribute_city%%."""
    from digest.lists.attributes import add_attribute  # noqa: PLC0415

    with common.write() as session:
        made = add_attribute(
            session,
            name,
            kind=kind,
            title=title,
            fallback=fallback,
            actor=common.actor(),
            now=common.now(),
        )
        result = _as_dict(made)
    if as_json:
        common.print_json(result)
    else:
        common.say(f"The attribute {name} is there; give people values with `digest subscriber set`.")


@app.command("set", epilog='Example: digest attribute set city --fallback "your town"')
def set_values(
    name: Name,
    title: Annotated[str | None, typer.Option(help=_TITLE)] = None,
    fallback: Annotated[str | None, typer.Option(help=_FALLBACK)] = None,
) -> None:
    """Change an attribute's title or fallback; its kind stays."""
    from digest.lists.attributes import attribute_named, set_attribute  # noqa: PLC0415

    if title is None and fallback is None:
        raise InputError("Nothing to change was given; `digest attribute set --help` lists what can be.")
    with common.write() as session:
        found = attribute_named(session, name)
        set_attribute(session, found, title=title, fallback=fallback, actor=common.actor(), now=common.now())
    common.say(f"The attribute {name} is changed.")


@app.command("list", epilog="Example: digest attribute list")
def list_all(as_json: bool = JsonOption) -> None:
    """Show the attributes there are."""
    from digest.lists.attributes import all_attributes  # noqa: PLC0415

    with common.read() as session:
        found = all_attributes(session)
    if as_json:
        common.print_json([_as_dict(one) for one in found])
        return
    rows = [(one.name, one.kind.value, one.title, one.fallback or None) for one in found]
    common.print_table(
        ("attribute", "kind", "title", "fallback"),
        rows,
        empty="There is no attribute yet; add one with `digest attribute add`.",
    )


@app.command("remove", epilog="Example: digest attribute remove city --yes")
def remove(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether this is meant.")] = False,
) -> None:
    """Forget an attribute and everybody's value of it."""
    from digest.lists.attributes import attribute_named, remove_attribute  # noqa: PLC0415

    if not yes:
        typer.confirm("Everybody's value of it is lost. Remove this attribute?", abort=True, err=True)
    with common.write() as session:
        found = attribute_named(session, name)
        people = remove_attribute(session, found, actor=common.actor(), now=common.now())
    common.say(f"The attribute {name} is gone; {people:,} people had a value.")


def _as_dict(attribute: Attribute) -> dict[str, Any]:
    return {
        "name": attribute.name,
        "kind": attribute.kind,
        "title": attribute.title,
        "fallback": attribute.fallback,
    }

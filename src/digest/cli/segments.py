"""`digest segment`: saved rules that choose among the people of a digest's lists."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digest.cli import common
from digest.cli.common import JsonOption
from digest.errors import InputError

if TYPE_CHECKING:
    from digest.lists.segments import Counted
    from digest.models import Segment

app = common.group(
    "Saved rules that choose among the people of a digest's lists.",
    epilog='Example: digest segment count courier --rule \'{"last_sign_of_life": {"older_than": "365d"}}\'',
)

DigestName = Annotated[str, typer.Argument(metavar="DIGEST", help="The digest.")]
Name = Annotated[str, typer.Argument(help="The segment's short name: a-z, digits, hyphens.")]
_RULE = "The rule: a JSON file, - for standard input, or the JSON itself. See docs/segments.md."
TO_EVERYBODY = "To all readers of its cadence, whatever segment the cadence goes to."
_TITLE = "What it is called on the desk."
_READ_LIMIT = 100_000


@app.command(
    "add",
    epilog='Example: digest segment add courier armenian --rule \'{"language": "hy"}\' --title Armenian',
)
def add(
    digest: DigestName,
    name: Name,
    rule: Annotated[str, typer.Option(help=_RULE)],
    title: Annotated[str, typer.Option(help=_TITLE)] = "",
    as_json: bool = JsonOption,
) -> None:
    """Save a rule, and say whom it chooses now."""
    from digest.lists.queries import digest_named  # noqa: PLC0415
    from digest.lists.segments import add_segment, count_rule  # noqa: PLC0415

    now, text = common.now(), _rule_text(rule)
    with common.write() as session:
        owner = digest_named(session, digest)
        made = add_segment(session, owner, name=name, title=title, rule=text, actor=common.actor(), now=now)
        counted = count_rule(session, owner.id, made.rule, now=now)
    if as_json:
        common.print_json(_as_dict(digest, made) | _counted_dict(counted))
    else:
        common.say(f"The segment {name} is there; it has {counted.people:,} people now.")


@app.command("set", epilog="Example: digest segment set courier armenian --rule armenian.json")
def set_values(
    digest: DigestName,
    name: Name,
    rule: Annotated[str | None, typer.Option(help=_RULE)] = None,
    title: Annotated[str | None, typer.Option(help=_TITLE)] = None,
    as_json: bool = JsonOption,
) -> None:
    """Change a rule or its title. Editions whose audience is fixed keep it."""
    from digest.lists.queries import digest_named  # noqa: PLC0415
    from digest.lists.segments import count_rule, segment_named, set_segment  # noqa: PLC0415

    if rule is None and title is None:
        raise InputError("Nothing to change was given; `digest segment set --help` lists what can be.")
    now, text = common.now(), None if rule is None else _rule_text(rule)
    with common.write() as session:
        found = segment_named(session, digest_named(session, digest).id, name)
        set_segment(session, found, title=title, rule=text, actor=common.actor(), now=now)
        counted = count_rule(session, found.digest_id, found.rule, now=now)
    if as_json:
        common.print_json(_as_dict(digest, found) | _counted_dict(counted))
    else:
        common.say(f"The segment {name} is changed; it has {counted.people:,} people now.")


@app.command("show", epilog="Example: digest segment show courier armenian")
def show(digest: DigestName, name: Name, as_json: bool = JsonOption) -> None:
    """Show a rule, how many people it chooses now, and three of them."""
    from digest.lists.queries import digest_named  # noqa: PLC0415
    from digest.lists.segments import count_rule, segment_named  # noqa: PLC0415

    with common.read() as session:
        found = segment_named(session, digest_named(session, digest).id, name)
        counted = count_rule(session, found.digest_id, found.rule, now=common.now())
    if as_json:
        common.print_json(_as_dict(digest, found) | _counted_dict(counted))
        return
    common.print_fields({"segment": found.name, "title": found.title, "digest": digest})
    common.say(json.dumps(found.rule, ensure_ascii=False, indent=2))
    _print_counted(counted)


@app.command("list", epilog="Example: digest segment list courier")
def list_all(
    digest: Annotated[
        str | None, typer.Argument(metavar="[DIGEST]", help="Only those of this digest.")
    ] = None,
    as_json: bool = JsonOption,
) -> None:
    """Show the segments there are."""
    from digest.lists.queries import digest_named  # noqa: PLC0415
    from digest.lists.segments import segments_of  # noqa: PLC0415

    with common.read() as session:
        owner = digest_named(session, digest).id if digest else None
        found = segments_of(session, owner)
    if as_json:
        common.print_json([_as_dict(own, one) for own, one in found])
        return
    rows = [(own, one.name, one.title, common.shown(one.changed_at)) for own, one in found]
    common.print_table(
        ("digest", "segment", "title", "changed"),
        rows,
        empty="There is no segment yet; add one with `digest segment add`.",
    )


@app.command("remove", epilog="Example: digest segment remove courier armenian")
def remove(digest: DigestName, name: Name) -> None:
    """Forget a rule. Not while a cadence or a coming edition goes to it."""
    from digest.lists.queries import digest_named  # noqa: PLC0415
    from digest.lists.segments import remove_segment, segment_named  # noqa: PLC0415

    with common.write() as session:
        found = segment_named(session, digest_named(session, digest).id, name)
        remove_segment(session, found, actor=common.actor(), now=common.now())
    common.say(f"The segment {name} is gone.")


@app.command("count", epilog='Example: digest segment count courier --rule \'{"list": "readers"}\'')
def count(
    digest: DigestName,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="A saved segment.")] = None,
    rule: Annotated[str | None, typer.Option(help=_RULE)] = None,
    as_json: bool = JsonOption,
) -> None:
    """Say how many people a saved segment or a rule chooses now, and show three of them."""
    from digest.lists.queries import digest_named  # noqa: PLC0415
    from digest.lists.segments import count_rule, segment_named  # noqa: PLC0415

    if (name is None) == (rule is None):
        raise InputError("Give the name of a segment or a rule (--rule), one of the two.")
    text = None if rule is None else _rule_text(rule)
    with common.read() as session:
        owner = digest_named(session, digest)
        asked = text if text is not None else segment_named(session, owner.id, name or "").rule
        counted = count_rule(session, owner.id, asked, now=common.now())
    if as_json:
        common.print_json(_counted_dict(counted))
    else:
        _print_counted(counted)


def for_edition(
    edition: Annotated[int, typer.Argument(metavar="ID", help="The edition's id.")],
    name: Annotated[
        str | None,
        typer.Option("--segment", help="The segment that it goes to; none: where its cadence goes."),
    ] = None,
    everybody: Annotated[bool, typer.Option("--everybody", help=TO_EVERYBODY)] = False,
) -> None:
    """Let one edition go to a segment of its own, or to everybody. Not once its audience is fixed."""
    from digest.deliveries.control import count_waiting  # noqa: PLC0415
    from digest.editions.show import get_edition  # noqa: PLC0415
    from digest.lists.segments import set_edition_segment  # noqa: PLC0415

    wanted = choice_of(name, everybody=everybody)
    if wanted is None:
        raise InputError("Give a segment (--segment) or --everybody, one of the two.")
    with common.write() as session:
        found = get_edition(session, edition)
        chosen = None if wanted == "none" else wanted
        set_edition_segment(session, found, chosen, actor=common.actor(), now=common.now())
        people = count_waiting(session, found)
    common.say(f"Edition {edition} would go to {people:,} people now.")


def choice_of(name: str | None, *, everybody: bool) -> str | None:
    """The segment that two options of an edition mean; None if neither was given."""
    from digest.lists.segments import EVERYBODY  # noqa: PLC0415

    if name is not None and everybody:
        raise InputError("Give a segment (--segment) or --everybody, one of the two.")
    return EVERYBODY if everybody else name


def _rule_text(rule: str) -> str:
    """The JSON that an option means: itself, standard input, or a file's."""
    if rule.lstrip().startswith(("{", "[")):
        return rule
    try:
        if rule == "-":
            return sys.stdin.read(_READ_LIMIT)
        with Path(rule).open(encoding="utf-8") as stream:
            return stream.read(_READ_LIMIT)
    except (OSError, ValueError):
        raise InputError(f"The rule file {rule[:80]} cannot be read as text.") from None


def _print_counted(counted: Counted) -> None:
    common.say(f"People now: {counted.people:,}")
    rows = [(one.subscriber_id, one.address, one.name or None) for one in counted.samples]
    if rows:
        common.print_table(("number", "address", "name"), rows, empty="")


def _counted_dict(counted: Counted) -> dict[str, Any]:
    return {"people": counted.people, "samples": counted.samples}


def _as_dict(digest: str, segment: Segment) -> dict[str, Any]:
    return {
        "digest": digest,
        "name": segment.name,
        "title": segment.title,
        "rule": segment.rule,
        "changed_at": segment.changed_at,
    }

"""`digest subscriber set`: what is known of a person, how often they are mailed, and about what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli import common
from digest.cli.common import JsonOption
from digest.errors import InputError, NotFoundError
from digest.models import TextSize

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from digest.lists.person_changes import Choices
    from digest.lists.preferences import By
    from digest.models import Subscriber


def set_person(
    address: Annotated[str, typer.Argument(help="The person's mail address.")],
    name: Annotated[str | None, typer.Option(help="The person's name; empty takes it away.")] = None,
    zone: Annotated[str | None, typer.Option(help="Time zone, such as America/Los_Angeles.")] = None,
    language: Annotated[str | None, typer.Option(help="Language, such as en, hy, hyw, fr or ar.")] = None,
    text_size: Annotated[TextSize | None, typer.Option(help="Size of the text.")] = None,
    attribute: Annotated[
        list[str] | None,
        typer.Option(help="An attribute and its value; an empty one takes it away. May be repeated."),
    ] = None,
    list_name: Annotated[str | None, typer.Option("--list", help="The list that what follows is of.")] = None,
    cadence: Annotated[str | None, typer.Option(help="How often: a cadence of the list's digest.")] = None,
    topic: Annotated[list[str] | None, typer.Option(help="A topic; again for more. Replaces all.")] = None,
    all_topics: Annotated[bool, typer.Option("--all-topics", help="Everything, whatever the topic.")] = False,
    as_json: bool = JsonOption,
) -> None:
    """Change what is known of a person, how often they are mailed by a list, and about what.

    A change of rhythm or topics is in the proof of consent, with your name. A pause stays.
    """
    from digest.lists import person_changes  # noqa: PLC0415
    from digest.lists.preferences import By  # noqa: PLC0415
    from digest.lists.queries import subscriber_by_address  # noqa: PLC0415
    from digest.lists.status import Origin  # noqa: PLC0415

    changes = person_changes.PersonChanges(name, zone, language, text_size, _pairs(attribute or []))
    choices = person_changes.Choices(cadence, [] if all_topics else topic or None)
    if topic and all_topics:
        raise InputError("Name topics, or take all with --all-topics; not both.")
    if (choices != person_changes.Choices()) != (list_name is not None):
        raise InputError("How often and about what is set for a list: give --list with --cadence or --topic.")
    if list_name is None and changes == person_changes.PersonChanges():
        raise InputError("Nothing to change was given; `digest subscriber set --help` lists what can be.")
    by = By(Origin.CLI, common.actor())
    with common.write() as session:
        person = subscriber_by_address(session, address)
        changed = person_changes.set_person(session, person.id, changes, by=by, now=common.now())
        _note(session, person, changed)
        if list_name is not None:
            changed += _choose(session, person, list_name, choices, by)
        kept = dict(person.attributes)
    if as_json:
        common.print_json({"changed": changed, "attributes": kept})
    else:
        common.say(f"Changed: {', '.join(changed)}." if changed else "Nothing was changed.")


def _choose(session: Session, person: Subscriber, list_name: str, choices: Choices, by: By) -> list[str]:
    from digest.lists.person_changes import set_choices  # noqa: PLC0415
    from digest.lists.queries import list_named, subscription_of  # noqa: PLC0415

    mailing_list = list_named(session, list_name)
    subscription = subscription_of(session, list_id=mailing_list.id, subscriber_id=person.id)
    if subscription is None:
        raise NotFoundError(f"This person is not on the list {list_name}.")
    changed = set_choices(session, subscription, choices, by=by, now=common.now())
    _note(session, subscription, changed)
    return changed


def _note(session: Session, target: object, changed: list[str]) -> None:
    from digest import audit  # noqa: PLC0415

    if changed:
        details = {"changed": changed}
        audit.record(
            session, "subscriber.set", target, actor=common.actor(), now=common.now(), details=details
        )


def _pairs(attributes: list[str]) -> dict[str, str]:
    pairs = [one.partition("=") for one in attributes]
    if not all(sign for _, sign, _ in pairs):
        raise InputError("Write an attribute and its value like --attribute city=Yerevan.")
    return {name: value for name, _, value in pairs}

"""`digest edition amend|correct`: what can still be put right about an edition that went out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digest.cli import common
from digest.cli.common import JsonOption
from digest.cli.revisions import text_of
from digest.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from digest.models import Amendment

app = typer.Typer(rich_markup_mode=None, add_completion=False)

EditionId = Annotated[int, typer.Argument(metavar="ID", help="The edition's id.")]


@app.command("amend", epilog="Example: digest edition amend 12 3 --note 'The bridge opens on Monday.'")
def amend(
    edition: EditionId,
    story: Annotated[
        int | None, typer.Argument(metavar="[STORY]", help="The story's number, from 1 on.")
    ] = None,
    note: Annotated[str | None, typer.Option(help="What was wrong, for the readers.")] = None,
    take_down: Annotated[
        bool, typer.Option("--take-down", help="Take the story off the page; a sentence says that it was.")
    ] = False,
    undo: Annotated[
        int | None, typer.Option(metavar="NUMBER", help="Take back what was put right, by its number.")
    ] = None,
    as_json: bool = JsonOption,
) -> None:
    """Put the page of an edition right after it went out. Mails that were handed over stay as they are.

    `digest edition show` lists the stories with their numbers, and what was put right.
    """
    from digest.editions import amend as steps  # noqa: PLC0415
    from digest.editions.page_again import Paper  # noqa: PLC0415
    from digest.editions.show import get_edition  # noqa: PLC0415

    if [note is not None, take_down, undo is not None].count(True) != 1:
        raise InputError("Give one of --note TEXT, --take-down and --undo NUMBER.")
    if (undo is None) != (story is not None):
        raise InputError("Name the story by its number, from 1 on; --undo goes without.")
    settings, actor, now = common.settings(), common.actor(), common.now()
    paper = Paper(settings.public_url, settings.templates)
    with common.write() as session:
        found = get_edition(session, edition)
        if undo is not None:
            made = steps.undo_amendment(session, found, undo, paper, actor=actor, now=now)
        elif take_down:
            made = steps.take_down(session, found, story or 0, paper, actor=actor, now=now)
        else:
            made = steps.add_note(session, found, story or 0, note or "", paper, actor=actor, now=now)
        number, kind = made.id, made.kind.value
    if as_json:
        common.print_json({"id": number, "kind": kind, "is_undone": undo is not None})
        return
    back = "is taken back" if undo is not None else "stands"
    common.say(f"Number {number} {back}: the page of edition {edition} shows it within a minute.")


@app.command("correct", epilog="Example: digest edition correct 12 --story 2 --note 'It opens on Monday.'")
def correct(
    edition: EditionId,
    story: Annotated[int, typer.Option(metavar="N", help="The story's number, from 1 on.")],
    note: Annotated[str, typer.Option(help="What was wrong, for the readers; it stands on top.")],
    subject: Annotated[str, typer.Option(help="The subject; else “Correction:” and the title.")] = "",
    title: Annotated[str | None, typer.Option(help="The title as it should be.")] = None,
    excerpt: Annotated[str | None, typer.Option(help="The excerpt as it should be.")] = None,
    body: Annotated[
        str | None, typer.Option(metavar="FILE", help="A file with a featured story's text, as HTML.")
    ] = None,
    revision: Annotated[
        int | None,
        typer.Option(help="The version that was wrong, if a later one was right: its readers alone get it."),
    ] = None,
    at: Annotated[
        str | None, typer.Option(help="When it goes out, in the cadence's zone: 2027-01-15T07:00; else now.")
    ] = None,
    as_json: bool = JsonOption,
) -> None:
    """Send a correction of one story to those who had it, and to nobody else; it stands below their mail.

    The page of the edition stays as it is: `digest edition amend` puts a note there.
    """
    from digest.deliveries.control import count_waiting  # noqa: PLC0415
    from digest.editions.correct import Wrong  # noqa: PLC0415
    from digest.editions.correct import correct as correct_story  # noqa: PLC0415
    from digest.editions.show import edition_line, get_edition  # noqa: PLC0415

    now = common.now()
    wrong = Wrong(
        story=story,
        note=note,
        subject=subject,
        title=title,
        excerpt=excerpt,
        body=text_of(Path(body)) if body is not None else None,
        revision=revision,
    )
    with common.write() as session:
        zone = edition_line(session, edition).zone
        due_at = common.parse_moment(at, zone) if at else now
        if due_at < now:
            raise InputError("A correction cannot go out in the past.")
        found = get_edition(session, edition)
        made = correct_story(session, found, wrong, due_at=due_at, actor=common.actor(), now=now)
        people = count_waiting(session, made)
        result = {"id": made.id, "corrects": edition, "people": people, "due_at": made.due_at}
    if as_json:
        common.print_json(result)
    else:
        common.say(
            f"The correction {result['id']} goes out at {common.shown(due_at, zone)}, to {people} people."
        )


def print_amendments(found: Sequence[Amendment]) -> None:
    """What was put right about an edition, a line each."""
    for one in found:
        what = f"note: {one.text}" if one.text else "taken down"
        back = f"; taken back by {one.undone_by}" if one.undone_at else ""
        common.say(
            f"Put right, number {one.id}: story {one.position + 1}, {what} "
            f"({one.made_by}, {common.shown(one.made_at)}{back})"
        )


def as_dicts(found: Sequence[Amendment]) -> list[dict[str, Any]]:
    """The same, for programs."""
    fields = ("id", "kind", "text", "made_by", "made_at", "undone_by", "undone_at")
    return [{"story": one.position + 1} | {name: getattr(one, name) for name in fields} for one in found]

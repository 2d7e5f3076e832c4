"""`digest edition pin|drop|include|rewrite|intro|sign-off|subject|...`: change a coming edition."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digest.cli import common
from digest.cli.common import JsonOption
from digest.errors import InputError

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from digest.models import Edition, EditionChange

app = typer.Typer(rich_markup_mode=None, add_completion=False)

EditionId = Annotated[int, typer.Argument(metavar="ID", help="The edition's id.")]
Story = Annotated[
    str, typer.Argument(metavar="STORY", help="A post's id, or `item:3` for one of the desk's own.")
]
Again = Annotated[bool, typer.Option("--again", help="Although this cadence has sent it already.")]
_LONGEST = 20_000  # bytes of an intro's file


@app.command("pin", epilog="Example: digest edition pin 12 345 --place 1")
def pin(
    edition: EditionId,
    story: Story,
    place: Annotated[
        int | None, typer.Option(help="From 1 on; 0: as the featured story. Without it: ahead of the others.")
    ] = None,
    again: Again = False,
) -> None:
    """Have a story in a coming edition, at a place. Embargo and withdrawal stand above it."""
    from digest.editions import shape  # noqa: PLC0415

    post, item = _story(story)

    def act(session: Session, found: Edition, by: dict[str, Any]) -> EditionChange:
        if item is not None:
            return shape.place_own(session, found, item, place=place, again=again, **by)
        return shape.pin(session, found, post or 0, place=place, again=again, **by)

    _change(edition, act, "pinned")


@app.command("drop", epilog="Example: digest edition drop 12 345")
def drop(edition: EditionId, story: Story) -> None:
    """Keep a story out of a coming edition. It stays news for the next one."""
    from digest.editions import shape  # noqa: PLC0415

    post, item = _story(story)

    def act(session: Session, found: Edition, by: dict[str, Any]) -> EditionChange:
        if item is not None:
            return shape.place_own(session, found, item, is_dropped=True, **by)
        return shape.drop(session, found, post or 0, **by)

    _change(edition, act, "dropped")


@app.command("include", epilog="Example: digest edition include 12 345")
def include(
    edition: EditionId,
    post: Annotated[int, typer.Argument(metavar="POST", help="The post's id.")],
    again: Again = False,
) -> None:
    """Have a story in though a rule leaves it out: too fresh, too old, an excluded section, a limit."""
    from digest.editions import shape  # noqa: PLC0415

    _change(edition, lambda s, e, by: shape.include(s, e, post, again=again, **by), "included")


@app.command("rewrite", epilog="Example: digest edition rewrite 12 345 --title 'The bridge opens on Monday'")
def rewrite(
    edition: EditionId,
    story: Story,
    title: Annotated[str | None, typer.Option(help="Another title.")] = None,
    excerpt: Annotated[str | None, typer.Option(help="Another excerpt.")] = None,
    section: Annotated[str | None, typer.Option(help="Another section above it.")] = None,
    picture: Annotated[str | None, typer.Option(help="Another picture's address; none: no picture.")] = None,
    picture_alt: Annotated[str, typer.Option(help="What the picture shows, in words.")] = "",
) -> None:
    """Give a story other words or another picture in this edition alone."""
    from digest.editions import shape  # noqa: PLC0415

    post, item = _story(story)
    other = None if picture is None else "" if picture == "none" else {"url": picture, "alt": picture_alt}
    fields = {"title": title, "excerpt": excerpt, "section": section, "picture": other}
    _change(
        edition,
        lambda s, e, by: shape.rewrite(s, e, fields, post_id=post, own_item_id=item, **by),
        "rewritten",
    )


@app.command("intro", epilog="Example: digest edition intro 12 'Good morning. **The bridge is open.**'")
def intro(
    edition: EditionId,
    text: Annotated[
        str, typer.Argument(help="Markdown; `-`: from standard input; `@FILE`: from a file; '': no intro.")
    ],
) -> None:
    """Set a coming edition's own words above its stories, in place of the digest's."""
    _words(edition, "intro", _text(text))


@app.command("sign-off", epilog="Example: digest edition sign-off 12 'Until tomorrow, from **all of us**.'")
def sign_off(
    edition: EditionId,
    text: Annotated[
        str,
        typer.Argument(help="Markdown; `-`: from standard input; `@FILE`: from a file; '': no sign-off."),
    ],
) -> None:
    """Set a coming edition's own words below all its stories, in place of the digest's sign-off."""
    _words(edition, "sign_off", _text(text))


@app.command("note", epilog="Example: digest edition note 12 'Our office is **closed** on Friday.'")
def note(
    edition: EditionId,
    text: Annotated[
        str, typer.Argument(help="Markdown; `-`: from standard input; `@FILE`: from a file; '': no note.")
    ],
) -> None:
    """Put an editor's note above the stories of a coming edition."""
    _words(edition, "note", _text(text))


@app.command("subject", epilog="Example: digest edition subject 12 '{featured.title}, and {count} stories'")
def subject(
    edition: EditionId,
    text: Annotated[str, typer.Argument(help="Plain words, with tokens such as {featured.title} or {date}.")],
) -> None:
    """Set a coming edition's own subject line."""
    _words(edition, "subject", text)


@app.command("preheader", epilog="Example: digest edition preheader 12 'Also: the choir seeks tenors'")
def preheader(
    edition: EditionId,
    text: Annotated[str, typer.Argument(help="Plain words, with the same tokens as a subject.")],
) -> None:
    """Set the line that mail programs show beside a coming edition's subject."""
    _words(edition, "preheader", text)


@app.command("changes", epilog="Example: digest edition changes 12")
def changes(edition: EditionId, as_json: bool = JsonOption) -> None:
    """Show what editors changed in an edition: who, when, and what was taken back."""
    from digest.editions.shape import list_changes  # noqa: PLC0415
    from digest.editions.show import get_edition  # noqa: PLC0415

    with common.read() as session:
        found = [_as_dict(one) for one in list_changes(session, get_edition(session, edition))]
    if as_json:
        common.print_json(found)
        return
    rows = [
        (
            one["id"],
            one["kind"],
            one["post"] or (f"item:{one['own_item']}" if one["own_item"] else None),
            ", ".join(f"{name}: {value}" for name, value in one["details"].items()) or None,
            f"{one['made_by']}, {common.shown(one['made_at'])}",
            f"{one['undone_by']}, {common.shown(one['undone_at'])}" if one["undone_at"] else None,
        )
        for one in found
    ]
    columns = ("id", "change", "story", "what", "by", "taken back")
    common.print_table(columns, rows, empty="Nobody has changed it.")


@app.command("undo", epilog="Example: digest edition undo 12 7")
def undo(
    edition: EditionId,
    change: Annotated[int, typer.Argument(help="The change's id (`digest edition changes`).")],
) -> None:
    """Take a change of a coming edition back."""
    from digest.editions.shape import undo as take_back  # noqa: PLC0415
    from digest.editions.show import get_edition  # noqa: PLC0415

    with common.write() as session:
        found = get_edition(session, edition)
        take_back(session, found, change, actor=common.actor(), now=common.now())
    common.say(f"Change {change} of edition {edition} is taken back.")


def _change(
    edition: int, act: Callable[[Session, Edition, dict[str, Any]], EditionChange], done: str
) -> None:
    from digest.editions.show import get_edition  # noqa: PLC0415

    with common.write() as session:
        found = get_edition(session, edition)
        made = act(session, found, {"actor": common.actor(), "now": common.now()}).id
    common.say(
        f"Change {made} of edition {edition}: {done}. `digest edition coming {edition}` shows how it stands; "
        f"`digest edition undo {edition} {made}` takes it back."
    )


def _words(edition: int, kind: str, text: str) -> None:
    from digest.editions.shape import set_words  # noqa: PLC0415
    from digest.models import ChangeKind  # noqa: PLC0415

    said = f"its {kind.replace('_', '-')} is set"
    _change(edition, lambda s, e, by: set_words(s, e, ChangeKind(kind), text, **by), said)


def _story(text: str) -> tuple[int | None, int | None]:
    """A post's id or an own item's."""
    mark, colon, number = text.rpartition(":")
    if number.isascii() and number.isdigit() and len(number) < 19 and mark in ("", "item", "post"):
        return (None, int(number)) if mark == "item" and colon else (int(number), None)
    raise InputError(f"{text[:40]!r} is no story; write a post's id, such as 345, or item:3.")


def _text(text: str) -> str:
    if text == "-":
        return sys.stdin.read(_LONGEST)
    if not text.startswith("@"):
        return text
    try:
        with Path(text[1:]).open(encoding="utf-8") as stream:
            return stream.read(_LONGEST)
    except (OSError, UnicodeDecodeError):
        raise InputError(f"The file {text[1:]} cannot be read as UTF-8 text.") from None


def _as_dict(change: EditionChange) -> dict[str, Any]:
    return {
        "id": change.id,
        "kind": change.kind.value,
        "post": change.post_id,
        "own_item": change.own_item_id,
        "details": dict(change.details),
        "made_by": change.made_by,
        "made_at": change.made_at,
        "undone_by": change.undone_by,
        "undone_at": change.undone_at,
    }

"""`digest source rename|pause|start|remove|restore`: looking after a source that is there."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Annotated, Protocol

import typer

from digest.cli import common

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from digest.models import Source

    class Step(Protocol):
        """What is done to a source."""

        def __call__(self, session: Session, source: Source, *, actor: str, now: dt.datetime) -> None: ...


Reference = Annotated[str, typer.Argument(metavar="SOURCE", help="The source's id or address.")]


def register(app: typer.Typer) -> None:
    """Make them commands of the group."""
    app.command("rename", epilog="Example: digest source rename 1 'The harbour pages'")(rename)
    app.command("pause", epilog="Example: digest source pause 1")(pause)
    app.command("start", epilog="Example: digest source start 1")(start)
    app.command("remove", epilog="Example: digest source remove 1")(remove)
    app.command("restore", epilog="Example: digest source restore 1")(restore)


def rename(
    source: Reference,
    title: Annotated[str, typer.Argument(help="What it is called; '' for its site's own name.")],
) -> None:
    """Call a source otherwise than its site does."""
    from digest.sources.keep import rename_source  # noqa: PLC0415

    with common.write() as session:
        found = _found(session, source)
        rename_source(session, found, title, actor=common.actor(), now=common.now())
    common.say("It has its name." if title else "It goes by its site's own name once it is read again.")


def pause(source: Reference) -> None:
    """Read a source no more until it is started again. What it has brought stays."""
    from digest.sources.keep import pause_source  # noqa: PLC0415

    _do(source, pause_source)
    common.say("It is paused: nobody reads it.")


def start(source: Reference) -> None:
    """Read a paused source again."""
    from digest.sources.keep import start_source  # noqa: PLC0415

    _do(source, start_source)
    common.say("It is read again, from now on.")


def remove(source: Reference) -> None:
    """Take a source away from all digests. What it has brought is kept: `restore` brings it back."""
    from digest.sources.keep import leaving_of, remove_source  # noqa: PLC0415

    with common.write() as session:
        found = _found(session, source)
        leaving, number = leaving_of(session, found), found.id
        remove_source(session, found, actor=common.actor(), now=common.now())
    common.say(
        f"It was taken away. Digests that drew from it: {', '.join(leaving.digests) or 'none'}; coming "
        f"editions without its stories: {leaving.editions}. `digest source restore {number}` brings it back."
    )


def restore(source: Reference) -> None:
    """Bring a source back that was taken away, to the same digests."""
    from digest.sources.keep import restore_source  # noqa: PLC0415

    _do(source, restore_source)
    common.say("It is back, and its digests draw from it again.")


def _do(reference: str, step: Step) -> None:
    with common.write() as session:
        step(session, _found(session, reference), actor=common.actor(), now=common.now())


def _found(session: Session, reference: str) -> Source:
    from digest.sources.catalogue import get_source  # noqa: PLC0415

    return get_source(session, reference)

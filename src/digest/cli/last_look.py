"""`digest edition accept|mark-seen|changes|relock`: what a person says to odd news, and to late changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli import common
from digest.cli.common import JsonOption

if TYPE_CHECKING:
    from digest.editions.changed_since import StoryChange

app = typer.Typer(rich_markup_mode=None, add_completion=False)

EditionId = Annotated[int, typer.Argument(metavar="ID", help="The edition's id.")]
Language = Annotated[str, typer.Option(help="The language of states and reasons: en or hy.")]


@app.command("accept", epilog="Example: digest edition accept 12")
def accept(edition: EditionId) -> None:
    """Say that the unusual news which holds an edition is meant. It is locked at once, with that news."""
    from digest.editions.accept import accept_news  # noqa: PLC0415
    from digest.editions.show import get_edition  # noqa: PLC0415

    with common.write() as session:
        accept_news(session, get_edition(session, edition), actor=common.actor(), now=common.now())
    common.say(f"The news of edition {edition} is accepted; it is locked as soon as a worker takes it.")


@app.command("mark-seen", epilog="Example: digest edition mark-seen 12")
def mark_seen(edition: EditionId) -> None:
    """Say that the unusual news which holds an edition is old. It is locked at once, without that news."""
    from digest.editions.accept import mark_as_seen  # noqa: PLC0415
    from digest.editions.show import get_edition  # noqa: PLC0415

    with common.write() as session:
        found = get_edition(session, edition)
        count = mark_as_seen(session, found, actor=common.actor(), now=common.now())
    common.say(
        f"{count} posts are marked as seen and are no news any more; "
        f"edition {edition} is locked as soon as a worker takes it."
    )


@app.command("site-changes", epilog="Example: digest edition site-changes 12")
def changes(edition: EditionId, as_json: bool = JsonOption) -> None:
    """Show what has changed on the sites since an edition was locked, as of the last collection."""
    from digest.editions.changed_since import changed_since_lock  # noqa: PLC0415
    from digest.editions.show import get_edition  # noqa: PLC0415

    with common.read() as session:
        found = changed_since_lock(session, get_edition(session, edition))
    if as_json:
        common.print_json(found)
        return
    if not found:
        common.say("Its stories are on their sites as they were locked.")
        return
    for story in found:
        _print_story(story)
    common.say(f"To lock it again with what is there now: `digest edition relock {edition}`.")


@app.command("relock", epilog="Example: digest edition relock 12")
def relock(edition: EditionId, language: Language = "en") -> None:
    """Lock an edition again, with what its sites hold now. An approval that it had does not hold any more."""
    from digest.cli.editions import freeze  # noqa: PLC0415
    from digest.deliveries.relock import unlock  # noqa: PLC0415
    from digest.editions.show import get_edition  # noqa: PLC0415

    with common.write() as session:
        unlock(session, get_edition(session, edition), actor=common.actor(), now=common.now())
    freeze(edition, language)


def _print_story(story: StoryChange) -> None:
    gone = f" (withdrawn: {story.withdrawn.value})" if story.withdrawn else ""
    common.say(f"{story.number}. {story.title}{gone}")
    for change in story.changes:
        common.say(f"   {change.part}:")
        for line in change.before:
            common.say(f"   - {line}")
        for line in change.now:
            common.say(f"   + {line}")

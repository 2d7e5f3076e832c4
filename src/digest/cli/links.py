"""`digest link`: how often the links of an edition are followed, and where they lead."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli import common
from digest.cli.common import JsonOption

if TYPE_CHECKING:
    from digest.editions.links import LinkLine

app = common.group("Counted links: how often stories are followed, and where they lead.")

Edition = Annotated[int, typer.Argument(metavar="EDITION", help="The edition's id.")]


@app.command("list", epilog="Example: digest link list 12")
def list_all(edition: Edition, as_json: bool = JsonOption) -> None:
    """Show the counted links of an edition, those of its stories first, with how often each was followed.

    People and bots are told apart by rule, which errs now and then; nobody's name is kept. Numbers arrive a
    few seconds late. Empty for a digest whose links are direct.
    """
    from digest.editions.links import list_links  # noqa: PLC0415
    from digest.editions.show import get_edition  # noqa: PLC0415

    public_url = common.settings().public_url
    with common.read() as session:
        found = list_links(session, get_edition(session, edition))
    if as_json:
        common.print_json([asdict(line) for line in found])
        return
    rows = [(line.story or None, line.people, line.bots, line.code, _where(line)) for line in found]
    columns = ("story", "people", "bots", "link", "leads to")
    empty = "This edition has no counted links; `digest digest set DIGEST --links counted` makes them."
    common.print_table(columns, rows, empty=empty)
    if found:
        common.say(f"A link's address is {public_url}/l/ and its code, for all readers the same.")


@app.command("repoint", epilog="Example: digest link repoint 12 3 https://courier.example/the-right-story/")
def repoint(
    edition: Edition,
    which: Annotated[str, typer.Argument(metavar="STORY|CODE", help="A story's number, or a link's code.")],
    url: Annotated[str, typer.Argument(metavar="URL", help="Where it is to lead.")],
) -> None:
    """Lead a counted link elsewhere, also in mails that have arrived; a few seconds later it does.

    Its first address given once more leads it back. Only the mail's links change: the web edition has the
    addresses of the stories themselves.
    """
    from digest.editions.links import repoint as repoint_link  # noqa: PLC0415
    from digest.editions.show import get_edition  # noqa: PLC0415

    public_url = common.settings().public_url
    with common.write() as session:
        link = repoint_link(
            session,
            get_edition(session, edition),
            which,
            url,
            public_url=public_url,
            actor=common.actor(),
            now=common.now(),
        )
        code, target = link.code, link.target
    common.say(f"The link {code} of edition {edition} leads to {target}.")


def _where(line: LinkLine) -> str:
    return line.url if line.target == line.url else f"{line.target} (was {line.url})"

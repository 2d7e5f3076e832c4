"""`digest cadence first-copy`: who of the staff gets an edition before everybody else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli import common
from digest.cli.common import JsonOption

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from digest.models import Cadence

app = common.group(
    "The staff who get an edition some minutes ahead, with a link that stops it.",
    epilog="Example: digest cadence first-copy list courier morning",
)

DigestName = Annotated[str, typer.Argument(metavar="DIGEST", help="The digest.")]
Name = Annotated[str, typer.Argument(metavar="CADENCE", help="The cadence.")]
Addresses = Annotated[
    list[str], typer.Argument(metavar="ADDRESS", help="Of people with an account; several if wanted.")
]


@app.command("add", epilog="Example: digest cadence first-copy add courier morning nare@example.org")
def add(digest: DigestName, cadence: Name, addresses: Addresses) -> None:
    """Have people of the staff get a cadence's editions first."""
    from digest.editions.first_copies import add_first_copy  # noqa: PLC0415
    from digest.notices.staff import account_of  # noqa: PLC0415

    now = common.now()
    with common.write() as session:
        found = _cadence(session, digest, cadence)
        accounts = [account_of(session, address) for address in addresses]
        new = sum(
            add_first_copy(session, found, account, actor=common.actor(), now=now) for account in accounts
        )
        seconds = found.first_copies_seconds
    common.say(f"{new} more get the first copies of {cadence}, {seconds} seconds before its slot.")


@app.command("remove", epilog="Example: digest cadence first-copy remove courier morning nare@example.org")
def remove(digest: DigestName, cadence: Name, addresses: Addresses) -> None:
    """Take it back. Links in first copies that were sent go on working."""
    from digest.editions.first_copies import remove_first_copy  # noqa: PLC0415
    from digest.notices.staff import account_of  # noqa: PLC0415

    now = common.now()
    with common.write() as session:
        found = _cadence(session, digest, cadence)
        accounts = [account_of(session, address, is_active=False) for address in addresses]
        gone = sum(
            remove_first_copy(session, found, account, actor=common.actor(), now=now) for account in accounts
        )
    common.say(f"{gone} fewer get the first copies of {cadence}.")


@app.command("lead", epilog="Example: digest cadence first-copy lead courier morning 300")
def lead(
    digest: DigestName,
    cadence: Name,
    seconds: Annotated[int, typer.Argument(help="Seconds before the slot; 300 unless it was changed.")],
) -> None:
    """Say how long before its slot a cadence's first copies go out."""
    from digest.editions.first_copies import set_first_copies_lead  # noqa: PLC0415

    with common.write() as session:
        found = _cadence(session, digest, cadence)
        set_first_copies_lead(session, found, seconds, actor=common.actor(), now=common.now())
    common.say(f"The first copies of {cadence} go out {seconds} seconds before its slot.")


@app.command("list", epilog="Example: digest cadence first-copy list courier morning")
def list_all(digest: DigestName, cadence: Name, as_json: bool = JsonOption) -> None:
    """Show who gets a cadence's editions first."""
    from digest.editions.first_copies import first_readers  # noqa: PLC0415

    with common.read() as session:
        found = _cadence(session, digest, cadence)
        people = first_readers(session, found.id)
        seconds = found.first_copies_seconds
    if as_json:
        readers = [{"id": one.id, "name": one.name, "address": one.address} for one in people]
        common.print_json({"seconds": seconds, "people": readers})
        return
    rows = [(one.name, one.address) for one in people]
    common.print_table(("name", "address"), rows, empty="Nobody gets its first copies.")


def _cadence(session: Session, digest: str, name: str) -> Cadence:
    from digest.lists.queries import cadence_named, digest_named  # noqa: PLC0415

    return cadence_named(session, digest_named(session, digest).id, name)

"""`digest account`: the people who work with Digest, and the only ones whom test mails reach."""

from __future__ import annotations

import sqlalchemy as sa
import typer

from digest import audit
from digest.addresses import parse_address
from digest.cli import common
from digest.cli.common import JsonOption
from digest.db.dialect import insert_if_new
from digest.errors import InputError
from digest.lists.fields import clean_line
from digest.models import Account, AccountRole

app = common.group("The people who work with Digest.")


@app.command("add", epilog='Example: digest account add editor@example.org --name "Nare" --role editor')
def add(
    address: str = typer.Argument(help="The person's mail address."),
    name: str = typer.Option(..., help="The person's name."),
    role: AccountRole = typer.Option(AccountRole.EDITOR, help="What the person may do."),
) -> None:
    """Add a person who works with Digest."""
    parsed = parse_address(address)
    now = common.now()
    row = {
        "name": clean_line(name, what="name"),
        "address": parsed.text,
        "address_key": parsed.key,
        "role": role,
        "created_at": now,
    }
    if not row["name"]:
        raise InputError("A name is needed: it stands beside what the person does.")
    with common.write() as session:
        made = insert_if_new(session, Account, row)
        if made is None:
            raise InputError("There is an account with this address already.")
        account = session.get_one(Account, made)
        details = {"role": role.value}
        audit.record(session, "account.add", account, actor=common.actor(), now=now, details=details)
    common.say(f"Added as {role.value}.")


@app.command("list", epilog="Example: digest account list --json")
def list_all(*, as_json: bool = JsonOption) -> None:
    """Show the people who work with Digest."""
    with common.read() as session:
        found = list(session.scalars(sa.select(Account).order_by(Account.name, Account.id)))
    if as_json:
        names = ("id", "name", "address", "role", "created_at", "disabled_at")
        common.print_json([{name: getattr(one, name) for name in names} for one in found])
        return
    rows = [(one.name, one.address, one.role.value, "no" if one.disabled_at else "yes") for one in found]
    common.print_table(("name", "address", "role", "active"), rows, empty="There is no account yet.")

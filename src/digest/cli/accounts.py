"""`digest account`: the people who work with Digest, and the only ones whom test mails reach."""

from __future__ import annotations

import sqlalchemy as sa
import typer

from digest.accounts.leave import belongings_of, leave
from digest.accounts.links import make_link
from digest.accounts.people import account_at, add_account, set_role
from digest.accounts.set_up import set_up_link
from digest.cli import common
from digest.cli.common import JsonOption
from digest.errors import StateError
from digest.models import Account, AccountRole, LinkPurpose

app = common.group("The people who work with Digest.")

_ADDRESS = typer.Argument(help="The person's mail address.")


@app.command("add", epilog='Example: digest account add editor@example.org --name "Nare" --role editor')
def add(
    address: str = _ADDRESS,
    name: str = typer.Option(..., help="The person's name."),
    role: AccountRole = typer.Option(AccountRole.EDITOR, help="What the person may do."),
) -> None:
    """Add a person who works with Digest. `digest account reset` gives them a way in."""
    with common.write() as session:
        add_account(session, address=address, name=name, role=role, actor=common.actor(), now=common.now())
    common.say(f"Added as {role.value}.")


@app.command("list", epilog="Example: digest account list --json")
def list_all(*, as_json: bool = JsonOption) -> None:
    """Show the people who work with Digest."""
    with common.read() as session:
        found = list(session.scalars(sa.select(Account).order_by(Account.name, Account.id)))
    if as_json:
        names = ("id", "name", "address", "role", "created_at", "disabled_at", "signed_in_at")
        rows = [{name: getattr(one, name) for name in names} for one in found]
        for row, one in zip(rows, found, strict=True):
            row |= {"has_password": one.password_hash is not None, "has_codes": one.totp_secret is not None}
        common.print_json(rows)
        return
    heads = ("name", "address", "role", "active", "password", "codes")
    lines = [
        (
            one.name,
            one.address,
            one.role.value,
            "no" if one.disabled_at else "yes",
            "yes" if one.password_hash else "no",
            "yes" if one.totp_secret else "no",
        )
        for one in found
    ]
    common.print_table(heads, lines, empty="There is no account yet.")


@app.command("disable", epilog="Example: digest account disable editor@example.org --heir chief@example.org")
def disable_one(
    address: str = _ADDRESS,
    heir: str = typer.Option("", help="The address of whoever takes over digests, alerts and first copies."),
    *,
    dry_run: bool = typer.Option(False, "--dry-run", help="Only say what would happen."),
) -> None:
    """Somebody leaves the paper: end their sessions and links, hand on what was theirs."""
    with common.write() as session:
        account = account_at(session, address)
        taker = account_at(session, heir) if heir else None
        if dry_run:
            had = belongings_of(session, account, now=common.now())
        else:
            had = leave(session, account, heir=taker, actor=common.actor(), now=common.now())
    will = "would end" if dry_run else "ended"
    common.say(f"{had.sessions} sessions and {had.links} links {will}.")
    if had.orphans and not taker:
        common.say(f"Nobody else works on: {', '.join(had.orphans)}.")
    for kind, name in had.to_rotate:
        what = "signing key" if kind == "dkim" else "password of the mail service"
        common.say(f"Change what they may know: the {what} {name}.")


@app.command("reset", epilog="Example: digest account reset editor@example.org")
def reset(address: str = _ADDRESS) -> None:
    """Print a link by which a person chooses a password; give it to nobody else. It works once."""
    with common.write() as session:
        account = account_at(session, address)
        if account.disabled_at is not None:
            raise StateError("This account is shut out; an admin lets it in again at the desk.")
        purpose = LinkPurpose.INVITE if account.password_hash is None else LinkPurpose.RESET
        url = common.settings().public_url
        link = make_link(session, purpose, account_id=account.id, public_url=url, now=common.now())
    common.say(link)


@app.command("make-admin", epilog="Example: digest account make-admin editor@example.org")
def make_admin(address: str = _ADDRESS) -> None:
    """Make a person an admin."""
    with common.write() as session:
        account = account_at(session, address)
        has_changed = set_role(session, account, AccountRole.ADMIN, actor=common.actor(), now=common.now())
    common.say("Made an admin." if has_changed else "This is an admin already.")


@app.command("link", epilog="Example: digest account link")
def link() -> None:
    """Print the link by which the desk's first account is made, if there is no admin who can sign in."""
    with common.write() as session:
        url = common.settings().public_url
        found = set_up_link(session, public_url=url, now=common.now())
    if not found:
        raise StateError("There is an admin who can sign in; ask them for an invitation.")
    common.say(found)

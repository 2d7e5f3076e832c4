"""`digest list`: mailing lists."""

from __future__ import annotations

import typer

from digest import audit
from digest.cli import common
from digest.cli.common import JsonOption
from digest.lists import counts, manage, queries
from digest.models import SubscriptionStatus, UncertainPolicy

app = common.group("Mailing lists.")

_UNCERTAIN = typer.Option(
    None,
    "--uncertain",
    help="What becomes of deliveries of which nobody can know whether they arrived: "
    "`hold` shows them to you, `resend` sends them once more.",
)


@app.command(
    "create", epilog='Example: digest list create readers --digest courier --title "The Courier by mail"'
)
def create(
    name: str = typer.Argument(help="Short name: a-z, digits, hyphens."),
    digest: str = typer.Option(..., help="The digest that its people get."),
    title: str = typer.Option(..., help="What readers see."),
    uncertain: UncertainPolicy | None = _UNCERTAIN,
    as_json: bool = JsonOption,
) -> None:
    """Make a list of a digest."""
    policy = uncertain or UncertainPolicy.HOLD
    with common.write() as session:
        owner = queries.digest_named(session, digest)
        now, actor = common.now(), common.actor()
        made = manage.create_list(session, owner, name=name, title=title, uncertain_policy=policy, now=now)
        details = {"digest": owner.id, "uncertain_policy": policy.value}
        audit.record(session, "list.create", made, actor=actor, now=now, details=details)
        result = {"id": made.id, "name": made.name, "digest": owner.name}
    if as_json:
        common.print_json(result)
    else:
        common.say(f"The list {name} is there; put people on it with `digest subscriber add`.")


@app.command("set", epilog="Example: digest list set readers --uncertain resend")
def set_values(
    name: str = typer.Argument(help="The list."),
    title: str | None = typer.Option(None, help="What readers see."),
    uncertain: UncertainPolicy | None = _UNCERTAIN,
) -> None:
    """Change a list's title or policy."""
    with common.write() as session:
        found = queries.list_named(session, name)
        changed = manage.set_list(found, title=title, uncertain_policy=uncertain)
        if changed:
            actor, now = common.actor(), common.now()
            audit.record(session, "list.set", found, actor=actor, now=now, details=changed)
    common.say(f"Changed: {', '.join(changed)}." if changed else "Nothing to change.")


@app.command("list", epilog="Example: digest list list --json")
def list_all(*, as_json: bool = JsonOption) -> None:
    """Show all lists with how many people are on them."""
    with common.read() as session:
        found = counts.all_lists(session)
    if as_json:
        common.print_json(found)
        return
    columns = ("list", "title", "digest", *(status.value for status in SubscriptionStatus))
    rows = [
        (one.name, one.title, one.digest, *(one.people[status.value] for status in SubscriptionStatus))
        for one in found
    ]
    common.print_table(columns, rows, empty="There is no list yet; make one with `digest list create`.")


@app.command("show", epilog="Example: digest list show readers")
def show(
    name: str = typer.Argument(help="The list."),
    as_json: bool = JsonOption,
) -> None:
    """Show one list."""
    with common.read() as session:
        found = counts.one_list(session, queries.list_named(session, name))
    if as_json:
        common.print_json(found)
        return
    common.print_fields(
        {
            "list": found.name,
            "title": found.title,
            "digest": found.digest,
            "uncertain deliveries": found.uncertain_policy,
            "made": common.shown(found.created_at),
            **found.people,
        }
    )

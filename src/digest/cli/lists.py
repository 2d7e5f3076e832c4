"""`digest list`: mailing lists."""

from __future__ import annotations

import typer

from digest import audit
from digest.cli import common
from digest.cli.common import JsonOption
from digest.errors import InputError
from digest.lists import counts, manage, queries
from digest.models import NetworkRecord, OptIn, SubscriptionStatus, UncertainPolicy

app = common.group("Mailing lists.")

_UNCERTAIN = typer.Option(
    None,
    "--uncertain",
    help="What becomes of deliveries of which nobody can know whether they arrived: "
    "`hold` shows them to you, `resend` sends them once more.",
)

_SINGLE_WARNING = (
    "Warning: with single opt-in anybody can sign up anybody else; wrong addresses and complaints will harm "
    "your mail, and in some countries it is not lawful."
)
_SINGLE_NEEDS_YES = f"{_SINGLE_WARNING.removeprefix('Warning: ').capitalize()} Add --yes if you are sure."


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


@app.command(
    "set",
    epilog="Example: digest list set readers --open --welcome-with-latest --origin https://courier.example",
)
def set_values(
    name: str = typer.Argument(help="The list."),
    title: str | None = typer.Option(None, help="What readers see."),
    uncertain: UncertainPolicy | None = _UNCERTAIN,
    is_open: bool | None = typer.Option(
        None, "--open/--closed", help="Whether anybody may sign up by its public page."
    ),
    opt_in: OptIn | None = typer.Option(
        None, help="`double`: a sign-up counts once it is confirmed by a link; `single`: at once."
    ),
    welcome_with_latest: bool | None = typer.Option(
        None,
        "--welcome-with-latest/--welcome-alone",
        help="Whether the welcome mail leads to the latest edition.",
    ),
    origin: list[str] = typer.Option(
        [], help="A site whose pages may sign people up in the background; again for more. Replaces all."
    ),
    no_origins: bool = typer.Option(False, "--no-origins", help="No other site may."),
    network_record: NetworkRecord | None = typer.Option(
        None, help="What is kept of the network address that a consent came from."
    ),
    network_days: int | None = typer.Option(None, help="For how many days it is kept."),
    yes: bool = typer.Option(False, "--yes", help="Turn on single opt-in without being asked once more."),
) -> None:
    """Change a list's title, policy, or how people sign up to it."""
    if opt_in is OptIn.SINGLE and not yes:
        raise InputError(_SINGLE_NEEDS_YES)
    if origin and no_origins:
        raise InputError("Name sites with --origin, or none with --no-origins; not both.")
    changes = manage.ListChanges(
        title=title,
        uncertain_policy=uncertain,
        is_open=is_open,
        opt_in=opt_in,
        welcomes_with_latest=welcome_with_latest,
        network_record=network_record,
        network_days=network_days,
        form_origins=[] if no_origins else origin or None,
    )
    with common.write() as session:
        found = queries.list_named(session, name)
        changed = manage.set_list(found, changes)
        if changed:
            actor, now = common.actor(), common.now()
            audit.record(session, "list.set", found, actor=actor, now=now, details=changed)
    if changed.get("opt_in") == OptIn.SINGLE:
        common.say(_SINGLE_WARNING)
    common.say(f"Changed: {', '.join(changed)}." if changed else "Nothing to change.")


@app.command("form", epilog="Example: digest list form readers weekend > form.html")
def form(
    names: list[str] = typer.Argument(help="The list, or several for one form."),
    as_json: bool = JsonOption,
) -> None:
    """Print a plain HTML form to copy into your own site; it works without JavaScript."""
    from digest.cli.list_form import made_form  # noqa: PLC0415  (templates: 0.1 s for one command)

    made = made_form(names)
    if as_json:
        common.print_json(made)
    else:
        common.say(made.html)


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
    sign_up = f"{common.settings().public_url}/s/{found.name}" if found.is_open else "closed"
    kept = found.network_record.value
    if found.network_record is not NetworkRecord.NONE:
        kept += f", for {found.network_days} days"
    stopped = ", ".join(f"{people:,} on {name}" for name, people in found.stranded.items())
    common.print_fields(
        {
            "list": found.name,
            "title": found.title,
            "digest": found.digest,
            "uncertain deliveries": found.uncertain_policy,
            "sign-up": sign_up,
            "opt-in": found.opt_in,
            "welcome": "with the latest edition" if found.welcomes_with_latest else "alone",
            "other sites": ", ".join(found.form_origins) or "none",
            "network address": kept,
            "made": common.shown(found.created_at),
            **found.people,
            **({"get nothing, for it is stopped": stopped} if stopped else {}),
        }
    )

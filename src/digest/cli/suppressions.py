"""`digest suppression`: the do-not-mail list."""

from __future__ import annotations

import sqlalchemy as sa
import typer

from digest import audit
from digest.cli import common
from digest.cli.common import JsonOption
from digest.lists import suppress
from digest.lists.status import Origin
from digest.models import Suppression, SuppressionKind

app = common.group("The do-not-mail list.")

_Target = typer.Argument(help="A mail address, or a domain such as example.org.")


@app.command("add", epilog="Example: digest suppression add ani@example.org --reason complaint")
def add(
    target: str = _Target,
    reason: str = typer.Option(..., help="Why, in a word or two."),
) -> None:
    """Never mail an address or a domain again, whatever list it is on."""
    now = common.now()
    address_key = common.load_keys().address_key
    with common.write() as session:
        if "@" in target:
            made = suppress.suppress_address(
                session, address_key, target, reason=reason, source=Origin.CLI, now=now
            )
        else:
            made = suppress.suppress_domain(session, target, reason=reason, source=Origin.CLI, now=now)
        if made is not None:
            details = {"kind": made.kind.value, "reason": made.reason}
            audit.record(session, "suppression.add", made, actor=common.actor(), now=now, details=details)
    common.say(
        "On the do-not-mail list." if made else "On the do-not-mail list already; nothing was changed."
    )


@app.command("remove", epilog="Example: digest suppression remove example.org")
def remove(target: str = _Target) -> None:
    """Take an address or a domain off the do-not-mail list. It puts nobody back on a mailing list."""
    address_key = common.load_keys().address_key
    with common.write() as session:
        if "@" in target:
            found = suppress.release_address(session, address_key, target)
        else:
            found = suppress.release_domain(session, target)
        if found is not None:
            now = common.now()
            details = {"kind": found.kind.value, "reason": found.reason}
            audit.record(session, "suppression.remove", found, actor=common.actor(), now=now, details=details)
    common.say("Off the do-not-mail list." if found else "Not on the do-not-mail list; nothing was changed.")


@app.command("list", epilog="Example: digest suppression list --kind domain --json")
def list_all(
    kind: SuppressionKind | None = typer.Option(None, help="Only addresses or only domains."),
    limit: int = typer.Option(100, min=1, max=100_000, help="At most so many, the newest first."),
    as_json: bool = JsonOption,
) -> None:
    """Show the do-not-mail list. Of addresses only a keyed hash is kept."""
    query = sa.select(Suppression).order_by(Suppression.id.desc()).limit(limit)
    if kind is not None:
        query = query.where(Suppression.kind == kind)
    with common.read() as session:
        found = list(session.scalars(query))
    if as_json:
        names = ("kind", "value", "reason", "source", "created_at")
        common.print_json([{name: getattr(one, name) for name in names} for one in found])
        return
    rows = [
        (one.kind.value, _short(one), one.reason, one.source, common.shown(one.created_at)) for one in found
    ]
    common.print_table(
        ("kind", "value", "reason", "by", "since"), rows, empty="The do-not-mail list is empty."
    )


def _short(row: Suppression) -> str:
    return row.value if row.kind is SuppressionKind.DOMAIN else f"{row.value[:12]}..."

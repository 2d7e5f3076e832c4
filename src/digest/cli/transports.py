"""`digest transport`: mail services."""

from __future__ import annotations

from pathlib import Path

import typer

from digest import audit, keys
from digest.cli import common
from digest.cli.common import JsonOption
from digest.errors import ConfigError, InputError
from digest.models import Security, Transport
from digest.pacing import transports

app = common.group("Mail services.")

_Name = typer.Argument(help="Short name of the mail service.")
_PasswordFile = typer.Option(
    None,
    "--password-file",
    help="File with the password; without it you are asked, or it is read from stdin.",
)


@app.command("add", epilog="Example: digest transport add relay --host smtp.example.org --username courier")
def add(
    name: str = _Name,
    host: str = typer.Option(..., help="Host name or IP address."),
    port: int | None = typer.Option(None, help="Port; default: 587 for starttls, 465 for tls, 25 for none."),
    security: Security = typer.Option(Security.STARTTLS, help="How the connection is protected."),
    username: str = typer.Option("", help="User name, if the service wants one."),
    password_file: Path | None = _PasswordFile,
    helo: str = typer.Option("", help="The name we greet with: this machine's public host name."),
    rank: int = typer.Option(0, help="The lowest is tried first."),
    as_json: bool = JsonOption,
) -> None:
    """Add a mail service. Nothing is connected; try it with `digest transport test`."""
    if password_file and not username:
        raise InputError("A password needs a user name: give --username too.")
    now = common.now()
    # Before the transaction: nothing waits for a person's typing.
    password = common.read_password(password_file, prompt=f"Password for {name}") if username else ""
    secret = f"transport-{name}" if username else None
    with common.write() as session:
        made = transports.add_transport(
            session,
            name=name,
            host=host,
            port=port,
            security=security,
            username=username,
            secret_name=secret,
            helo=helo,
            rank=rank,
            now=now,
        )
        details = {"host": made.host, "port": made.port, "security": made.security.value}
        audit.record(session, "transport.add", made, actor=common.actor(), now=now, details=details)
        shown = _shown(made)
        if secret:
            _keep_password(secret, password)
    if as_json:
        common.print_json(shown)
    else:
        common.say(f"The mail service {name} is there; try it with `digest transport test {name}`.")


@app.command("set", epilog="Example: digest transport set relay --rank 1 --no-enabled")
def set_values(
    name: str = _Name,
    rank: int | None = typer.Option(None, help="The lowest is tried first."),
    enabled: bool | None = typer.Option(None, "--enabled/--no-enabled", help="Whether it is used."),
    new_password: bool = typer.Option(
        False, "--password", help="Ask for a new password, or read it from stdin."
    ),
    password_file: Path | None = _PasswordFile,
) -> None:
    """Change a mail service's rank, whether it is used, or its password."""
    changed: dict[str, object] = {}
    password = ""
    if new_password or password_file:
        password = common.read_password(password_file, prompt=f"New password for {name}")
    with common.write() as session:
        row = transports.transport_named(session, name)
        if rank is not None and rank != row.rank:
            row.rank = changed["rank"] = rank
        if enabled is not None and enabled != row.is_enabled:
            row.is_enabled = changed["is_enabled"] = enabled
        if password:
            if not row.secret_name:
                raise InputError("This mail service has no user name, so it needs no password.")
            _keep_password(row.secret_name, password)
            changed |= {"password": "new"}
        if changed:
            now, actor = common.now(), common.actor()
            audit.record(session, "transport.set", row, actor=actor, now=now, details=changed)
    common.say(f"Changed: {', '.join(changed)}." if changed else "Nothing to change.")


@app.command("list", epilog="Example: digest transport list --json")
def list_all(*, as_json: bool = JsonOption) -> None:
    """Show the mail services in the order they are tried."""
    with common.read() as session:
        found = transports.transports(session)
    if as_json:
        common.print_json([_shown(row) for row in found])
        return
    rows = [
        (
            row.name,
            f"{row.host}:{row.port}",
            row.security.value,
            row.username or None,
            row.rank,
            "yes" if row.is_enabled else "no",
            common.shown(row.tested_at),
        )
        for row in found
    ]
    columns = ("name", "server", "security", "user", "rank", "used", "last tried")
    common.print_table(
        columns, rows, empty="There is no mail service yet; add one with `digest transport add`."
    )


@app.command("test", epilog="Example: digest transport test relay")
def try_one(name: str = _Name, as_json: bool = JsonOption) -> None:
    """Connect, protect the connection, sign in, and say goodbye. No mail is sent."""
    with common.open_database() as database:
        offer = transports.try_transport(database, name, common.settings().secrets_folder)
    if as_json:
        common.print_json(offer)
        return
    common.print_fields(
        {
            "connection": offer.tls or "open, without TLS",
            "signed in": "yes" if offer.is_signed_in else "no user name, so no",
            "largest mail": f"{offer.size_limit:,} bytes" if offer.size_limit else None,
            "offers": ", ".join(offer.extensions) or None,
        }
    )


def _keep_password(secret: str, password: str) -> None:
    folder = common.settings().secrets_folder
    try:
        keys.write_secret(folder, secret, password)
    except OSError as error:
        raise ConfigError(f"The secrets folder {folder} cannot be written: {error.strerror}.") from None


def _shown(row: Transport) -> dict[str, object]:
    names = ("name", "host", "port", "security", "username", "helo", "rank", "is_enabled", "tested_at")
    return {name: getattr(row, name) for name in names}

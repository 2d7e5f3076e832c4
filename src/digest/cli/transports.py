"""`digest transport`: mail services."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import typer

from digest import audit
from digest.cli import common, ramp_up
from digest.cli.common import JsonOption
from digest.errors import InputError
from digest.models import Security, Signer, Transport
from digest.pacing import change, transports
from digest.pacing.presets import PRESETS, Preset, preset

app = common.group("Mail services.")

_Name = typer.Argument(help="Short name of the mail service.")
_PasswordFile = typer.Option(
    None,
    "--password-file",
    help="File with the password; without it you are asked, or it is read from stdin.",
)
_PerSecond = typer.Option(None, "--per-second", help="Mails a second, by all workers together; 0: no limit.")
_PerHour = typer.Option(None, "--per-hour", help="Mails an hour, by all workers together; 0: no limit.")
_Connections = typer.Option(None, "--connections", help="Connections of each worker process, 1 to 64.")
_Signer = typer.Option(None, "--signer", help="Who puts the DKIM signature on: the mail service or we.")


@app.command("add", epilog="Example: digest transport add relay --host smtp.example.org --username courier")
def add(
    name: str = _Name,
    known_as: str | None = typer.Option(
        None, "--preset", help="A common mail service; `digest transport presets` lists them."
    ),
    region: str | None = typer.Option(None, help="The preset's region, where it has some."),
    host: str | None = typer.Option(None, help="Host name or IP address; a preset brings its own."),
    port: int | None = typer.Option(None, help="Port; default: 587 for starttls, 465 for tls, 25 for none."),
    security: Security | None = typer.Option(
        None, help="How the connection is protected; default: starttls."
    ),
    username: str | None = typer.Option(None, help="User name, if the service wants one."),
    password_file: Path | None = _PasswordFile,
    helo: str = typer.Option("", help="The name we greet with: this machine's public host name."),
    rank: int = typer.Option(0, help="The lowest is tried first; the next one when it fails."),
    per_second: float | None = _PerSecond,
    per_hour: int | None = _PerHour,
    connections: int | None = _Connections,
    signer: Signer | None = _Signer,
    as_json: bool = JsonOption,
) -> None:
    """Add a mail service. Nothing is connected; try it with `digest transport test`."""
    if region is not None and known_as is None:
        raise InputError("A region belongs to a preset: give --preset too.")
    known = Preset(title="") if known_as is None else preset(known_as, region=region)
    host = host or known.host
    if not host:
        raise InputError("Where the mail service listens is needed: give --host.")
    if security is None:
        security = known.security
    elif port is None:
        port = transports.DEFAULT_PORTS[security]
    username = known.username if username is None else username
    if password_file and not username:
        raise InputError("A password needs a user name: give --username too.")
    now = common.now()
    # Before the transaction: nothing waits for a person's typing.
    password = common.read_password(password_file, prompt=f"Password for {name}") if username else ""
    secret = change.secret_name_of(name) if username else None
    with common.write() as session:
        made = transports.add_transport(
            session,
            name=name,
            host=host,
            port=known.port if port is None else port,
            security=security,
            username=username,
            secret_name=secret,
            helo=helo,
            rank=rank,
            signer=signer or known.signer,
            per_second=known.per_second if per_second is None else per_second,
            per_hour=known.per_hour if per_hour is None else per_hour,
            connections=connections or known.connections,
            now=now,
        )
        details = {"host": made.host, "port": made.port, "security": made.security.value}
        audit.record(session, "transport.add", made, actor=common.actor(), now=now, details=details)
        shown = _shown(made)
        if secret:
            change.keep_password(common.settings().secrets_folder, secret, password)
    if as_json:
        common.print_json(shown)
    else:
        common.say(
            f"The mail service {name} is there. Readers are mailed by it once it has taken a test mail: "
            f"`digest transport test {name} --to ADDRESS`."
        )
        if known.hint:
            common.say(known.hint)


@app.command("presets", epilog="Example: digest transport presets")
def list_presets(*, as_json: bool = JsonOption) -> None:
    """Show the common mail services that `digest transport add --preset` knows."""
    if as_json:
        common.print_json(PRESETS)
        return
    rows = [
        (
            name,
            known.title,
            f"{known.host or '(yours)'}:{known.port}",
            known.username_hint or None,
            "we" if known.signer is Signer.US else "the service",
            known.hint or None,
        )
        for name, known in PRESETS.items()
    ]
    common.print_table(("preset", "what it is", "server", "user name", "signs", "note"), rows, empty="")


@app.command("set", epilog="Example: digest transport set relay --rank 1 --no-enabled")
def set_values(
    name: str = _Name,
    rank: int | None = typer.Option(None, help="The lowest is tried first."),
    enabled: bool | None = typer.Option(None, "--enabled/--no-enabled", help="Whether it is used."),
    new_password: bool = typer.Option(
        False, "--password", help="Ask for a new password, or read it from stdin."
    ),
    password_file: Path | None = _PasswordFile,
    per_second: float | None = _PerSecond,
    per_hour: int | None = _PerHour,
    connections: int | None = _Connections,
    signer: Signer | None = _Signer,
) -> None:
    """Change a mail service's rank, whether it is used, its password, its pace, or who signs."""
    wanted: dict[str, object] = {
        **transports.checked_limits(per_second=per_second, per_hour=per_hour, connections=connections)
    }
    if rank is not None:
        wanted["rank"] = rank
    if enabled is not None:
        wanted["is_enabled"] = enabled
    if signer is not None:
        wanted["signer"] = signer
    password = ""
    if new_password or password_file:
        password = common.read_password(password_file, prompt=f"New password for {name}")
    with common.write() as session:
        row = transports.transport_named(session, name)
        changed = change.change_transport(row, wanted)
        if password:
            if not row.secret_name:
                raise InputError("This mail service has no user name, so it needs no password.")
            change.keep_password(common.settings().secrets_folder, row.secret_name, password)
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
    now = common.now()
    rows = [
        (
            row.name,
            f"{row.host}:{row.port}",
            row.security.value,
            row.username or None,
            row.rank,
            _pace(row),
            "we" if row.signer is Signer.US else "it",
            _use(row, now),
        )
        for row in found
    ]
    columns = ("name", "server", "security", "user", "rank", "at most", "signs", "used")
    common.print_table(
        columns, rows, empty="There is no mail service yet; add one with `digest transport add`."
    )


@app.command("test", epilog="Example: digest transport test relay --to editor@example.org")
def try_one(
    name: str = _Name,
    to: str | None = typer.Option(None, help="Send a test mail to this address, that of an account."),
    digest: str | None = typer.Option(None, help="Whose sender it comes from; default: the oldest digest."),
    as_json: bool = JsonOption,
) -> None:
    """Connect, protect the connection, sign in, and say goodbye; with --to, send a test mail.

    A mail service that has taken a test mail may mail readers, and none before. Test mails go only to the
    people who work with Digest (`digest account add`).
    """
    if to is not None:
        _send_test_mail(name, to, digest, as_json=as_json)
        return
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


app.command(
    "ramp-up", epilog="Example: digest transport ramp-up relay --first-day 500 --growth 50 --rest old-relay"
)(ramp_up.ramp_up)


def _send_test_mail(name: str, to: str, digest: str | None, *, as_json: bool) -> None:
    from digest.pacing.trial import send_test_mail  # noqa: PLC0415  (it loads the templates)

    settings = common.settings()
    with common.open_database() as database:
        reply = send_test_mail(
            database,
            name,
            to,
            secrets_folder=settings.secrets_folder,
            signer=common.load_keys().signer,
            digest=digest,
            templates=settings.templates,
        )
        with database.write() as session:
            row = transports.transport_named(session, name)
            audit.record(session, "transport.test", row, actor=common.actor(), now=common.now())
    if as_json:
        common.print_json({"name": name, "reply": reply})
    else:
        said = f"{reply.code} {reply.enhanced} {reply.text}".replace("  ", " ").strip()
        common.say(f"The mail service {name} took the test mail ({said}): readers may be mailed by it.")


def _pace(row: Transport) -> str | None:
    """Its limits in words."""
    limits = []
    if row.per_second:
        limits.append(f"{row.per_second:g} a second")
    if row.per_hour:
        limits.append(f"{row.per_hour:,} an hour")
    return ", ".join(limits) or None


def _use(row: Transport, now: dt.datetime) -> str:
    """Whether readers are mailed by it, and if not, why."""
    if not row.is_enabled:
        return "no: switched off"
    if row.accepted_at is None:
        return "no: it has taken no test mail yet"
    if row.rests_until is not None and row.rests_until > now:
        return f"rests until {common.shown(row.rests_until)}: {row.fault}"
    return f"yes, since a test mail of {common.shown(row.accepted_at)}"


def _shown(row: Transport) -> dict[str, object]:
    names = (
        *("name", "host", "port", "security", "username", "helo", "rank", "is_enabled", "signer"),
        *("per_second", "per_hour", "most_connections", "tested_at", "accepted_at", "fault", "rests_until"),
    )
    return {name: getattr(row, name) for name in names}

"""`digest sender`: what the DNS must say of a sender's domain."""

from __future__ import annotations

from pathlib import Path

import typer

from digest.cli import common
from digest.cli.common import JsonOption
from digest.errors import InputError
from digest.mail.signing_key import zone_line
from digest.pacing.sender_check import asked_for, check_sender
from digest.preflight.findings import Finding, Level
from digest.preflight.sheet import sheet

app = common.group("What the DNS must say of a sender's domain.")


@app.command(
    "check", epilog="Example: digest sender check courier.example --include spf.relay.example --out sheet.txt"
)
def check(
    domain: str = typer.Argument(help="The domain of the sender's address, such as courier.example."),
    bounce_domain: str = typer.Option("", help="The domain that bounces come back to; default: the same."),
    selector: list[str] = typer.Option(
        [], help="A DKIM selector of the mail service, where that signs; may be given several times."
    ),
    include: list[str] = typer.Option(
        [], help="The name that the mail service wants included in SPF; may be given several times."
    ),
    ip: list[str] = typer.Option([], help="An address that mail is sent from; may be given several times."),
    out: Path | None = typer.Option(None, help="Write the sheet to this file."),
    as_json: bool = JsonOption,
) -> None:
    """Look up SPF, DKIM, DMARC and where bounces go, and say what is missing, as a sheet to hand on.

    Asks the DNS servers of DIGEST_DNS_SERVERS, or the system's. Exit code 1 if there is something to do.
    """
    asked = asked_for(domain, bounce_domain=bounce_domain, selectors=selector, includes=include, addresses=ip)
    domain, bounce_domain, now = asked.domain, asked.bounce_domain, common.now()
    settings = common.settings()
    with common.open_database() as database:
        findings = check_sender(
            database, asked, secrets_folder=settings.secrets_folder, servers=settings.dns_addresses
        )
    text = sheet(domain, findings, bounce_domain=bounce_domain, now=now)
    if out is not None:
        _write(out, text)
    if as_json:
        shown = [_plain(one) for one in findings]
        common.print_json({"domain": domain, "bounce_domain": bounce_domain, "at": now, "findings": shown})
    elif out is None:
        typer.echo(text, nl=False)
    else:
        faults = sum(one.level is Level.FAULT for one in findings)
        common.say(f"The sheet is in {out}; things to do: {faults or 'none'}.")
    if any(one.level is Level.FAULT for one in findings):
        raise typer.Exit(1)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"The file {path} cannot be written: {error.strerror}.") from None


def _plain(one: Finding) -> dict[str, object]:
    record = one.record
    return {
        "level": one.level,
        "subject": one.subject,
        "words": one.words,
        "record": record
        and {
            "name": record.name,
            "type": record.kind,
            "value": record.text,
            "replaces": record.replaces,
            "zone": zone_line(record.name, record.kind, record.text),
        },
    }

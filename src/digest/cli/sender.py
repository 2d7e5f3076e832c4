"""`digest sender`: what the DNS must say of a sender's domain."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import sqlalchemy as sa
import typer

from digest.addresses import parse_domain
from digest.cli import common
from digest.cli.common import JsonOption
from digest.errors import InputError
from digest.mail.signing_key import zone_line
from digest.models import Signer, Transport
from digest.net.dns import Lookups
from digest.net.sender_facts import gather
from digest.pacing import dkim_keys
from digest.preflight.findings import Finding, Level
from digest.preflight.sender import OurSide, judge
from digest.preflight.sender_dkim import OurKey
from digest.preflight.sheet import sheet

app = common.group("What the DNS must say of a sender's domain.")

_MOST = 20  # selectors, addresses or includes


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
    domain = parse_domain(domain)
    bounce_domain = parse_domain(bounce_domain) if bounce_domain else domain
    ours = _our_side(
        domain,
        addresses=_few("--ip", [_address(text) for text in ip]),
        includes=_few("--include", [parse_domain(name) for name in include]),
    )
    others = _few("--selector", [_selector(text) for text in selector])
    now = common.now()
    # After the transaction: nothing is looked up while one is open.
    dns = Lookups(common.settings().dns_addresses)
    facts = gather(domain, bounce_domain, [*(key.selector for key in ours.keys), *others], dns)
    findings = judge(facts, ours)
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


def _our_side(domain: str, *, addresses: list[str], includes: list[str]) -> OurSide:
    """Our keys of the domain, and whether a mail service that is in use leaves signing to us."""
    folder = common.settings().secrets_folder
    with common.read() as session:
        rows = [(row, dkim_keys.load(row, folder)) for row in dkim_keys.keys_of(session, domain)]
        query = sa.select(Transport.id).where(Transport.is_enabled, Transport.signer == Signer.US).limit(1)
        we_sign = session.scalar(query) is not None
    return OurSide(
        keys=tuple(OurKey(row.selector, key.record, row.is_enabled) for row, key in rows),
        we_sign=we_sign,
        addresses=tuple(addresses),
        includes=tuple(includes),
    )


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text.strip()))
    except ValueError:
        raise InputError(f"{text[:60]!r} is not an IP address; write it like 192.0.2.1.") from None


def _selector(text: str) -> str:
    """A selector of others may have several labels and letters that ours do not."""
    labels = text.lower().split(".")
    if not all(label.replace("-", "").replace("_", "").isalnum() for label in labels) or not text.isascii():
        raise InputError(f"{text[:60]!r} is not a selector; it is the s= of a DKIM signature, like mail2026.")
    return text.lower()


def _few(option: str, values: list[str]) -> list[str]:
    if len(values) > _MOST:
        raise InputError(f"{option} may be given {_MOST} times.")
    return values


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

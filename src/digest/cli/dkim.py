"""`digest dkim`: the keys that we sign mail with, where the mail service does not."""

from __future__ import annotations

from enum import StrEnum

import typer

from digest import audit
from digest.cli import common
from digest.cli.common import JsonOption
from digest.errors import NotFoundError
from digest.mail.signing_key import Algorithm, SigningKey, zone_line, zone_strings
from digest.models import DkimKey
from digest.pacing import dkim_keys

app = common.group("Keys that we sign mail with, where the mail service does not.")

_Domain = typer.Argument(help="The domain of the sender's address, such as courier.example.")
_Selector = typer.Argument(help="The key's selector, as `digest dkim list` shows it.")


class _Wanted(StrEnum):
    RSA = "rsa"
    ED25519 = "ed25519"
    BOTH = "both"


@app.command("keygen", epilog="Example: digest dkim keygen courier.example --selector autumn --algorithm rsa")
def keygen(
    domain: str = _Domain,
    selector: str = typer.Option("", help="The key's name in the DNS; default: digest, year and month."),
    algorithm: _Wanted = typer.Option(
        _Wanted.RSA, help="rsa: every receiver knows it. both: Ed25519 beside it, as selector NAME-ed25519."
    ),
    enable: bool = typer.Option(False, "--enable", help="Sign with it at once: its record is there already."),
    as_json: bool = JsonOption,
) -> None:
    """Make a key, and print the DNS record that belongs to it. Nothing is signed until it is enabled."""
    now = common.now()
    folder = common.settings().secrets_folder
    name = selector or f"digest{now:%Y%m}"
    kinds = list(Algorithm) if algorithm is _Wanted.BOTH else [Algorithm(algorithm.value)]
    made = [  # before the transaction: an RSA key takes a while
        dkim_keys.make_key(domain, _selector_of(kind, name, alone=len(kinds) == 1), kind) for kind in kinds
    ]
    with common.write() as session:
        rows = dkim_keys.add_keys(session, made, folder, now=now, is_enabled=enable)
        for row in rows:
            details = {"domain": row.domain, "selector": row.selector, "algorithm": row.algorithm}
            audit.record(session, "dkim.keygen", row, actor=common.actor(), now=now, details=details)
        shown = [(row, dkim_keys.load(row, folder)) for row in rows]
    _print(shown, as_json=as_json)


@app.command("list", epilog="Example: digest dkim list --json")
def list_all(*, as_json: bool = JsonOption) -> None:
    """Show the keys there are, and which of them sign."""
    with common.read() as session:
        found = dkim_keys.keys_of(session)
    if as_json:
        names = ("domain", "selector", "algorithm", "is_enabled", "created_at")
        common.print_json([{name: getattr(row, name) for name in names} for row in found])
        return
    rows = [
        (row.domain, row.selector, row.algorithm, _yes(row.is_enabled), common.shown(row.created_at))
        for row in found
    ]
    common.print_table(
        ("domain", "selector", "kind", "signs", "made"),
        rows,
        empty="There is no key; none is needed where the mail service signs. `digest dkim keygen` makes one.",
    )


@app.command("show", epilog="Example: digest dkim show courier.example --json")
def show(domain: str = _Domain, as_json: bool = JsonOption) -> None:
    """Print the DNS records of a domain's keys once more."""
    folder = common.settings().secrets_folder
    with common.read() as session:
        found = [(row, dkim_keys.load(row, folder)) for row in dkim_keys.keys_of(session, domain)]
    if not found:
        raise NotFoundError(f"There is no key of {domain}; `digest dkim keygen` makes one.")
    _print(found, as_json=as_json)


@app.command("enable", epilog="Example: digest dkim enable courier.example digest202611")
def enable(domain: str = _Domain, selector: str = _Selector) -> None:
    """Sign with a key, beside the others of its domain that are enabled. Its DNS record must be there."""
    _switch(domain, selector, is_enabled=True)


@app.command("disable", epilog="Example: digest dkim disable courier.example digest202611")
def disable(domain: str = _Domain, selector: str = _Selector) -> None:
    """Sign with a key no longer. Leave its DNS record for two weeks: mail under way is checked with it."""
    _switch(domain, selector, is_enabled=False)


def _switch(domain: str, selector: str, *, is_enabled: bool) -> None:
    with common.write() as session:
        row = dkim_keys.key_named(session, domain, selector)
        if is_enabled:
            dkim_keys.load(row, common.settings().secrets_folder)  # rather now than when an edition is due
        if row.is_enabled == is_enabled:
            common.say("It is so already; nothing was changed.")
            return
        row.is_enabled = is_enabled
        details = {"domain": row.domain, "selector": row.selector}
        action = "dkim.enable" if is_enabled else "dkim.disable"
        audit.record(session, action, row, actor=common.actor(), now=common.now(), details=details)
        signing = [one.selector for one in dkim_keys.keys_of(session, domain) if one.is_enabled]
    common.say(f"Keys of {row.domain} that sign now: {', '.join(signing) or 'none'}.")


def _selector_of(kind: Algorithm, name: str, *, alone: bool) -> str:
    return name if alone or kind is Algorithm.RSA else f"{name}-{kind.value}"


def _print(found: list[tuple[DkimKey, SigningKey]], *, as_json: bool) -> None:
    if as_json:
        common.print_json([_plain(row, key) for row, key in found])
        return
    for row, key in found:
        common.say(
            f"Key {row.selector} of {row.domain} ({row.algorithm}). The DNS record that belongs to it:\n"
        )
        common.print_fields({"  name": key.record_name, "  type": "TXT", "  value": key.record})
        common.say("\nThe same as a line of a zone file, in strings of at most 255 bytes:\n")
        common.say(f"  {zone_line(key.record_name, 'TXT', key.record)}\n")
    waiting = [row for row, _ in found if not row.is_enabled]
    if waiting:
        common.say(f"When it can be seen (`digest sender check {waiting[0].domain}`), sign with it:\n")
        for row in waiting:
            common.say(f"  digest dkim enable {row.domain} {row.selector}")


def _plain(row: DkimKey, key: SigningKey) -> dict[str, object]:
    return {
        "domain": row.domain,
        "selector": row.selector,
        "algorithm": row.algorithm,
        "is_enabled": row.is_enabled,
        "record": {
            "name": key.record_name,
            "type": "TXT",
            "value": key.record,
            "strings": zone_strings(key.record),
            "zone": zone_line(key.record_name, "TXT", key.record),
        },
    }


def _yes(value: bool) -> str:
    return "yes" if value else "no"

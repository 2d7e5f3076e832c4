"""`digest consent`: the proof of consent."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import sqlalchemy as sa
import typer
from sqlalchemy.orm import Session

from digest import audit
from digest.cli import common
from digest.cli.common import JsonOption
from digest.errors import InputError
from digest.lists import consent, queries
from digest.lists.consent_proof import people_with, proof_of
from digest.models import Subscription

app = common.group("The proof of consent.")

_FINDINGS_MOST = 1000  # that are shown; all are counted


@app.command("verify", epilog="Example: digest consent verify --list readers")
def verify(
    list_name: str | None = typer.Option(None, "--list", help="Only this list."),
    address: str | None = typer.Option(None, "--address", help="Only this person."),
    as_json: bool = JsonOption,
) -> None:
    """Check every subscription's chain of consent; exit code 1 if one is broken."""
    if list_name is not None and address is not None:
        raise InputError("Say --list or --address, not both.")
    with common.read() as session, common.progress() as tell:
        total, broken = 0, 0
        findings: list[consent.Finding] = []
        for _, found in common.counted(_chains(session, list_name, address), tell):
            total += 1
            broken += bool(found)
            findings.extend(found[: _FINDINGS_MOST - len(findings)])
    if as_json:
        common.print_json({"subscriptions": total, "findings": findings})
    elif findings:
        rows = [(finding.subscription_id, finding.number, finding.problem) for finding in findings]
        common.print_table(("subscription", "event", "what is wrong"), rows, empty="")
        common.say(f"{total} subscriptions; the chain of consent is broken in {broken}.")
    else:
        common.say(f"{total} subscriptions, every chain of consent is whole.")
    if findings:
        raise typer.Exit(1)


@app.command("proof", epilog="Example: digest consent proof ani@example.org -o ani.json")
def proof(
    address: str = typer.Argument(help="The person's mail address."),
    output: Path | None = typer.Option(None, "--output", "-o", help="Write it into this file."),
) -> None:
    """Give out a person's proof of consent as one file, with how to check it by hand."""
    address_key = common.load_keys().address_key
    now = common.now()
    with common.write() as session:
        people = people_with(session, address_key, address)
        made = proof_of(session, people, now=now)
        audit.record(session, "consent.proof", people[-1], actor=common.actor(), now=now)
    if output is None:
        typer.echo(made, nl=False)
        return
    common.write_private_file(output, [made])
    common.say(f"The proof is in {output}. It holds the person's data: keep it as such.")


def _chains(
    session: Session, list_name: str | None, address: str | None
) -> Iterable[tuple[int, list[consent.Finding]]]:
    if address is None:
        list_id = queries.list_named(session, list_name).id if list_name else None
        return consent.verify_all(session, list_id=list_id)
    person = queries.subscriber_by_address(session, address)
    ids = session.scalars(
        sa.select(Subscription.id).where(Subscription.subscriber_id == person.id).order_by(Subscription.id)
    ).all()
    return [(found, consent.verify(session, found)) for found in ids]

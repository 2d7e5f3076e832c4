"""`digest uncertain`: what may have arrived, with its evidence, and what becomes of it."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from digest.cli import common
from digest.cli.common import JsonOption
from digest.errors import InputError

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from digest.deliveries.cases import CaseLine

app = common.group("Deliveries of which nobody can know whether they arrived.")


class Way(StrEnum):
    """How a person resolves an uncertain delivery."""

    ARRIVED = "arrived"
    RESEND = "resend"
    CLOSED = "closed"


_CAUSES: Final = {
    "connection_ended": "The connection ended between the final dot and the reply.",
    "no_answer": "No reply to the final dot came before the worker had to go on.",
    "worker_ended": "The worker ended after it had announced the final dot and before a reply was recorded.",
    "journal_lost": "The worker's journal is not whole: the mail may have left before this was found.",
}
_SETTLED: Final = {
    "heard": "the reply came after all",
    "arrived": "it had arrived",
    "resent": "sent once more",
    "closed": "closed, nothing more is sent",
}


@app.command("list", epilog="Example: digest uncertain list --edition 12")
def list_all(
    edition: Annotated[int | None, typer.Option(help="Only of this edition.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also those that are settled.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many, the newest first.")] = 200,
    as_json: bool = JsonOption,
) -> None:
    """Show what may have arrived: when its final dot left, by which worker, and what to look for in a log."""
    from digest.deliveries.cases import count_open, list_cases  # noqa: PLC0415
    from digest.editions.show import get_edition  # noqa: PLC0415

    address_key = common.load_keys().address_key
    with common.read() as session:
        if edition is not None:
            get_edition(session, edition)
        found = list_cases(session, edition_id=edition, with_settled=everything, limit=limit)
        still_open = count_open(session, edition_id=edition)
    if as_json:
        common.print_json([_as_dict(case, address_key) for case in found])
        return
    for case in found:
        _print_case(case, address_key)
    if not found:
        common.say("Nothing is uncertain: of every mail it is known whether it was handed over.")
        return
    common.say(f"{len(found)} shown, {still_open} open. Resolve them with `digest uncertain resolve`.")


@app.command("resolve", epilog="Example: digest uncertain resolve 12 ani@example.org --as arrived")
def resolve(
    edition: Annotated[int, typer.Argument(metavar="EDITION", help="The edition's id.")],
    addresses: Annotated[
        list[str] | None, typer.Argument(metavar="ADDRESS", help="Whose; or give --all.")
    ] = None,
    how: Annotated[
        Way,
        typer.Option(
            "--as",
            help="arrived: it counts as handed over. resend: it is sent once more, the same version. "
            "closed: nothing more is done.",
        ),
    ] = ...,  # type: ignore[assignment]
    everybody: Annotated[bool, typer.Option("--all", help="All uncertain ones of the edition.")] = False,
    as_json: bool = JsonOption,
) -> None:
    """Say what became of uncertain deliveries, once you have looked into the mail service's log."""
    from digest.deliveries.settle import resolve as resolve_deliveries  # noqa: PLC0415
    from digest.editions.show import get_edition  # noqa: PLC0415
    from digest.models import Settlement  # noqa: PLC0415

    if bool(addresses) == everybody:
        raise InputError("Give the addresses, or --all for everybody of the edition whose mail is uncertain.")
    settlement = Settlement.RESENT if how is Way.RESEND else Settlement(how.value)
    with common.write() as session:
        people = None if everybody else _people(session, addresses or [])
        done = resolve_deliveries(
            session,
            get_edition(session, edition),
            people,
            settlement,
            actor=common.actor(),
            now=common.now(),
        )
    if as_json:
        common.print_json({"edition": edition, "as": how.value, **asdict(done)})
        return
    common.say(f"Edition {edition}: {done.people} resolved as {how.value}.")
    if done.were_sent_twice:
        common.say(f"{done.were_sent_twice} were sent it twice already and are left as they are.")


def _people(session: Session, addresses: list[str]) -> list[int]:
    from digest.lists.queries import subscriber_by_address  # noqa: PLC0415

    return [subscriber_by_address(session, address).id for address in addresses]


def _message_id(case: CaseLine, address_key: bytes) -> str:
    """The Message-ID that stands in the mail service's log, the same at every attempt."""
    from digest.mail.headers import message_id  # noqa: PLC0415

    domain = case.sender_address.rpartition("@")[2]
    return message_id(case.edition_id, case.subscriber_id, domain, address_key)


def _print_case(case: CaseLine, address_key: bytes) -> None:
    service = f"{case.transport} ({case.transport_host})" if case.transport else "not known"
    worker = f"{case.worker} on {case.host}, journal {case.journal}" if case.worker else "not known"
    common.say(f"{case.address or 'a person who was erased'}: edition {case.edition_id}, {case.subject}")
    common.print_fields(
        {
            "  since": _exactly(case.since),
            "  why": _CAUSES.get(case.cause or "", "It is from before the reasons were kept."),
            "  worker": worker,
            "  mail service": service,
            "  Message-ID": _message_id(case, address_key),
            "  settled": _settlement(case),
        }
    )
    common.say("")


def _settlement(case: CaseLine) -> str:
    if case.settlement is None:
        return "not yet"
    by = f", by {case.settled_by}" if case.settled_by else ""
    return f"{_SETTLED[case.settlement]}{by}, {common.shown(case.settled_at)}"


def _exactly(moment: dt.datetime | None) -> str:
    """To the millisecond: a log is searched for it."""
    if moment is None:
        return "-"
    return f"{moment.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03} UTC"


def _as_dict(case: CaseLine, address_key: bytes) -> dict[str, Any]:
    why = _CAUSES.get(case.cause or "", "")
    return asdict(case) | {"why": why, "message_id": _message_id(case, address_key)}

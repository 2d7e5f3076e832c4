"""How fast and how cheaply a worker hands an edition over, beside smtp-source and others."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack

from cryptography.hazmat.primitives.asymmetric import rsa

from bench import effort
from bench.delivery_mail import SENDER, mail_of, small_mail, wire
from bench.delivery_peers import (
    Cost,
    bare_signatures,
    program,
    round_trip,
    smtp_sink,
    smtp_source,
    smtplib_alone,
)
from bench.delivery_room import Room, Servers, Work, Worker, room
from bench.figures import Figure, Series, Target, load, shown
from digest import clock
from digest.mail.prepared import PreparedMail
from digest.mail.signing_key import Algorithm
from digest.models import Signer
from digest.pacing.dkim_keys import add_keys, make_key
from tests.servers.relay import relay_process

AREA = "delivery"
_UNSIGNED, _SIGNED, _PLAIN, _BARE = 4000, 2000, 500, 400
_FAR_PEOPLE = 4000
_FAR_CONNECTIONS, _ROUND_TRIP = 32, 0.020
# Whether a far relay is waited for is a matter of round trips, not of bytes: with 70 kB a receiver, a relay
# and a sender that share two cores would be the limit.
_FAR_BYTES = 10_000

Measured = Work | Cost


def measure_near(at: Servers) -> tuple[dict[str, list[Measured]], int]:
    """All that is sent to a sink on this machine, by turns, and the size of the mail in bytes."""
    mail = mail_of()
    size, count = len(wire(mail)), effort.rounds()
    bare = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    with ExitStack() as stack:
        port = stack.enter_context(smtp_sink())
        unsigned = _sender(stack, at, port, mail, effort.people(_UNSIGNED))
        signed = _sender(stack, at, port, mail, effort.people(_SIGNED), signer=Signer.US)
        actions: dict[str, Callable[[], Measured]] = {
            "ours": unsigned,
            "plain": lambda: smtplib_alone(port, wire(mail), count=effort.people(_PLAIN)),
            "signed": signed,
            "bare": lambda: bare_signatures(bare, count=_BARE),
        }
        if program("smtp-source"):
            actions["source"] = lambda: smtp_source(port, count=effort.people(_UNSIGNED), size=size)
        else:
            print("delivery: there is no smtp-source (Debian: postfix): its two rows are left out.")
        return effort.by_turns(actions, count=count), size


def near_figures(found: dict[str, list[Measured]], *, size: int) -> Iterator[Figure]:
    """The figures of rounds in which all were measured by turns."""
    ours, what = found["ours"], f"{size:,} bytes, ledger and journal on; "
    if "source" in found:
        yield _ratio(
            "messages/s against smtp-source",
            ours,
            found["source"],
            lambda each: each.rate,
            Target(">=", 0.8),
            note=f"{what}8 connections each, into smtp-sink",
            unit="1/s",
        )
        yield _ratio(
            "CPU a message against smtp-source",
            ours,
            found["source"],
            lambda each: each.cpu_us,
            Target("<=", 2.2),
            note=f"{what}8 connections each; of ours without its start",
        )
    yield _ratio(
        "CPU a message against smtplib.sendmail alone",
        ours,
        found["plain"],
        lambda each: each.cpu_us,
        Target("<=", 0.3),
        note=f"{what}smtplib sends finished bytes on one connection",
    )
    yield _ratio(
        "CPU a signed message against a bare RSA-2048 signature",
        found["signed"],
        found["bare"],
        lambda each: each.cpu_us,
        Target("<=", 1.7),
        note=f"{what}relaxed/relaxed; the bare signature is of `cryptography`",
    )


def far_figures(at: Servers) -> Iterator[Figure]:
    """The rate through a relay that is far away: round trips are what counts there."""
    mail = small_mail(_FAR_BYTES)
    people = effort.people(_FAR_PEOPLE)
    one_way = f"{1000 * _ROUND_TRIP / 2:g}"
    with ExitStack() as stack:
        port = stack.enter_context(smtp_sink())
        relay = stack.enter_context(relay_process("tests.servers.delay_relay", port, "--delay-ms", one_way))
        taken = round_trip(relay)
        send = _sender(stack, at, relay, mail, people, most_connections=_FAR_CONNECTIONS)
        send()
        rates = Series(tuple(send().rate for _ in range(effort.rounds())))
    most = _FAR_CONNECTIONS / _ROUND_TRIP
    yield Figure(
        AREA,
        f"messages/s over a round trip of 20 ms, {_FAR_CONNECTIONS} connections",
        rates.median,
        "1/s",
        most,
        Target(">=", 0.8 * most),
        f"{people:,} messages of {len(wire(mail)):,} bytes a round; {rates.spread}; reference: connections / "
        f"round trip; a NOOP took {1000 * taken:.1f} ms; {load()}",
    )


def _sender(
    stack: ExitStack, at: Servers, port: int, mail: PreparedMail, people: int, **transport: object
) -> Callable[[], Work]:
    """What makes an edition, untimed, and has a worker of its own send it."""
    made = stack.enter_context(room(at))
    made.add_people(people)
    made.point_to(port, **transport)
    if transport.get("signer") is Signer.US:
        _add_key(made)
    worker: Worker = stack.enter_context(made.worker())
    return lambda: worker.send(made.edition(mail), people=people)


def _add_key(made: Room) -> None:
    """An RSA-2048 key of the sender's domain, in use."""
    new = make_key(SENDER.partition("@")[2], "bench", Algorithm.RSA)
    with made.database.write() as session:
        add_keys(session, [new], made.folder / "secrets", now=clock.utc_now(), is_enabled=True)


def _ratio(
    name: str,
    ours: Sequence[Measured],
    theirs: Sequence[Measured],
    part: Callable[[Measured], float],
    target: Target,
    *,
    note: str,
    unit: str = "us",
) -> Figure:
    """The median of the rounds' own ratios: what slows a round down slows both down."""
    mine, reference = Series(tuple(map(part, ours))), Series(tuple(map(part, theirs)))
    ratios = Series(tuple(one / other for one, other in zip(mine.values, reference.values, strict=True)))
    return Figure(
        AREA,
        name,
        ratios.median,
        "x",
        target=target,
        note=f"{note}; {shown(mine.median)} {unit} ({mine.spread}) against {shown(reference.median)} {unit} "
        f"({reference.spread}); ratios of rounds {ratios.spread}, "
        f"standard deviation {_deviation(ratios.values):.2f}; {load()}",
    )


def _deviation(values: Sequence[float]) -> float:
    return statistics.stdev(values) if len(values) > 1 else 0.0

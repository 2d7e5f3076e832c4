"""How fast and how cheaply a worker hands an edition over, beside smtp-source and others."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

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
_UNSIGNED, _SIGNED, _PLAIN = 4000, 4000, 500
# As many as take as long as the mails: what disturbs the machine for a second hits the one as often as the
# other. For the same reason there are more rounds, for this figure has the least room.
_BARE, _SIGNED_ROUNDS = 6800, 15
_FAR_PEOPLE = 4000
_FAR_CONNECTIONS, _ROUND_TRIP = 32, 0.020
# Whether a far relay is waited for is a matter of round trips, not of bytes: with 70 kB a receiver, a relay
# and a sender that share two cores would be the limit.
_FAR_BYTES = 10_000

Measured = Work | Cost


def unsigned(at: Servers) -> Iterator[Figure]:
    """Rate and CPU beside smtp-source, which sends one body to one address and keeps no record."""
    if program("smtp-source") is None:
        raise FileNotFoundError("there is no smtp-source (Debian: postfix)")
    mail = mail_of()
    people, size = effort.people(_UNSIGNED), len(wire(mail))
    with ExitStack() as stack:
        port = stack.enter_context(smtp_sink())
        send = _sender(stack, at, port, mail, people)
        found = _by_turns(send, lambda: smtp_source(port, count=people, size=size))
    what = f"{size:,} bytes, ledger and journal on, 8 connections each, into smtp-sink"
    yield rate_ratio("messages/s against smtp-source", *found, target=Target(">=", 0.8), note=what)
    yield cpu_ratio("CPU a message against smtp-source", *found, target=Target("<=", 2.2), note=what)


def beside_smtplib(at: Servers) -> Iterator[Figure]:
    """CPU beside Python's own client."""
    mail = mail_of()
    message = wire(mail)
    with ExitStack() as stack:
        port = stack.enter_context(smtp_sink())
        send = _sender(stack, at, port, mail, effort.people(_UNSIGNED))
        found = _by_turns(send, lambda: smtplib_alone(port, message, count=effort.people(_PLAIN)))
    yield cpu_ratio(
        "CPU a message against smtplib.sendmail alone",
        *found,
        target=Target("<=", 0.3),
        note=f"{len(message):,} bytes, ledger and journal on; smtplib sends finished bytes on one connection",
    )


def signed(at: Servers) -> Iterator[Figure]:
    """CPU beside the one thing that cannot be saved."""
    mail = mail_of()
    bare = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    with ExitStack() as stack:
        stack.enter_context(effort.one_core())
        port = stack.enter_context(smtp_sink())
        send = _sender(stack, at, port, mail, effort.people(_SIGNED), signer=Signer.US)
        actions: dict[str, Callable[[], Measured]] = {
            "ours": send,
            "theirs": lambda: bare_signatures(bare, count=effort.people(_BARE)),
        }
        found = effort.by_turns(actions, count=effort.rounds(_SIGNED_ROUNDS))
    yield cpu_ratio(
        "CPU a signed message against a bare RSA-2048 signature",
        found["ours"],
        found["theirs"],
        target=Target("<=", 1.7),
        note=f"{len(wire(mail)):,} bytes, ledger and journal on, relaxed/relaxed, all on one core; the bare "
        "signature is of `cryptography`",
    )


@contextmanager
def unsigned_sender(at: Servers) -> Iterator[Callable[[], Work]]:
    """What sends an edition of unsigned mails, into a sink that lasts as long as the block."""
    with ExitStack() as stack:
        port = stack.enter_context(smtp_sink())
        yield _sender(stack, at, port, mail_of(), effort.people(_UNSIGNED))


def far(at: Servers) -> Iterator[Figure]:
    """The rate through a relay that is far away: round trips are what counts there."""
    mail = small_mail(_FAR_BYTES)
    people = effort.people(_FAR_PEOPLE)
    one_way = f"{1000 * _ROUND_TRIP / 2:g}"
    with ExitStack() as stack:
        port = stack.enter_context(smtp_sink())
        relay = stack.enter_context(relay_process("tests.servers.delay_relay", port, "--delay-ms", one_way))
        send = _sender(stack, at, relay, mail, people, most_connections=_FAR_CONNECTIONS)
        found = effort.by_turns(
            {"ours": lambda: send().rate, "round trip": lambda: round_trip(relay)}, count=effort.rounds()
        )
    yield far_figure(
        found["ours"], found["round trip"], note=f"{people:,} messages of {len(wire(mail)):,} bytes a round"
    )


def far_figure(rates: Sequence[float], round_trips: Sequence[float], *, note: str) -> Figure:
    """Each round's rate over what its own round trip allows: the relay's own work lengthens it a little."""
    trips = Series(tuple(1000 * each for each in round_trips))
    return _ratio(
        f"messages/s over a round trip of {1000 * _ROUND_TRIP:g} ms, {_FAR_CONNECTIONS} connections, "
        "against connections / round trip",
        rates,
        [_FAR_CONNECTIONS / each for each in round_trips],
        target=Target(">=", 0.8),
        note=f"{note}; a round trip is the quickest NOOP between two rounds: {trips.median:.1f} ms "
        f"({trips.spread})",
        unit="1/s",
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


def _by_turns(
    ours: Callable[[], Work], theirs: Callable[[], Cost]
) -> tuple[Sequence[Measured], Sequence[Measured]]:
    actions: dict[str, Callable[[], Measured]] = {"ours": ours, "theirs": theirs}
    found = effort.by_turns(actions, count=effort.rounds())
    return found["ours"], found["theirs"]


def rate_ratio(
    name: str, ours: Sequence[Measured], theirs: Sequence[Measured], *, target: Target, note: str
) -> Figure:
    """Ours over theirs in messages a second."""
    rates = [[each.rate for each in side] for side in (ours, theirs)]
    return _ratio(name, *rates, target=target, note=note, unit="1/s")


def cpu_ratio(
    name: str, ours: Sequence[Measured], theirs: Sequence[Measured], *, target: Target, note: str
) -> Figure:
    """Ours over theirs in CPU seconds a message, ours without the start of the process."""
    costs = [[each.cpu_us for each in side] for side in (ours, theirs)]
    walls = [shown(Series(tuple(each.rate for each in side)).median) for side in (ours, theirs)]
    by_clock = f"by the clock {walls[0]} a second against {walls[1]}"
    return _ratio(
        name, *costs, target=target, note=f"{note}; of ours without its start; {by_clock}", unit="us"
    )


def _ratio(
    name: str, ours: Sequence[float], theirs: Sequence[float], *, target: Target, note: str, unit: str
) -> Figure:
    """The median of the rounds' own ratios: what slows a round down slows both down."""
    mine, reference = Series(tuple(ours)), Series(tuple(theirs))
    ratios = Series(tuple(one / other for one, other in zip(ours, theirs, strict=True)))
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

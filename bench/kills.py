"""The proof that SIGKILL and SIGTERM lose nobody: the scenario of the kill test, at random moments.

In every third trial the worker is told to end, as systemd and Docker do it, instead of being killed: then it
is looked at what it left before another one goes on.
"""

from __future__ import annotations

import random
import secrets
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa

from bench.figures import Figure, Target, load
from bench.rows import unmeasured
from digest.models import Batch, DeliveryStatus
from tests.process.newsroom import Newsroom, kill_group, newsroom
from tests.process.test_kill import _is_sent, _statuses, edition_for
from tests.servers import run
from tests.servers.postgres import PostgresServer
from tests.servers.redis import RedisServer
from tests.servers.waiting import wait_until

TRIALS = 50
PEOPLE = 500
_DELAY_MS = 5.0
_END_SECONDS = 30  # in which a worker that is told to end has ended
_KINDS = ("sqlite", "postgresql")
_POLICIES = ("hold", "resend")


@dataclass(frozen=True, slots=True)
class Trial:
    """Where one trial is ended: after so many mails, and so many seconds later; by SIGTERM if it is told."""

    number: int
    kind: str
    policy: str
    after: int
    later: float
    is_told: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one end did: people with nothing who are not listed, people with two mails, people listed.

    `faults` are what a worker that was told to end did or left that it must not.
    """

    policy: str
    lost: int
    twice: int
    uncertain: int
    is_told: bool = False
    faults: tuple[str, ...] = ()


def proofs() -> Iterator[Figure]:
    """End a worker in the middle of an edition, again and again; the printed seed repeats it."""
    seed = secrets.randbits(32)
    print(f"seed {seed}")
    folder, lock = run.make_run_folder()
    try:
        redis = run.obtain(folder, "redis")
        postgres = run.obtain(folder, "postgres")
        outcomes = [
            _show(trial, _run_trial(trial, RedisServer(redis.url, redis.text), postgres))
            for trial in trials(seed, TRIALS, has_postgres=bool(postgres.url))
        ]
    finally:
        run.end_run(folder, lock)
    yield from summary(outcomes, seed)
    if not postgres.url:
        yield unmeasured("spine", "kills on PostgreSQL", postgres.text)


def trials(seed: int, count: int, *, has_postgres: bool) -> list[Trial]:
    """The trials that a seed stands for: databases and policies by turns, moments at random."""
    chance = random.Random(seed)
    kinds = _KINDS if has_postgres else _KINDS[:1]
    return [
        Trial(
            number=number,
            kind=kinds[number % len(kinds)],
            policy=_POLICIES[number // len(kinds) % len(_POLICIES)],
            after=chance.randint(1, PEOPLE - 50),
            later=chance.uniform(0, 0.05),
            is_told=chance.randrange(3) == 0,
        )
        for number in range(count)
    ]


def summary(outcomes: list[Outcome], seed: int) -> Iterator[Figure]:
    """The figures of all trials together."""
    told = [each for each in outcomes if each.is_told]
    kills, drains = len(outcomes) - len(told), len(told)
    note = f"{kills} times SIGKILL and {drains} times SIGTERM, seed {seed}; {load()}"
    held = [each for each in outcomes if each.policy == "hold"]
    resent = [each for each in outcomes if each.policy == "resend"]
    none, one = Target("<=", 0), Target("<=", 1)
    lost = sum(each.lost for each in outcomes)
    name = f"lost in {kills} kills and {drains} drains"
    yield Figure("spine", name, lost, "people", target=none, note=note)
    twice = sum(each.twice for each in held)
    yield Figure(
        "spine", f"sent twice under hold in {len(held)} trials", twice, "people", target=none, note=note
    )
    most = max((each.twice for each in resent), default=0)
    yield Figure("spine", "most sent twice under resend in one trial", most, "people", target=one, note=note)
    listed = max((each.uncertain for each in held), default=0)
    yield Figure("spine", "most listed as uncertain in one trial", listed, "people", target=one, note=note)
    faults = [fault for each in told for fault in each.faults]
    note = "; ".join(faults[:3]) or "each ended with status 0 within 30 s, its work recorded or handed back"
    note = f"{drains} workers; {note}"
    yield Figure("spine", "told to end and not well ended", len(faults), "faults", target=none, note=note)


def _run_trial(trial: Trial, redis: RedisServer, postgres: run.Service) -> Outcome:
    redis.flush(0)
    with tempfile.TemporaryDirectory() as temporary, pytest.MonkeyPatch.context() as patch:
        folder = Path(temporary)
        if trial.kind == "sqlite":
            return _kill_once(trial, folder, patch, f"sqlite:///{folder / 'digest.db'}", redis.url())
        with PostgresServer(postgres.url, postgres.text).database() as url:
            return _kill_once(trial, folder, patch, url, redis.url())


def _kill_once(
    trial: Trial, folder: Path, patch: pytest.MonkeyPatch, database_url: str, broker_url: str
) -> Outcome:
    with newsroom(
        folder,
        patch,
        database_url=database_url,
        broker_url=broker_url,
        delay_ms=_DELAY_MS,
        settle_uncertain_after="0",
    ) as room:
        people = edition_for(room, PEOPLE, policy=trial.policy)
        room.start_beat()
        worker = room.start_worker()
        wait_until(lambda: len(room.taken()) >= trial.after, seconds=60, what="the mails before the kill")
        time.sleep(trial.later)
        faults = _told_to_end(room, worker) if trial.is_told else ()
        if worker.poll() is None:
            kill_group(worker)
        room.start_worker()
        wait_until(lambda: _is_over(room, trial.policy), seconds=120, what="the end of the edition")
        return _outcome(trial, people, room, faults)


def _told_to_end(room: Newsroom, worker: subprocess.Popen[bytes]) -> tuple[str, ...]:
    """SIGTERM to the process itself; whatever is not as it should be afterwards.

    All answers come at once, so nobody is in doubt: whoever was taken is sent, everybody else pending.
    """
    worker.send_signal(signal.SIGTERM)
    try:
        status = worker.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        return (f"it runs on after {_END_SECONDS} s",)
    faults = [f"it ended with {status}"] if status else []
    taken = {entry["rcpt"][0] for entry in room.taken()}
    for address, found in _statuses(room).items():
        if found is not (DeliveryStatus.SENT if address in taken else DeliveryStatus.PENDING):
            faults.append(f"{address} is {found}, {'' if address in taken else 'not '}taken")
    held = sa.select(Batch.id).where(Batch.leased_until.is_not(None) | Batch.journal_id.is_not(None))
    with room.database.read() as session:
        faults += [f"batch {each} is held" for each in session.scalars(held)]
    return tuple(faults)


def _is_over(room: Newsroom, policy: str) -> bool:
    return _is_sent(room) and (policy == "hold" or DeliveryStatus.UNCERTAIN not in _statuses(room).values())


def _outcome(trial: Trial, people: set[str], room: Newsroom, faults: tuple[str, ...]) -> Outcome:
    taken = Counter(entry["rcpt"][0] for entry in room.taken())
    ledger = _statuses(room)
    uncertain = {address for address, status in ledger.items() if status is DeliveryStatus.UNCERTAIN}
    return Outcome(
        policy=trial.policy,
        lost=len(people - set(taken) - uncertain),
        twice=sum(times > 1 for times in taken.values()),
        uncertain=len(uncertain),
        is_told=trial.is_told,
        faults=faults,
    )


def _show(trial: Trial, outcome: Outcome) -> Outcome:
    how = "told to end" if trial.is_told else "killed"
    where = f"{trial.kind}, {trial.policy}, {how} after {trial.after} mails + {trial.later * 1000:.0f} ms"
    found = f"lost {outcome.lost}, twice {outcome.twice}, uncertain {outcome.uncertain}"
    print("; ".join((f"{trial.number + 1:3} {where}: {found}", *outcome.faults)), flush=True)
    return outcome

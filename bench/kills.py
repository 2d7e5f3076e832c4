"""The proof that SIGKILL loses nobody: the scenario of the kill test, at random moments, many times."""

from __future__ import annotations

import random
import secrets
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bench.figures import Figure, Target, load
from digest.models import DeliveryStatus
from tests.process.newsroom import Newsroom, kill_group, newsroom
from tests.process.test_kill import _is_sent, _statuses, edition_for
from tests.servers import run
from tests.servers.postgres import PostgresServer
from tests.servers.redis import RedisServer
from tests.servers.waiting import wait_until

TRIALS = 50
PEOPLE = 500
_DELAY_MS = 5.0
_KINDS = ("sqlite", "postgresql")
_POLICIES = ("hold", "resend")


@dataclass(frozen=True, slots=True)
class Trial:
    """Where one trial is killed: after so many mails, and so many seconds later."""

    number: int
    kind: str
    policy: str
    after: int
    later: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one kill did: people with nothing who are not listed, people with two mails, people listed."""

    policy: str
    lost: int
    twice: int
    uncertain: int


def proofs() -> Iterator[Figure]:
    """Kill a worker in the middle of an edition, again and again; the printed seed repeats it."""
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
        )
        for number in range(count)
    ]


def summary(outcomes: list[Outcome], seed: int) -> Iterator[Figure]:
    """The figures of all trials together."""
    count, note = len(outcomes), f"{len(outcomes)} kills, seed {seed}; {load()}"
    held = [each for each in outcomes if each.policy == "hold"]
    resent = [each for each in outcomes if each.policy == "resend"]
    none, one = Target("<=", 0), Target("<=", 1)
    lost = sum(each.lost for each in outcomes)
    yield Figure("spine", f"lost in {count} kills", lost, "people", target=none, note=note)
    twice = sum(each.twice for each in held)
    yield Figure(
        "spine", f"sent twice under hold in {len(held)} kills", twice, "people", target=none, note=note
    )
    most = max((each.twice for each in resent), default=0)
    yield Figure("spine", "most sent twice under resend in one kill", most, "people", target=one, note=note)
    listed = max((each.uncertain for each in held), default=0)
    yield Figure("spine", "most listed as uncertain in one kill", listed, "people", target=one, note=note)


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
        kill_group(worker)
        room.start_worker()
        wait_until(lambda: _is_over(room, trial.policy), seconds=120, what="the end of the edition")
        return _outcome(trial, people, room)


def _is_over(room: Newsroom, policy: str) -> bool:
    return _is_sent(room) and (policy == "hold" or DeliveryStatus.UNCERTAIN not in _statuses(room).values())


def _outcome(trial: Trial, people: set[str], room: Newsroom) -> Outcome:
    taken = Counter(entry["rcpt"][0] for entry in room.taken())
    ledger = _statuses(room)
    uncertain = {address for address, status in ledger.items() if status is DeliveryStatus.UNCERTAIN}
    return Outcome(
        policy=trial.policy,
        lost=len(people - set(taken) - uncertain),
        twice=sum(times > 1 for times in taken.values()),
        uncertain=len(uncertain),
    )


def _show(trial: Trial, outcome: Outcome) -> Outcome:
    where = f"{trial.kind}, {trial.policy}, killed after {trial.after} mails + {trial.later * 1000:.0f} ms"
    found = f"lost {outcome.lost}, twice {outcome.twice}, uncertain {outcome.uncertain}"
    print(f"{trial.number + 1:3} {where}: {found}", flush=True)
    return outcome

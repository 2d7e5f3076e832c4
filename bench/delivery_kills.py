"""The proof that SIGKILL and SIGTERM lose nobody, many times over: its distribution, at eight connections.

An edition for forty people is begun by a worker that is killed at a random moment, once or twice, and ended
by one that goes on; then the mail server's record, the ledger and the journals are compared. Each answer to a
message comes 10 ms after it was recorded, so that kills fall between the dot and its answer. In every third
trial the worker is told to end instead (SIGTERM): what it leaves is compared at once as well. Every other of
these meets a mail server that keeps some answers to itself, and has hardly time to wait for them.
"""

from __future__ import annotations

import os
import random
import secrets
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from bench import effort
from bench.figures import Figure, Target, load
from bench.rows import unmeasured
from digest.db import Database
from digest.db.schema import upgrade
from digest.models import Transport
from tests.process.crash_trials import run_trial, seed
from tests.process.crash_workers import KILL, KILLED, Crash, Ending, Workers, workers
from tests.servers import run
from tests.servers.postgres import PostgresServer
from tests.servers.smtp_script import Fault, Script

AREA = "delivery"
PEOPLE, CONNECTIONS = 40, 8
KINDS = ("sqlite", "postgresql")
POLICIES = ("hold", "resend")
SLOW = Script(faults=(Fault("accepted", action="slow", seconds=0.01, times=0),))
_SHOWN_EVERY = 50


@dataclass(frozen=True, slots=True)
class Plan:
    """One trial: which database, which policy, after what part of a usual run each end comes, and which."""

    number: int
    kind: str
    policy: str
    parts: tuple[float, ...]
    ending: Ending = KILL
    chance: int = 0  # what else is random in it


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a trial did. `faults` are the kinds of what must never be, such as a swapped mail."""

    policy: str
    kills: int  # that came before the end of the edition
    ended: int  # connections, by the mail server's record
    lost: int
    twice: int
    uncertain: int
    faults: tuple[str, ...] = ()
    told: int = 0  # workers that were told to end before the end of the edition
    in_time: bool = True  # whether they had time for answers
    unsettled: tuple[str, ...] = ()  # what these left that must not be


def plans(seed_number: int, count: int, *, has_postgres: bool) -> list[Plan]:
    """The trials that a seed stands for: databases and policies by turns, moments at random."""
    chance = random.Random(seed_number)
    kinds = KINDS if has_postgres else KINDS[:1]
    return [
        Plan(
            number=number,
            kind=kinds[number % len(kinds)],
            policy=POLICIES[number // len(kinds) % len(POLICIES)],
            parts=tuple(chance.random() for _ in range(chance.randint(1, 2))),
            ending=Ending.at_random(chance),
            chance=chance.randrange(1 << 30),
        )
        for number in range(count)
    ]


def proofs() -> Iterator[Figure]:
    """Kill or tell to end so often; the printed seed repeats it."""
    seed_number = secrets.randbits(32)
    print(f"delivery: {effort.TRIALS} trials, seed {seed_number}")
    folder, lock = run.make_run_folder()
    try:
        postgres = run.obtain(folder, "postgres")
        server = PostgresServer(postgres.url, postgres.text) if postgres.url else None
        with tempfile.TemporaryDirectory(dir=memory_folder(), prefix="digest-kills-") as temporary:
            outcomes, is_whole = [], True
            try:
                for outcome in _outcomes(Path(temporary), server, seed_number):
                    outcomes.append(outcome)  # noqa: PERF402 - what was found is told if the rest is not wanted
            except KeyboardInterrupt:
                print(f"delivery: interrupted after {len(outcomes)} trials")
                is_whole = False
    finally:
        run.end_run(folder, lock)
    yield from summary(outcomes, seed_number)
    if not is_whole:
        yield unmeasured(AREA, "the other trials", "they were interrupted")
    if server is None:
        yield unmeasured(AREA, "kills on PostgreSQL", postgres.text)


def summary(outcomes: Sequence[Outcome], seed_number: int) -> Iterator[Figure]:
    """The figures of all trials together, and how they were distributed."""
    kills, told = sum(each.kills for each in outcomes), sum(each.told for each in outcomes)
    held = [each for each in outcomes if each.policy == "hold"]
    resent = [each for each in outcomes if each.policy == "resend"]
    what = f"{len(outcomes)} trials of {PEOPLE} people and {CONNECTIONS} connections, seed {seed_number}: "
    what += f"{kills:,} times SIGKILL and {told:,} times SIGTERM"
    none, one = Target("<=", 0), Target("<=", 1)

    def figure(name: str, value: float, target: Target, note: str) -> Figure:
        return Figure(AREA, name, value, "people", target=target, note=f"{what}; {note}")

    yield figure(
        f"lost in {kills:,} kills and {told:,} drains", sum(each.lost for each in outcomes), none, load()
    )
    note = f"trials by people listed as uncertain: {distribution([each.uncertain for each in held])}"
    yield figure("sent twice under hold", sum(each.twice for each in held), none, note)
    note = f"trials by people mailed twice: {distribution([each.twice for each in resent])}"
    yield figure("most sent twice under resend for each connection", _most(resent, "twice"), one, note)
    note = f"at most {CONNECTIONS} connections end with a kill"
    yield figure("most listed as uncertain for each connection", _most(outcomes, "uncertain"), one, note)
    stopped = [each for each in outcomes if each.told]
    hurried = [each.uncertain for each in stopped if not each.in_time and each.policy == "hold"]
    note = f"{len(stopped)} trials, each worker ended with status 0 within 30 s; where answers never came, "
    note += f"trials by people listed as uncertain: {distribution(hurried) or 'none'}"
    note += "".join(f"; {fault}" for each in stopped for fault in each.unsettled[:3])[:300]
    unsettled = sum(len(each.unsettled) for each in stopped)
    yield figure("not sent, claimable or rightly in doubt after SIGTERM", unsettled, none, note)
    faults = Counter(name for each in outcomes for name in each.faults)
    note = ", ".join(f"{name}: {count}" for name, count in sorted(faults.items())) or "none"
    yield figure("any other fault that the checker knows", sum(faults.values()), none, note)


def distribution(values: Sequence[int]) -> str:
    """How many trials had so many: `0: 31, 1: 12`."""
    return ", ".join(f"{value}: {count}" for value, count in sorted(Counter(values).items()))


def _most(outcomes: Sequence[Outcome], part: str) -> float:
    """The highest number for each connection that ended; what happened without such an end counts whole."""
    return max((getattr(each, part) / max(each.ended, 1) for each in outcomes), default=0.0)


def _outcomes(folder: Path, server: PostgresServer | None, seed_number: int) -> Iterator[Outcome]:
    with ExitStack() as stack:
        made = stack.enter_context(workers(folder))
        begin = starts(stack, folder, server)
        usual = {kind: _usual_seconds(made, folder, start) for (kind, _), start in begin.items()}
        started = time.monotonic()
        for plan in plans(seed_number, effort.TRIALS, has_postgres=server is not None):
            after = usual[plan.kind]
            crashes = [plan.ending.after(0.005 + part * after) for part in plan.parts]
            yield _trial(made, folder, begin[plan.kind, plan.policy], plan, crashes)
            if (plan.number + 1) % _SHOWN_EVERY == 0:
                print(f"{plan.number + 1:5} trials in {time.monotonic() - started:.0f} s", flush=True)


@dataclass(frozen=True, slots=True)
class Start:
    """A seeded database that trials are copied from, and its edition."""

    folder: Path
    edition_id: int
    server: PostgresServer | None = None
    template: str = ""

    def copy(self, stack: ExitStack, to: Path) -> str:
        """A trial's own folder and database; the database's URL."""
        shutil.copytree(self.folder, to)
        if self.server is None:
            return f"sqlite:///{to / 'digest.db'}"
        url = stack.enter_context(self.server.database(template=self.template))
        return url.replace("postgresql://", "postgresql+psycopg://")


def starts(stack: ExitStack, folder: Path, server: PostgresServer | None) -> dict[tuple[str, str], Start]:
    found = {}
    for policy in POLICIES:
        for kind in KINDS if server else KINDS[:1]:
            own = folder / f"{kind}-{policy}"
            own.mkdir()
            url, template = f"sqlite:///{own / 'digest.db'}", ""
            if kind == "postgresql":
                assert server
                template = server.create_database()
                stack.callback(server.drop_database, template)
                url = server.url(template).replace("postgresql://", "postgresql+psycopg://")
            database = Database(url)
            upgrade(database)
            edition_id = seed(database, own, policy=policy, people=PEOPLE)
            with database.write() as session:
                session.execute(sa.update(Transport).values(most_connections=CONNECTIONS))
            database.close()
            found[kind, policy] = Start(own, edition_id, server if kind == "postgresql" else None, template)
    return found


def _usual_seconds(made: Workers, folder: Path, start: Start) -> float:
    """How long a whole run takes, its judge and its checks included: a kill falls into it somewhere."""
    plan = Plan(0, "", "", ())
    _trial(made, folder, start, plan, [])
    started = time.monotonic()
    _trial(made, folder, start, plan, [])
    return time.monotonic() - started


def _trial(made: Workers, folder: Path, start: Start, plan: Plan, crashes: Sequence[Crash]) -> Outcome:
    own = folder / "trial"
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, own, ignore_errors=True)
        url = start.copy(stack, own)
        chance = random.Random(plan.chance)
        script = plan.ending.script(chance, people=PEOPLE, connections=CONNECTIONS)
        trial = run_trial(made, own, url, start.edition_id, crashes, script=script)
    report = trial.report
    known = {"lost", "doubled"}
    return Outcome(
        policy=plan.policy,
        kills=trial.statuses.count(KILLED),
        ended=report.connections_ended,
        lost=len(report.lost),
        twice=len(report.doubled),
        uncertain=report.uncertain,
        faults=tuple(name for name in report.problems() if name not in known),
        told=trial.told,
        in_time=not plan.ending.drain,
        unsettled=trial.unsettled,
    )


def memory_folder() -> Path | None:
    """In memory where that is possible: SIGKILL loses nothing that was written, on a disk or not."""
    folder = Path("/dev/shm")
    return folder if os.access(folder, os.W_OK) else None

"""The proof that a power cut loses nobody: journals left as a disk would have them, at random moments.

An edition for forty people is begun by a worker that is killed at a random moment; its journal is cut behind
the last byte that was synced, or behind a part of what came after it, with nothing, zeros or garbage behind
(`tests.process.power_cuts`). A worker on the same machine, started anew, ends the edition.
"""

from __future__ import annotations

import random
import secrets
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from bench import effort
from bench.delivery_kills import (
    AREA,
    CONNECTIONS,
    KINDS,
    PEOPLE,
    POLICIES,
    SLOW,
    Start,
    distribution,
    memory_folder,
    starts,
)
from bench.figures import Figure, Target, load
from bench.rows import unmeasured
from tests.process.crash_trials import scene
from tests.process.crash_workers import Workers, workers
from tests.process.power_cuts import CutTrial, Plan, Tail, cut
from tests.servers import run
from tests.servers.postgres import PostgresServer

CUTS = 200
_SHOWN_EVERY = 50
_NEVER = 60.0

Outcome = tuple[str, CutTrial]
"""A trial with the policy of its list."""


def proofs() -> Iterator[Figure]:
    """Cut so often; the printed seed repeats it."""
    count, seed_number = min(CUTS, effort.TRIALS), secrets.randbits(32)
    print(f"delivery: {count} power cuts, seed {seed_number}")
    folder, lock = run.make_run_folder()
    try:
        postgres = run.obtain(folder, "postgres")
        server = PostgresServer(postgres.url, postgres.text) if postgres.url else None
        with tempfile.TemporaryDirectory(dir=memory_folder(), prefix="digest-cuts-") as temporary:
            outcomes = list(_outcomes(Path(temporary), server, seed_number, count))
    finally:
        run.end_run(folder, lock)
    yield from summary(outcomes, seed_number)
    if server is None:
        yield unmeasured(AREA, "power cuts on PostgreSQL", postgres.text)


def summary(outcomes: Sequence[Outcome], seed_number: int) -> Iterator[Figure]:
    """The figures of all trials together, and how they were distributed."""
    trials = [trial for _, trial in outcomes]
    cuts = sum(trial.was_cut for trial in trials)
    held = [trial for policy, trial in outcomes if policy == "hold"]
    resent = [trial for policy, trial in outcomes if policy == "resend"]
    what = f"{len(trials)} trials of {PEOPLE} people and {CONNECTIONS} connections, seed {seed_number}"
    none = Target("<=", 0)

    def figure(name: str, value: float, note: str) -> Figure:
        return Figure(AREA, name, value, "people", target=none, note=f"{what}; {note}")

    yield figure(f"lost in {cuts} power cuts", sum(trial.lost for trial in trials), load())
    note = f"trials by deliveries of which the disk said less: {distribution([one.hidden for one in trials])}"
    yield figure("sent twice under hold after a power cut", sum(trial.twice for trial in held), note)
    note = f"trials by people listed as uncertain: {distribution([trial.uncertain for trial in held])}"
    note += f"; by people mailed twice under resend: {distribution([trial.twice for trial in resent])}"
    beyond = sum(max(0, trial.twice - len(trial.in_doubt)) for trial in resent)
    yield figure("sent twice who were not in doubt, under resend", beyond, note)
    faults = Counter(name for trial in trials for name in trial.faults)
    note = ", ".join(f"{name}: {count}" for name, count in sorted(faults.items())) or "none"
    yield figure("any other fault after a power cut", sum(faults.values()), note)


def _outcomes(folder: Path, server: PostgresServer | None, seed_number: int, count: int) -> Iterator[Outcome]:
    chance = random.Random(seed_number)
    kinds = KINDS if server is not None else KINDS[:1]
    with ExitStack() as stack:
        made = stack.enter_context(workers(folder))
        begin = starts(stack, folder, server)
        usual = {kind: _usual_seconds(made, folder, begin[kind, "hold"]) for kind in kinds}
        started = time.monotonic()
        for number in range(count):
            kind, policy = kinds[number % len(kinds)], POLICIES[number // len(kinds) % len(POLICIES)]
            plan = Plan.at_random(chance, usual=usual[kind])
            yield policy, _trial(made, folder, begin[kind, policy], plan, policy)
            if (number + 1) % _SHOWN_EVERY == 0:
                print(f"{number + 1:5} power cuts in {time.monotonic() - started:.0f} s", flush=True)


def _usual_seconds(made: Workers, folder: Path, start: Start) -> float:
    """How long a worker takes for a whole run."""
    plan = Plan(_NEVER, Tail.SYNCED, 0.0, 0)
    _trial(made, folder, start, plan, "hold")
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder / "trial", ignore_errors=True)
        url = start.copy(stack, folder / "trial")
        with scene(made, folder / "trial", url, start.edition_id, script=SLOW) as on:
            started = time.monotonic()
            on.run()
            return time.monotonic() - started


def _trial(made: Workers, folder: Path, start: Start, plan: Plan, policy: str) -> CutTrial:
    own = folder / "trial"
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, own, ignore_errors=True)
        url = start.copy(stack, own)
        with scene(made, own, url, start.edition_id, script=SLOW) as on:
            return cut(on, plan, resends=policy == "resend")

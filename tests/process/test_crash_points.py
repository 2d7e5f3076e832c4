"""SIGKILL at each named point, then a normal worker goes on.

Under `hold` nobody is in the server's record twice; under `resend` at most one for each connection that
ended. Nobody is lost. Uncertain are exactly those with an intent and no outcome in the journals.

Each run meets every point once, under one policy or the other, at one of its passes; at its first, a middle
and its last pass under both of them it is met by the slow tests.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from digest.db import Database
from tests.process.crash_points import POINTS, Point
from tests.process.crash_trials import MIDDLE, PEOPLE, Bench, Trial, run_trial, seed
from tests.process.crash_workers import KILL, KILLED, Crash, Ending
from tests.servers.postgres import PostgresServer
from tests.servers.smtp_script import Fault, Script

pytestmark = pytest.mark.process

_BY_NAME = {point.name: point for point in POINTS}
_POLICIES = ("hold", "resend")
_POSTGRESQL_IN_A_RUN = (("dot written", "resend"), ("amid the ledger", "hold"), ("amid the fold", "resend"))


@pytest.fixture(scope="module")
def passes(bench: Bench) -> dict[str, dict[str, int]]:
    """How often each point is passed: by a worker that is never killed, and by one that finds a journal."""
    found = {policy: bench.on_sqlite(policy).passes for policy in _POLICIES}
    for needs in {point.needs for point in POINTS if point.needs}:
        for policy in _POLICIES:
            found[f"{policy} after {needs}"] = bench.on_sqlite(policy, Crash(needs, MIDDLE)).passes
    return found


OnPostgresql = Callable[[str, Sequence[Crash]], Trial]


@pytest.fixture
def on_postgresql(
    bench: Bench, postgres_server: PostgresServer, migrated_postgres: str, tmp_path: Path
) -> OnPostgresql:
    """One trial on a PostgreSQL database of its own."""

    def run(policy: str, crashes: Sequence[Crash]) -> Trial:
        with postgres_server.database(template=migrated_postgres) as given:
            url = given.replace("postgresql://", "postgresql+psycopg://")
            database = Database(url)
            edition_id = seed(database, tmp_path, policy=policy)
            database.close()
            return run_trial(bench.workers, tmp_path, url, edition_id, crashes)

    return run


def _crashes(point: Point, policy: str, passes: dict[str, dict[str, int]]) -> list[list[Crash]]:
    """The trials of a point: at its first, a middle and its last pass."""
    before = [Crash(point.needs, MIDDLE)] if point.needs else []
    times = passes[f"{policy} after {point.needs}" if point.needs else policy].get(point.name, 0)
    assert times > 0, f"{point.name} is never passed: {point.target} is not called any more"
    return [[*before, Crash(point.name, number)] for number in sorted({1, (times + 1) // 2, times})]


def _in_a_run(name: str, passes: dict[str, dict[str, int]]) -> tuple[str, list[Crash]]:
    """That of a point's trials that a run makes, with its policy: from point to point other ones."""
    place = list(_BY_NAME).index(name)
    policy = _POLICIES[place % 2]
    trials = _crashes(_BY_NAME[name], policy, passes)
    return policy, trials[place // 2 % len(trials)]


def _judge(trial: Trial, policy: str) -> None:
    report = trial.report
    allowed = report.connections_ended if policy == "resend" else 0
    assert report.is_clean(doubles_allowed=allowed), report.text()
    assert report.members == PEOPLE
    if (
        policy == "resend" and trial.ends < 2
    ):  # whoever is sent again is so once, and in doubt if that is cut short too
        assert report.uncertain == 0
    else:
        assert report.uncertain <= report.connections_ended


@pytest.mark.parametrize("policy", _POLICIES)
def test_a_run_without_a_crash_is_clean(bench: Bench, policy: str) -> None:
    """The rig itself: everybody once."""
    trial = bench.on_sqlite(policy)
    _judge(trial, policy)
    assert trial.report.accepted == PEOPLE


@pytest.mark.parametrize("name", _BY_NAME)
def test_nobody_is_lost_or_mailed_twice(bench: Bench, passes: dict[str, dict[str, int]], name: str) -> None:
    """On SQLite, every point."""
    policy, crashes = _in_a_run(name, passes)
    _judge(bench.on_sqlite(policy, *crashes), policy)


@pytest.mark.slow
@pytest.mark.parametrize("policy", _POLICIES)
@pytest.mark.parametrize("name", _BY_NAME)
def test_nobody_is_lost_or_mailed_twice_at_any_pass_under_any_policy(
    bench: Bench, passes: dict[str, dict[str, int]], name: str, policy: str
) -> None:
    """On SQLite: every point at its first, a middle and its last pass, under both policies."""
    for crashes in _crashes(_BY_NAME[name], policy, passes):
        _judge(bench.on_sqlite(policy, *crashes), policy)


@pytest.mark.parametrize(
    ("name", "policy"),
    [
        pytest.param(name, policy, marks=[] if (name, policy) in _POSTGRESQL_IN_A_RUN else [pytest.mark.slow])
        for name in ("dot written", "answered", "amid the ledger", "after a commit", "amid the fold")
        for policy in _POLICIES
    ],
)
def test_nobody_is_lost_or_mailed_twice_on_postgresql(
    passes: dict[str, dict[str, int]], on_postgresql: OnPostgresql, name: str, policy: str
) -> None:
    """The same on PostgreSQL at a middle pass, for the points at which the databases might differ."""
    crashes = _crashes(_BY_NAME[name], policy, passes)
    _judge(on_postgresql(policy, crashes[len(crashes) // 2]), policy)


@pytest.mark.parametrize(
    ("fault", "policy"),
    [
        pytest.param(fault, policy, id=f"{name}-{policy}", marks=[] if wanted else [pytest.mark.slow])
        for name, fault, in_a_run in (
            ("no answer", Fault("accepted", action="drop", skip=5), _POLICIES),
            ("never an answer", Fault("accepted", action="drop", skip=2, times=0), _POLICIES),
            ("not taken", Fault("dot", action="drop", skip=5), _POLICIES),
            # Here nobody is in doubt: the policy has nothing to decide.
            ("451 at the third", Fault("rcpt", reply="451 4.3.0 later", skip=2), ("hold",)),
            ("421 after seven", Fault("mail", reply="421 4.3.2 closing", skip=7), ("resend",)),
            ("dropped", Fault("data", action="drop", skip=3), ("hold",)),
        )
        for policy in _POLICIES
        for wanted in [policy in in_a_run]
    ],
)
def test_a_failing_mail_service_loses_nobody(bench: Bench, fault: Fault, policy: str) -> None:
    """No crash, but connections that end: who is uncertain is who the journal has no answer for."""
    trial = bench.on_sqlite(policy, script=Script(faults=(fault,)))
    if fault.times == 0 and policy == "resend":
        # Uncertain for a second time: nobody is sent a third mail.
        assert not trial.report.problems(doubles_allowed=PEOPLE), trial.report.text()
        return
    _judge(trial, policy)


@pytest.mark.parametrize(
    ("without", "point", "kind"),
    [
        ("digest.mail.journal:Journal.intent", "dot written", "doubled"),
        ("digest.mail.journal:Journal.outcome", "before the ledger", "uncertain"),
        ("digest.deliveries.turn:record", "handed back", "doubled"),
    ],
)
def test_the_rig_sees_a_product_that_lost_a_part(bench: Bench, without: str, point: str, kind: str) -> None:
    """Without intents or without the ledger people are mailed twice: this test would say so."""
    at_pass = 1 if kind == "uncertain" else 2
    report = bench.on_sqlite("hold", Crash(point, at_pass, without=without)).report
    if kind == "doubled":
        assert "doubled" in report.problems(), report.text()
    else:  # without outcomes a whole group is in doubt: honest, and more than one for each connection
        assert report.uncertain > report.connections_ended


def test_fifty_random_ends_lose_nobody(bench: Bench) -> None:
    """Fifty trials with SIGKILL or SIGTERM at a random moment, some twice; a seed that fails is named.

    Whoever is told to end leaves nobody in a state that is not known, nor anything that others wait for. A
    thousand, at eight connections and on both databases, are one of the proofs (`bench/delivery_kills.py`).
    """
    # On record at once, answered 10 ms later: else hardly an end would fall between the dot and its answer.
    slow = KILL.script(random.Random(), people=PEOPLE, connections=2)
    with bench.scene("hold", script=slow) as scene:
        started = time.monotonic()
        scene.run()
        usual = time.monotonic() - started
    killed = told = 0
    # Whoever came to its end before its moment was not ended: that was no trial.
    for number in range(500):
        numbers = random.Random(number)
        ending, policy = Ending.at_random(numbers), numbers.choice(_POLICIES)
        moments = [numbers.uniform(0.005, usual) for _ in range(numbers.choice((1, 1, 1, 2)))]
        crashes = [ending.after(moment) for moment in moments]
        script = ending.script(numbers, people=PEOPLE, connections=2)
        try:
            trial = bench.on_sqlite(policy, *crashes, script=script)
            _judge(trial, policy)
            assert trial.unsettled == ()
        except AssertionError as error:
            raise AssertionError(f"seed {number}, {policy}, {crashes}") from error
        killed, told = killed + (KILLED in trial.statuses), told + (trial.told > 0)
        if killed + told == 50:
            assert told >= 5
            return
    raise AssertionError(f"only {killed} were killed, and {told} told to end")


@pytest.mark.slow
@pytest.mark.parametrize("policy", _POLICIES)
@pytest.mark.parametrize("name", ["before a commit", "after a commit", "dot written", "outcome written"])
def test_every_single_pass(bench: Bench, passes: dict[str, dict[str, int]], name: str, policy: str) -> None:
    """Not three passes of a point but all of them."""
    for number in range(1, passes[policy][name] + 1):
        _judge(bench.on_sqlite(policy, Crash(name, number)), policy)

"""SIGKILL at each named point: at its first, a middle and its last pass, then a normal worker goes on.

Under `hold` nobody is in the server's record twice; under `resend` at most one for each connection that
ended. Nobody is lost. Uncertain are exactly those with an intent and no outcome in the journals.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from digest.db import Database
from digest.db.schema import upgrade
from tests.process.crash_points import POINTS, Point
from tests.process.crash_trials import PEOPLE, Bench, Crash, Trial, Workers, run_trial, seed, workers

pytestmark = pytest.mark.process

_BY_NAME = {point.name: point for point in POINTS}
_POLICIES = ("hold", "resend")


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """One process that makes the workers, and a seeded SQLite file for each policy."""
    folder = tmp_path_factory.mktemp("crashes")
    migrated = folder / "migrated.db"
    database = Database(f"sqlite:///{migrated}")
    upgrade(database)
    database.close()
    with workers(folder) as made:
        prepared = Bench(made, folder)
        for policy in _POLICIES:
            prepared.prepare(migrated, policy)
        yield prepared


@pytest.fixture(scope="module")
def passes(bench: Bench) -> dict[str, dict[str, int]]:
    """How often each point is passed: by a worker that is never killed, and by one that finds a journal."""
    found = {policy: bench.on_sqlite(policy).passes for policy in _POLICIES}
    for needs in {point.needs for point in POINTS if point.needs}:
        for policy in _POLICIES:
            found[f"{policy} after {needs}"] = bench.on_sqlite(policy, Crash(needs, 10)).passes
    return found


OnPostgresql = Callable[[Workers, str, Sequence[Crash]], Trial]


@pytest.fixture
def on_postgresql(postgres_url: str, tmp_path: Path) -> OnPostgresql:
    """One trial on an empty PostgreSQL database."""

    def run(made: Workers, policy: str, crashes: Sequence[Crash]) -> Trial:
        url = postgres_url.replace("postgresql://", "postgresql+psycopg://")
        database = Database(url)
        upgrade(database)
        edition_id = seed(database, tmp_path, policy=policy)
        database.close()
        return run_trial(made, tmp_path, url, edition_id, crashes)

    return run


def _crashes(point: Point, policy: str, passes: dict[str, dict[str, int]]) -> list[list[Crash]]:
    """The trials of a point: at its first, a middle and its last pass."""
    before = [Crash(point.needs, 10)] if point.needs else []
    times = passes[f"{policy} after {point.needs}" if point.needs else policy].get(point.name, 0)
    assert times > 0, f"{point.name} is never passed: {point.target} is not called any more"
    return [[*before, Crash(point.name, number)] for number in sorted({1, (times + 1) // 2, times})]


def _judge(trial: Trial, policy: str) -> None:
    report = trial.report
    allowed = report.connections_ended if policy == "resend" else 0
    assert report.is_clean(doubles_allowed=allowed), report.text()
    assert report.members == PEOPLE
    if policy == "resend":
        assert report.uncertain == 0
    else:
        assert report.uncertain <= report.connections_ended


@pytest.mark.parametrize("policy", _POLICIES)
def test_a_run_without_a_crash_is_clean(bench: Bench, policy: str) -> None:
    """The rig itself: twenty people, each once."""
    trial = bench.on_sqlite(policy)
    _judge(trial, policy)
    assert trial.report.accepted == PEOPLE


@pytest.mark.parametrize("policy", _POLICIES)
@pytest.mark.parametrize("name", _BY_NAME)
def test_nobody_is_lost_or_mailed_twice(
    bench: Bench, passes: dict[str, dict[str, int]], name: str, policy: str
) -> None:
    """On SQLite: every point, three passes each, both policies."""
    for crashes in _crashes(_BY_NAME[name], policy, passes):
        _judge(bench.on_sqlite(policy, *crashes), policy)


@pytest.mark.parametrize("policy", _POLICIES)
@pytest.mark.parametrize(
    "name", ["dot written", "answered", "amid the ledger", "after a commit", "amid the fold"]
)
def test_nobody_is_lost_or_mailed_twice_on_postgresql(
    bench: Bench, passes: dict[str, dict[str, int]], on_postgresql: OnPostgresql, name: str, policy: str
) -> None:
    """The same on PostgreSQL at a middle pass, for the points at which the databases might differ."""
    crashes = _crashes(_BY_NAME[name], policy, passes)
    _judge(on_postgresql(bench.workers, policy, crashes[len(crashes) // 2]), policy)


@pytest.mark.slow
@pytest.mark.parametrize("policy", _POLICIES)
@pytest.mark.parametrize("name", ["before a commit", "after a commit", "dot written", "outcome written"])
def test_every_single_pass(bench: Bench, passes: dict[str, dict[str, int]], name: str, policy: str) -> None:
    """Not three passes of a point but all of them."""
    for number in range(1, passes[policy][name] + 1):
        _judge(bench.on_sqlite(policy, Crash(name, number)), policy)

"""A disk that is full, and writes to the database that fail: sending stops and goes on, nobody pays for it.

The worker lives on, as Celery's does: an error ends its task and the next one is taken. Nobody is lost,
nobody is mailed twice, and uncertain are exactly those with an intent and no outcome.
"""

from __future__ import annotations

import random

import pytest

from tests.process.crash_trials import PEOPLE, Bench
from tests.process.crash_workers import Crash
from tests.servers.smtp_script import Fault, Script

pytestmark = pytest.mark.process

SLOW = Script(faults=(Fault("accepted", action="slow", seconds=0.005, times=0),))
# A database that is open has this much beside its file; below it no process could begin.
_LEAST, _MOST = 40_000, 300_000


@pytest.fixture(scope="module")
def commits(bench: Bench) -> int:
    """Of a whole run."""
    return bench.on_sqlite("hold").passes["before a commit"]


def _fails_at(bench: Bench, point: str, at_pass: int, times: int) -> None:
    """The worker that saw the failure ends the edition itself."""
    with bench.scene("hold") as scene:
        ended = scene.run(Crash(point, at_pass, action="fail"), survives=True, fails_times=times)
        report = scene.report()
        where = f"{point}, {times} times from pass {at_pass}: {report.text()}"
        assert ended["status"] == 0, (where, scene.made.log.read_text()[-3000:])
        assert report.is_clean(), where
        assert report.members == PEOPLE
        # Nothing has kept it from hearing the answers.
        assert report.uncertain == 0, where


@pytest.mark.parametrize("point", ["before a commit", "after a commit"])
def test_a_commit_that_fails_costs_nobody_their_mail(bench: Bench, commits: int, point: str) -> None:
    """Not committed, or committed and the word of it lost; once, or for a while."""
    numbers = random.Random(point)
    for at_pass in sorted(numbers.sample(range(1, commits + 1), 2)):
        _fails_at(bench, point, at_pass, numbers.choice((1, 8)))


def _full(bench: Bench, limit: int) -> bool:
    """A worker whose files may not grow beyond a size, then one with room; whether the first was in need."""
    with bench.scene("hold", script=SLOW) as scene:
        ended = scene.run(file_limit=limit, survives=True, leaves_after=0.4)
        is_short = ended["status"] != 0 or any(one.status == "pending" for one in scene.members())
        assert scene.run()["status"] == 0, scene.made.log.read_text()[-3000:]
        report = scene.report()
        assert report.is_clean(), (limit, report.text())
        assert report.uncertain <= report.connections_ended, (limit, report.text())
        return is_short


def test_a_full_disk_costs_nobody_their_mail(bench: Bench) -> None:
    """Database and journal have no more room after so many bytes, once there is room it goes on."""
    numbers = random.Random(1)
    found = [_full(bench, numbers.randint(_LEAST, _MOST)) for _ in range(3)]
    assert any(found), "no limit was ever reached"


@pytest.mark.slow
@pytest.mark.parametrize("times", [1, 8])
@pytest.mark.parametrize("point", ["before a commit", "after a commit"])
def test_every_single_commit(bench: Bench, commits: int, point: str, times: int) -> None:
    """Each of a whole run, one after another."""
    for at_pass in range(1, commits + 1):
        _fails_at(bench, point, at_pass, times)


@pytest.mark.slow
def test_a_disk_that_is_full_at_a_hundred_sizes(bench: Bench) -> None:
    """From where no process can begin to where a whole edition has room."""
    found = [_full(bench, limit) for limit in range(_LEAST, _MOST, (_MOST - _LEAST) // 100)]
    assert any(found)

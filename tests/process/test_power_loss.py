"""The power fails in the middle of an edition: nobody is lost, and who is in doubt is listed.

Under `hold` nobody is mailed twice, and uncertain are exactly those who were pending in a batch that was held
and have no outcome in what the disk has of the journal. Under `resend` nobody but they is mailed once more.
"""

from __future__ import annotations

import random
import time

import pytest

from tests.process.conftest import POLICIES
from tests.process.crash_trials import PEOPLE, Bench
from tests.process.power_cuts import CutTrial, Plan, Tail, cut
from tests.servers.smtp_script import Fault, Script

pytestmark = pytest.mark.process

# On record at once, answered 10 ms later: the edition takes a few syncs of the journal.
SLOW = Script(faults=(Fault("accepted", action="slow", seconds=0.01, times=0),))


def _trial(bench: Bench, plan: Plan, policy: str) -> CutTrial:
    with bench.scene(policy, script=SLOW) as scene:
        trial = cut(scene, plan, resends=policy == "resend")
    assert not trial.faults, (trial, plan, policy)
    assert trial.lost == 0, (trial, plan, policy)
    assert len(trial.in_doubt) <= PEOPLE
    return trial


@pytest.fixture(scope="module")
def usual(bench: Bench) -> float:
    """Seconds that a whole run takes."""
    started = time.monotonic()
    _trial(bench, Plan(60.0, Tail.SYNCED, 0.0, 0), "hold")
    return (time.monotonic() - started) * 0.7


def test_nobody_is_lost_or_doubled_by_a_power_cut(bench: Bench, usual: float) -> None:
    """Twelve cuts at random moments, with any tail; a seed that fails is named.

    A slow machine sends within a small part of a run: it goes on until a cut has hidden something.
    """
    hidden = 0
    for seed in range(100):
        try:
            trial = _trial(bench, Plan.at_random(random.Random(seed), usual=usual), POLICIES[seed % 2])
        except AssertionError as error:
            raise AssertionError(f"seed {seed}") from error
        hidden += trial.hidden
        if hidden and seed >= 11:
            return
    raise AssertionError("no cut has hidden anything: nothing was tried")


def test_a_journal_whose_file_never_reached_the_disk(bench: Bench, usual: float) -> None:
    """It is waited for, for another machine of the same name may hold it; after an hour it is given up."""
    _trial(bench, Plan(usual * 0.5, Tail.NO_FILE, 0.5, 1), "hold")


def test_the_rig_sees_a_product_that_trusts_a_cut_journal(bench: Bench, usual: float) -> None:
    """It would mail those again whose record the disk never had: this test would say so."""
    moments = random.Random(0)
    # Most often the first or second shows it; on a busy machine a run is longer than it usually is.
    for _ in range(60):
        with bench.scene("hold", script=SLOW) as scene:
            plan = Plan(usual * moments.uniform(0.3, 1.2), Tail.SYNCED, 0.0, 0)
            trial = cut(scene, plan, resends=False, without="digest.deliveries.recover:_write_off")
        if trial.twice:
            break
    else:
        raise AssertionError("no cut has doubled anybody")
    assert "doubled who was not in doubt" in trial.faults


@pytest.mark.slow
def test_a_hundred_power_cuts(bench: Bench, usual: float) -> None:
    """A hundred; `python -m bench --proof delivery` has more, on both databases."""
    for seed in range(100, 200):
        _trial(bench, Plan.at_random(random.Random(seed), usual=usual), POLICIES[seed % 2])

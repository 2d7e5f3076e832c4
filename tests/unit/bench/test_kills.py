"""The kills of the spine's proof: both signals are among the trials, and what is made of the outcomes."""

from __future__ import annotations

from dataclasses import replace

from bench.kills import TRIALS, Outcome, summary, trials

KILLED = Outcome(policy="hold", lost=0, twice=0, uncertain=1)
TOLD = Outcome(policy="hold", lost=0, twice=0, uncertain=0, is_told=True)


def test_a_share_of_the_trials_is_told_to_end() -> None:
    """By the seed, as everything else; on every database and under every policy."""
    found = trials(7, 400, has_postgres=True)
    assert found == trials(7, 400, has_postgres=True)
    told = [trial for trial in found if trial.is_told]
    assert 100 <= len(told) <= 166
    assert len({(trial.kind, trial.policy) for trial in told}) == 4
    assert all(
        sum(trial.is_told for trial in trials(seed, TRIALS, has_postgres=True)) >= 5 for seed in range(20)
    )


def test_what_a_worker_left_that_was_told_to_end_is_missed() -> None:
    """It did not end in time, or somebody is not what they should be; both signals are counted."""
    good, bad = ([*summary([KILLED, KILLED, each], 7)] for each in (TOLD, replace(TOLD, faults=("late",))))
    assert good[0].name == "lost in 2 kills and 1 drains"
    assert [figure.name for figure in good if figure.holds is False] == []
    assert [figure.name for figure in bad if figure.holds is False] == ["told to end and not well ended"]

"""The kills of the delivery's proof: what a seed stands for, and what is made of the outcomes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.delivery_kills import Outcome, distribution, plans, summary

GOOD = Outcome(policy="hold", kills=1, ended=8, lost=0, twice=0, uncertain=3)


def _missed(*outcomes: Outcome) -> list[str]:
    return [figure.name for figure in summary(outcomes, 7) if figure.holds is False]


def test_a_seed_stands_for_the_same_trials() -> None:
    """A proof can be repeated; every database meets every policy, and each trial has a kill or two."""
    found = plans(7, 100, has_postgres=True)
    assert found == plans(7, 100, has_postgres=True)
    assert found != plans(8, 100, has_postgres=True)
    assert len({(plan.kind, plan.policy) for plan in found}) == 4
    assert {len(plan.parts) for plan in found} == {1, 2}
    told = [plan for plan in found if plan.ending.is_told]
    assert 20 <= len(told) <= 46
    assert len({(plan.kind, plan.policy, plan.ending.drain > 0) for plan in told}) == 8
    assert {plan.kind for plan in plans(7, 100, has_postgres=False)} == {"sqlite"}
    assert {plan.policy for plan in plans(7, 100, has_postgres=False)} == {"hold", "resend"}


def test_what_is_promised_holds() -> None:
    """Eight connections that end may leave eight people uncertain, or mailed twice where that is chosen."""
    assert (
        _missed(GOOD, replace(GOOD, uncertain=8), replace(GOOD, policy="resend", uncertain=0, twice=8)) == []
    )


@pytest.mark.parametrize(
    ("bad", "missed"),
    [
        (replace(GOOD, lost=1), "lost in 2 kills and 0 drains"),
        (replace(GOOD, twice=1), "sent twice under hold"),
        (replace(GOOD, uncertain=9), "most listed as uncertain for each connection"),
        (replace(GOOD, uncertain=2, ended=0), "most listed as uncertain for each connection"),
        (replace(GOOD, policy="resend", twice=9), "most sent twice under resend for each connection"),
        (replace(GOOD, faults=("swapped",)), "any other fault that the checker knows"),
    ],
)
def test_one_broken_promise_is_missed(bad: Outcome, missed: str) -> None:
    """One trial in a thousand is enough, and nothing else is blamed for it."""
    assert _missed(GOOD, bad) == [missed]


def test_the_distribution_counts_trials() -> None:
    """By the number of people, lowest first; the notes of the figures carry it."""
    assert distribution([0, 2, 0, 10, 2]) == "0: 2, 2: 2, 10: 1"
    notes = {figure.name: figure.note for figure in summary([GOOD, replace(GOOD, uncertain=0)], 7)}
    assert notes["sent twice under hold"].endswith("trials by people listed as uncertain: 0: 1, 3: 1")


DRAINED = replace(GOOD, kills=0, told=1, uncertain=0)


def test_both_signals_are_counted() -> None:
    """How often each was sent is in the figures: nobody need guess what a proof was made of."""
    first = next(summary([GOOD, GOOD, DRAINED], 7))
    assert first.name == "lost in 2 kills and 1 drains"
    assert "2 times SIGKILL and 1 times SIGTERM" in first.note
    assert _missed(GOOD, DRAINED, replace(DRAINED, in_time=False, uncertain=8)) == []


def test_a_worker_that_was_told_to_end_and_left_something_is_missed() -> None:
    """A batch that is held, or somebody whose answer came and who is not sent; the note says what it was."""
    bad = replace(DRAINED, unsettled=("batch 3 is held",))
    missed = [figure for figure in summary([GOOD, bad], 7) if figure.holds is False]
    assert [figure.name for figure in missed] == ["not sent, claimable or rightly in doubt after SIGTERM"]
    assert "batch 3 is held" in missed[0].note

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
        (replace(GOOD, lost=1), "lost in 2 kills"),
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

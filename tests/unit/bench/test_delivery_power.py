"""The power cuts of the delivery's proof: what is made of the outcomes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.delivery_power import summary
from tests.process.power_cuts import CutTrial

GOOD = CutTrial(was_cut=True, hidden=3, in_doubt={1, 2, 3}, uncertain=3)
RESENT = replace(GOOD, uncertain=0, twice=3)


def _missed(*outcomes: tuple[str, CutTrial]) -> list[str]:
    return [figure.name for figure in summary(outcomes, 7) if figure.holds is False]


def test_what_is_promised_holds() -> None:
    """Who is in doubt may be uncertain, or mailed twice where that is chosen."""
    assert _missed(("hold", GOOD), ("resend", RESENT)) == []


@pytest.mark.parametrize(
    ("policy", "bad", "missed"),
    [
        ("hold", replace(GOOD, lost=1), "lost in 2 power cuts"),
        ("hold", replace(GOOD, twice=1), "sent twice under hold after a power cut"),
        ("resend", replace(RESENT, twice=4), "sent twice who were not in doubt, under resend"),
        ("resend", replace(RESENT, faults=("swapped",)), "any other fault after a power cut"),
    ],
)
def test_one_broken_promise_is_missed(policy: str, bad: CutTrial, missed: str) -> None:
    """One trial is enough, and nothing else is blamed for it."""
    assert _missed(("hold", GOOD), (policy, bad)) == [missed]


def test_the_distribution_is_told() -> None:
    """By how much the disk lacked, and by people in doubt."""
    notes = [figure.note for figure in summary([("hold", GOOD), ("resend", RESENT)], 7)]
    assert any("the disk said less: 3: 2" in note for note in notes)
    assert any("uncertain: 3: 1; by people mailed twice under resend: 3: 1" in note for note in notes)

"""How much is measured: all of it, or little for whoever works at the measuring. Read once, at the start.

DIGEST_BENCH_QUICK=1        few and short rounds: to see that it runs, not to publish
DIGEST_PROOF_TRIALS=1000    how many kills the proofs of the delivery are made of
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TypeVar

T = TypeVar("T")

IS_QUICK = os.environ.get("DIGEST_BENCH_QUICK", "") not in {"", "0"}
TRIALS = int(os.environ.get("DIGEST_PROOF_TRIALS") or 1000)


def rounds(usual: int = 7) -> int:
    """How many rounds there are."""
    return min(usual, 2) if IS_QUICK else usual


def people(usual: int) -> int:
    """How many people there are in a round."""
    return max(100, usual // 10) if IS_QUICK else usual


def by_turns(actions: Mapping[str, Callable[[], T]], *, count: int) -> dict[str, list[T]]:
    """Run all of them once for nothing, then by turns: whatever disturbs the machine disturbs all."""
    for action in actions.values():
        action()
    found: dict[str, list[T]] = {name: [] for name in actions}
    for _ in range(count):
        for name, action in actions.items():
            found[name].append(action())
    return found

"""A measured figure, and how it is measured: by turns with its reference, the median of several rounds."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Target:
    """What a figure is to reach."""

    kind: Literal["<=", ">="]
    value: float

    def holds(self, value: float) -> bool:
        """Whether a figure reaches it."""
        return value <= self.value if self.kind == "<=" else value >= self.value


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of the table. `reference` is in the same unit and of the same run; the note says what it is."""

    area: str
    name: str
    value: float
    unit: str
    reference: float | None = None
    target: Target | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """The figure over its reference."""
        return self.value / self.reference if self.reference else None

    @property
    def holds(self) -> bool | None:
        """Whether the target is reached; None if there is none."""
        return self.target.holds(self.value) if self.target else None


@dataclass(frozen=True, slots=True)
class Series:
    """The results of several rounds of one thing."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def spread(self) -> str:
        """The lowest and the highest, and how many rounds there were."""
        return f"{shown(min(self.values))} to {shown(max(self.values))} in {len(self.values)} rounds"


def by_turns(
    ours: Callable[[], float], reference: Callable[[], float], *, rounds: int = ROUNDS
) -> tuple[Series, Series]:
    """Run both once for nothing, then by turns: whatever disturbs the machine disturbs both."""
    ours()
    reference()
    pairs = [(ours(), reference()) for _ in range(rounds)]
    first, second = zip(*pairs, strict=True)
    return Series(first), Series(second)


def repeat(ours: Callable[[], float], *, rounds: int = ROUNDS) -> Series:
    """Several rounds of something that has no reference."""
    return Series(tuple(ours() for _ in range(rounds)))


def seconds_of(action: Callable[[], object]) -> float:
    """How long an action takes."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def shown(value: float) -> str:
    """A number as people read it: whole from 100 on, else three digits."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def load() -> str:
    """How busy the machine is, for the note: a figure under load is a pessimistic one."""
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"

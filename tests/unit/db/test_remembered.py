"""Figures that are remembered: what is many is shown a moment old, and counted anew by the way."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import clock
from digest.db import remembered
from digest.db.remembered import MANY, Remembered
from tests.servers.waiting import wait_until


class Counting:
    """A count that gives what it is told, and knows how often and by which thread it was asked."""

    def __init__(self, value: int) -> None:
        self.value = value
        self.threads: list[int] = []

    def __call__(self, session: Session) -> int:
        self.threads.append(threading.get_ident())
        return session.scalar(sa.select(sa.literal(self.value))) or 0


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    engine = sa.create_engine(f"sqlite:///{tmp_path}/figures.db")
    with Session(engine) as opened:
        yield opened
    engine.dispose()


@pytest.fixture
def clock_hand(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that the monotonic clock shows; the last of them counts."""
    hand = [100.0]
    monkeypatch.setattr(clock, "monotonic", lambda: hand[-1])
    return hand


def test_what_is_few_is_counted_each_time(session: Session) -> None:
    """A small newsroom's figures are never old."""
    figures: Remembered[str, int] = Remembered(int, seconds=60)
    count = Counting(MANY - 1)
    assert figures.of(session, "a", count) == MANY - 1
    count.value = 3
    assert figures.of(session, "a", count) == 3


def test_what_is_many_is_shown_as_it_was_and_counted_anew(session: Session, clock_hand: list[float]) -> None:
    """Within a minute nothing is counted; then once, by another thread, while the old figure is shown."""
    figures: Remembered[str, int] = Remembered(int, seconds=60)
    count = Counting(MANY)
    assert figures.of(session, "a", count) == MANY
    count.value = MANY + 1
    clock_hand.append(159.0)
    assert figures.of(session, "a", count) == MANY
    assert len(count.threads) == 1
    clock_hand.append(161.0)
    assert figures.of(session, "a", count) == MANY
    wait_until(lambda: figures.of(session, "a", count) == MANY + 1)
    assert count.threads[0] == threading.get_ident() != count.threads[1]
    assert len(count.threads) == 2


def test_what_is_too_old_is_waited_for(session: Session, clock_hand: list[float]) -> None:
    """Nobody sees a figure of ten minutes ago, nor one of another thing."""
    figures: Remembered[str, int] = Remembered(int, seconds=60)
    count = Counting(MANY)
    figures.of(session, "a", count)
    count.value = MANY + 1
    assert figures.of(session, "b", count) == MANY + 1
    clock_hand.append(100.0 + remembered._USABLE)
    assert figures.of(session, "a", count) == MANY + 1


def test_a_count_that_fails_in_the_background_is_tried_again(
    session: Session, clock_hand: list[float]
) -> None:
    """The page shows what it has; the next one counts."""
    figures: Remembered[str, int] = Remembered(int, seconds=60)
    figures.know(session, "a", MANY)
    clock_hand.append(161.0)
    asked = threading.Event()

    def fails(_: Session) -> int:
        asked.set()
        raise ConnectionError

    assert figures.of(session, "a", fails) == MANY
    assert asked.wait(60)
    wait_until(lambda: figures.of(session, "a", Counting(MANY + 1)) == MANY + 1)

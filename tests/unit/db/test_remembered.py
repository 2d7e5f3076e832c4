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


def test_of_many_who_come_first_one_counts(session: Session) -> None:
    """The others wait for that figure, and have it."""
    figures: Remembered[str, int] = Remembered(int, seconds=60)
    engine, counting, go = session.get_bind().engine, threading.Event(), threading.Event()
    counted, found = [], []

    def count(_: Session) -> int:
        counted.append(threading.get_ident())
        counting.set()
        assert go.wait(60)
        return MANY

    def ask() -> None:
        with Session(engine) as opened:
            found.append(figures.of(opened, "a", count))

    threads = [threading.Thread(target=ask) for _ in range(5)]
    threads[0].start()
    assert counting.wait(60)
    for each in threads[1:]:
        each.start()
    go.set()
    for each in threads:
        each.join(60)
    assert found == [MANY] * 5
    assert len(counted) == 1


def test_few_threads_count_however_many_figures_are_old(session: Session, clock_hand: list[float]) -> None:
    """Whoever finds them busy is shown what there is and waits for nobody; later it is counted too."""
    figures: Remembered[int, int] = Remembered(int, seconds=60)
    keys = range(12)
    for key in keys:
        figures.know(session, key, MANY)
    clock_hand.append(161.0)
    go, begun = threading.Event(), []

    def count(_: Session) -> int:
        begun.append(threading.get_ident())
        assert go.wait(60)
        return MANY + 1

    assert [figures.of(session, key, count) for key in keys] == [MANY] * len(keys)
    wait_until(lambda: len(begun) == remembered._AT_ONCE)
    go.set()
    wait_until(lambda: [figures.of(session, key, count) for key in keys] == [MANY + 1] * len(keys))
    assert len(begun) == len(keys)


def test_what_takes_long_is_counted_less_often(session: Session, clock_hand: list[float]) -> None:
    """A tenth of the time at most: a count of a minute is good for ten, however short the figure is fresh."""
    figures: Remembered[str, int] = Remembered(int, seconds=3, usable=30)

    def slow(_: Session) -> int:
        clock_hand.append(clock_hand[-1] + 60)
        return MANY

    figures.of(session, "a", slow)
    after = Counting(MANY + 1)
    clock_hand.append(100.0 + 599)
    assert figures.of(session, "a", after) == MANY
    assert after.threads == []
    clock_hand.append(100.0 + 601)
    wait_until(lambda: figures.of(session, "a", after) == MANY + 1)
    assert after.threads[0] != threading.get_ident()

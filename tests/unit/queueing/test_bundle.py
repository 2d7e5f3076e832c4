"""Hints that come close together: few are given, and one after the last of those who asked."""

from __future__ import annotations

import threading

from digest.queueing.bundle import Bundle
from tests.servers.waiting import HANG


def test_many_who_ask_are_given_one_hint_after_the_last() -> None:
    """A hundred ask before the rest is over: one hint, and whoever takes it finds the rows of all."""
    asked, seen = 0, []
    bundle = Bundle(lambda: seen.append(asked), rest=3600)
    for _ in range(100):
        asked += 1
        bundle.ask()
    assert seen == []
    bundle.close()
    assert seen == [100]


def test_who_asks_while_one_is_given_gets_another() -> None:
    """The one under way may be too early for their rows."""
    is_giving, may_end, given = threading.Event(), threading.Event(), []

    def give() -> None:
        given.append(1)
        is_giving.set()
        may_end.wait(HANG)

    bundle = Bundle(give, rest=0)
    bundle.ask()
    assert is_giving.wait(HANG)
    bundle.ask()  # while it is under way
    bundle.ask()
    may_end.set()
    bundle.close()
    assert len(given) == 2


def test_it_begins_anew_after_a_rest() -> None:
    """A bundle that has nothing to do holds no thread, and the next who asks is served."""
    given = threading.Semaphore(0)
    bundle = Bundle(given.release, rest=0)
    for _ in range(3):
        bundle.ask()
        assert given.acquire(timeout=HANG)
    bundle.close()
    assert "hints" not in {each.name for each in threading.enumerate()}

"""Statements that threads share."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from digest.lists import queries

ROUNDS = 40  # of which one in five went wrong when the columns were made by whoever asked first
THREADS = 4


@pytest.fixture
def hurried() -> Iterator[None]:
    """Threads take turns as often as Python can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("hurried")
def test_the_first_cadence_is_asked_for_alike_by_threads_that_ask_at_once() -> None:
    """A process whose first readers come together asks all of them the same question."""
    texts: set[str] = set()

    def ask(together: threading.Barrier) -> None:
        together.wait()
        texts.add(str(sa.select(queries.first_cadence_id(sa.bindparam("digest")))))

    for _ in range(ROUNDS):
        queries._another_cadence.cache_clear()
        threads = [
            threading.Thread(target=ask, args=(together,))
            for together in [threading.Barrier(THREADS)]
            for _ in range(THREADS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(texts) == 1
    assert "FROM cadences AS cadences_1 \n" in texts.pop()

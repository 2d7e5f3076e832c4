"""The short memory of pages: a second, and not too many."""

from __future__ import annotations

from digest.web.memory import MOST, SECONDS, ShortMemory, StoredPage

PAGE = StoredPage('"tag"', b"page")


def test_a_page_is_remembered_for_a_second() -> None:
    """Until then it is the one put in last, after that it is forgotten; an unknown one never was."""
    memory: ShortMemory[StoredPage] = ShortMemory()
    newer = StoredPage('"new"', b"page")
    memory.put("a", PAGE, now=10.0)
    memory.put("a", newer, now=10.5)
    assert memory.find("a", now=10.5 + SECONDS - 0.01) is newer
    assert memory.find("a", now=10.5 + SECONDS) is None
    assert memory.find("b", now=0.0) is None


def test_only_so_many_are_remembered() -> None:
    """Whoever asks for many pages makes no process grow: the oldest go."""
    memory: ShortMemory[StoredPage] = ShortMemory()
    for number in range(MOST + 5):
        memory.put(str(number), PAGE, now=0.0)
    kept = [number for number in range(MOST + 5) if memory.find(str(number), now=0.0)]
    assert kept == list(range(5, MOST + 5))

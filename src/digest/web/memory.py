"""A short memory of what everybody asks for right now.

When an edition goes out, thousands open the same page within minutes, and after an appeal as many the same
form. For a second each is answered from here, without a thread or a transaction; a state that changes is seen
a second later, which is far less than the minute for which browsers may keep the page of an edition.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

T = TypeVar("T")

SECONDS: Final = 1.0
MOST: Final = 32  # each page of an edition is some 50 kB


@dataclass(frozen=True, slots=True)
class StoredPage:
    """A page, feed or picture as bytes, with its entity tag."""

    tag: str
    body: bytes
    is_listed: bool = True  # search engines may name it


@dataclass(slots=True)
class ShortMemory(Generic[T]):
    """Pages or the like by a text, each for a second. To be used from the event loop alone."""

    _kept: dict[str, tuple[float, T]] = field(default_factory=dict)

    def find(self, key: str, *, now: float) -> T | None:
        """What was put in, if that is less than a second before `now` (monotonic seconds)."""
        since, found = self._kept.get(key, (0.0, None))
        return found if found is not None and now - since < SECONDS else None

    def put(self, key: str, what: T, *, now: float) -> None:
        """Keep it; what was put in first makes room for it."""
        self._kept.pop(key, None)
        self._kept[key] = (now, what)
        if len(self._kept) > MOST:
            del self._kept[next(iter(self._kept))]

"""A short memory of the editions that are being read right now.

When an edition goes out, thousands open the same page within minutes. For a second each is answered from
here, without a thread or a transaction; a state that changes is seen a second later, which is far less than
the minute for which browsers may keep the page.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

SECONDS: Final = 1.0
MOST: Final = 32  # editions; each page is some 50 kB


@dataclass(frozen=True, slots=True)
class StoredPage:
    """A web edition as bytes, with its entity tag."""

    tag: str
    body: bytes


@dataclass(slots=True)
class ShortMemory:
    """Pages by public id, each for a second. To be used from the event loop alone."""

    _pages: dict[str, tuple[float, StoredPage]] = field(default_factory=dict)

    def find(self, public_id: str, *, now: float) -> StoredPage | None:
        """The page, if it was put in less than a second before `now` (monotonic seconds)."""
        since, page = self._pages.get(public_id, (0.0, None))
        return page if page is not None and now - since < SECONDS else None

    def put(self, public_id: str, page: StoredPage, *, now: float) -> None:
        """Keep a page; the one that was put in first makes room for it."""
        self._pages.pop(public_id, None)
        self._pages[public_id] = (now, page)
        if len(self._pages) > MOST:
            del self._pages[next(iter(self._pages))]

"""Which addresses stood in the file before: eight bytes of hash each, in one flat table.

A million people take 16 MB; a set of Python's would take a hundred. Two addresses of ten million are taken
for one with a chance of three in a million.
"""

from __future__ import annotations

import array

_START = 1 << 16
_ALL_BITS = (1 << 64) - 1


class Seen:
    """A set of hashes by open addressing, at most two thirds full."""

    def __init__(self) -> None:
        self._slots = array.array("Q", bytes(8 * _START))
        self._mask = _START - 1
        self._count = 0

    def add(self, key: str) -> bool:
        """Note an address's key; False if it was there."""
        mark = hash(key) & _ALL_BITS or 1  # SipHash with a key of this process's own
        if not self._put(mark):
            return False
        self._count += 1
        if self._count * 3 > self._mask * 2:
            self._grow()
        return True

    def _put(self, mark: int) -> bool:
        slots, mask = self._slots, self._mask
        place = mark & mask
        while held := slots[place]:
            if held == mark:
                return False
            place = (place + 1) & mask
        slots[place] = mark
        return True

    def _grow(self) -> None:
        old = self._slots
        self._slots = array.array("Q", (0,)) * (2 * len(old))
        self._mask = len(self._slots) - 1
        for mark in old:
            if mark:
                self._put(mark)

"""How many groups are under way at a time: whether the next one is made while one is sent.

To sign a group takes several times the work of sending it. On a core of its own the one does not disturb the
other, and both at a time are quicker. Where the sending, the mail server or other workers want the same core,
nothing is gained, and each change from one to the other costs what the processor's caches held: a signed mail
took five in a hundred more of the processor (measured on one core, smtp-sink beside it, at the same rate).
"""

from __future__ import annotations

_USUAL = 2
# A signing that gets less of a core than this, so often in a row, shares it.
_LEAST_SHARE = 0.75
_IN_A_ROW = 2
# A server that takes longer than so many signings is far away: it is not waited for.
_MOST_SIGNINGS = 2.0


class Overlap:
    """For one turn: begins with two groups, or with one where a pace is set, and learns from the signing."""

    def __init__(self, *, is_paced: bool = False) -> None:
        self.groups = 1 if is_paced else _USUAL
        self._learns = not is_paced
        self._crowded = 0
        self._signing = 0.0

    def signed(self, *, wall: float, cpu: float, is_beside: bool) -> None:
        """A group was signed in so many seconds, of them so many at work; `is_beside`: while one was sent."""
        self._signing = wall
        if not (self._learns and is_beside):
            return
        self._crowded = self._crowded + 1 if cpu < _LEAST_SHARE * wall else 0
        if self._crowded == _IN_A_ROW:
            self.groups = 1

    def sent(self, *, wall: float) -> None:
        """A group beside which no other was under way was sent, so many seconds after it was begun."""
        if self._learns and self.groups == 1 and wall > _MOST_SIGNINGS * self._signing:
            self.groups, self._learns = _USUAL, False

"""The commands under way on one connection, and whose replies are still to come.

RFC 2920: a server that offers PIPELINING takes several commands in one write and answers them in order. Some
offer it and cannot do it: they refuse what came early, or forget it and say nothing more.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from digest.mail.smtp_transaction import Commands, Pipelining, Step
from digest.mail.smtp_wire import Wire
from digest.mail.transport import Endpoint

DOT = b".\r\n"


class Pipeline:
    """Writes commands as far ahead of their replies as the level allows."""

    def __init__(self, wire: Wire, level: Pipelining, *, time: Callable[[], float]) -> None:
        self._wire = wire
        self._time = time
        self._unwritten: deque[tuple[Step, bytes]] = deque()  # commands that wait for a reply before them
        self._was_behind_dot = False  # the last group left together with a message's end
        self.level = level
        self.expected: deque[Step] = deque()
        self._heard_at = time()  # when something was last written after silence, or answered

    @property
    def is_empty(self) -> bool:
        """Whether every command was answered and none waits."""
        return not (self.expected or self._unwritten)

    @property
    def holds_back(self) -> bool:
        """Whether a command waits to be written."""
        return bool(self._unwritten)

    def heard(self) -> None:
        """The server has said something, or taken something."""
        self._heard_at = self._time()

    def is_overdue(self, now: float, endpoint: Endpoint) -> bool:
        """Whether the server has been silent for longer than it may."""
        return bool(self.expected) and now - self._heard_at >= self.expected[0].limit(endpoint)

    def write(self, commands: Commands) -> None:
        """Write a group of commands."""
        if not self.expected:
            self.heard()
        self._was_behind_dot = False
        if self.level is Pipelining.SINGLE:
            self._unwritten.extend(zip(commands.steps, commands.lines.splitlines(keepends=True), strict=True))
            self.go_on()
            return
        self.expected.extend(commands.steps)
        self._wire.write(commands.lines)

    def write_end(self, chunks: Sequence[bytes], following: Commands) -> None:
        """Write a message, or the rest of it, its end, and behind that the next group if there is one.

        The server has been heard right before: it is asked for by what it said.
        """
        self.expected.append(Step.DOT)
        self.expected.extend(following.steps)
        self._was_behind_dot = bool(following.steps)
        self._wire.write(*chunks, DOT + following.lines)

    def wait_for_room(self) -> None:
        """The server has yet to read what was written; it is waited for as for a reply."""
        self.expected.append(Step.BODY)
        self.heard()

    def go_on(self) -> None:
        """Write the next command that had to wait."""
        if self._unwritten:
            step, command = self._unwritten.popleft()
            self.expected.append(step)
            self._wire.write(command)

    def hold_back(self) -> None:
        """Forget the commands that wait."""
        self._unwritten.clear()

    def safer_level(self, step: Step) -> Pipelining | None:
        """The level to go on with, if what was written ahead may be why `step` is refused or not answered.

        None if it was not written ahead.
        """
        if step in (Step.RCPT, Step.DATA) and self.level > Pipelining.SINGLE:
            return Pipelining.SINGLE
        if step in (Step.DOT, Step.MAIL) and self._was_behind_dot:
            return Pipelining.GROUPED
        return None

"""The process that cleans up if the supervisor is killed: it holds the other end of a lifeline.

The supervisor writes a line for each child that starts and ends. When the lifeline closes, whatever is still
on the list is stopped as the supervisor would have done it: in reverse order, each with its signal and its
grace, then SIGKILL for the whole process group. So also grandchildren end, on systems without a death
signal too. After a clean stop the list is empty.

It is run as a file, without the package and without site-packages, so as to stay small.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterable

_DYING_SECONDS = 5.0  # nobody may be there to take note of the dead: they are not waited for without end


def read_list(lifeline: Iterable[str]) -> dict[int, tuple[int, float]]:
    """Follow the lifeline to its end; what is left is group -> (signal, grace), in order of start."""
    groups: dict[int, tuple[int, float]] = {}
    for line in lifeline:
        match line.split():
            case ["start", group, number, grace]:
                groups[int(group)] = (int(number), float(grace))
            case ["end", group]:
                groups.pop(int(group), None)
    return groups


def stop_group(group: int, number: int, grace: float) -> None:
    """Ask the leader of a group to end; after the grace, or once it has ended, end all the group."""
    until = time.monotonic() + grace
    if not _send(os.kill, group, number) and not _send(os.killpg, group, number):
        return
    while time.monotonic() < until and _send(os.killpg, group, 0):
        time.sleep(0.02)
    _send(os.killpg, group, signal.SIGKILL)


def main() -> None:
    """Wait for the end of the supervisor, then see to it that nothing of it is left."""
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)  # it ends when the lifeline does, at no other time
    groups = read_list(sys.stdin)
    for group, (number, grace) in reversed(list(groups.items())):
        stop_group(group, number, grace)
    # What was killed takes a moment to die, and a new run may begin as soon as we have ended.
    until = time.monotonic() + _DYING_SECONDS
    while time.monotonic() < until and any(_send(os.killpg, group, 0) for group in groups):
        time.sleep(0.02)


def _send(how: Callable[[int, int], None], target: int, number: int) -> bool:
    try:
        how(target, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


if __name__ == "__main__":
    main()

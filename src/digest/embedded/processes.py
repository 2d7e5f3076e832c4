"""Starting processes that do not outlive us, and telling whether any of them are left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence

_PR_SET_PDEATHSIG = 1


def end_with_parent(signal_number: int = signal.SIGTERM) -> Callable[[], None] | None:
    """What to call in a new child (`preexec_fn`) so that it gets the signal when we die, however we die.

    The kernel watches the *thread* that started the child: call this and start the child from the main
    thread. None where there is no such thing (only Linux has it). Source: prctl(2), PR_SET_PDEATHSIG.
    """
    if sys.platform != "linux":
        return None
    import ctypes  # noqa: PLC0415  (a megabyte that other systems need not load)

    libc = ctypes.CDLL(None)  # looked up before the fork: the child must do as little as it can
    parent = os.getpid()

    def ask() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, int(signal_number), 0, 0, 0)
        if os.getppid() != parent:  # it died between the fork and the call above
            os._exit(1)

    return ask


def start(
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    output: int | None = None,
    death_signal: int = signal.SIGTERM,
) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own, so that Ctrl-C at our terminal does not reach it.

    `env` is added to our own environment; `output` is the file descriptor for both of its outputs (None:
    ours). Raises OSError if the program cannot be run.
    """
    return subprocess.Popen(  # noqa: S603  (the caller's own argument list, no shell)
        list(argv),
        env={**os.environ, **env} if env else None,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
        preexec_fn=end_with_parent(death_signal),  # noqa: PLW1509  (no import, no lock, no memory of ours in it)
    )


def group_lives(group: int) -> bool:
    """Whether a process of this group is left. One that nobody has waited for yet counts."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it is there, under another user
        return True
    return True


def signal_group(group: int, signal_number: int) -> None:
    """Send a signal to each process of a group; nothing happens if there is none."""
    try:
        os.killpg(group, signal_number)
    except (ProcessLookupError, PermissionError):
        return


def describe_end(status: int) -> str:
    """How a process ended, in words, from `Popen.returncode`."""
    if status < 0:
        try:
            return f"was ended by {signal.Signals(-status).name}"
        except ValueError:
            return f"was ended by signal {-status}"
    return f"ended with status {status}"

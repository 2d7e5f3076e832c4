"""How a worker's children learn that it was told to stop."""

from __future__ import annotations

import subprocess
import sys

from tests.servers.waiting import HANG

# In a process of its own: a test process has threads, and must not be forked.
_PARENT = """
import os, signal, time
from digest.tasks.runtime import is_stopping, stop_children

def fork():
    child = os.fork()
    if child:
        return child
    until = time.monotonic() + 100
    while not is_stopping() and time.monotonic() < until:
        time.sleep(0.001)
    os._exit(0 if is_stopping() else 1)

killed, lives = fork(), fork()
os.kill(killed, signal.SIGKILL)
os.waitpid(killed, 0)
assert not is_stopping()
stop_children()
_, status = os.waitpid(lives, 0)
raise SystemExit(os.waitstatus_to_exitcode(status))
"""


def test_the_children_see_that_their_parent_stops() -> None:
    """What the parent says after the fork reaches a child, though another one was killed as it looked."""
    done = subprocess.run([sys.executable, "-c", _PARENT], timeout=HANG, check=False)
    assert done.returncode == 0

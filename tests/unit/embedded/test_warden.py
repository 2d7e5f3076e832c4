"""The warden's list and how it ends what is on it."""

from __future__ import annotations

import subprocess
import sys

from digest.embedded import warden
from tests.servers.waiting import HANG, group_members


def test_list_is_what_started_and_has_not_ended() -> None:
    """The list keeps the order of the starts; an unknown line or an unknown end changes nothing."""
    lines = [
        "start 10 15 5\n",
        "start 11 15 0.5\n",
        "end 10\n",
        "start 12 2 1\n",
        "end 99\n",
        "noise\n",
        "\n",
    ]
    assert list(warden.read_list(lines).items()) == [(11, (15, 0.5)), (12, (2, 1.0))]


def test_group_that_is_gone_costs_no_time() -> None:
    """A group that nobody is in is passed over, whatever its grace."""
    done = subprocess.Popen([sys.executable, "-S", "-c", ""], start_new_session=True)
    done.wait()
    warden.stop_group(done.pid, 15, 600)


def test_group_is_ended_after_its_grace() -> None:
    """A group that ignores its signal is killed."""
    code = "import signal, time; signal.signal(15, signal.SIG_IGN); print(1, flush=True); time.sleep(600)"
    deaf = subprocess.Popen(
        [sys.executable, "-S", "-c", code], start_new_session=True, stdout=subprocess.PIPE, text=True
    )
    assert deaf.stdout is not None
    deaf.stdout.readline()
    warden.stop_group(deaf.pid, 15, 0.1)
    assert deaf.wait(HANG) == -9
    assert group_members(deaf.pid) == []
    deaf.stdout.close()

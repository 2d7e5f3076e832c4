"""The lock of a data folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from digest.embedded.lock import sole_use
from digest.errors import ConfigError, StateError
from tests.servers.waiting import HANG


def test_second_holder_is_refused_at_once(tmp_path: Path) -> None:
    """The sentence names the folder and the process that holds it; afterwards the folder is free."""
    with (
        sole_use(tmp_path),
        pytest.raises(StateError, match=f"already runs on the data folder {tmp_path} .process {os.getpid()}"),
        sole_use(tmp_path, patience=600),
    ):
        pass
    with sole_use(tmp_path, patience=0):
        pass


def test_folder_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    """Neither folder nor lock can be read by others."""
    with sole_use(tmp_path / "new" / "data"):
        assert (tmp_path / "new" / "data" / "run").stat().st_mode & 0o777 == 0o700
        assert (tmp_path / "new" / "data" / "run" / "up.lock").stat().st_mode & 0o777 == 0o600


def test_folder_that_cannot_be_made_is_a_setting_error(tmp_path: Path) -> None:
    """A data folder below a file is one clear sentence."""
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="cannot be written"), sole_use(tmp_path / "file"):
        pass


def test_waits_for_what_a_dead_holder_left(tmp_path: Path) -> None:
    """While the warden of a run that is gone holds the lock, a new run waits until it ends."""
    with sole_use(tmp_path) as lock:
        # What inherits the descriptor holds the lock with it, as the warden does.
        heir = subprocess.Popen(
            [sys.executable, "-S", "-c", "input()"], stdin=subprocess.PIPE, pass_fds=(lock,)
        )
        gone = subprocess.Popen([sys.executable, "-S", "-c", ""])
        gone.wait()
        os.pwrite(lock, f"{gone.pid}\n".encode(), 0)
    with pytest.raises(StateError, match="already runs"), sole_use(tmp_path, patience=0.2):
        pass
    assert heir.stdin is not None
    heir.stdin.close()
    with sole_use(tmp_path, patience=HANG):
        assert heir.wait(HANG) is not None

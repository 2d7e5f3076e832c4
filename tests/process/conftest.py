"""What the trials of workers share: one process that makes the workers, and where each trial starts from.

What a fixture needs is imported by it: the controller of a run reads this file too, and waits for no more.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.process.crash_trials import Bench

POLICIES = ("hold", "resend")


@pytest.fixture(scope="session")
def trials_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """In memory where that is possible: SIGKILL loses nothing that was written, on a disk or not."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path_factory.mktemp("crashes")
        return
    with tempfile.TemporaryDirectory(dir=memory, prefix="digest-crashes-") as made:
        yield Path(made)


@pytest.fixture(scope="session")
def bench(trials_folder: Path, sqlite_template: Path) -> Iterator[Bench]:
    """One process that makes the workers, and a seeded SQLite file for each policy."""
    from tests.process.crash_trials import Bench
    from tests.process.crash_workers import workers

    with workers(trials_folder) as made:
        prepared = Bench(made, trials_folder)
        for policy in POLICIES:
            prepared.prepare(sqlite_template, policy)
        prepared.warm("resend")
        yield prepared

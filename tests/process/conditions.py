"""What a worker of the tests lives under: its host, its lease, its time to end, its files, its syncs.

Names and values that the product asks the system for, put in place in a process of its own; no behaviour is
changed.
"""

from __future__ import annotations

import os
import resource
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from digest.db import engine
from digest.deliveries import group
from digest.mail import journal, journal_sync, smtp_client
from digest.tasks import runtime


def put_in_place(job: Mapping[str, Any]) -> None:
    """Put in place what a job says of its worker; see `crashing_worker`."""
    if job.get("host"):
        _live_on(job["host"], job.get("boot", "only"))
    if job.get("idle_limit"):
        engine._OF_EACH_SESSION["idle_in_transaction_session_timeout"] = job["idle_limit"]
    if job.get("drain"):
        runtime.DRAIN_SECONDS = job["drain"]
        group._NAP_SECONDS = job["drain"] / 4  # until it looks again how long to wait
        smtp_client._CLOSE_SECONDS = 0.05  # for a goodbye that is not answered either
    if job.get("lease"):
        here = runtime.runtime()
        here.config = here.config.model_copy(update={"lease_seconds": job["lease"]})
    if job.get("notes_syncs"):
        _note_syncs(Path(job["notes_syncs"]))
    if job.get("file_limit"):
        # Python ignores the signal of it: the write fails, or is cut short, as on a disk that is full.
        resource.setrlimit(resource.RLIMIT_FSIZE, (job["file_limit"], resource.RLIM_INFINITY))


def _live_on(host: str, boot: str) -> None:
    """Have the system say that this is another machine: by its name, and by its start."""
    socket.gethostname = lambda: host
    journal.boot_id = lambda: f"the {boot} start of {host}"


def _note_syncs(file: Path) -> None:
    """Note how much of a journal is on the disk for certain: what had been written when its sync began."""
    sync = journal_sync._sync
    notes = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def noted(descriptor: int) -> None:
        size = os.fstat(descriptor).st_size
        sync(descriptor)
        os.write(notes, f"{size}\n".encode())

    journal_sync._sync = noted

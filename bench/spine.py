"""The figures of the spine: from a feed to an inbox, on one machine."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench import collecting, planning, rendering, starting
from bench.figures import Figure
from bench.rows import without
from tests.servers import run
from tests.servers.postgres import PostgresServer


def figures() -> Iterator[Figure]:
    """Every figure of the spine, in the order in which the work is done."""
    yield from rendering.figures()
    with tempfile.TemporaryDirectory() as temporary, postgres() as server:
        # Hints to workers stay in this process's memory: there is no broker here and none is waited for.
        os.environ["DIGEST_BROKER_URL"] = "memory://"
        try:
            yield from collecting.figures(Path(temporary), server)
            yield from planning.figures(Path(temporary), server)
            yield from without(server, "spine", "collecting and planning")
        finally:
            del os.environ["DIGEST_BROKER_URL"]
    with tempfile.TemporaryDirectory() as temporary:
        yield from starting.figures(Path(temporary))


@contextlib.contextmanager
def postgres() -> Iterator[PostgresServer | None]:
    """A PostgreSQL server as the tests find one, or None."""
    folder, lock = run.make_run_folder()
    try:
        service = run.obtain(folder, "postgres")
        yield PostgresServer(service.url, service.text) if service.url else None
    finally:
        run.end_run(folder, lock)

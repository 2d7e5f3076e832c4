"""The worker's tasks in the test's own process, on a desk's database, and the mail services that they use."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from digest import clock, config
from digest.models import Batch, Security, Transport
from digest.pacing.transports import add_transport
from digest.tasks import work
from digest.tasks.runtime import close_runtime
from tests.integration.planned import Desk


@contextlib.contextmanager
def worker_here(desk: Desk, database_url: str, settings: pytest.MonkeyPatch) -> Iterator[None]:
    """The settings of a worker of this desk; at the end it says goodbye to its mail services."""
    values = {
        "DATABASE_URL": database_url,
        "SECRETS_DIR": desk.folder / "secrets",
        "JOURNAL_DIR": desk.folder / "journals",
    }
    for name, value in values.items():
        settings.setenv(f"DIGEST_{name}", str(value))
    config.settings.cache_clear()
    with desk.database.write() as session:
        session.execute(sa.update(Transport).values(is_enabled=False))  # the desk's own, which is nowhere
    try:
        yield
    finally:
        close_runtime()
        config.settings.cache_clear()


def add_service(
    desk: Desk, name: str, port: int, *, rank: int = 0, per_second: float | None = None, connections: int = 1
) -> int:
    """A mail service that took a test mail; its id."""
    now = clock.utc_now()
    with desk.database.write() as session:
        made = add_transport(
            session,
            name=name,
            host="127.0.0.1",
            port=port,
            security=Security.NONE,
            rank=rank,
            per_second=per_second,
            connections=connections,
            now=now,
        )
        made.accepted_at = now
        return made.id


def send_what_is_due(desk: Desk, edition_id: int) -> None:
    """One task for each batch that is due now."""
    for batch in desk.batches(edition_id):
        if batch.closed_at is None and batch.not_before <= clock.utc_now():
            work.send_one_batch(batch.id)


def make_due(desk: Desk) -> None:
    """As if the time had passed that a batch or a mail service waits for."""
    with desk.database.write() as session:
        session.execute(sa.update(Batch).values(not_before=clock.utc_now()))
        session.execute(sa.update(Transport).values(rests_until=clock.utc_now()))

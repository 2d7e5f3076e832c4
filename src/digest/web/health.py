"""Whether this process can do its work, for supervisors and load balancers. It tells nothing else."""

from __future__ import annotations

from typing import Final

import anyio
import anyio.to_thread
import sqlalchemy as sa
from fastapi import APIRouter
from fastapi.responses import JSONResponse

from digest.db import Database
from digest.logs import get_logger
from digest.models import Digest
from digest.web.deps import Shared

router = APIRouter()
log = get_logger(__name__)

PROBE_SECONDS: Final = 2.0


@router.api_route("/health", methods=["GET", "HEAD"])
async def health(services: Shared) -> JSONResponse:
    """200 if a read of the database succeeds within two seconds, else 503. It never waits for a writer."""
    answers = False
    with anyio.move_on_after(PROBE_SECONDS):
        # Left behind when the time is up: a driver that hangs cannot be stopped, only not waited for.
        answers = await anyio.to_thread.run_sync(
            _database_answers, services.database, abandon_on_cancel=True, limiter=services.probes
        )
    words = {"status": "ok", "database": "ok"} if answers else {"status": "fault", "database": "no answer"}
    return JSONResponse(words, 200 if answers else 503)


def _database_answers(database: Database) -> bool:
    """A read that touches the tables: on SQLite a plain `SELECT 1` would not open the file."""
    try:
        with database.read() as session:
            session.execute(sa.select(Digest.id).limit(1)).first()
    except sa.exc.SQLAlchemyError as error:
        log.warning("health: the database does not answer", error=type(error).__name__)
        return False
    return True

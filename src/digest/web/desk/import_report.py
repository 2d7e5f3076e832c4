"""The report of an import, or of its trial: its bad lines on a page, and all of it as a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy.orm import Session
from starlette.responses import Response, StreamingResponse

from digest.db import Database
from digest.errors import StateError
from digest.i18n import N_
from digest.lists import assets
from digest.web.desk.visit import HEADERS

_PIECES = 4  # in a large file the first bad line may stand behind many that are known


class BadShown(NamedTuple):
    """A line that cannot be used."""

    part: str
    number: str
    reason: str


def bad_lines(session: Session, report_id: int, most: int) -> list[BadShown]:
    """The first lines of a report that cannot be used."""
    found: list[BadShown] = []
    for count, data in enumerate(assets.chunks(session, report_id)):
        rows = csv.reader(io.StringIO(data.decode(errors="replace"), newline=""))
        found += [BadShown(row[0], row[1], row[3]) for row in rows if len(row) > 3 and row[2] == "bad"]
        if len(found) >= most or count >= _PIECES:
            break
    return found[:most]


def report_file(database: Database, report_id: int | None, name: str) -> Response:
    """A report to be kept; raises StateError if there is none any longer."""
    if report_id is None:
        raise StateError(N_("This report is not kept any longer."))
    headers = {
        **HEADERS,
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "no-store",
    }
    return StreamingResponse(
        _pieces(database, report_id), media_type="text/csv; charset=utf-8", headers=headers
    )


def _pieces(database: Database, report_id: int) -> Iterator[bytes]:
    with database.read() as session:
        yield from assets.chunks(session, report_id)

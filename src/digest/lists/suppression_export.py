"""The do-not-mail list as a file, which `digest.lists.suppression_files` reads again."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.lists.export_cells import quoted
from digest.models import Subscriber, Suppression, SuppressionKind

COLUMNS = ("kind", "value", "cause", "reason", "source", "created_at")
_ROWS = 1000


def export_suppressions(session: Session) -> Iterator[bytes]:
    """The whole list as CSV, a piece at a time: domains in clear, and addresses that are on record.

    Of everybody else, the erased among them, there is the keyed hash alone.
    """
    is_address = Suppression.kind == SuppressionKind.ADDRESS
    query = (
        sa.select(Suppression, Subscriber.address)
        .outerjoin(
            Subscriber,
            sa.and_(
                is_address, Subscriber.address_hash == Suppression.value, Subscriber.address.is_not(None)
            ),
        )
        .order_by(Suppression.id)
        .execution_options(yield_per=_ROWS)
    )
    yield _csv_line(COLUMNS)
    for partition in session.execute(query).partitions():
        yield b"".join(
            _csv_line(
                (
                    row.kind.value,
                    address or row.value,
                    row.cause.value,
                    row.reason,
                    row.source,
                    row.created_at.astimezone(dt.UTC).isoformat(timespec="seconds"),
                )
            )
            for row, address in partition
        )


def _csv_line(cells: Sequence[Any]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow([quoted(str(cell)) for cell in cells])
    return out.getvalue().encode()

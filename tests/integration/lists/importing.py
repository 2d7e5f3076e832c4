"""A process that imports a file, or resumes an import, as a command does; to be killed.

Its batches are small, so that a short file has many. One that is to be killed never comes to the end of its
file, however long the kill takes: it stands still before the last lines.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import Any

from digest.db import Database
from digest.lists import import_run
from digest.lists.import_ahead import Batch
from digest.lists.import_order import ImportOrder
from tests.factories.audience import ADDRESS_KEY
from tests.factories.moments import NOW

BATCH_LINES = 1000
_take_batch = import_run.take_batch


def main(url: str, path: str, list_id: str, import_id: str, end: str) -> None:
    import_run.BATCH_LINES = BATCH_LINES
    if end == "before the last lines":
        import_run.take_batch = _all_but_the_last
    database = Database(url)
    if import_id != "0":
        import_run.resume(database, int(import_id), address_key=ADDRESS_KEY, now=NOW)
        return
    order = ImportOrder(int(list_id), "moved", "cli:test", ADDRESS_KEY, file_name="people.csv")
    with Path(path).open("rb") as stream:
        import_run.import_subscribers(database, stream, order, now=NOW)


def _all_but_the_last(lines: Any, size: int, **given: Any) -> Batch:
    batch = _take_batch(lines, size, **given)
    if batch.lines < size:
        threading.Event().wait()
    return batch


if __name__ == "__main__":
    main(*sys.argv[1:])

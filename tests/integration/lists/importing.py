"""A process that imports a file, or resumes an import, as a command does; to be killed.

Its batches are small, so that a short file has many. One that is to be killed stands still in the middle of a
batch, when its rows are written and nothing says yet how far the import has come, and says so.
"""

from __future__ import annotations

import itertools
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from sqlalchemy.orm import Session

from digest.db import Database
from digest.lists import import_run
from digest.lists.import_order import ImportOrder
from digest.lists.import_sort import Plan
from digest.lists.import_write import Proof
from tests.factories.audience import ADDRESS_KEY
from tests.factories.moments import NOW

_write_plan = import_run.write_plan


def main(url: str, path: Path, numbers: tuple[int, int], batch_lines: int, whole: int) -> None:
    """Import or resume, to the end or, with `whole` above 0, into the batch after so many; `numbers` are the
    list's and the import's, 0 for a new one.
    """
    import_run.BATCH_LINES = batch_lines
    if whole:
        import_run.write_plan = _stops_after(whole, path.with_name("half-way"))
    database, (list_id, import_id) = Database(url), numbers
    if import_id:
        import_run.resume(database, import_id, address_key=ADDRESS_KEY, now=NOW)
        return
    order = ImportOrder(list_id, "moved", "cli:test", ADDRESS_KEY, file_name="people.csv")
    with path.open("rb") as stream:
        import_run.import_subscribers(database, stream, order, now=NOW)


def _stops_after(whole: int, note: Path) -> Callable[[Session, Plan, Proof], None]:
    turns = itertools.count()

    def write(session: Session, plan: Plan, proof: Proof) -> None:
        _write_plan(session, plan, proof)
        if next(turns) == whole:
            session.flush()
            note.touch()
            threading.Event().wait()

    return write


if __name__ == "__main__":
    of_list, of_import, lines, batches = map(int, sys.argv[3:])
    main(sys.argv[1], Path(sys.argv[2]), (of_list, of_import), lines, batches)

"""A process that imports a file, or resumes an import, as a command does; to be killed."""

from __future__ import annotations

import sys
from pathlib import Path

from digest.db import Database
from digest.lists.import_order import ImportOrder
from digest.lists.import_run import import_subscribers, resume
from tests.factories.audience import ADDRESS_KEY
from tests.factories.moments import NOW


def main(url: str, path: str, list_id: str, import_id: str) -> None:
    database = Database(url)
    if import_id != "0":
        resume(database, int(import_id), address_key=ADDRESS_KEY, now=NOW)
        return
    order = ImportOrder(int(list_id), "moved", "cli:test", ADDRESS_KEY, file_name="people.csv")
    with Path(path).open("rb") as stream:
        import_subscribers(database, stream, order, now=NOW)


if __name__ == "__main__":
    main(*sys.argv[1:])

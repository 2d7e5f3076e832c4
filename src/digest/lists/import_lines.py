"""The report of an import as a table: each line that was not simply added, with the reason.

An address stands in it only as the admin's own file had it on that line.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from digest.lists.csv_lines import BadLine
from digest.lists.export_cells import quoted
from digest.lists.import_rows import Row
from digest.lists.import_sort import Outcome

HEADING = b"file,line,outcome,reason,address\r\n"
_REASONS = {
    Outcome.KNOWN: "is on the list already",
    Outcome.LEFT: "had left or was erased, and is not revived",
    Outcome.SUPPRESSED: "is on the do-not-mail list",
    Outcome.REPEATED: "stood in the file before",
    Outcome.ENDED: "left; is ended here too",
    Outcome.BARRED: "is put on the do-not-mail list",
    Outcome.UNCONFIRMED: "never confirmed, and is passed over",
    Outcome.PASSED_OVER: "is subscribed; only leavers were asked for",
}


def report_lines(
    outcomes: Iterable[tuple[Row, Outcome]], bad: Iterable[BadLine], offices: Iterable[Row]
) -> bytes:
    """The lines of one batch, in the order of the file within each kind; b"" for none."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    for line in bad:
        writer.writerow((quoted(line.part), line.number, Outcome.BAD.value, quoted(line.reason), ""))
    for row, outcome in outcomes:
        said = (quoted(row.part), row.number, outcome.value, _REASONS[outcome], quoted(row.address.text))
        writer.writerow(said)
    for row in offices:
        writer.writerow(
            (quoted(row.part), row.number, "warning", "an office's address", quoted(row.address.text))
        )
    return text.getvalue().encode("utf-8", "replace")

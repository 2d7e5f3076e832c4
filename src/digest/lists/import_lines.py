"""The report of an import as a table: each line that was not simply added, with the reason.

An address stands in it only as the admin's own file had it on that line.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import NamedTuple

from digest.i18n import N_, Translator
from digest.lists.csv_lines import BadLine, Reason
from digest.lists.export_cells import quoted
from digest.lists.import_rows import Row
from digest.lists.import_sort import Outcome

HEADING = b"file,line,outcome,reason,address\r\n"
_REASONS = {
    Outcome.KNOWN: N_("is on the list already"),
    Outcome.LEFT: N_("had left or was erased, and is not revived"),
    Outcome.SUPPRESSED: N_("is on the do-not-mail list"),
    Outcome.REPEATED: N_("stood in the file before"),
    Outcome.ENDED: N_("left; is ended here too"),
    Outcome.BARRED: N_("is put on the do-not-mail list"),
    Outcome.UNCONFIRMED: N_("never confirmed, and is passed over"),
    Outcome.PASSED_OVER: N_("is subscribed; only leavers were asked for"),
}


class Told(NamedTuple):
    """What became of a line that is not bad: the outcome for programs, the reason in words."""

    part: str
    number: int
    outcome: str
    reason: str
    address: str  # as the file has it


def report_lines(
    outcomes: Iterable[tuple[Row, Outcome]],
    bad: Iterable[BadLine],
    offices: Iterable[Row],
    words: Translator,
) -> bytes:
    """The lines of one batch, in the order of the file within each kind; b"" for none. Reasons are told."""
    reasons = {outcome: words.gettext(said) for outcome, said in _REASONS.items()}
    office = words.gettext(N_("an office's address"))
    told = [
        *(
            Told(row.part, row.number, outcome.value, reasons[outcome], row.address.text)
            for row, outcome in outcomes
        ),
        *(Told(row.part, row.number, "warning", office, row.address.text) for row in offices),
    ]
    return told_lines(bad, told, words)


def told_lines(bad: Iterable[BadLine], told: Iterable[Told], words: Translator) -> bytes:
    """Bad lines with their reasons, which are told, and then what became of others; b"" for none."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    for line in bad:
        reason = words.error(line.reason.error) if isinstance(line.reason, Reason) else line.reason
        writer.writerow((quoted(line.part), line.number, Outcome.BAD.value, quoted(reason), ""))
    for part, number, outcome, reason, address in told:
        writer.writerow((quoted(part), number, outcome, reason, quoted(address)))
    return text.getvalue().encode("utf-8", "replace")

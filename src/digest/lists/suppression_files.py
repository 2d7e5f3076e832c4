"""The do-not-mail list from a file: in batches, with a report of what is not simply added."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import BinaryIO, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.db import Database
from digest.db.dialect import insert_new_rows
from digest.i18n import N_, translator
from digest.lists.csv_lines import BadLine
from digest.lists.fields import clean_line
from digest.lists.import_lines import HEADING, Told, told_lines
from digest.lists.import_order import BAD_LINES_SHOWN
from digest.lists.import_seen import Seen
from digest.lists.import_sort import Outcome
from digest.lists.status import Origin
from digest.lists.suppress import REASON_LIMIT, is_of_one_import, is_stronger
from digest.lists.suppression_lines import Key, SuppressionOrder, TargetLine, target_lines
from digest.models import Suppression

_ROWS: Final = 500  # of a transaction
_REPEATED, _KNOWN, _STRONGER = Outcome.REPEATED.value, Outcome.KNOWN.value, "stronger"
_SAID: Final = {
    _REPEATED: N_("stood in the file before"),
    _KNOWN: N_("was on the do-not-mail list already"),
    _STRONGER: N_("was on the do-not-mail list for a weaker cause"),
}


@dataclass(frozen=True, slots=True)
class SuppressionReport:
    """What became of the lines. `stronger` were on the list for a weaker cause."""

    lines: int
    added: int
    stronger: int
    known: int
    repeated: int
    bad: int
    bad_lines: tuple[BadLine, ...]  # the first thousand
    is_dry_run: bool


@dataclass(slots=True)
class _Tally:
    """The counts on the way, and what the report says of the lines since it was written last."""

    counts: Counter[str] = field(default_factory=Counter)
    bad_lines: list[BadLine] = field(default_factory=list)
    bad: list[BadLine] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)

    def note_bad(self, line: BadLine) -> None:
        self.counts["bad"] += 1
        self.bad.append(line)
        if len(self.bad_lines) < BAD_LINES_SHOWN:
            self.bad_lines.append(line)

    def note(self, outcome: str, line: TargetLine) -> None:
        self.counts[outcome] += 1
        self.told.append(Told(line.part, line.number, outcome, _SAID[outcome], line.text))

    @property
    def is_full(self) -> bool:
        """Whether so much was noted that it is to be written before it grows."""
        return len(self.bad) + len(self.told) >= _ROWS

    def flush(self) -> bytes:
        """The report of what was noted since, of which nothing is kept."""
        written = told_lines(self.bad, self.told, translator(""))
        self.bad, self.told = [], []
        return written


def import_suppressions(
    database: Database,
    stream: BinaryIO,
    order: SuppressionOrder,
    *,
    now: dt.datetime,
    progress: Callable[[int], None] | None = None,
    sink: Callable[[bytes], None] | None = None,
) -> SuppressionReport:
    """Flow: put a seekable file's addresses and domains on the list, 500 lines a transaction.

    Lines that cannot be used are in the report; the good ones are kept. Done again, it changes nothing.
    Memory does not grow with the file but for eight bytes of hash a line. `progress` is told how many lines
    are done; `sink` takes a table of each line that is not simply added, as an import of people has it.
    Raises InputError, before anything is written, for a file that cannot be read at all (UTF-16, or a first
    line in another encoding) and for a reason that is too long.
    """
    clean_line(order.reason, what=N_("reason"), limit=REASON_LIMIT)
    tally, seen = _Tally(), Seen()
    batch: dict[Key, TargetLine] = {}

    def done() -> None:
        _take(database, batch, order, tally, now=now)
        batch.clear()
        written = tally.flush()
        if sink is not None and written:
            sink(written)

    if sink is not None:
        sink(HEADING)
    for found in target_lines(stream, order):
        tally.counts["lines"] += 1
        if isinstance(found, BadLine):
            tally.note_bad(found)
        else:
            _collect(batch, found, tally, is_repeated=not seen.add(f"{found.kind.value}:{found.value}"))
        if len(batch) >= _ROWS or tally.is_full:
            done()
            if progress is not None:
                progress(tally.counts["lines"])
    done()
    counts = tally.counts
    return SuppressionReport(
        lines=counts["lines"],
        added=counts["added"],
        stronger=counts[_STRONGER],
        known=counts[_KNOWN],
        repeated=counts[_REPEATED],
        bad=counts["bad"],
        bad_lines=tuple(tally.bad_lines),
        is_dry_run=order.is_dry_run,
    )


def _collect(batch: dict[Key, TargetLine], line: TargetLine, tally: _Tally, *, is_repeated: bool) -> None:
    """Put a line into its batch. Of two for one address or domain the stronger cause counts."""
    if is_repeated:
        tally.note(_REPEATED, line)
    first = batch.get(line.key)
    if first is None:
        batch[line.key] = replace(line, is_repeated=is_repeated)
    elif is_stronger(line.cause, first.cause):
        batch[line.key] = replace(first, cause=line.cause, reason=line.reason)


@dataclass(frozen=True, slots=True)
class _Sorted:
    """The new lines, and the rows that are there: which get a stronger cause, and which stay as they are.

    `said_again` are of those the rows that only one import of people has put there.
    """

    new: list[TargetLine]
    stronger: list[tuple[Suppression, TargetLine]]
    known: list[TargetLine]
    said_again: list[Suppression]


def _take(
    database: Database,
    batch: Mapping[Key, TargetLine],
    order: SuppressionOrder,
    tally: _Tally,
    *,
    now: dt.datetime,
) -> None:
    if not batch:
        return
    if order.is_dry_run:
        with database.read() as session:
            found = _sorted(session, batch)
    else:
        with database.write() as session:
            found = _sorted(session, batch)
            _write(session, found, now=now)
    tally.counts["added"] += sum(1 for line in found.new if not line.is_repeated)
    for outcome, lines in (
        (_STRONGER, [line for _, line in found.stronger]),
        (_KNOWN, found.known),
    ):
        for line in lines:
            if not line.is_repeated:
                tally.note(outcome, line)


def _write(session: Session, found: _Sorted, *, now: dt.datetime) -> None:
    insert_new_rows(
        session,
        Suppression,
        [
            {
                "kind": line.kind,
                "value": line.value,
                "cause": line.cause,
                "reason": line.reason,
                "source": Origin.IMPORT.value,
                "created_at": now,
            }
            for line in found.new
        ],
    )
    for row, line in found.stronger:
        row.cause, row.reason, row.source = line.cause, line.reason, Origin.IMPORT.value
        row.created_at = now  # a sign-up of before does not lift it
    for row in found.said_again:
        row.source = Origin.IMPORT.value  # that import can be undone, and these stay


def _sorted(session: Session, batch: Mapping[Key, TargetLine]) -> _Sorted:
    values = [value for _, value in batch]
    found: dict[Key, Suppression] = {
        (row.kind, row.value): row
        for row in session.scalars(sa.select(Suppression).where(Suppression.value.in_(values)))
    }
    made = _Sorted([], [], [], [])
    for key, line in batch.items():
        row = found.get(key)
        if row is None:
            made.new.append(line)
        elif is_stronger(line.cause, row.cause):
            made.stronger.append((row, line))
        else:
            made.known.append(line)
            if is_of_one_import(row):
                made.said_again.append(row)
    return made

"""The do-not-mail list from a file.

A file is CSV in UTF-8, one address or domain a line, with or without a heading. A value of 64 hexadecimal
digits is an address's keyed hash, as our own export writes it for people whose address is not on record; it
means something to the installation alone whose key made it.
"""

from __future__ import annotations

import codecs
import csv
import datetime as dt
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.addresses import keyed_hash, parse_address, parse_domain
from digest.db import Database
from digest.db.dialect import insert_new_rows
from digest.errors import InputError
from digest.i18n import N_
from digest.lists.fields import clean_line
from digest.lists.status import Origin
from digest.lists.suppress import REASON_LIMIT, is_of_one_import, is_stronger
from digest.lists.suppression_export import FORMULA
from digest.models import Suppression, SuppressionCause, SuppressionKind

LINE_LIMIT = 10_000  # bytes
LINES_SHOWN = 1_000
_ROWS = 500  # of a transaction
_HASH = re.compile(r"[0-9a-f]{64}")
_DELIMITERS = ",;\t"
_NAMES: Mapping[str, str] = {
    **dict.fromkeys(("value", "address", "email", "e-mail", "email address", "domain"), "value"),
    **{name: name for name in ("kind", "cause", "reason", "source", "created_at")},
}

_Key = tuple[SuppressionKind, str]


@dataclass(frozen=True, slots=True)
class SuppressionOrder:
    """What holds for lines that say nothing else; `is_dry_run` writes nothing."""

    address_key: bytes
    reason: str
    cause: SuppressionCause = SuppressionCause.NEVER
    is_dry_run: bool = False


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that cannot be used, and why; the reason holds no address."""

    number: int
    reason: str


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


@dataclass(frozen=True, slots=True)
class _Line:
    kind: SuppressionKind
    value: str
    cause: SuppressionCause
    reason: str

    @property
    def key(self) -> _Key:
        return self.kind, self.value


@dataclass(slots=True)
class _Tally:
    counts: Counter[str] = field(default_factory=Counter)
    bad_lines: list[BadLine] = field(default_factory=list)

    def bad(self, number: int, reason: str) -> None:
        self.counts["bad"] += 1
        if len(self.bad_lines) < LINES_SHOWN:
            self.bad_lines.append(BadLine(number, reason))


def import_suppressions(
    database: Database,
    stream: BinaryIO,
    order: SuppressionOrder,
    *,
    now: dt.datetime,
    progress: Callable[[int], None] | None = None,
) -> SuppressionReport:
    """Flow: put a file's addresses and domains on the list, 500 lines a transaction, in constant memory.

    Lines that cannot be used are in the report; the good ones are kept. Done again, it changes nothing.
    `progress` is told how many lines are done. Raises InputError, before anything is written, for UTF-16 and
    for a reason that is too long.
    """
    clean_line(order.reason, what=N_("reason"), limit=REASON_LIMIT)
    tally = _Tally()
    batch: dict[_Key, _Line] = {}
    for line in _lines(stream, order, tally):
        previous = batch.get(line.key)
        if previous is not None:
            tally.counts["repeated"] += 1
            if not is_stronger(line.cause, previous.cause):
                continue
        batch[line.key] = line
        if len(batch) >= _ROWS:
            tally.counts.update(_take(database, batch, order, now=now))
            batch = {}
            if progress is not None:
                progress(tally.counts["lines"])
    tally.counts.update(_take(database, batch, order, now=now))
    counts = tally.counts
    return SuppressionReport(
        lines=counts["lines"],
        added=counts["added"],
        stronger=counts["stronger"],
        known=counts["known"],
        repeated=counts["repeated"],
        bad=counts["bad"],
        bad_lines=tuple(tally.bad_lines),
        is_dry_run=order.is_dry_run,
    )


def _lines(stream: BinaryIO, order: SuppressionOrder, tally: _Tally) -> Iterator[_Line]:
    heading: dict[str, int] | None = None
    delimiter = ","
    for number, raw in enumerate(_raw_lines(stream), 1):
        if number == 1 and raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise InputError("The file is UTF-16; save it as CSV in UTF-8 and import it again.")
        try:
            text = _text(raw.removeprefix(codecs.BOM_UTF8) if number == 1 else raw)
            if number == 1:
                delimiter = max(_DELIMITERS, key=text.count)
                heading = _heading(_cells(text, delimiter))
                if heading is not None:
                    continue
            if not text.strip():
                continue
            tally.counts["lines"] += 1
            line = _line(_cells(text, delimiter), heading or {"value": 0}, order)
        except InputError as error:
            tally.bad(number, str(error))
            continue
        yield line


def _raw_lines(stream: BinaryIO) -> Iterator[bytes]:
    """Lines of at most LINE_LIMIT bytes and one; the rest of a longer one is read over."""
    while raw := stream.readline(LINE_LIMIT + 1):
        yield raw
        while len(raw) > LINE_LIMIT and not raw.endswith(b"\n"):
            raw = stream.readline(LINE_LIMIT + 1)


def _text(raw: bytes) -> str:
    if len(raw) > LINE_LIMIT:
        raise InputError(f"The line is longer than {LINE_LIMIT} bytes.")
    try:
        return raw.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise InputError("The line is not UTF-8.") from None


def _cells(text: str, delimiter: str) -> list[str]:
    try:
        cells = next(csv.reader([text], delimiter=delimiter, strict=True), [])
    except csv.Error:
        raise InputError("A quote is not closed on its line.") from None
    return [_plain(cell) for cell in cells]


def _heading(cells: Sequence[str]) -> dict[str, int] | None:
    names = [_NAMES.get(cell.strip().lower()) for cell in cells]
    if "value" not in names:
        return None
    return {name: place for place, name in reversed(list(enumerate(names))) if name is not None}


def _line(cells: Sequence[str], heading: Mapping[str, int], order: SuppressionOrder) -> _Line:
    given = {name: cells[place].strip() for name, place in heading.items() if place < len(cells)}
    value = given.get("value", "")
    if not value:
        raise InputError("There is neither an address nor a domain on this line.")
    cause = order.cause
    if text := given.get("cause", "").lower():
        try:
            cause = SuppressionCause(text)
        except ValueError:
            known = ", ".join(SuppressionCause)
            raise InputError(f"The cause {text[:20]!r} is none of {known}.") from None
    reason = clean_line(given.get("reason", "") or order.reason, what=N_("reason"), limit=REASON_LIMIT)
    if "@" in value:
        hashed = keyed_hash(order.address_key, parse_address(value).key)
        return _Line(SuppressionKind.ADDRESS, hashed, cause, reason)
    if _HASH.fullmatch(value.lower()) and given.get("kind", "address") == "address":
        return _Line(SuppressionKind.ADDRESS, value.lower(), cause, reason)
    return _Line(SuppressionKind.DOMAIN, _domain(value), cause, reason)


def _domain(value: str) -> str:
    try:
        return parse_domain(value)
    except InputError:
        raise InputError("This is neither an address nor a domain.") from None


def _take(
    database: Database, batch: Mapping[_Key, _Line], order: SuppressionOrder, *, now: dt.datetime
) -> Counter[str]:
    if not batch:
        return Counter()
    if order.is_dry_run:
        with database.read() as session:
            return _sorted(session, batch)[0]
    with database.write() as session:
        counts, new, stronger, said_again = _sorted(session, batch)
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
                for line in new
            ],
        )
        for row, line in stronger:
            row.cause, row.reason, row.source = line.cause, line.reason, Origin.IMPORT.value
            row.created_at = now  # a sign-up of before does not lift it
        for row in said_again:
            row.source = Origin.IMPORT.value  # that import can be undone, and these stay
    return counts


def _sorted(
    session: Session, batch: Mapping[_Key, _Line]
) -> tuple[Counter[str], list[_Line], list[tuple[Suppression, _Line]], list[Suppression]]:
    """How many are new, stronger and known; the new lines; the rows that get a stronger cause.

    And last the rows that only one import of people has put there.
    """
    values = [value for _, value in batch]
    found: dict[_Key, Suppression] = {
        (row.kind, row.value): row
        for row in session.scalars(sa.select(Suppression).where(Suppression.value.in_(values)))
    }
    new, stronger, said_again = [], [], []
    for key, line in batch.items():
        row = found.get(key)
        if row is None:
            new.append(line)
        elif is_stronger(line.cause, row.cause):
            stronger.append((row, line))
        elif is_of_one_import(row):
            said_again.append(row)
    counts = Counter(added=len(new), stronger=len(stronger), known=len(batch) - len(new) - len(stronger))
    return counts, new, stronger, said_again


def _plain(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(FORMULA) else cell

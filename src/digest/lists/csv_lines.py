"""Read a table of delimited text line by line: bytes to cells or reasons. No storage, no meaning.

A line that cannot be read costs that line, never the rest of the file. Memory does not grow with the file,
nor with a line of any length. A quoted cell may run over a few lines, as the notes of an export do.
"""

from __future__ import annotations

import codecs
import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple, Self

from digest.errors import DigestError, InputError, Word
from digest.i18n import N_

LINE_LIMIT = 10_000  # bytes
COLUMN_LIMIT = 256
_CELL_LINES = 20  # so many lines may a quoted cell run over
_CHUNK = 1 << 20
_DELIMITERS = ",;\t|"
_NAMES = {",": N_("commas"), ";": N_("semicolons"), "\t": N_("tabs"), "|": N_("bars")}
_LONG = N_("The line is longer than 10 kB.")
_QUOTE = N_("A quote is not closed, or text follows a closing quote.")


IsHeading = Callable[[Sequence[str]], bool]


class Line(NamedTuple):
    """The cells of one line; `number` counts from 1 in its file, the heading among them."""

    number: int
    cells: list[str]


class Reason(str):
    """Why a line is bad, in English; `error` says it in other languages."""

    __slots__ = ("error",)
    error: DigestError

    def __new__(cls, error: DigestError) -> Self:
        made = super().__new__(cls, str(error))
        made.error = error
        return made

    def __reduce__(self) -> tuple[type[Reason], tuple[DigestError]]:
        return Reason, (self.error,)


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that cannot be used, and why; the reason holds no address. `part` is a file of an archive."""

    number: int
    reason: str
    part: str = ""

    @classmethod
    def of(cls, number: int, error: DigestError, part: str = "") -> BadLine:
        """The line, with what the error says of it."""
        return cls(number, Reason(error), part)


def read_lines(stream: BinaryIO, *, is_heading: IsHeading | None = None) -> Iterator[Line | BadLine]:
    """The heading, then every line that is not blank, as cells or with what is wrong with it.

    `is_heading` is asked of the first line where a file may have none; then no line is held to its width.
    Raises InputError at once for a file that can only be refused whole: UTF-16, or a first line that is no
    heading.
    """
    first = stream.readline(LINE_LIMIT + 1)
    if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in first:
        raise InputError(
            N_("Line 1: the file looks like UTF-16; save it as CSV in UTF-8 and bring it again.")
        )
    raw = first.removeprefix(codecs.BOM_UTF8)
    if len(raw) > LINE_LIMIT or b"\r" in raw.rstrip(b"\r\n"):
        raise InputError(
            N_("The first line is no heading; lines must end with a line feed and be under 10 kB.")
        )
    try:
        text = raw.decode().strip("\r\n")
    except UnicodeDecodeError:
        raise InputError(
            N_("Line 1 is not UTF-8 but looks like %(kind)s; save it as CSV in UTF-8 and bring it again."),
            kind=Word(looks_like(raw)),
        ) from None
    delimiter = max(_DELIMITERS, key=text.count)
    heading = _cells(text, delimiter)
    if len(heading) > COLUMN_LIMIT:
        raise InputError(
            N_("The first line names %(count)s columns; at most %(limit)s are read."),
            count=len(heading),
            limit=COLUMN_LIMIT,
        )
    yield Line(1, heading)
    width = len(heading) if is_heading is None or is_heading(heading) else None
    yield from _after_heading(_Numbered(stream), delimiter, width)


def looks_like(raw: bytes) -> str:
    """The encoding that bytes look like which are not UTF-8."""
    if raw.count(0) * 3 >= len(raw):
        return "UTF-16"
    high = [byte for byte in raw if byte >= 0x80]
    if all(byte >= 0xA0 for byte in high):
        return "Latin-1 (ISO 8859-1)"
    try:
        raw.decode("cp1252")
    except UnicodeDecodeError:
        return N_("another encoding")
    return "Windows-1252"


def too_many_cells(count: int, width: int) -> InputError:
    """What is wrong with a line that is wider than its heading."""
    return InputError(N_("The line has %(count)s cells, the heading %(width)s."), count=count, width=width)


class _Numbered:
    """Lines with their numbers; one that was read ahead can be given back."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream = stream
        self.number = 1
        self.returned: list[bytes] = []

    def next(self) -> bytes:
        """The next line with its end, or more than LINE_LIMIT bytes of a longer one; b"" at the end."""
        self.number += 1
        if self.returned:
            return self.returned.pop()
        raw = self.stream.readline(LINE_LIMIT + 1)
        if len(raw) > LINE_LIMIT and not raw.endswith(b"\n"):
            self._skip_rest()
        return raw

    def give_back(self, lines: list[bytes]) -> None:
        self.returned.extend(reversed(lines))
        self.number -= len(lines)

    def _skip_rest(self) -> None:
        while part := self.stream.readline(_CHUNK):
            if part.endswith(b"\n"):
                return


def _after_heading(lines: _Numbered, delimiter: str, width: int | None) -> Iterator[Line | BadLine]:
    blank = f"{delimiter} \r\n"
    while raw := lines.next():
        number = lines.number
        if len(raw) > LINE_LIMIT:
            yield BadLine.of(number, InputError(_LONG))
            continue
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            said = N_("The line is not UTF-8 but looks like %(kind)s.")
            yield BadLine.of(number, InputError(said, kind=Word(looks_like(raw))))
            continue
        if not text.strip(blank):
            continue
        text = text.rstrip("\r\n")
        try:
            cells = _quoted(lines, text, delimiter, width) if '"' in text else text.split(delimiter)
        except InputError as error:
            yield BadLine.of(number, error)
            continue
        if width is None:
            yield Line(number, cells)
        elif len(cells) > width:
            yield BadLine.of(number, too_many_cells(len(cells), width))
        elif len(cells) == 1 < width and (other := _other_delimiter(text, delimiter, width)):
            said = N_("The line is separated by %(here)s, the heading by %(there)s.")
            values = {"here": Word(_NAMES[other]), "there": Word(_NAMES[delimiter])}
            yield BadLine.of(number, InputError(said, **values))
        else:
            yield Line(number, cells)


def _quoted(lines: _Numbered, text: str, delimiter: str, width: int | None) -> list[str]:
    """The cells of a line with quotes, and of the lines that its last cell runs on into.

    Lines are taken in only where that makes exactly the heading's cells; else each stands for itself again.
    Likewise a quote within a cell may be written with a backslash before it, as MailPoet does.
    """
    try:
        return _cells(text, delimiter)
    except InputError:
        if width is None:
            raise
        found = _cells_over_lines(text.replace('\\"', '""'), delimiter)
        if found is not None and len(found) == width:
            return found
        taken: list[bytes] = []
        length = len(text)
        while len(taken) < _CELL_LINES:
            raw = lines.next()
            if not raw:
                lines.number -= 1
                break
            taken.append(raw)
            length += len(raw)
            if length > LINE_LIMIT:
                break
            if b'"' not in raw:
                continue
            whole = text + "\n" + b"".join(taken).decode(errors="replace").rstrip("\r\n")
            found = _cells_over_lines(whole, delimiter)
            if found is None:
                break
            if len(found) == width:
                return found
        lines.give_back(taken)
        raise


def _cells_over_lines(text: str, delimiter: str) -> list[str] | None:
    """The cells of one record over several lines; [] if its quote is open still, None if it is none."""
    try:
        rows = list(csv.reader(text.splitlines(keepends=True), delimiter=delimiter, strict=True))
    except csv.Error as error:
        return [] if "unexpected end" in str(error) else None
    return rows[0] if len(rows) == 1 else None


def _cells(text: str, delimiter: str) -> list[str]:
    try:
        rows = list(csv.reader([text], delimiter=delimiter, strict=True))
    except csv.Error:
        raise InputError(_QUOTE) from None
    return rows[0] if rows else []


def _other_delimiter(text: str, delimiter: str, width: int) -> str | None:
    return next((one for one in _DELIMITERS if one != delimiter and text.count(one) + 1 == width), None)

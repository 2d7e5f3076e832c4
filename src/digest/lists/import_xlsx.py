"""Read the first sheet of a spreadsheet (ECMA-376, .xlsx) as lines of text, in constant memory.

A formula is never evaluated: its last result, which the file holds, is read; without one its line is bad.
A document type declaration, and with it every entity, is refused.
"""

from __future__ import annotations

import array
import posixpath
import re
import tempfile
import zipfile
from collections.abc import Iterator
from typing import IO
from xml.parsers import expat

from digest.errors import InputError
from digest.i18n import N_
from digest.lists.csv_lines import COLUMN_LIMIT, BadLine, Line, too_many_cells

CELL_LIMIT = 32_767  # characters, as in the format
_CHUNK = 1 << 16
_PLACE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
_NO_RESULT = N_("A cell holds a formula without its result; open the file, save it, and import it again.")
_BROKEN = N_("The spreadsheet is damaged or is none.")


def read_sheet(archive: zipfile.ZipFile) -> Iterator[Line | BadLine]:
    """The rows of the first sheet with anything in them, by the numbers they have on the screen.

    The first is the heading. Raises InputError for a file that is no spreadsheet.
    """
    try:
        path = _first_sheet(archive)
        with tempfile.TemporaryFile() as spool, archive.open(path) as sheet:
            strings = _Strings(spool)
            if "xl/sharedStrings.xml" in archive.namelist():
                with archive.open("xl/sharedStrings.xml") as stream:
                    _feed(stream, _StringsReader(strings))
            reader = _SheetReader(strings)
            width = 0
            for line in _pump(sheet, reader):
                if width and isinstance(line, Line) and any(cell for cell in line.cells[width:]):
                    yield BadLine.of(line.number, too_many_cells(len(line.cells), width))
                    continue
                if not width and isinstance(line, Line):
                    width = len(line.cells)
                yield Line(line.number, line.cells[:width]) if isinstance(line, Line) else line
    except (expat.ExpatError, KeyError, UnicodeDecodeError, ValueError, IndexError):
        raise InputError(_BROKEN) from None


def _first_sheet(archive: zipfile.ZipFile) -> str:
    """The path of the first sheet: workbook.xml names its relation, and that names the file."""
    wanted: list[str] = []
    targets: dict[str, str] = {}

    def start(name: str, attributes: dict[str, str]) -> None:
        if _local(name) == "sheet":
            wanted.extend(value for key, value in attributes.items() if _local(key) == "id")
        elif _local(name) == "Relationship":
            targets[attributes["Id"]] = attributes["Target"]

    for path in ("xl/workbook.xml", "xl/_rels/workbook.xml.rels"):
        parser = _parser()
        parser.StartElementHandler = start
        with archive.open(path) as stream:
            while chunk := stream.read(_CHUNK):
                parser.Parse(chunk, False)
            parser.Parse(b"", True)
    target = targets[wanted[0]]
    return target[1:] if target.startswith("/") else posixpath.normpath(f"xl/{target}")


class _Strings:
    """The strings that cells share, kept in a file: a million addresses would be a hundred megabytes."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.ends = array.array("Q", [0])

    def add(self, text: str) -> None:
        raw = text.encode()
        self.file.write(raw)
        self.ends.append(self.ends[-1] + len(raw))

    def __getitem__(self, number: int) -> str:
        if not 0 <= number < len(self.ends) - 1:
            raise IndexError(number)
        start = self.ends[number]
        self.file.seek(start)
        return self.file.read(self.ends[number + 1] - start).decode()


class _StringsReader:
    """`si` elements: the text of all their `t` elements but those of phonetic hints (`rPh`)."""

    def __init__(self, strings: _Strings) -> None:
        self.strings = strings
        self.parts: list[str] = []
        self.length = 0
        self.is_text = self.is_hint = False

    def start(self, name: str, _attributes: dict[str, str]) -> None:
        name = _local(name)
        if name == "si":
            self.parts, self.length = [], 0
        elif name == "rPh":
            self.is_hint = True
        elif name == "t":
            self.is_text = not self.is_hint

    def end(self, name: str) -> None:
        name = _local(name)
        if name == "t":
            self.is_text = False
        elif name == "rPh":
            self.is_hint = False
        elif name == "si":
            self.strings.add("".join(self.parts)[:CELL_LIMIT])

    def data(self, text: str) -> None:
        if self.is_text and self.length <= CELL_LIMIT:
            self.parts.append(text)
            self.length += len(text)


class _SheetReader:
    """`row` elements to lines; those that are finished wait in `done`."""

    def __init__(self, strings: _Strings) -> None:
        self.strings = strings
        self.done: list[Line | BadLine] = []
        self.number = 0
        self.cells: list[str] = []
        self.column = 0
        self.kind = ""
        self.parts: list[str] = []
        self.length = 0
        self.reads = self.has_formula = False
        self.fault: InputError | None = None

    def start(self, name: str, attributes: dict[str, str]) -> None:
        name = _local(name)
        if name == "row":
            self.number = int(attributes.get("r", self.number + 1))
            self.cells, self.fault = [], None
        elif name == "c":
            self._start_cell(attributes)
        elif name in {"v", "t"}:
            self.reads = True
        elif name == "f":
            self.has_formula = True

    def _start_cell(self, attributes: dict[str, str]) -> None:
        place = _PLACE.fullmatch(attributes.get("r", ""))
        self.column = _column(place[1]) if place else len(self.cells)
        self.kind = attributes.get("t", "n")
        self.parts, self.length, self.has_formula = [], 0, False

    def end(self, name: str) -> None:
        name = _local(name)
        if name in {"v", "t"}:
            self.reads = False
        elif name == "c":
            self._end_cell()
        elif name == "row":
            if self.fault:
                self.done.append(BadLine.of(self.number, self.fault))
            elif any(self.cells):
                self.done.append(Line(self.number, self.cells))

    def _end_cell(self) -> None:
        text = "".join(self.parts)
        if self.has_formula and not text:
            self.fault = InputError(_NO_RESULT)
        elif self.kind == "e" and text:
            self.fault = InputError(N_("A cell holds an error instead of a value."))
        elif self.column >= COLUMN_LIMIT and text:
            self.fault = InputError(N_("The line has more than %(limit)s cells."), limit=COLUMN_LIMIT)
        if self.column >= COLUMN_LIMIT:
            return
        if self.kind == "s" and text:
            text = self.strings[int(text)]
        elif self.kind == "b" and text:
            text = "yes" if text == "1" else "no"
        while len(self.cells) <= self.column:
            self.cells.append("")
        self.cells[self.column] = text

    def data(self, text: str) -> None:
        if self.reads and self.length <= CELL_LIMIT:
            self.parts.append(text)
            self.length += len(text)


def _feed(stream: IO[bytes], reader: _StringsReader) -> None:
    parser = _parser()
    parser.StartElementHandler, parser.EndElementHandler = reader.start, reader.end
    parser.CharacterDataHandler = reader.data
    while chunk := stream.read(_CHUNK):
        parser.Parse(chunk, False)
    parser.Parse(b"", True)


def _pump(stream: IO[bytes], reader: _SheetReader) -> Iterator[Line | BadLine]:
    parser = _parser()
    parser.StartElementHandler, parser.EndElementHandler = reader.start, reader.end
    parser.CharacterDataHandler = reader.data
    while chunk := stream.read(_CHUNK):
        parser.Parse(chunk, False)
        done, reader.done = reader.done, []
        yield from done
    parser.Parse(b"", True)
    yield from reader.done


def _parser() -> expat.XMLParserType:
    parser = expat.ParserCreate()
    parser.buffer_text = True

    def refuse(*_: object) -> None:
        raise InputError(N_("The spreadsheet declares a document type, and is not opened."))

    parser.StartDoctypeDeclHandler = refuse
    return parser


def _local(name: str) -> str:
    return name.rpartition(":")[2]


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1

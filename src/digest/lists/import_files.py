"""Open what an admin hands in: a table as text, a spreadsheet, or an archive of tables. No storage.

Nothing is unpacked to the disk and no name inside an archive is ever used as a path.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from digest.errors import InputError
from digest.i18n import N_
from digest.lists.csv_lines import BadLine, IsHeading, Line, read_lines
from digest.lists.import_xlsx import read_sheet

ENTRY_LIMIT = 100  # files in an archive; a spreadsheet has some twenty
SIZE_LIMIT = 2 << 30  # bytes of all files unpacked
RATIO_LIMIT = 200  # times that an archive may swell; tables of people swell ten to forty times
_SMALL = 1 << 20  # below this a high ratio does no harm
_TABLES = (".csv", ".tsv", ".txt")
_BUFFER = 1 << 17


@dataclass(frozen=True, slots=True)
class Part:
    """One table; `name` is the file's. Its first line is the heading, if it must have one."""

    name: str
    lines: Callable[[], Iterator[Line | BadLine]]


def open_parts(stream: BinaryIO, name: str, *, is_heading: IsHeading | None = None) -> list[Part]:
    """The tables in a seekable stream, in the order of their names; raises InputError if there is none.

    `is_heading` is asked of the first line of a text where a table may have no heading.
    """
    start = stream.read(4)
    stream.seek(0)
    if start[:4] != b"PK\x03\x04":
        if start[:4] == b"\xd0\xcf\x11\xe0":
            raise InputError(N_("This is an old spreadsheet (.xls); save it as .xlsx or as CSV in UTF-8."))

        def read() -> Iterator[Line | BadLine]:
            stream.seek(0)
            yield from read_lines(stream, is_heading=is_heading)

        return [Part(name, read)]
    try:
        archive = zipfile.ZipFile(stream)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError):
        raise InputError(N_("The archive is damaged and cannot be read.")) from None
    entries = _checked(archive.infolist())
    if any(entry.filename == "xl/workbook.xml" for entry in entries):
        return [Part(name, lambda: _guarded(lambda: read_sheet(archive)))]
    return _tables(archive, entries, is_heading)


def _checked(entries: list[zipfile.ZipInfo]) -> list[zipfile.ZipInfo]:
    """The entries, if nothing about them is out of proportion."""
    if len(entries) > ENTRY_LIMIT:
        raise InputError(
            N_("The archive holds %(count)s files; at most %(limit)s are opened."),
            count=len(entries),
            limit=ENTRY_LIMIT,
        )
    total = 0
    for entry in entries:
        name = entry.filename.replace("\\", "/")
        if name.startswith("/") or ".." in name.split("/") or ":" in name.split("/", maxsplit=1)[0]:
            raise InputError(N_("The archive holds a path that leads out of it, and is not opened."))
        if entry.flag_bits & 1:
            raise InputError(N_("The archive has a password; unpack it and import the files."))
        total += entry.file_size
        if entry.file_size > _SMALL and entry.file_size > RATIO_LIMIT * max(entry.compress_size, 1):
            raise InputError(
                N_("A file of the archive would swell more than %(limit)s times."), limit=RATIO_LIMIT
            )
    if total > SIZE_LIMIT:
        raise InputError(N_("The archive is larger than 2 GB once unpacked."))
    return entries


def _tables(
    archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo], is_heading: IsHeading | None
) -> list[Part]:
    wanted = [
        entry
        for entry in sorted(entries, key=lambda one: one.filename)
        if entry.filename.lower().endswith(_TABLES)
        and not entry.filename.startswith("__MACOSX/")
        and not entry.filename.rpartition("/")[2].startswith(".")
    ]
    if not wanted:
        raise InputError(N_("The archive holds no table; it must hold .csv or .tsv files."))
    return [_table(archive, entry, is_heading) for entry in wanted]


def _table(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, is_heading: IsHeading | None) -> Part:
    def read() -> Iterator[Line | BadLine]:
        with archive.open(entry) as member:
            # zipfile's own readline() with a limit is twenty times slower.
            held = io.BufferedReader(member, _BUFFER)  # type: ignore[type-var]
            yield from read_lines(held, is_heading=is_heading)

    return Part(entry.filename, lambda: _guarded(read))


def _guarded(read: Callable[[], Iterator[Line | BadLine]]) -> Iterator[Line | BadLine]:
    """An entry never gives more than it says it has; zipfile notices less, and other bytes."""
    try:
        yield from read()
    except (zipfile.BadZipFile, EOFError, NotImplementedError, zlib.error):
        raise InputError(N_("The archive is damaged; what stood before the damage was read.")) from None

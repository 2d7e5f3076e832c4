"""A table as a spreadsheet (ECMA-376): one sheet of texts, written in constant memory."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO, cast
from xml.sax.saxutils import escape

from digest.errors import InputError
from digest.i18n import N_

ROW_LIMIT = 1_048_576  # rows of a sheet, by the format
MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

_TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_SHEETS = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_FILES = {
    "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPES}.sheet.main+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_TYPES}.worksheet+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r1" '
    f'Type="{_RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{_SHEETS}" xmlns:r="{_RELATIONS}"><sheets>'
    '<sheet name="readers" sheetId="1" r:id="r1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r1" '
    f'Type="{_RELATIONS}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
}
# What XML 1.0 has no place for, not even as a reference ("Char" in section 2.2).
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'


def as_xlsx(pieces: Iterable[bytes], out: BinaryIO) -> None:
    """Write CSV in whole lines, piece by piece, as a spreadsheet. Every cell is a text, never a formula.

    What XML cannot hold stands as U+FFFD. Raises InputError for more rows than a sheet has: programs would
    read the first of them and say nothing.
    """
    for _ in _writing(pieces, out):
        pass


def _writing(pieces: Iterable[bytes], out: BinaryIO) -> Iterator[None]:
    """Stops after each piece, so that what is written can be taken away."""
    rows_left = ROW_LIMIT
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in _FILES.items():
            archive.writestr(name, _HEAD + text)
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            sheet.write(f'{_HEAD}<worksheet xmlns="{_SHEETS}"><sheetData>'.encode())
            for piece in pieces:
                rows = list(csv.reader(io.StringIO(piece.decode(), newline="")))
                rows_left -= len(rows)
                if rows_left < 0:
                    raise too_many()
                sheet.write("".join(map(_row, rows)).encode())
                yield
            sheet.write(b"</sheetData></worksheet>")


def too_many() -> InputError:
    """What is said of more rows than a sheet has."""
    return InputError(
        N_(
            "A spreadsheet has at most %(most)s rows, and these are more; take CSV, or export one "
            "status at a time."
        ),
        most=f"{ROW_LIMIT:,}",
    )


class _Pieces(io.RawIOBase):
    """Takes what is written, to be handed on; it cannot go back, and an archive knows how to do without."""

    def __init__(self) -> None:
        super().__init__()
        self._held = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._held += data
        return len(data)

    def taken(self) -> bytes:
        """What was written since the last time."""
        found = bytes(self._held)
        self._held.clear()
        return found


def xlsx_pieces(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """CSV in whole lines as a spreadsheet, piece by piece: for whoever sends it on while it is made."""
    held = _Pieces()
    for _ in _writing(pieces, cast("BinaryIO", held)):
        if found := held.taken():
            yield found
    yield held.taken()


def _row(cells: list[str]) -> str:
    return f"<row>{''.join(map(_cell, cells))}</row>"


def _cell(text: str) -> str:
    if not text:
        return "<c/>"
    held = escape(_NOT_XML.sub("\ufffd", text))
    return f'<c t="inlineStr"><is><t xml:space="preserve">{held}</t></is></c>'

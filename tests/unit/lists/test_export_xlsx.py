"""A table as a spreadsheet: always one that can be opened, or none."""

from __future__ import annotations

import io
import zipfile
from xml.etree import ElementTree as ET

import pytest

from digest.errors import InputError
from digest.lists import export_xlsx
from digest.lists.export_xlsx import as_xlsx


def texts(out: io.BytesIO) -> list[str]:
    """What stands in the cells, as any reader of XML has it."""
    with zipfile.ZipFile(out) as archive:
        sheet = ET.fromstring(archive.read("xl/worksheets/sheet1.xml"))
    return [each.text or "" for each in sheet.iter() if each.tag.endswith("}t")]


@pytest.mark.parametrize("letter", ["\x00", "\x07", "\x0b", "\x1f", "\ufffe", "\uffff"])
def test_what_xml_cannot_hold_breaks_no_file(letter: str) -> None:
    """A sign of its own stands in its place; all else is as it was, signs outside the first plane too."""
    out = io.BytesIO()
    as_xlsx([f'a,"A{letter}ni 🍎 <&>"\r\n'.encode()], out)
    assert texts(out) == ["a", "A\ufffdni 🍎 <&>"]


def test_more_rows_than_a_sheet_has_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as there may be come out whole; one more, and the sentence says what to do instead."""
    monkeypatch.setattr(export_xlsx, "ROW_LIMIT", 3)
    out = io.BytesIO()
    as_xlsx([b"address\r\n", b"a\r\nb\r\n"], out)
    assert texts(out) == ["address", "a", "b"]
    with pytest.raises(InputError, match=r"at most 3 rows.*take CSV"):
        as_xlsx([b"address\r\n", b"a\r\nb\r\n", b"c\r\n"], io.BytesIO())

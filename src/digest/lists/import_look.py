"""A first look at a file before anything is asked: whose export it is, its columns, some of their cells.

Pure but for the reading; nothing is refused here that could still be mended by saying what a column is.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from digest.errors import InputError
from digest.i18n import N_
from digest.lists.csv_lines import Line
from digest.lists.import_files import open_parts
from digest.lists.mappings import ColumnMap, Meaning, usual_field
from digest.lists.mappings_ready import column_map, meaning_of_file

SAMPLES = 3
_SAMPLED_LINES = 50
_SHOWN = 60  # letters of a cell
# Columns that tell whose export it is: all of one set stand in it, whatever was chosen besides.
_SIGNS = (
    ("mailchimp", frozenset({"member_rating", "leid"})),
    ("mailchimp", frozenset({"optin_time", "euid"})),
    ("mailpoet", frozenset({"list status", "global status"})),
    ("listmonk", frozenset({"uuid", "email", "attributes", "status"})),
)


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name, some of its cells, and what it is taken for."""

    name: str
    samples: tuple[str, ...]
    usual: str | None


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the file. `meaning` is what the file says of all its people, where it does."""

    name: str
    columns: tuple[Column, ...]
    meaning: Meaning | None


@dataclass(frozen=True, slots=True)
class FileLook:
    """What stands in a file. `mapping` is the product it seems to come from; "": a table of one's own."""

    mapping: str
    tables: tuple[Table, ...]


def look_at(stream: BinaryIO, file_name: str, mapping: str | None = None) -> FileLook:
    """Look at a seekable stream; with `mapping`, as that product's. Raises InputError for no table."""
    read = []
    for part in open_parts(stream, file_name):
        lines = part.lines()
        head = list(itertools.islice(lines, 1 + _SAMPLED_LINES))
        if not head or not isinstance(head[0], Line) or not any(map(str.strip, head[0].cells)):
            raise InputError(N_("The first line of the file names no columns."))
        read.append((part.name, head[0].cells, [each.cells for each in head[1:] if isinstance(each, Line)]))
    found = guess([heading for _, heading, _ in read]) if mapping is None else mapping
    columns = column_map(found or None, {})
    return FileLook(found, tuple(_table(columns, *each) for each in read))


def guess(headings: Iterable[Sequence[str]]) -> str:
    """The product whose export has such headings; "" for none that is known."""
    names = {cell.strip().lower() for heading in headings for cell in heading}
    return next((product for product, signs in _SIGNS if signs <= names), "")


def _table(columns: ColumnMap, name: str, heading: Sequence[str], lines: Sequence[Sequence[str]]) -> Table:
    fields = [usual_field(cell.strip(), columns) for cell in heading]
    try:
        meaning = meaning_of_file(columns, name, heading, fields)
    except InputError:
        meaning = None  # it is asked for
    return Table(
        name,
        tuple(
            Column(cell.strip(), _samples(lines, number), usual)
            for number, (cell, usual) in enumerate(zip(heading, fields, strict=True))
        ),
        meaning,
    )


def _samples(lines: Sequence[Sequence[str]], number: int) -> tuple[str, ...]:
    """The first unlike cells of a column that hold something."""
    cells = (line[number].strip()[:_SHOWN] for line in lines if number < len(line))
    return tuple(itertools.islice(dict.fromkeys(cell for cell in cells if cell), SAMPLES))

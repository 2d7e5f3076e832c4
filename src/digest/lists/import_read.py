"""The people of a file: its tables one after another, each by its own heading."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import BinaryIO

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.db import Database
from digest.errors import InputError
from digest.i18n import N_
from digest.lists.csv_lines import BadLine, Line
from digest.lists.import_files import Part, open_parts
from digest.lists.import_order import ImportOrder
from digest.lists.import_rows import Row, RowMaker
from digest.lists.mappings import ColumnMap, Meaning, read_heading
from digest.lists.mappings_ready import meaning_of_file
from digest.models import Attribute, Cadence, MailingList


@dataclass(slots=True)
class People:
    """Rows and bad lines, to be gone through once or several times, always the same."""

    parts: Sequence[Part]
    columns: ColumnMap
    meaning: Meaning | None
    cadences: Mapping[str, int]
    attributes: Mapping[str, Attribute]
    now: dt.datetime
    ignored: dict[str, None] = field(default_factory=dict)  # columns nobody reads, in order

    def check(self) -> None:
        """Raise InputError for a part whose heading cannot be used."""
        for part in self.parts:
            lines = part.lines()
            self._maker(part, next(lines, None))
            if hasattr(lines, "close"):
                lines.close()

    def __iter__(self) -> Iterator[Row | BadLine]:
        for part in self.parts:
            lines = part.lines()
            name = part.name if len(self.parts) > 1 else ""
            make = self._maker(part, next(lines, None)).make
            for line in lines:
                if isinstance(line, BadLine):
                    yield replace(line, part=name)
                    continue
                try:
                    row = make(line)
                except InputError as error:
                    yield BadLine.of(line.number, error, name)
                    continue
                yield row

    def _maker(self, part: Part, first: Line | BadLine | None) -> RowMaker:
        if first is None:
            raise InputError(N_("The file %(name)s is empty."), name=part.name[-60:])
        if isinstance(first, BadLine):
            raise InputError(
                N_("The first line cannot be read: %(why)s"), why=getattr(first.reason, "error", first.reason)
            )
        heading = read_heading(first.cells, self.columns)
        self.ignored.update(dict.fromkeys(heading.ignored))
        meaning = self.meaning or meaning_of_file(self.columns, part.name, first.cells, heading.fields)
        return RowMaker(
            self.columns,
            heading,
            part=part.name if len(self.parts) > 1 else "",
            meaning=meaning,
            is_meaning_said=self.meaning is not None,
            cadences=self.cadences,
            attributes=self.attributes,
            now=self.now,
        )


def read_people(session: Session, parts: Sequence[Part], order: ImportOrder, *, now: dt.datetime) -> People:
    """The people of these parts as the order reads them; raises InputError for several unlike tables."""
    if len(parts) > 1 and order.columns.name != "mailchimp":
        raise InputError(
            N_(
                "The archive holds %(count)s tables; import them one by one. Only an export of Mailchimp is "
                "read whole; say so if this is one."
            ),
            hint="That is --mapping mailchimp.",
            count=len(parts),
        )
    of_digest = sa.select(MailingList.digest_id).where(MailingList.id == order.list_id).scalar_subquery()
    cadences = session.execute(sa.select(Cadence.name, Cadence.id).where(Cadence.digest_id == of_digest))
    attributes = session.scalars(sa.select(Attribute))
    return People(
        parts,
        order.columns,
        order.meaning,
        {row.name: row.id for row in cadences},
        {one.name: one for one in attributes},
        now,
    )


def preview(
    database: Database, stream: BinaryIO, order: ImportOrder, *, now: dt.datetime, limit: int
) -> list[Row | BadLine]:
    """The first lines of a file as they would be read; nothing is looked up but names of attributes."""
    with database.read() as session:
        parts = open_parts(stream, order.file_name)
        people = read_people(session, parts, replace(order, is_dry_run=True), now=now)
    return list(itertools.islice(people, limit))

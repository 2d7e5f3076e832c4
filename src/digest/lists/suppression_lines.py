"""The lines of a do-not-mail file: an address or a domain each, with or without a heading. No storage.

A file is what an import of people reads: CSV in UTF-8, a zip of it, a spreadsheet. A value of 64 hexadecimal
digits is an address's keyed hash, as our own export writes it for people whose address is not on record; it
means something to the installation alone whose key made it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import BinaryIO, Final

from digest.addresses import keyed_hash, parse_domain
from digest.errors import InputError
from digest.i18n import N_
from digest.lists.csv_lines import BadLine, Line
from digest.lists.export_cells import plain
from digest.lists.fields import clean_line
from digest.lists.import_cells import read_address, refuse_address
from digest.lists.import_files import open_parts
from digest.lists.suppress import REASON_LIMIT
from digest.models import SuppressionCause, SuppressionKind

_HASH: Final = re.compile(r"[0-9a-f]{64}")
# Where a table has several of these, the first kind of them is read: who was meant, not their whole domain.
_TARGETS: Final = (("address", "email", "e-mail", "email address"), ("value",), ("domain",))
_OTHERS: Final[Sequence[str]] = ("kind", "cause", "reason")

Key = tuple[SuppressionKind, str]


@dataclass(frozen=True, slots=True)
class SuppressionOrder:
    """What holds for lines that say nothing else; `is_dry_run` writes nothing."""

    address_key: bytes
    reason: str
    cause: SuppressionCause = SuppressionCause.NEVER
    is_dry_run: bool = False


@dataclass(frozen=True, slots=True)
class TargetLine:
    """Who is not to be mailed, and why."""

    part: str
    number: int
    text: str  # as the file has it
    kind: SuppressionKind
    value: str
    cause: SuppressionCause
    reason: str
    is_repeated: bool = False  # stood in a batch before, and was counted there

    @property
    def key(self) -> Key:
        return self.kind, self.value


@dataclass(frozen=True, slots=True)
class _Heading:
    """Where what stands; without a heading it is the target alone, in the first column."""

    places: Mapping[str, int]
    is_of_addresses: bool = False  # its column promises addresses, so a domain there is a slip


def target_lines(stream: BinaryIO, order: SuppressionOrder) -> Iterator[TargetLine | BadLine]:
    """Every line of a seekable file that is not blank; raises InputError where it is to be refused whole."""
    parts = open_parts(stream, "", is_heading=lambda cells: _heading(cells) is not None)
    for part in parts:
        name = part.name if len(parts) > 1 else ""
        heading: _Heading | None = None
        for line in part.lines():
            if isinstance(line, BadLine):
                yield replace(line, part=name)
                continue
            if heading is None:
                heading = _heading(line.cells)
                if heading is not None:
                    continue
                heading = _Heading({"target": 0})
            if not any(cell.strip() for cell in line.cells):
                continue
            try:
                made = _line(name, line, heading, order)
            except InputError as error:
                yield BadLine.of(line.number, error, name)
                continue
            yield made


def _heading(cells: Sequence[str]) -> _Heading | None:
    """What the columns are; None for a first line that names none of ours, and is a line like any other."""
    names = [plain(cell).strip().lower() for cell in cells]
    others = {name: names.index(name) for name in _OTHERS if name in names}
    for number, targets in enumerate(_TARGETS):
        place = next((place for place, name in enumerate(names) if name in targets), None)
        if place is not None:
            return _Heading({**others, "target": place}, is_of_addresses=number == 0)
    return None


def _line(part: str, line: Line, heading: _Heading, order: SuppressionOrder) -> TargetLine:
    cells = {
        name: plain(line.cells[place]).strip()
        for name, place in heading.places.items()
        if place < len(line.cells)
    }
    text, kind = cells.get("target", ""), cells.get("kind", "").lower()
    if not text:
        raise InputError(N_("There is neither an address nor a domain on this line."))
    cause = _cause(cells.get("cause", "").lower(), order.cause)
    reason = clean_line(cells.get("reason", "") or order.reason, what=N_("reason"), limit=REASON_LIMIT)
    if kind not in {"", *SuppressionKind}:
        refuse_address(kind, N_("kind"))
        raise InputError(N_("The kind %(cell)r is neither address nor domain."), cell=kind[:20])
    found = _target(text, kind, order.address_key, is_of_addresses=heading.is_of_addresses)
    return TargetLine(part, line.number, text, *found, cause, reason)


def _target(text: str, kind: str, address_key: bytes, *, is_of_addresses: bool) -> Key:
    """Who is meant: an address by its hash, or a domain where the file does not promise an address."""
    if "@" in text:
        if kind == SuppressionKind.DOMAIN:
            raise InputError(N_("The line says that it is a domain, and has an address."))
        return SuppressionKind.ADDRESS, keyed_hash(address_key, read_address(text).key)
    if _HASH.fullmatch(text.lower()) and kind != SuppressionKind.DOMAIN:
        return SuppressionKind.ADDRESS, text.lower()
    try:
        domain = parse_domain(text)
    except InputError:
        raise InputError(N_("This is neither an address nor a domain.")) from None
    if kind == SuppressionKind.ADDRESS or (is_of_addresses and not kind):
        raise InputError(
            N_("Here stands a domain where an address is expected; it would bar everybody there.")
        )
    return SuppressionKind.DOMAIN, domain


def _cause(text: str, usual: SuppressionCause) -> SuppressionCause:
    if not text:
        return usual
    try:
        return SuppressionCause(text)
    except ValueError:
        refuse_address(text, N_("cause"))
        known = ", ".join(SuppressionCause)
        raise InputError(
            N_("The cause %(cell)r is none of %(known)s."), cell=text[:20], known=known
        ) from None

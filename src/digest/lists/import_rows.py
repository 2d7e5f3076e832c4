"""From the cells of a line to what is known of its person, with every check that needs no database."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeVar

from digest.addresses import Address
from digest.errors import InputError
from digest.i18n import N_
from digest.lists.csv_lines import Line
from digest.lists.export_cells import plain
from digest.lists.fields import check_language, check_text_size, check_zone, clean_line
from digest.lists.import_cells import (
    read_address,
    read_cell,
    read_moment,
    refuse_address,
    zone_of_country,
    zones_by_letters,
)
from digest.lists.mappings import ATTRIBUTE, ColumnMap, Heading, Meaning
from digest.lists.mappings_ready import RATING_OF_LIFE
from digest.models import Attribute, AttributeKind, TextSize

# Addresses of an office, not of a person (RFC 2142 and usage): they may be meant, so they are only noted.
_OFFICES = frozenset(
    (
        "abuse",
        "admin",
        "administrator",
        "billing",
        "contact",
        "donotreply",
        "hostmaster",
        "info",
        "mail",
        "marketing",
        "newsletter",
        "no-reply",
        "noc",
        "noreply",
        "office",
        "postmaster",
        "root",
        "sales",
        "security",
        "support",
        "team",
        "webmaster",
    )
)


_KEPT, _KEPT_LETTERS = 5000, 80
_FIRST_JOINED = dt.datetime(1990, 1, 1, tzinfo=dt.UTC)  # before then nobody had a list
_STATED = {"signed_up_at": "signed_up_there", "confirmed_at": "confirmed_there"}
Value = TypeVar("Value")


class _Kept(dict[str, Value]):
    """What a check makes of a cell, kept for the lines with the same one; what fails is checked each time."""

    def __init__(self, what: str, check: Callable[[str], Value]) -> None:
        super().__init__()
        self._what, self._check = what, check

    def __missing__(self, cell: str) -> Value:
        try:
            value = self._check(plain(cell))
        except InputError:
            refuse_address(cell, self._what)
            raise
        if len(self) < _KEPT and len(cell) <= _KEPT_LETTERS:
            self[cell] = value
        return value


Stated = tuple[tuple[str, str], ...]  # names in an event's details, and what the old service says


class Row(NamedTuple):
    """One good line. `attributes` is JSON; `alive_at` the last sign of life, as far as the file tells.

    `left_at` is when they left, or were found not to be reached any more.
    """

    number: int
    part: str
    address: Address
    meaning: Meaning
    name: str
    zone: str | None
    language: str | None
    text_size: TextSize
    cadence_id: int | None = None
    topics: str = "[]"
    paused_until: dt.datetime | None = None
    alive_at: dt.datetime | None = None
    left_at: dt.datetime | None = None
    attributes: str = "{}"
    joined_at: dt.datetime | None = None
    stated: Stated = ()
    network: str = ""  # that they confirmed from there, else that they signed up from

    @property
    def is_office(self) -> bool:
        """Whether the address is one of an office rather than of a person."""
        return self.address.key.partition("@")[0] in _OFFICES


class RowMaker:
    """Turns the lines of one part into rows. Made once a part, so that each line does only its own work."""

    def __init__(
        self,
        columns: ColumnMap,
        heading: Heading,
        *,
        part: str,
        meaning: Meaning,
        is_meaning_said: bool = False,
        cadences: Mapping[str, int],
        attributes: Mapping[str, Attribute],
        now: dt.datetime,
    ) -> None:
        self._columns, self._part, self._meaning, self._now = columns, part, meaning, now
        self._is_meaning_said = is_meaning_said
        self._cadences, self._known = cadences, attributes
        named = [(number, name) for number, name in enumerate(heading.fields) if name]
        self._places = {name: number for number, name in named if not name.startswith(ATTRIBUTE)}
        self._attributes = [
            (number, name.removeprefix(ATTRIBUTE)) for number, name in named if name.startswith(ATTRIBUTE)
        ]
        unknown = [name for _, name in self._attributes if name not in attributes]
        if unknown:
            raise InputError(
                N_("There is no attribute %(name)r; make it first."),
                name=unknown[0][:40],
                hint="`digest attribute add --help` says how.",
            )
        plain_fields = {"address", "name", "zone", "language", "text_size"}
        self._is_plain = not self._attributes and not set(self._places) - plain_fields
        self._has_statements = not self._places.keys().isdisjoint(_STATED)
        self._last = max(self._places.values(), default=0)
        self._zones = _Kept(N_("zone"), lambda cell: self._zone(cell, ""))
        self._languages = _Kept(N_("language"), self._language)
        self._sizes = _Kept(N_("text size"), check_text_size)

    def make(self, line: Line) -> Row:
        """The row of a line; raises InputError with the reason."""
        number, cells = line
        if len(cells) <= self._last:  # a line may stop early
            cells = cells + [""] * (self._last + 1 - len(cells))
        places = self._places
        written = plain(cells[places["address"]])
        if not written or written.isspace():
            raise InputError(N_("There is no address."))
        name = cells[places["name"]] if "name" in places else ""
        row = Row(
            number,
            self._part,
            read_address(written),
            self._meaning,
            clean_line(plain(name), what=N_("name")) if name else "",
            self._zones[cells[places["zone"]]] if "zone" in places else None,
            self._languages[cells[places["language"]]] if "language" in places else None,
            self._sizes[cells[places["text_size"]]] if "text_size" in places else TextSize.NORMAL,
        )
        return row if self._is_plain else self._complete(row, self._getter(cells), cells)

    def _getter(self, cells: list[str]) -> Callable[[str], str]:
        places = self._places

        def get(name: str) -> str:
            place = places.get(name)
            return "" if place is None else plain(cells[place])

        return get

    def _complete(self, row: Row, get: Callable[[str], str], cells: list[str]) -> Row:
        """The fields that few files have."""
        name = row.name or clean_line(f"{get('first_name')} {get('last_name')}", what=N_("name"))
        return row._replace(
            name=name,
            meaning=self._meaning_of(get),
            zone=row.zone or self._zone("", get("country")),
            cadence_id=self._cadence(get("cadence")),
            topics=json.dumps(get("topics").split()[:100]),
            paused_until=self._moment(get("paused_until")),
            alive_at=self._alive(get),
            left_at=self._moment(get("left_at")),
            attributes=self._attributes_of(get, cells),
            joined_at=self._joined(get("joined")) if "joined" in self._places else None,
            stated=self._stated(get),
            network=(get("confirmed_from") or get("signed_up_from")).strip(),
        )

    def _meaning_of(self, get: Callable[[str], str]) -> Meaning:
        """The worst that a line says: somebody who left the list or everything is not to be mailed."""
        found = self._meaning
        if self._is_meaning_said:
            return found
        for name in ("status", "list_status"):
            word = get(name).strip().lower()
            if not word:
                continue
            said = self._columns.statuses.get(word)
            if said is None:
                refuse_address(word, N_("status"))
                raise InputError(
                    N_("%(cell)r is no status we know, so nobody is mailed on the strength of it."),
                    cell=word[:40],
                )
            found = max(found, said, key=_GRAVITY.index)
        return found

    def _zone(self, text: str, country: str) -> str | None:
        if country:
            return zone_of_country().get(country.strip().upper())
        if not self._columns.is_lenient:
            return check_zone(text)
        try:
            return check_zone(zones_by_letters().get(text.strip().lower(), ""))
        except InputError:
            return None

    def _language(self, text: str) -> str | None:
        try:
            return check_language(text)
        except InputError:
            if self._columns.is_lenient:  # an audience's own field, such as "English"
                return None
            raise

    def _cadence(self, name: str) -> int | None:
        name = name.strip()
        if name and name not in self._cadences:
            refuse_address(name, N_("rhythm"))
            raise InputError(N_("The digest has no rhythm %(name)r."), name=name[:40])
        return self._cadences[name] if name else None

    def _moment(self, text: str) -> dt.datetime | None:
        try:
            return read_moment(text)
        except InputError:
            if self._columns.is_lenient:
                return None
            raise

    def _joined(self, text: str) -> dt.datetime | None:
        """Since when they are on the list; None where that cannot be, so that it begins with the import."""
        try:
            found = read_moment(text)
        except InputError:
            return None
        return found if found and _FIRST_JOINED <= found <= self._now else None

    def _stated(self, get: Callable[[str], str]) -> Stated:
        """What the old service says of how they agreed, by the names in the proof of consent."""
        if not self._has_statements:
            return ()
        moments = [(name, self._moment(get(name))) for name in _STATED]
        return tuple(
            (_STATED[name], moment.isoformat()) for name, moment in moments if moment and moment <= self._now
        )

    def _alive(self, get: Callable[[str], str]) -> dt.datetime | None:
        """The last moment in the past at which the person did something, as far as the file tells."""
        moments = [self._moment(get(name)) for name in ("last_sign_of_life", "confirmed_at", "signed_up_at")]
        rating = get("rating").strip()
        if rating.isdecimal() and int(rating) >= RATING_OF_LIFE:
            moments.append(self._moment(get("changed_at")))
        return max((moment for moment in moments if moment and moment <= self._now), default=None)

    def _attributes_of(self, get: Callable[[str], str], cells: list[str]) -> str:
        found: dict[str, object] = {}
        whole = get("attributes").strip()
        if whole:
            found.update(self._those_known(whole))
        for place, name in self._attributes:
            cell = plain(cells[place]).strip() if place < len(cells) else ""
            if cell:
                found[name] = read_cell(cell, self._known[name])
        country = get("country").strip()
        known = self._known.get("country")
        if country and known and known.kind is AttributeKind.TEXT:
            found.setdefault("country", country.upper())
        return json.dumps(found, ensure_ascii=False) if found else "{}"

    def _those_known(self, text: str) -> dict[str, object]:
        """Those of another product's attributes (a JSON object) that there are here too."""
        try:
            given = json.loads(text)
        except (ValueError, RecursionError):
            raise InputError(N_("The attributes are no JSON.")) from None
        if not isinstance(given, dict):
            raise InputError(N_("The attributes are no JSON object."))
        found = {}
        for name, attribute in self._known.items():
            if isinstance(given.get(name), str | int | float | bool):
                with contextlib.suppress(InputError):  # nobody can mend the values of another product
                    found[name] = read_cell(str(given[name]), attribute)
        return found


_GRAVITY = (
    Meaning.SUBSCRIBED,
    Meaning.PAUSED,
    Meaning.UNCONFIRMED,
    Meaning.LEFT,
    Meaning.BOUNCED,
    Meaning.NEVER,
)

"""Which column of a file is which field of a person: what the columns' names say, and what an admin says.

Fields: `address`, `name` (or `first_name` and `last_name`), `zone`, `country` (for the zone where there is
only one), `language`, `text_size`, `status`, `cadence`, `topics`, `paused_until`, `last_sign_of_life`, and
`attribute:NAME` for each attribute that there is; and `joined`, since when they are on the list.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from digest.errors import InputError
from digest.i18n import N_

ATTRIBUTE = "attribute:"
UNREAD = "-"  # what an admin says of a column that shall not be read


class Meaning(StrEnum):
    """What a line says of its person."""

    SUBSCRIBED = "subscribed"
    PAUSED = "paused"
    LEFT = "left"  # ended there: never mailed here unless the person signs up
    BOUNCED = "bounced"  # put on the do-not-mail list, until the person signs up
    NEVER = "never"  # put on the do-not-mail list for good
    UNCONFIRMED = "unconfirmed"  # never agreed: passed over


# What the exports of several products, and ours, call these; compared in lower case.
STATUSES: Mapping[str, Meaning] = {
    **dict.fromkeys(("subscribed", "active", "enabled", "confirmed"), Meaning.SUBSCRIBED),
    "paused": Meaning.PAUSED,
    **dict.fromkeys(("unsubscribed", "ended", "left", "disabled", "inactive"), Meaning.LEFT),
    **dict.fromkeys(("bounced", "cleaned"), Meaning.BOUNCED),
    **dict.fromkeys(("blocklisted", "never"), Meaning.NEVER),
    **dict.fromkeys(("unconfirmed", "pending", "nonsubscribed", "non-subscribed"), Meaning.UNCONFIRMED),
}

FIELDS = (
    "address",
    "name",
    "first_name",
    "last_name",
    "zone",
    "country",
    "language",
    "text_size",
    "status",
    "cadence",
    "topics",
    "paused_until",
    "last_sign_of_life",
    "joined",
)

_GENERIC: Mapping[str, str] = {
    **{name: name for name in FIELDS},
    **{name.replace("_", " "): name for name in FIELDS},
    "email": "address",
    "e-mail": "address",
    "email address": "address",
    "timezone": "zone",
    "time zone": "zone",
}


@dataclass(frozen=True, slots=True)
class Heading:
    """What the first line says: the field of each cell, and the cells nobody reads."""

    fields: tuple[str | None, ...]
    ignored: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """How columns become fields. `own` is what an admin says and goes before `columns`, the usual names.

    `is_lenient`: a zone, a language or a moment that cannot be read is left out, as nobody can mend another
    product's.
    """

    name: str = "generic"
    columns: Mapping[str, str] = field(default_factory=lambda: _GENERIC)
    own: Mapping[str, str] = field(default_factory=dict)
    statuses: Mapping[str, Meaning] = field(default_factory=lambda: STATUSES)
    is_lenient: bool = False


def parse_map(options: Sequence[str]) -> dict[str, str]:
    """`E-mail=address` and `Ort=attribute:city` as column to field; raises InputError."""
    found: dict[str, str] = {}
    for option in options:
        column, sign, name = option.rpartition("=")
        column, name = column.strip().lower(), name.strip()
        if not sign or not column:
            raise InputError(
                N_("%(text)r does not say what a column holds."),
                text=option[:80],
                hint="Write it like --map 'E-mail=address'.",
            )
        if name not in (*FIELDS, UNREAD) and not (name.startswith(ATTRIBUTE) and len(name) > len(ATTRIBUTE)):
            raise InputError(
                N_("%(name)r is nothing that a column could hold."),
                name=name[:40],
                hint=f"There are: {', '.join(FIELDS)}, attribute:NAME, and - for none.",
            )
        if column in found:
            raise InputError(N_("The column %(name)r is mapped twice."), name=column[:60])
        found[column] = name
    return found


def read_heading(cells: Sequence[str], columns: ColumnMap) -> Heading:
    """The fields of a heading; raises InputError if it does not say where the addresses are."""
    names = [cell.strip() for cell in cells]
    missing = [column for column in columns.own if column not in {name.lower() for name in names}]
    if missing:
        raise InputError(
            N_("The file has no column %(name)r; it has: %(names)s."),
            name=missing[0][:60],
            names=_listed(names),
        )
    taken = set(columns.own.values())
    fields: list[str | None] = []
    for name in names:
        said, usual = columns.own.get(name.lower()), usual_field(name, columns)
        if said == UNREAD:
            fields.append(None)
        else:
            fields.append(said or (None if usual in taken else usual))
    if "address" not in fields:
        raise InputError(
            N_("The first line must name the columns, one of them the mail address; say which it is."),
            hint="One is called `address` or `email`, or give --map 'COLUMN=address'.",
        )
    known = [one for one in fields if one]
    twice = sorted({one for one in known if known.count(one) > 1})
    if twice:
        raise InputError(N_("Two columns are taken for the same: %(name)s. Keep one."), name=twice[0])
    ignored = tuple(name[:60] for name, one in zip(names, fields, strict=True) if one is None and name)
    return Heading(tuple(fields), ignored)


def usual_field(name: str, columns: ColumnMap) -> str | None:
    """What a column of this name is taken for unless an admin says otherwise; None for one nobody reads."""
    usual = columns.columns.get(name.lower())
    if usual is None and name.lower().startswith(ATTRIBUTE) and columns.name == "generic":
        return ATTRIBUTE + name[len(ATTRIBUTE) :].strip()
    return usual


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(name[:40] for name in names[:12])
    return shown + (", ..." if len(names) > 12 else "")

"""The rule builder's form: what was chosen in it, and how it is shown again."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.i18n import N_, Translator
from digest.lists.attributes import all_attributes
from digest.lists.mappings import ATTRIBUTE
from digest.lists.segment_builder import (
    BARE,
    GROUPS_MOST,
    MODES,
    ROWS_MOST,
    Built,
    Group,
    Row,
    hows,
    settled,
)
from digest.lists.segment_rules import NAMED
from digest.models import AttributeKind, Cadence, MailingList, Topic
from digest.web.desk.forms import Form

_ROW: Final = re.compile(r"g([0-9]{1,2})r([0-9]{1,2})what")
_FIELDS: Final = {
    "list": N_("List"),
    "cadence": N_("How often they get it"),
    "topic": N_("Topic"),
    "language": N_("Their language"),
    "zone": N_("Their time zone"),
    "joined": N_("On the list since"),
    "last_sign_of_life": N_("Last sign of life"),
    "last_handed_over": N_("Last edition handed over"),
}
_HOWS: Final = {
    "is": N_("is"),
    "is_not": N_("is not"),
    "set": N_("is known"),
    "unset": N_("is not known"),
    "within": N_("within the last … days"),
    "older_than": N_("longer ago than … days"),
    "since": N_("on or after"),
    "before": N_("before"),
    "never": N_("never"),
    "ever": N_("at any time"),
    "at_least": N_("is at least"),
    "less_than": N_("is less than"),
    "yes": N_("is yes"),
    "no": N_("is no"),
}
_HINTS: Final = {
    "language": N_("Such as hy, or several: hy, en"),
    "zone": N_("Such as Asia/Yerevan, or several"),
}


@dataclass(frozen=True, slots=True)
class Names:
    """What a digest's rules may ask of: pairs of name and title, and the kinds of attributes."""

    lists: list[tuple[str, str]]
    cadences: list[tuple[str, str]]
    topics: list[tuple[str, str]]
    attributes: list[tuple[str, str]]
    kinds: Mapping[str, AttributeKind]

    def of(self, what: str) -> list[tuple[str, str]]:
        """The names there are for `list`, `cadence` or `topic`."""
        return {"list": self.lists, "cadence": self.cadences, "topic": self.topics}.get(what, [])


def names_of(session: Session, digest_id: int) -> Names:
    """The names of a digest, by title; in four statements."""

    def pairs(kind: Any, title: Any) -> list[tuple[str, str]]:
        query = sa.select(kind.name, title).where(kind.digest_id == digest_id).order_by(title, kind.id)
        return [(row[0], row[1]) for row in session.execute(query)]

    attributes = all_attributes(session)
    return Names(
        pairs(MailingList, MailingList.title),
        pairs(Cadence, Cadence.name),
        pairs(Topic, Topic.title),
        [(one.name, one.title) for one in attributes],
        {one.name: one.kind for one in attributes},
    )


def chosen(form: Form, kinds: Mapping[str, AttributeKind]) -> Built:
    """The rows of a form, in their order; fields are called `g0r2what`, `g0r2how`, `g0r2value`."""
    groups: dict[int, list[Row]] = {}
    for name, what in form.pairs:
        if (place := _ROW.fullmatch(name)) is None or sum(map(len, groups.values())) >= ROWS_MOST:
            continue
        stem = name.removesuffix("what")
        values = tuple(each for value in form.texts(f"{stem}value") for each in _split(what, value))
        row = Row(what, form.text(f"{stem}how"), values)
        groups.setdefault(int(place[1]), []).append(settled(row, kinds))
    return Built(
        _mode(form.text("mode")),
        tuple(Group(_mode(form.text(f"g{at}mode")), tuple(rows)) for at, rows in sorted(groups.items())),
    )


def acted(built: Built, act: str) -> Built:
    """What a button has made of the rows: `add-0` to a group, `drop-0-2` a row, `group` for a new group."""
    groups = list(built.groups)
    words = act.split("-")
    numbers = [int(each) for each in words[1:] if each.isdecimal() and len(each) < 4]
    if words[0] == "group" and len(groups) < GROUPS_MOST:
        groups.append(Group("all", (Row("list", "is"),)))
    elif words[0] == "add" and numbers and numbers[0] < len(groups):
        group = groups[numbers[0]]
        groups[numbers[0]] = replace(group, rows=(*group.rows, Row("list", "is")))
    elif words[0] == "drop" and len(numbers) == 2 and numbers[0] < len(groups):
        group = groups[numbers[0]]
        rows = tuple(row for at, row in enumerate(group.rows) if at != numbers[1])
        groups[numbers[0]] = replace(group, rows=rows)
    return replace(built, groups=tuple(group for group in groups if group.rows))


def shown(built: Built, names: Names, words: Translator) -> list[dict[str, Any]]:
    """The groups as the template draws them."""
    fields = [(key, words.gettext(text)) for key, text in _FIELDS.items()]
    fields += [(ATTRIBUTE + name, title) for name, title in names.attributes]
    return [
        {
            "mode": group.mode,
            "rows": [
                _shown_row(f"g{at}r{number}", row, fields, names, words)
                for number, row in enumerate(group.rows)
            ],
        }
        for at, group in enumerate(built.groups)
    ]


def _shown_row(
    stem: str, row: Row, fields: Sequence[tuple[str, str]], names: Names, words: Translator
) -> dict[str, Any]:
    options = names.of(row.what)
    kind = names.kinds.get(row.what.removeprefix(ATTRIBUTE))
    return {
        "stem": stem,
        "what": row.what,
        "how": row.how,
        "fields": fields,
        "hows": [(key, words.gettext(_HOWS[key])) for key in hows(row.what, names.kinds)],
        "options": options,
        "chosen": row.values,
        "value": ", ".join(row.values),
        "input": _input(row, kind),
        "hint": words.gettext(_HINTS[row.what]) if row.what in _HINTS else "",
    }


def _input(row: Row, kind: AttributeKind | None) -> str:
    """What a row is compared with is given as: `names` to tick, nothing, a number, a day or a text."""
    if row.how in BARE:
        return ""
    if row.what in NAMED:
        return "names"
    if row.how in {"within", "older_than"}:
        return "number"
    if row.how in {"since", "before"} or kind is AttributeKind.DATE:
        return "date"
    return "text"


def _split(what: str, value: str) -> list[str]:
    """A text may list several; a name of a list never does."""
    return [value] if what in NAMED else value.split(",")


def _mode(text: str) -> str:
    return text if text in MODES else MODES[0]

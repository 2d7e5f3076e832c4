"""The rule of a segment as rows that are chosen one by one, there and back. Pure.

Rows stand in groups: all or any of a group's rows must fit, and all or any of the groups. That is two of the
eight levels that a rule may have; a deeper one is written by hand, and `built_of` says so by None.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from digest.errors import InputError
from digest.i18n import N_
from digest.lists.mappings import ATTRIBUTE
from digest.lists.segment_rules import MOMENTS, NAMED, TEXTS
from digest.models import AttributeKind

MODES: Final = ("all", "any")
ROWS_MOST: Final = 60
GROUPS_MOST: Final = 20
_DAYS = re.compile(r"[0-9]{1,5}")
_IN_DAYS = {"d": 1, "w": 7}


@dataclass(frozen=True, slots=True)
class Row:
    """What is asked, how it is compared, and with what: `values` are names, texts, a number or a day."""

    what: str = "list"
    how: str = ""
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    mode: str = "all"
    rows: tuple[Row, ...] = ()


@dataclass(frozen=True, slots=True)
class Built:
    """A whole rule."""

    mode: str = "all"
    groups: tuple[Group, ...] = ()


_MOMENT_HOWS: Final = ("within", "older_than", "since", "before", "never", "ever")
_KIND_HOWS: Final = {
    AttributeKind.TEXT: ("is", "is_not", "set", "unset"),
    AttributeKind.NUMBER: ("is", "is_not", "at_least", "less_than", "set", "unset"),
    AttributeKind.DATE: ("since", "before", "is", "set", "unset"),
    AttributeKind.YES_NO: ("yes", "no", "set", "unset"),
}
_TURNED: Final = {"never": ("never", "ever"), "set": ("set", "unset")}
BARE: Final = frozenset({"set", "unset", "never", "ever", "yes", "no"})  # nothing is compared with


def hows(what: str, kinds: Mapping[str, AttributeKind]) -> tuple[str, ...]:
    """How something may be compared; none for what there is not."""
    if what in NAMED:
        return ("is", "is_not")
    if what in TEXTS:
        return ("is", "is_not", "set", "unset")
    if what in MOMENTS:
        return _MOMENT_HOWS[:4] if what == "joined" else _MOMENT_HOWS
    kind = kinds.get(what.removeprefix(ATTRIBUTE)) if what.startswith(ATTRIBUTE) else None
    return _KIND_HOWS[kind] if kind is not None else ()


def settled(row: Row, kinds: Mapping[str, AttributeKind]) -> Row:
    """The row with a comparison that its field has: the first, where its own is another field's."""
    found = hows(row.what, kinds)
    if not found:
        return Row("list", "is")
    return row if row.how in found else Row(row.what, found[0])


def rule_of(built: Built, kinds: Mapping[str, AttributeKind]) -> dict[str, Any]:
    """The rule that these rows stand for; raises InputError with what is missing in which row."""
    groups = []
    count = 0
    for group in built.groups:
        rules = []
        for row in group.rows:
            count += 1
            rules.append(_rule(row, kinds, count))
        if rules:
            groups.append(_joined(group.mode, rules))
    if not groups:
        raise InputError(N_("Add a condition: it says whom this part of the readers holds."))
    return _joined(built.mode, groups)


def built_of(rule: Mapping[str, Any]) -> Built | None:
    """The rows of a rule; None for one that rows cannot say."""
    mode, parts = _parts(rule)
    groups: list[Group] = []
    for part in parts:
        inner, rules = _parts(part)
        found = [_rows(each, inner) for each in rules]
        if not all(found):
            return None
        groups.append(Group(inner, tuple(row for rows in found for row in rows or ())))
    if all(len(group.rows) == 1 for group in groups):  # single ones stand together
        return Built("all", (Group(mode, tuple(group.rows[0] for group in groups)),))
    return Built(mode, tuple(groups))


def _joined(mode: str, rules: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return rules[0] if len(rules) == 1 else {mode: list(rules)}


def _parts(rule: Mapping[str, Any]) -> tuple[str, list[Mapping[str, Any]]]:
    """The mode of a rule and the rules in it; one that is asked stands for itself."""
    for mode in MODES:
        if mode in rule:
            return mode, list(rule[mode])
    return "all", [rule]


def _rule(row: Row, kinds: Mapping[str, AttributeKind], number: int) -> dict[str, Any]:
    what, how = row.what, row.how
    if how not in hows(what, kinds):
        raise InputError(N_("Choose in each condition what is asked, and how it is compared."))
    values = [value.strip() for value in row.values if value.strip()]
    if how not in BARE and not values:
        raise _MissingError(number)
    if what in NAMED or what in TEXTS:
        return _named(what, how, values)
    if what in MOMENTS:
        return _moment(what, how, values)
    name = what.removeprefix(ATTRIBUTE)
    return _attribute(name, how, values, kinds[name])


class _MissingError(InputError):
    def __init__(self, number: int) -> None:
        super().__init__(f"Condition {number} is compared with nothing: choose or write something.")


def _named(what: str, how: str, values: list[str]) -> dict[str, Any]:
    if how in {"set", "unset"}:
        return {what: {"set": how == "set"}}
    asked = {what: values[0] if len(values) == 1 else values}
    return {"not": asked} if how == "is_not" else asked


def _moment(what: str, how: str, values: list[str]) -> dict[str, Any]:
    if how in {"never", "ever"}:
        return {what: {"never": how == "never"}}
    if how in {"within", "older_than"}:
        if not _DAYS.fullmatch(values[0]) or not int(values[0]):
            raise InputError(N_("%(text)r is no number of days."), text=values[0][:20])
        return {what: {how: f"{int(values[0])}d"}}
    return {what: {how: values[0]}}


def _attribute(name: str, how: str, values: list[str], kind: AttributeKind) -> dict[str, Any]:
    if how in {"set", "unset"}:
        return {"attribute": {"name": name, "set": how == "set"}}
    if how in {"yes", "no"}:
        return {"attribute": {"name": name, "is": how == "yes"}}
    read: list[Any] = [_number(value) for value in values] if kind is AttributeKind.NUMBER else list(values)
    if how in {"is", "is_not"}:
        asked = {"attribute": {"name": name, "is": read[0] if len(read) == 1 else read}}
        return {"not": asked} if how == "is_not" else asked
    return {"attribute": {"name": name, how: read[0]}}


def _number(text: str) -> float | int:
    try:
        found = float(text.replace(",", "."))
    except ValueError:
        raise InputError(N_("%(text)r is no number."), text=text[:20]) from None
    return int(found) if found.is_integer() else found


def _rows(rule: Mapping[str, Any], mode: str) -> list[Row] | None:
    """The rows that one rule is: several where it holds moments together, as all of them do; else None."""
    ((key, inner),) = rule.items()
    if key == "not":
        inside = _rows(inner, "all") or []
        is_one = len(inside) == 1 and inside[0].how == "is"
        return [Row(inside[0].what, "is_not", inside[0].values)] if is_one else None
    if key in NAMED or key in TEXTS:
        if isinstance(inner, dict):
            return [Row(key, "set" if inner["set"] else "unset")]
        return [Row(key, "is", tuple(inner) if isinstance(inner, list) else (inner,))]
    if key in MOMENTS:
        return _each(key, inner, mode)
    if key == "attribute":
        asked = {name: value for name, value in inner.items() if name != "name"}
        return _each(ATTRIBUTE + inner["name"], asked, mode)
    return None


def _each(what: str, asked: Mapping[str, Any], mode: str) -> list[Row] | None:
    if len(asked) > 1 and mode != "all":
        return None
    rows = [_told(what, how, value) for how, value in asked.items()]
    return None if any(row is None for row in rows) else [row for row in rows if row is not None]


def _told(what: str, how: str, value: Any) -> Row | None:
    if how in _TURNED:
        return Row(what, _TURNED[how][0 if value else 1])
    if how in {"within", "older_than"}:
        if value[-1] not in _IN_DAYS:
            return None  # hours
        return Row(what, how, (str(int(value[:-1]) * _IN_DAYS[value[-1]]),))
    if isinstance(value, bool):
        return Row(what, "yes" if value else "no")
    listed = value if isinstance(value, list) else [value]
    if any(isinstance(each, bool) for each in listed):
        return None
    return Row(what, how, tuple(_text(each) for each in listed))


def _text(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)

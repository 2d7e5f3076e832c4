"""The rule of a segment: read from JSON and checked, with the place of whatever is wrong. Pure.

A rule is an object with one key: `all`, `any` (lists of rules), `not` (a rule), or what is asked of a
person: `list`, `cadence`, `topic`, `language`, `zone`, `joined`, `last_handed_over`, `last_sign_of_life`,
`attribute`.
What each means is written in docs/segments.md and compiled by `segment_query`.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from digest.errors import InputError
from digest.lists.fields import check_language, check_zone
from digest.lists.segment_tree import AllOf, AnyOf, AttributeRule, Moment, Named, Not, Rule, Text, Value
from digest.models import AttributeKind

_T = TypeVar("_T")

SIZE_LIMIT = 20_000  # characters of a rule
DEPTH_LIMIT = 8  # rules in rules
RULES_LIMIT = 100  # rules in one tree
VALUES_LIMIT = 100  # values that one rule lists
TEXT_LIMIT = 200  # characters of one value
NUMBER_LIMIT = 1e15
_SPAN_DAYS = 36_500
_SPAN = re.compile(r"(\d{1,6})([hdw])")
_UNITS = {"h": dt.timedelta(hours=1), "d": dt.timedelta(days=1), "w": dt.timedelta(weeks=1)}
NAMED = ("list", "cadence", "topic")
TEXTS = ("language", "zone")
MOMENTS = ("joined", "last_handed_over", "last_sign_of_life")
_ASKS = (*NAMED, *TEXTS, *MOMENTS, "attribute")


@dataclass(frozen=True, slots=True)
class Known:
    """The names that a digest's rules may use."""

    lists: frozenset[str]
    cadences: frozenset[str]
    topics: frozenset[str]
    attributes: Mapping[str, AttributeKind]

    def of(self, field: str) -> frozenset[str]:
        """The names there are for `list`, `cadence` or `topic`."""
        return {"list": self.lists, "cadence": self.cadences, "topic": self.topics}[field]


class RuleError(InputError):
    """A rule that cannot be used; the sentence says which place in the tree is wrong."""

    def __init__(self, place: str, sentence: str) -> None:
        super().__init__(f"In the rule{f' at {place}' if place else ''}: {sentence}")


def read_rule(text: str, known: Known) -> tuple[dict[str, Any], Rule]:
    """A rule from JSON text: as it is stored, and as it is asked. Raises RuleError with the place."""
    if len(text) > SIZE_LIMIT:
        raise RuleError("", f"it is longer than {SIZE_LIMIT} characters.")
    try:
        found = json.loads(text, object_pairs_hook=_once_each, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise RuleError(
            f"line {error.lineno}, column {error.colno}", f"this is no JSON ({error.msg})."
        ) from None
    except RecursionError:
        raise RuleError("", f"it is deeper than {DEPTH_LIMIT} rules in rules.") from None
    return found, parse_rule(found, known)


def parse_rule(value: object, known: Known | None = None) -> Rule:
    """A rule from what JSON held; raises RuleError with the place.

    Without `known`, names are taken as they are: a stored rule was checked when it was saved, and a name
    that is gone since then matches nobody.
    """
    return _Reader(known).rule(value, "", 1)


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    twice = next((key for key in keys if keys.count(key) > 1), None)
    if twice is not None:
        raise RuleError("", f"an object holds the key {_short(twice)} twice.")
    return dict(pairs)


def _no_constant(name: str) -> Any:
    raise RuleError("", f"{name} is not a number.")


class _Reader:
    """Reads one tree and counts its rules."""

    def __init__(self, known: Known | None) -> None:
        self._known = known
        self._count = 0

    def rule(self, value: object, place: str, depth: int) -> Rule:
        self._count += 1
        if self._count > RULES_LIMIT:
            raise RuleError(place, f"there are more than {RULES_LIMIT} rules in it.")
        if depth > DEPTH_LIMIT:
            raise RuleError(place, f"it is deeper than {DEPTH_LIMIT} rules in rules.")
        if not isinstance(value, dict) or len(value) != 1:
            raise RuleError(place, f"a rule is an object with one key; {_kind(value)} stands here.")
        ((key, inner),) = value.items()
        here = f"{place}.{key}" if place else key
        if key in ("all", "any"):
            if not isinstance(inner, list) or not inner:
                raise RuleError(here, "a list with at least one rule must stand here.")
            parts = tuple(self.rule(one, f"{here}[{at}]", depth + 1) for at, one in enumerate(inner))
            return AllOf(parts) if key == "all" else AnyOf(parts)
        if key == "not":
            return Not(self.rule(inner, here, depth + 1))
        if key not in _ASKS:
            raise RuleError(place, f"{_short(key)} is unknown; there are all, any, not, {', '.join(_ASKS)}.")
        return self._asked(key, inner, here)

    def _asked(self, key: str, inner: object, here: str) -> Rule:
        if key in NAMED:
            return Named(key, self._names(key, inner, here))
        if key in TEXTS:
            return self._text(key, inner, here)
        if key in MOMENTS:
            return _moment(key, inner, here)
        return self._attribute(inner, here)

    def _names(self, field: str, value: object, place: str) -> tuple[str, ...]:
        names = _listed(value, _line, place)
        if self._known is not None:
            there = self._known.of(field)
            for name in names:
                if name not in there:
                    raise RuleError(place, _there_is_none(field, name, there))
        return names

    def _text(self, field: str, value: object, place: str) -> Text:
        if isinstance(value, dict):
            return Text(field, is_set=_only_bool(value, "set", place))
        check = check_language if field == "language" else check_zone

        def one(each: object, at: str) -> str:
            try:
                found = check(_line(each, at))
            except InputError as error:
                if isinstance(error, RuleError):
                    raise
                raise RuleError(at, str(error)) from None
            assert found is not None  # a line is never empty
            return found

        return Text(field, _listed(value, one, place))

    def _attribute(self, value: object, place: str) -> AttributeRule:
        if not isinstance(value, dict) or not isinstance(value.get("name"), str):
            raise RuleError(place, 'it is written as {"name": "city", "is": "Yerevan"}.')
        name, asked = value["name"], {key: each for key, each in value.items() if key != "name"}
        kind = self._kind_of(name, place)
        readers = _ATTRIBUTE_READERS
        if not asked:
            raise RuleError(place, f"nothing is asked of it; there are {', '.join(readers)}.")
        read: dict[str, Any] = {}
        for key, each in asked.items():
            here = f"{place}.{key}"
            if key not in readers:
                raise RuleError(place, f"{_short(key)} is unknown; there are {', '.join(readers)}.")
            field, kinds, reader = readers[key]
            if kind is not None and kinds and kind not in kinds:
                raise RuleError(here, f"this cannot be asked of {name!r}, which is of the kind {kind.value}.")
            read[field] = reader(each, here)
        for at in read.get("values", ()):
            if kind is not None and not _fits(at, kind):
                raise RuleError(f"{place}.is", f"{_short(at)} is no value of the kind {kind.value}.")
        return AttributeRule(name, **read)

    def _kind_of(self, name: str, place: str) -> AttributeKind | None:
        if self._known is None:
            return None
        kind = self._known.attributes.get(name)
        if kind is None:
            raise RuleError(place, _there_is_none("attribute", name, self._known.attributes.keys()))
        return kind


def _moment(field: str, value: object, place: str) -> Moment:
    if not isinstance(value, dict) or not value:
        raise RuleError(place, f'it is written as {{"since": "2026-01-01"}}; there are {", ".join(_TIMES)}.')
    read: dict[str, Any] = {}
    for key, each in value.items():
        if key not in _TIMES or (key == "never" and field == "joined"):
            raise RuleError(place, f"{_short(key)} is unknown; there are {', '.join(_TIMES)}.")
        read[key] = _TIMES[key](each, f"{place}.{key}")
    return Moment(field, **read)


def _listed(value: object, read: Callable[[object, str], _T], place: str) -> tuple[_T, ...]:
    """One value, or a list of them."""
    if not isinstance(value, list):
        return (read(value, place),)
    if not 1 <= len(value) <= VALUES_LIMIT:
        raise RuleError(place, f"from 1 to {VALUES_LIMIT} values can stand here, not {len(value)}.")
    return tuple(read(each, f"{place}[{at}]") for at, each in enumerate(value))


def _line(value: object, place: str) -> str:
    if not isinstance(value, str):
        raise RuleError(place, f"a text must stand here, not {_kind(value)}.")
    if not value.strip() or len(value) > TEXT_LIMIT or not value.isprintable():
        raise RuleError(place, f"a text has 1 to {TEXT_LIMIT} characters, all of them visible.")
    return value


def _flag(value: object, place: str) -> bool:
    if not isinstance(value, bool):
        raise RuleError(place, f"true or false must stand here, not {_kind(value)}.")
    return value


def _number(value: object, place: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise RuleError(place, f"a number must stand here, not {_kind(value)}.")
    if not abs(value) <= NUMBER_LIMIT or not math.isfinite(value):
        raise RuleError(place, f"a number is at most {NUMBER_LIMIT:.0f}.")
    return float(value)


def _at(value: object, place: str) -> dt.datetime:
    text = _line(value, place)
    try:
        found = dt.datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=dt.UTC)).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        raise RuleError(place, f"{_short(text)} is no date; write it like 2027-01-15, in UTC.") from None


def _day(value: object, place: str) -> dt.date:
    text = _line(value, place)
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
        try:
            return dt.date.fromisoformat(text)
        except ValueError:
            pass
    raise RuleError(place, f"{_short(text)} is no date; write it like 2027-01-15.")


def _span(value: object, place: str) -> dt.timedelta:
    found = _SPAN.fullmatch(_line(value, place))
    span = int(found[1]) * _UNITS[found[2]] if found else None
    if span is None or span.days > _SPAN_DAYS:
        raise RuleError(place, f"{_short(value)} is no span of time; write it like 12h, 30d or 8w.")
    return span


def _values(value: object, place: str) -> tuple[Value, ...]:
    def one(each: object, at: str) -> Value:
        if isinstance(each, bool):
            return each
        return _number(each, at) if isinstance(each, (int, float)) else _line(each, at)

    return _listed(value, one, place)


def _only_bool(value: Mapping[str, object], key: str, place: str) -> bool:
    if set(value) != {key}:
        raise RuleError(place, f'a text, a list of texts or {{"{key}": true}} must stand here.')
    return _flag(value[key], f"{place}.{key}")


def _fits(value: Value, kind: AttributeKind) -> bool:
    if kind is AttributeKind.DATE:
        try:
            return isinstance(value, str) and _day(value, "").isoformat() == value
        except RuleError:
            return False
    if isinstance(value, bool):
        return kind is AttributeKind.YES_NO
    return kind is (AttributeKind.TEXT if isinstance(value, str) else AttributeKind.NUMBER)


_TIMES: Mapping[str, Callable[[object, str], Any]] = {
    "since": _at,
    "before": _at,
    "within": _span,
    "older_than": _span,
    "never": _flag,
}
_Kinds = frozenset[AttributeKind]
_ATTRIBUTE_READERS: Mapping[str, tuple[str, _Kinds, Callable[[object, str], Any]]] = {
    "is": ("values", frozenset(), _values),
    "set": ("is_set", frozenset(), _flag),
    "at_least": ("at_least", frozenset({AttributeKind.NUMBER}), _number),
    "less_than": ("less_than", frozenset({AttributeKind.NUMBER}), _number),
    "since": ("since", frozenset({AttributeKind.DATE}), _day),
    "before": ("before", frozenset({AttributeKind.DATE}), _day),
}


def _there_is_none(what: str, name: str, there: Sequence[str] | Any) -> str:
    names = sorted(there)
    if not names:
        return f"there is no {what} {_short(name)}, nor any other yet."
    more = ", ..." if len(names) > 5 else ""
    return f"there is no {what} {_short(name)}; there are: {', '.join(names[:5])}{more}."


def _kind(value: object) -> str:
    if isinstance(value, dict):
        return f"an object with {len(value)} keys"
    names = {bool: "true or false", str: "a text", list: "a list", int: "a number", float: "a number"}
    return names.get(type(value), "nothing")


def _short(value: object) -> str:
    return repr(value)[:60]

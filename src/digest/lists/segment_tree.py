"""The rule tree of a segment, as it is once it was read and checked."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

Value = str | float | bool


@dataclass(frozen=True, slots=True)
class AllOf:
    parts: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    parts: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: Rule


@dataclass(frozen=True, slots=True)
class Named:
    """On one of these lists, on one of these cadences, with one of these topics (`field` says which)."""

    field: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Text:
    """`language` or `zone`: one of these values, or whether there is any."""

    field: str
    values: tuple[str, ...] = ()
    is_set: bool | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment of a person's: not before `since`, before `before`; spans count back from the asking.

    What never was is before everything.
    """

    field: str
    since: dt.datetime | None = None
    before: dt.datetime | None = None
    within: dt.timedelta | None = None
    older_than: dt.timedelta | None = None
    never: bool | None = None


@dataclass(frozen=True, slots=True)
class AttributeRule:
    """An attribute of a person's; without a value of its kind nothing holds but `is_set=False`."""

    name: str
    values: tuple[Value, ...] = ()
    is_set: bool | None = None
    at_least: float | None = None
    less_than: float | None = None
    since: dt.date | None = None
    before: dt.date | None = None


Rule = AllOf | AnyOf | Not | Named | Text | Moment | AttributeRule


def attributes_in(rule: Rule) -> frozenset[str]:
    """The names of the attributes that a rule asks for."""
    if isinstance(rule, (AllOf, AnyOf)):
        return frozenset().union(*map(attributes_in, rule.parts))
    if isinstance(rule, Not):
        return attributes_in(rule.part)
    return frozenset({rule.name}) if isinstance(rule, AttributeRule) else frozenset()

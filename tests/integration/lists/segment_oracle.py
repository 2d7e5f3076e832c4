"""What a segment's rule means, once more, over people in memory: it shares nothing with the compiled form."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

UNITS = {"h": 3600, "d": 86_400, "w": 604_800}


@dataclass(frozen=True)
class Sub:
    """A subscription to a list of the digest. `cadence` None: the first one."""

    list_name: str
    active: bool
    cadence: str | None
    topics: tuple[str, ...]
    created_at: dt.datetime


@dataclass(frozen=True)
class Body:
    """A person; `handed` are the moments of the editions that were handed over."""

    subs: tuple[Sub, ...]
    language: str | None = None
    zone: str | None = None
    alive_at: dt.datetime | None = None
    handed: tuple[dt.datetime, ...] = ()
    attributes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def active(self) -> list[Sub]:
        return [sub for sub in self.subs if sub.active]


def fits(rule: Mapping[str, Any], body: Body, *, first_cadence: str, now: dt.datetime) -> bool:  # noqa: PLR0911
    """Whether a person who may be mailed is in the segment."""
    ((key, inner),) = rule.items()
    again = {"first_cadence": first_cadence, "now": now}
    if key == "all":
        return all(fits(one, body, **again) for one in inner)  # type: ignore[arg-type]
    if key == "any":
        return any(fits(one, body, **again) for one in inner)  # type: ignore[arg-type]
    if key == "not":
        return not fits(inner, body, **again)  # type: ignore[arg-type]
    if key == "list":
        return any(sub.list_name in _many(inner) for sub in body.active)
    if key == "cadence":
        return any((sub.cadence or first_cadence) in _many(inner) for sub in body.active)
    if key == "topic":
        return any(topic in _many(inner) for sub in body.active for topic in sub.topics)
    if key in ("language", "zone"):
        value = body.language if key == "language" else body.zone
        if isinstance(inner, dict):
            return inner["set"] is (value is not None)
        return value is not None and any(_is_of(key, value, each) for each in _many(inner))
    if key == "attribute":
        return _attribute(inner, body.attributes)
    moments = {
        "joined": [sub.created_at for sub in body.active],
        "last_sign_of_life": [body.alive_at] if body.alive_at else [],
        "last_handed_over": list(body.handed),
    }[key]
    moment = (min if key == "joined" else max)(moments, default=None)
    return all(_timed(op, value, moment, now) for op, value in inner.items())


def _many(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else [value]


def _is_of(key: str, value: str, wanted: str) -> bool:
    return value == wanted or (key == "language" and value.startswith(wanted + "-"))


def _timed(op: str, value: Any, moment: dt.datetime | None, now: dt.datetime) -> bool:
    if op == "never":
        return value is (moment is None)
    if op in ("within", "older_than"):
        limit = now - dt.timedelta(seconds=int(value[:-1]) * UNITS[value[-1]])
    else:
        limit = dt.datetime.fromisoformat(value).replace(tzinfo=dt.UTC)
    is_since = moment is not None and moment >= limit
    return is_since if op in ("since", "within") else not is_since


def _attribute(asked: Mapping[str, Any], attributes: Mapping[str, Any]) -> bool:
    value = attributes.get(asked["name"])
    for op, wanted in asked.items():
        if op == "name":
            continue
        if op == "set":
            holds = wanted is (value is not None)
        elif op == "is":
            holds = any(type(value) is type(each) and value == each for each in map(_plain, _many(wanted)))
        elif value is None:
            holds = False
        elif op in ("at_least", "less_than"):
            holds = value >= wanted if op == "at_least" else value < wanted
        else:
            holds = value >= wanted if op == "since" else value < wanted
        if not holds:
            return False
    return True


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value

"""The rules of selection as they are stored: read strictly, laid over one another, changed, written back.

A digest's columns hold the simple form (`featured_by`, `recent_most` ...); `Digest.rules` what goes beyond
it; `Cadence.rules` what differs in one cadence, by the same names. An unknown name is refused: a rule that
nobody reads would be believed.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Any, Final

from sqlalchemy.orm import Session

from digest import audit
from digest.editions.rules import (
    FeaturedRule,
    Names,
    NoFeatured,
    Order,
    RecentRule,
    Rules,
    Thin,
    ThinRule,
)
from digest.errors import InputError, Word
from digest.feeds.bylines import Capitals
from digest.i18n import N_
from digest.lists.fields import clean_line
from digest.models import Cadence, Digest, FeaturedBy

Read = Callable[[str, Any], Any]
_MOST_NAMES: Final = 100
_DAYS: Final = 366


def rules_of(digest: Digest, cadence: Cadence | None = None) -> Rules:
    """The rules that hold: the digest's, and over them its cadence's; raises InputError."""
    stored = over(check(digest.rules or {}), check((cadence.rules if cadence else None) or {}))
    featured = stored.get("featured", {})
    names = Names(**{kind: tuple(featured.get(kind, ())) for kind in _NAMES})
    is_any = not names and digest.featured_by is FeaturedBy.NEWEST
    own = {key: value for key, value in featured.items() if key not in _NAMES}
    recent = dict(stored.get("recent", {}))
    for key in ("include", "exclude"):
        if key in recent:
            recent[key] = _names(recent[key])
    thin = dict(stored.get("thin", {}))
    if "again" in thin:
        thin["again"] = _names(thin["again"])
    columns: dict[str, Any] = {
        "most": digest.recent_most,
        "least": digest.recent_least,
        "days": digest.recent_days,
    }
    rules = Rules(
        featured=FeaturedRule(names=names or _simple(digest), is_any=is_any, **own),
        recent=RecentRule(**(columns | recent)),
        thin=ThinRule(**thin),
        settle_seconds=stored.get("settle_seconds", 0),
        section_order=tuple(stored.get("section_order", ())),
    )
    return replace(rules, selection=cadence.selection) if cadence is not None else rules


def check(given: Mapping[str, Any]) -> dict[str, Any]:
    """Rules as they come from JSON, each value of its kind; raises InputError with the place and the way."""
    return _read_map("", given, _FORM)


def over(under: Mapping[str, Any], upper: Mapping[str, Any]) -> dict[str, Any]:
    """Rules with others laid over them, name by name. A list replaces a list."""
    laid = dict(under)
    for key, value in upper.items():
        below = laid.get(key)
        laid[key] = over(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return laid


def stored_form(checked: Mapping[str, Any]) -> dict[str, Any]:
    """Checked rules as JSON, without what is empty."""
    stored: dict[str, Any] = {}
    for key, value in checked.items():
        if isinstance(value, Mapping):
            if inner := stored_form(value):
                stored[key] = inner
        elif isinstance(value, StrEnum):
            stored[key] = value.value
        elif isinstance(value, (tuple, list)):
            stored[key] = list(value)
        else:
            stored[key] = value
    return stored


def changed(rules: Mapping[str, Any], settings: Iterable[str], unset: Iterable[str] = ()) -> dict[str, Any]:
    """Rules with some set (`featured.fallback=hold`) and some taken out (`thin`); raises InputError."""
    result = json.loads(json.dumps(dict(rules)))
    for path in unset:
        *above, last = _path(path, is_leaf=False)
        place: Any = result
        for part in above:
            place = place.get(part, {})
        place.pop(last, None)
    for setting in settings:
        path, mark, text = setting.partition("=")
        if not mark:
            raise InputError(
                N_("%(setting)r sets nothing; write it like featured.fallback=hold."), setting=setting[:60]
            )
        parts = _path(path, is_leaf=True)
        place = result
        for part in parts[:-1]:
            place = place.setdefault(part, {})
        place[parts[-1]] = _typed(text.strip())
    return stored_form(check(result))


def set_rules(
    session: Session, owner: Digest | Cadence, rules: Mapping[str, Any], *, actor: str, now: dt.datetime
) -> None:
    """Give a digest or a cadence these rules in place of those it has; raises InputError."""
    checked = check(rules)
    if isinstance(owner, Digest):
        for name in ("most", "least", "days"):
            if name in checked.get("recent", {}):
                raise InputError(
                    N_("recent.%(name)s is a digest's own setting. Only a rhythm has it among its rules."),
                    name=name,
                    hint=f"`digest digest set {owner.name} --recent-{name}` sets it.",
                )
        rules_of(_with(owner, checked))
    else:
        digest = session.get_one(Digest, owner.digest_id)
        found = rules_of(digest, _with_cadence(owner, checked))
        if found.recent.least > found.recent.most:
            raise InputError(
                N_("At least %(least)s headlines but at most %(most)s: the second must not be smaller."),
                least=found.recent.least,
                most=found.recent.most,
            )
    owner.rules = stored_form(checked)
    session.flush()
    kind = "digest" if isinstance(owner, Digest) else "cadence"
    audit.record(session, f"{kind}.rules", owner, actor=actor, now=now, details={"rules": owner.rules})


def _with(digest: Digest, checked: Mapping[str, Any]) -> Digest:
    return Digest(
        rules=stored_form(checked),
        featured_by=digest.featured_by,
        featured_value=digest.featured_value,
        recent_most=digest.recent_most,
        recent_least=digest.recent_least,
        recent_days=digest.recent_days,
    )


def _with_cadence(cadence: Cadence, checked: Mapping[str, Any]) -> Cadence:
    return Cadence(rules=stored_form(checked), selection=cadence.selection)


def _simple(digest: Digest) -> Names:
    value = (digest.featured_value,)
    match digest.featured_by:
        case FeaturedBy.CATEGORY:
            return Names(categories=value)
        case FeaturedBy.TAG:
            return Names(tags=value)
        case FeaturedBy.AUTHOR:
            return Names(authors=value)
        case FeaturedBy.NEWEST | FeaturedBy.NONE:
            return Names()


def _names(given: Mapping[str, Any]) -> Names:
    return Names(**{kind: tuple(given.get(kind, ())) for kind in _NAMES})


def _read_map(place: str, given: Any, form: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        named = place or Word(N_("The rules"))
        raise InputError(N_("%(place)s must be a table of names and values."), place=named)
    read: dict[str, Any] = {}
    for key, value in given.items():
        inner = f"{place}.{key}" if place else str(key)
        kind = form.get(key)
        if kind is None:
            raise _no_rule(inner)
        read[key] = _read_map(inner, value, kind) if isinstance(kind, Mapping) else kind(inner, value)
    return read


def _number(low: int, high: int) -> Read:
    def read(place: str, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise InputError(
                N_("%(name)s must be a whole number from %(low)s to %(high)s, not %(value)r."),
                name=place,
                low=low,
                high=high,
                value=str(value)[:40],
            )
        return value

    return read


def _one_of(kind: type[StrEnum]) -> Read:
    def read(place: str, value: Any) -> StrEnum:
        try:
            return kind(value)
        except ValueError:
            raise InputError(
                N_("%(name)s must be one of %(known)s, not %(value)r."),
                name=place,
                known=", ".join(kind),
                value=str(value)[:40],
            ) from None

    return read


def _flag(place: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise InputError(
            N_("%(place)s must be true or false, not %(value)r."), place=place, value=str(value)[:40]
        )
    return value


def _list_of_names(place: str, value: Any) -> tuple[str, ...]:
    found = _as_list(place, value)
    if not all(isinstance(one, str) for one in found):
        raise InputError(N_("%(place)s must be a list of names."), place=place)
    names = tuple(clean_line(one, what=place) for one in found)
    if not all(names):
        raise InputError(N_("%(name)s holds an empty name."), name=place)
    return names


def _list_of_sources(place: str, value: Any) -> tuple[int, ...]:
    found = _as_list(place, value)
    if not all(isinstance(one, int) and not isinstance(one, bool) and 0 < one < 2**63 for one in found):
        raise InputError(
            N_("%(place)s must be a list of source ids."),
            place=place,
            hint="`digest source list` shows them.",
        )
    return tuple(found)


def _as_list(place: str, value: Any) -> list[Any]:
    found = list(value) if isinstance(value, (list, tuple)) else [value]
    if len(found) > _MOST_NAMES:
        raise InputError(N_("%(name)s lists more than %(most)s."), name=place, most=_MOST_NAMES)
    return found


def _likeness(place: str, value: Any) -> float | None:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if value is None or (is_number and value == 0):
        return None
    if not is_number or not 0.5 <= value <= 1:
        raise InputError(
            N_("%(name)s must be from 0.5 (alike) to 1 (the same words), or 0 to leave it out."), name=place
        )
    return float(value)


_NAMES: Final[dict[str, Read]] = {
    "categories": _list_of_names,
    "tags": _list_of_names,
    "authors": _list_of_names,
    "sources": _list_of_sources,
}
_FORM: Final[dict[str, Any]] = {
    "featured": {
        **_NAMES,
        "order": _one_of(Order),
        "max_age_days": _number(1, _DAYS),
        "fallback": _one_of(NoFeatured),
    },
    "recent": {
        "include": _NAMES,
        "exclude": _NAMES,
        "most": _number(0, 100),
        "least": _number(0, 100),
        "days": _number(1, _DAYS),
        "per_section": _number(1, 100),
        "per_author": _number(1, 100),
        "per_source": _number(1, 100),
        "same_story": _likeness,
    },
    "thin": {
        "then": _one_of(Thin),
        "widen_days": _number(1, _DAYS),
        "again": _NAMES,
        "again_after_days": _number(1, _DAYS),
    },
    "settle_seconds": _number(0, 86_400),
    "section_order": _list_of_names,
    "bylines": {"capitals": _one_of(Capitals), "leave_out": _list_of_names, "most": _number(1, 20)},
    "breaker": {
        **{
            name: _number(1, 10_000)
            for name in ("many", "times", "unknown", "learning_days", "late_posts", "late_hours")
        },
        "share_percent": _number(1, 101),  # above 100: never
        "share_posts": _number(1, 10_000),
        "is_on": _flag,
    },
}


def rule_names(form: Mapping[str, Any] = _FORM, above: str = "") -> list[str]:
    """The names of all rules, as a command takes them."""
    paths = []
    for key, kind in form.items():
        path = f"{above}.{key}" if above else key
        paths += rule_names(kind, path) if isinstance(kind, Mapping) else [path]
    return paths


def _path(text: str, *, is_leaf: bool) -> list[str]:
    parts = text.strip().split(".")
    form: Any = _FORM
    for part in parts:
        form = form.get(part) if isinstance(form, Mapping) else None
    if form is None or (is_leaf and isinstance(form, Mapping)):
        raise _no_rule(text)
    return parts


def _no_rule(text: str) -> InputError:
    said = N_("There is no rule %(text)r; there are: %(known)s.")
    return InputError(said, text=text[:80], known=", ".join(rule_names()))


def _typed(text: str) -> Any:
    """JSON where it is JSON; else words, several of them with commas between."""
    try:
        return json.loads(text)
    except ValueError:
        words = [word.strip() for word in text.split(",")]
        return words if len(words) > 1 else text

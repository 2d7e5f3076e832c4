"""The rules of selection as a form asks for them, and the way back. Pure.

What the form does not ask for (bylines, the fine points of unusual news) stays as it is stored.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from digest.editions.rules import NoFeatured, Order, Thin
from digest.editions.rules_form import check, stored_form
from digest.errors import InputError, Word
from digest.i18n import N_
from digest.models import FeaturedBy
from digest.web.desk.forms import Form

Path = tuple[str, ...]
_KINDS: Final = {
    FeaturedBy.CATEGORY.value: "categories",
    FeaturedBy.AUTHOR.value: "authors",
    FeaturedBy.TAG.value: "tags",
}
_FEATURED: Final = ("categories", "authors", "tags", "sources")
LISTS: Final[Mapping[str, Path]] = {
    "only_categories": ("recent", "include", "categories"),
    "only_tags": ("recent", "include", "tags"),
    "only_authors": ("recent", "include", "authors"),
    "never_categories": ("recent", "exclude", "categories"),
    "never_tags": ("recent", "exclude", "tags"),
    "never_authors": ("recent", "exclude", "authors"),
    "again_categories": ("thin", "again", "categories"),
    "section_order": ("section_order",),
}
NUMBERS: Final[Mapping[str, Path]] = {
    "featured_age": ("featured", "max_age_days"),
    "per_section": ("recent", "per_section"),
    "per_author": ("recent", "per_author"),
    "per_source": ("recent", "per_source"),
    "widen_days": ("thin", "widen_days"),
    "again_days": ("thin", "again_after_days"),
}
_CHOICES: Final[Mapping[str, tuple[Path, str]]] = {
    "fallback": (("featured", "fallback"), NoFeatured.NONE.value),
    "order": (("featured", "order"), Order.NEWEST.value),
    "then": (("thin", "then"), Thin.SKIP.value),
}
_USUAL_LIKENESS: Final = "0.75"
_MINUTE: Final = 60

FALLBACKS: Final = (
    (NoFeatured.NONE.value, N_("it has none")),
    (NoFeatured.RECENT.value, N_("the best of the headlines is featured")),
    (NoFeatured.HOLD.value, N_("it waits for a person")),
)
ORDERS: Final = (
    (Order.NEWEST.value, N_("the newest of all of them")),
    (Order.LISTED.value, N_("that of the name that stands first")),
)
THINS: Final = (
    (Thin.SKIP.value, N_("it is left out")),
    (Thin.WIDEN.value, N_("it looks further back")),
    (Thin.RERUN.value, N_("what is worth reading again fills it")),
    (Thin.HOLD.value, N_("it waits for a person")),
)
LIKENESS: Final = (
    (_USUAL_LIKENESS, N_("stories with much the same title are told once")),
    ("0.6", N_("stories with somewhat alike titles are told once")),
    ("0.9", N_("only stories with almost the same title are told once")),
    ("0", N_("alike titles are not looked at")),
)
# What the parts are called on screen, for a sentence that says what is wrong with one.
_CALLED: Final[Mapping[str, str]] = {
    "featured.max_age_days": N_("The age of a featured story in days"),
    "featured.categories": N_("Further names for the featured story"),
    "featured.authors": N_("Further names for the featured story"),
    "featured.tags": N_("Further names for the featured story"),
    "recent.per_section": N_("The most headlines of a section"),
    "recent.per_author": N_("The most headlines of an author"),
    "recent.per_source": N_("The most headlines of a source"),
    "recent.include.categories": N_("Only of these sections"),
    "recent.include.tags": N_("Only with these tags"),
    "recent.include.authors": N_("Only by these authors"),
    "recent.exclude.categories": N_("Never of these sections"),
    "recent.exclude.tags": N_("Never with these tags"),
    "recent.exclude.authors": N_("Never by these authors"),
    "recent.most": N_("The most headlines"),
    "recent.least": N_("The least headlines"),
    "recent.days": N_("The age of a headline in days"),
    "recent.same_story": N_("Alike titles"),
    "thin.widen_days": N_("So many days back with little news"),
    "thin.again_after_days": N_("The days after which a story may come again"),
    "thin.again.categories": N_("What may come again"),
    "settle_seconds": N_("The minutes for which a story has to rest"),
    "section_order": N_("The order of sections"),
}
_CADENCES: Final = {"own_most": "most", "own_least": "least", "own_days": "days"}


def read_featured(form: Form) -> str:
    """The rule for the featured story as a digest's setting has it: `category:Commentary`."""
    kind, value = form.text("featured_by"), form.text("featured_value")
    return f"{kind}:{value}" if kind in _KINDS else kind


def read_rules(form: Form, stored: Mapping[str, Any]) -> dict[str, Any]:
    """The stored rules with what the form says in their place; raises InputError in the words of the form."""
    if not form.is_ticked("rules"):  # a form that does not ask for them
        return dict(stored)
    found = _copied(stored)
    for name, path in LISTS.items():
        _put(found, path, _lines(form.raw(name)))
    for name, path in NUMBERS.items():
        _put(found, path, form.number(name) if form.text(name) else None)
    for name, (path, usual) in _CHOICES.items():
        _put(found, path, form.text(name) if form.text(name) != usual else None)
    _put(found, ("settle_seconds",), form.number("settle", 0) * _MINUTE or None)
    likeness = form.text("likeness")
    found.setdefault("recent", {}).pop("same_story", None)
    if likeness != _USUAL_LIKENESS:
        found["recent"]["same_story"] = _decimal(likeness)
    _put(found, ("breaker", "is_on"), None if form.is_ticked("watches") else False)
    _featured_names(form, found)
    return checked(found)


def read_own_rules(form: Form, stored: Mapping[str, Any]) -> dict[str, Any]:
    """What one rhythm has otherwise than its digest: an empty field is as the digest has it."""
    if not form.is_ticked("rules"):
        return dict(stored)
    found = _copied(stored)
    for name, key in _CADENCES.items():
        _put(found, ("recent", key), form.number(name) if form.text(name) else None)
    return checked(found)


def checked(rules: Mapping[str, Any]) -> dict[str, Any]:
    """Rules as they are stored; raises InputError that calls its rule as the form does."""
    try:
        return stored_form(check(rules))
    except InputError as error:
        if (name := error.values.get("name")) in _CALLED:
            error.values["name"] = Word(_CALLED[str(name)])
        raise


def rules_as_typed(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Stored rules as the form shows them."""
    typed: dict[str, Any] = {
        name: "\n".join(map(str, _at(stored, path) or ())) for name, path in LISTS.items()
    }
    typed |= {name: _or_empty(_at(stored, path)) for name, path in NUMBERS.items()}
    typed |= {name: _at(stored, path) or usual for name, (path, usual) in _CHOICES.items()}
    recent = stored.get("recent", {})
    likeness = recent.get("same_story", float(_USUAL_LIKENESS))
    names = _names_of(stored)
    return typed | {
        "settle": (stored.get("settle_seconds") or 0) // _MINUTE or "",
        "likeness": f"{likeness:g}" if likeness else "0",
        "watches": _at(stored, ("breaker", "is_on")) is not False,
        "featured_more": "\n".join(next(iter(names.values()))[1:]) if len(names) == 1 else "",
    }


def own_as_typed(stored: Mapping[str, Any]) -> dict[str, Any]:
    """What a rhythm has otherwise, as its form shows it."""
    return {name: _or_empty(_at(stored, ("recent", key))) for name, key in _CADENCES.items()}


def rules_typed_again(form: Form) -> dict[str, Any]:
    """What was typed, for the form to show it once more."""
    names = (*LISTS, *NUMBERS, *_CHOICES, "settle", "likeness", "featured_more")
    return {name: form.raw(name) for name in names} | {"watches": form.is_ticked("watches")}


def featured_as_typed(
    featured_by: FeaturedBy, value: str, stored: Mapping[str, Any]
) -> tuple[dict[str, str], bool]:
    """The rule for the featured story as the form shows it, and whether it says more than the form can."""
    names = _names_of(stored)
    kinds = {plural: kind for kind, plural in _KINDS.items()}
    if len(names) == 1 and (plural := next(iter(names))) in kinds:
        return {"featured_by": kinds[plural], "featured_value": str(names[plural][0])}, False
    return {"featured_by": featured_by.value, "featured_value": value}, bool(names)


def _featured_names(form: Form, found: dict[str, Any]) -> None:
    """Several names for the featured story; what only the command line can say stays until it is unticked."""
    if form.is_ticked("keeps_names"):
        return
    featured = found.setdefault("featured", {})
    for plural in _FEATURED:
        featured.pop(plural, None)
    more = _lines(form.raw("featured_more"))
    plural = _KINDS.get(form.text("featured_by"), "")
    if more and plural:
        featured[plural] = [form.text("featured_value"), *more]


def _names_of(stored: Mapping[str, Any]) -> dict[str, list[Any]]:
    featured = stored.get("featured", {})
    return {plural: list(featured[plural]) for plural in _FEATURED if featured.get(plural)}


def _lines(text: str) -> list[str]:
    return list(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))


def _decimal(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InputError(N_("There is no such choice.")) from None


def _copied(stored: Mapping[str, Any]) -> dict[str, Any]:
    copy: dict[str, Any] = json.loads(json.dumps(dict(stored)))
    return copy


def _put(rules: dict[str, Any], path: Path, value: Any) -> None:
    """Set a rule, or take it out where there is nothing: then the built-in one holds."""
    place = rules
    for part in path[:-1]:
        place = place.setdefault(part, {})
    if value is None or value == []:
        place.pop(path[-1], None)
    else:
        place[path[-1]] = value


def _at(stored: Mapping[str, Any], path: Path) -> Any:
    place: Any = stored
    for part in path:
        place = place.get(part) if isinstance(place, Mapping) else None
    return place


def _or_empty(value: Any) -> Any:
    return "" if value is None else value

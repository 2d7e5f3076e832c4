"""Who stands where below the featured story: pins, the desk's own items, then the others in order. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from digest.editions.verdicts import Verdict, Why
from digest.editions.wishes import Wish
from digest.models import ChangeKind

# The day of an own item that is made for one edition: it goes out by its editor's word and on no day.
ONE_EDITION: Final = dt.date(1, 1, 1)


@dataclass(frozen=True, slots=True)
class OwnCandidate:
    """One of the desk's own items. `used_at` is when this digest sent it last."""

    own_item_id: int
    from_on: dt.date
    until_on: dt.date
    position: int | None = None
    may_repeat: bool = False
    used_at: dt.datetime | None = None
    is_withdrawn: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Who stands at a place: a post or one of the desk's own items."""

    post_id: int | None = None
    own_item_id: int | None = None


def judge_own(
    items: Iterable[OwnCandidate], day: dt.date, wishes: Mapping[int, Wish]
) -> tuple[list[OwnCandidate], list[Verdict]]:
    """The own items that go out on a day, and why the others do not. An editor's drop is the last word."""
    taken, out = [], []
    for item in sorted(items, key=lambda one: one.own_item_id):
        why, facts = _why_not(item, day, wishes.get(item.own_item_id))
        if why is None:
            taken.append(item)
        else:
            out.append(Verdict(None, why, facts, item.own_item_id))
    return taken, out


def _why_not(item: OwnCandidate, day: dt.date, wish: Wish | None) -> tuple[Why | None, dict[str, Any]]:
    if item.is_withdrawn:
        return Why.WITHDRAWN, {}
    if wish is not None and not wish.is_in:
        return Why.DROPPED, {"by": wish.by}
    if day < item.from_on:
        return Why.NOT_YET, {"day": item.from_on.isoformat()}
    is_of_this = item.until_on == ONE_EDITION and wish is not None
    if day > item.until_on and not is_of_this:
        return Why.OVER, {"day": item.until_on.isoformat()}
    if item.used_at is not None and not item.may_repeat and not (wish is not None and wish.again):
        return Why.SENT, {"at": item.used_at.isoformat()}
    return None, {}


def arrange(
    posts: Sequence[int],
    pins: Mapping[int, Wish],
    own: Sequence[OwnCandidate],
    own_wishes: Mapping[int, Wish],
) -> list[Place]:
    """Everybody in their place.

    A pin with a place has it, the later pin where two want the same; own items with a position come after
    the pins, without one at the end. `posts` are in the order that the rules give them.
    """
    fixed: list[tuple[int, int, int, Place]] = []
    for post_id in posts:
        wish = pins.get(post_id)
        if wish is not None and wish.kind is ChangeKind.PIN and wish.place:
            fixed.append((wish.place, 0, -wish.rank, Place(post_id=post_id)))
    ends: list[Place] = []
    for item in own:
        wish = own_wishes.get(item.own_item_id)
        position = wish.place if wish is not None and wish.place else item.position
        if position is None:
            ends.append(Place(own_item_id=item.own_item_id))
        else:
            fixed.append((position, 1, item.own_item_id, Place(own_item_id=item.own_item_id)))
    stands = {place.post_id for *_, place in fixed}
    rest = [Place(post_id=post_id) for post_id in posts if post_id not in stands]
    return _filled(sorted(fixed, key=lambda one: one[:3]), rest) + ends


def _filled(fixed: Sequence[tuple[int, int, int, Place]], rest: Sequence[Place]) -> list[Place]:
    total = len(fixed) + len(rest)
    slots: dict[int, Place] = {}
    for wanted, _, _, place in fixed:
        at = min(wanted, total)
        while at in slots and at < total:
            at += 1
        while at in slots:
            at -= 1
        slots[at] = place
    others = iter(rest)
    return [slots[at] if at in slots else next(others) for at in range(1, total + 1)]

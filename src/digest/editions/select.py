"""What goes into an edition. Pure: candidates, rules and editors' wishes in, the choice and its reasons out.

    who may be had at all -> the featured one -> the headlines, one by one -> thin news -> who stands where

Each candidate gets exactly one code. The order of the input does not matter.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from operator import attrgetter
from typing import Any

from digest.editions.headlines import Headlines
from digest.editions.matching import Candidate, Matcher
from digest.editions.places import OwnCandidate, Place, arrange, judge_own
from digest.editions.rules import NoFeatured, Order, Rules, Thin
from digest.editions.verdicts import Result, Verdict, Why
from digest.editions.wishes import FEATURED_PLACE, Wish, Wishes
from digest.models import ChangeKind, Selection

__all__ = ["Candidate", "Choice", "choose"]

_LATEST = 2**63  # beyond any wish's rank


@dataclass(frozen=True, slots=True)
class Choice:
    """Who is chosen, and why everybody is or is not: first those who are in by their place, then the rest."""

    featured: int | None
    places: tuple[Place, ...]
    why: tuple[Verdict, ...]
    result: Result

    @property
    def recent(self) -> tuple[int, ...]:
        """The posts below the featured one, in order."""
        return tuple(place.post_id for place in self.places if place.post_id is not None)

    @property
    def is_empty(self) -> bool:
        return self.featured is None and not self.recent

    @property
    def post_ids(self) -> tuple[int, ...]:
        return (() if self.featured is None else (self.featured,)) + self.recent


@dataclass(slots=True)
class _State:
    """What is known on the way."""

    rules: Rules
    at: dt.datetime
    wishes: Wishes
    free: list[Candidate] = field(default_factory=list)
    out: dict[int, Verdict] = field(default_factory=dict)
    featured: Candidate | None = None
    why_featured: Why = Why.FEATURED
    leads: frozenset[int] | None = None


def choose(
    candidates: Iterable[Candidate],
    rules: Rules,
    *,
    at: dt.datetime,
    now: dt.datetime | None = None,
    day: dt.date | None = None,
    wishes: Wishes | None = None,
    own: Sequence[OwnCandidate] = (),
) -> Choice:
    """Choose the featured commentary and the headlines of the edition due `at`, whose content is fixed `now`.

    Posts of the same moment go by id, the newer first. A post dated after the slot waits for the next
    edition: embargoed news must not go out early, whoever pins it.
    """
    state = _State(rules, at, wishes or Wishes())
    known = {one.post_id: one for one in candidates}
    newest_first = _newest_first(known.values())
    _sort_out(state, newest_first, now or at)
    _feature(state)
    headlines = _headlines(state, rules.recent.days)
    wide = rules.thin.widen_days
    if len(headlines.taken) < rules.recent.least and rules.thin.then is Thin.WIDEN:
        headlines = _headlines(state, max(wide, rules.recent.days))
    found = len(headlines.taken)
    again: list[int] = []
    if found < rules.recent.least and rules.thin.then is Thin.RERUN and (found or state.featured):
        again = _again(state, newest_first, rules.recent.least - found)
    posts = [one.post_id for one in _sorted(state, headlines.taken)] + again
    own_taken, own_out = judge_own(own, day or at.date(), state.wishes.own)
    places = arrange(posts, state.wishes.posts, own_taken, state.wishes.own)
    state.out |= headlines.out()
    placed = [_placed(state, number, place, known, again) for number, place in enumerate(places, start=1)]
    head = [_featured_verdict(state)] if state.featured is not None else []
    left = [state.out[one.post_id] for one in newest_first if one.post_id in state.out]
    return Choice(
        featured=state.featured.post_id if state.featured is not None else None,
        places=tuple(places),
        why=(*head, *placed, *left, *own_out),
        result=_result(rules, found=len(posts), has_featured=state.featured is not None),
    )


def _newest_first(candidates: Iterable[Candidate]) -> list[Candidate]:
    # Twice by one value is quicker than once by a pair of them.
    by_id = sorted(candidates, key=attrgetter("post_id"), reverse=True)
    by_id.sort(key=attrgetter("published_at"), reverse=True)
    return by_id


def _sort_out(state: _State, newest_first: Sequence[Candidate], now: dt.datetime) -> None:
    """Who cannot be had, whatever the rules for its place say."""
    settled = min(state.at, now - dt.timedelta(seconds=state.rules.settle_seconds))
    is_asked = bool(state.rules.settle_seconds)
    for one in newest_first:
        wish = state.wishes.posts.get(one.post_id)
        verdict = _barred(state, one, wish)
        if verdict is None and wish is None and is_asked and one.published_at > settled:
            age = max(0, int((now - one.published_at).total_seconds()))
            verdict = Verdict(one.post_id, Why.TOO_FRESH, {"age": age})
        if verdict is None:
            state.free.append(one)
        else:
            state.out[one.post_id] = verdict


def _barred(state: _State, one: Candidate, wish: Wish | None) -> Verdict | None:
    """What stands in the way even of a wish; of those in its way, an editor's wish clears two."""
    held_until = one.published_at
    if one.embargo_until is not None:
        held_until = max(one.embargo_until, held_until)
    why: Why | None = None
    facts: dict[str, Any] = {}
    if one.withdrawn is not None:
        why, facts = Why.WITHDRAWN, {"withdrawal": one.withdrawn.value}
    elif wish is not None and not wish.is_in:
        why, facts = Why.DROPPED, {"by": wish.by}
    elif held_until > state.at:
        why, facts = Why.EMBARGOED, {"until": held_until.isoformat()}
    elif one.sent_at is not None and not (wish is not None and wish.again):
        why, facts = Why.SENT, {"at": one.sent_at.isoformat()}
    elif not one.is_news and wish is None:
        why = Why.KNOWN_BEFORE
    return Verdict(one.post_id, why, facts) if why is not None else None


def _feature(state: _State) -> None:
    """The featured story: the editor's, or the one that the rule finds."""
    wanted = state.wishes.featured()
    for one in state.free:
        if one.post_id == wanted:
            state.featured, state.why_featured = one, Why.FEATURED_BY_EDITOR
            return
    found = (one for one in _leads(state) if _wish_of(state, one) is None)
    if state.rules.featured.order is Order.LISTED:
        # Of one name the first, which is the newest.
        state.featured = min(found, key=Matcher(state.rules.featured.names).rank, default=None)
    else:
        state.featured = next(found, None)


def _leads(state: _State) -> Iterator[Candidate]:
    """Those that the rule for the featured story finds, the newest first."""
    rule = state.rules.featured
    days = rule.max_age_days
    if state.rules.selection is Selection.BEST_OF:
        # The commentaries of the window, not of all times.
        days = min(days or state.rules.recent.days, state.rules.recent.days)
    oldest = state.at - dt.timedelta(days=days) if days is not None else None
    matcher = Matcher(rule.names)
    for one in state.free if rule.is_wanted else ():
        if oldest is not None and one.published_at < oldest:
            return
        if rule.is_any or matcher.fits(one):
            yield one


def _headlines(state: _State, days: int) -> Headlines:
    """The headlines of a window; where nothing is featured and the rules say so, without the best of them."""
    found = _list(state, days)
    rule = state.rules.featured
    if state.featured is not None or not rule.is_wanted or rule.fallback is not NoFeatured.RECENT:
        return found
    ahead = [one for one in _sorted(state, found.taken) if _wish_of(state, one) is None]
    if not ahead:
        return found
    state.featured, state.why_featured = ahead[0], Why.FEATURED_INSTEAD
    return _list(state, days)


def _list(state: _State, days: int) -> Headlines:
    """Offer a place to everybody who can be had, those that an editor wants first."""
    headlines = Headlines(
        state.rules.recent,
        oldest=state.at - dt.timedelta(days=days),
        days=days,
        wanted=frozenset(post for post, wish in state.wishes.posts.items() if wish.is_in),
    )
    featured = state.featured.post_id if state.featured is not None else None
    if state.featured is not None:
        headlines.feature(state.featured)
    wishes = state.wishes.posts
    in_order = state.free
    if state.rules.selection is Selection.BEST_OF:
        in_order = sorted(in_order, key=_rank(state))  # stable: of one rank the newest stay first
    if wishes:
        wanted = [one for one in in_order if one.post_id in wishes]
        wanted.sort(key=partial(_pin, state))
        in_order = [*wanted, *(one for one in in_order if one.post_id not in wishes)]
    for one in in_order:
        if one.post_id != featured:
            headlines.offer(one)
    return headlines


def _pin(state: _State, one: Candidate) -> int:
    """What an editor pins stands first, as it was pinned."""
    wish = state.wishes.posts.get(one.post_id)
    return wish.rank - _LATEST if wish is not None and wish.kind is ChangeKind.PIN else 0


def _rank(state: _State) -> Callable[[Candidate], int]:
    """Who stands first in a best-of: its commentaries, then one section after another."""
    rules = state.rules
    if rules.selection is not Selection.BEST_OF:
        return lambda _: 0
    if state.leads is None:
        leads = () if rules.featured.is_any else _leads(state)
        state.leads = frozenset(one.post_id for one in leads)
    leads_are, last = state.leads, len(rules.section_order)
    sections = {name.casefold(): rank for rank, name in enumerate(rules.section_order)}

    def rank(one: Candidate) -> int:
        section = sections.get(one.section.casefold(), last) if sections else 0
        return section if one.post_id in leads_are else section + last + 1

    return rank


def _sorted(state: _State, taken: Iterable[Candidate]) -> list[Candidate]:
    """The headlines as they stand."""
    return sorted(sorted(_newest_first(taken), key=_rank(state)), key=partial(_pin, state))


def _wish_of(state: _State, one: Candidate) -> Wish | None:
    """A wish that gives a story a place below the featured one."""
    wish = state.wishes.posts.get(one.post_id)
    return wish if wish is not None and wish.kind is ChangeKind.PIN and wish.place != FEATURED_PLACE else None


def _again(state: _State, newest_first: Sequence[Candidate], most: int) -> list[int]:
    """What is worth reading again: what went out the fewest times, of that the last; not what is recent."""
    rule = state.rules.thin
    before = state.at - dt.timedelta(days=rule.again_after_days)
    matcher = Matcher(rule.again)
    found = [
        one
        for one in newest_first
        if one.post_id in state.out
        and state.out[one.post_id].why is Why.SENT
        and one.sent_at is not None
        and one.sent_at <= before
        and (not rule.again or matcher.fits(one))
    ]
    found.sort(key=lambda one: (one.times_sent, -(one.sent_at or state.at).timestamp(), -one.post_id))
    for one in found[:most]:
        del state.out[one.post_id]
    return [one.post_id for one in found[:most]]


def _placed(
    state: _State, number: int, place: Place, known: dict[int, Candidate], again: Sequence[int]
) -> Verdict:
    facts: dict[str, Any] = {"place": number}
    if place.post_id is None:
        return Verdict(None, Why.OWN, facts, place.own_item_id)
    one, wish = known[place.post_id], state.wishes.posts.get(place.post_id)
    if one.sent_at is not None:
        facts |= {"rerun": True, "at": one.sent_at.isoformat()}
    if wish is not None:
        why = Why.PINNED if wish.kind is ChangeKind.PIN else Why.INCLUDED
        return Verdict(place.post_id, why, facts | {"by": wish.by})
    if place.post_id in again:
        return Verdict(place.post_id, Why.RERUN, facts)
    days = state.rules.recent.days
    if one.published_at < state.at - dt.timedelta(days=days):
        return Verdict(place.post_id, Why.WIDENED, facts | {"days": days})
    return Verdict(place.post_id, Why.LISTED, facts)


def _featured_verdict(state: _State) -> Verdict:
    assert state.featured is not None
    facts: dict[str, Any] = {}
    if state.featured.sent_at is not None:
        facts = {"rerun": True, "at": state.featured.sent_at.isoformat()}
    if state.why_featured is Why.FEATURED_BY_EDITOR:
        facts["by"] = state.wishes.posts[state.featured.post_id].by
    return Verdict(state.featured.post_id, state.why_featured, facts)


def _result(rules: Rules, *, found: int, has_featured: bool) -> Result:
    is_held = rules.thin.then is Thin.HOLD
    if not found and not has_featured:
        return Result.THIN_HELD if is_held else Result.EMPTY
    if found < rules.recent.least:
        return Result.THIN_HELD if is_held else Result.THIN
    is_wanted = rules.featured.is_wanted and rules.featured.fallback is NoFeatured.HOLD
    return Result.NO_FEATURED if is_wanted and not has_featured else Result.OK

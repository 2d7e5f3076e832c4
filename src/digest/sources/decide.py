"""What a fetched feed means for what we have. Pure: the feed's posts and our fingerprints in, intents out.

A post is known by three things: its id, its place (address) and its words (title). Each may be the same for
sure (strong), likely (weak: the number in a WordPress blog, the path on another host, the title on another
day), or not. One that is strong, or two of any kind, make the same post; except that an id or an address
alone does not hold against everything else: such a feed uses it again for another article.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from digest.feeds.fingerprints import Fingerprint, FingerprintKind, fold
from digest.feeds.types import ParsedPost

_ID, _PLACE, _WORDS = "id", "place", "words"
_STRONG, _WEAK = 2, 1
_SEEN_LATE = dt.timedelta(hours=6)
_EVIDENCE: dict[str, tuple[str, int]] = {
    FingerprintKind.GUID: (_ID, _STRONG),
    FingerprintKind.ADDRESS: (_PLACE, _STRONG),
    FingerprintKind.TITLE_DATE: (_WORDS, _STRONG),
    FingerprintKind.WORDPRESS: (_ID, _WEAK),
    FingerprintKind.PATH: (_PLACE, _WEAK),
    FingerprintKind.TITLE: (_WORDS, _WEAK),
}
# What two mentions in one and the same feed have in common if they are one article.
_ONE_IN_A_FEED = frozenset({FingerprintKind.ADDRESS, FingerprintKind.TITLE_DATE})


@dataclass(frozen=True, slots=True)
class Known:
    """A post we know by a fingerprint. `post_id` is None once it is purged: it never comes back as new."""

    post_id: int | None
    content: str | None
    title: str = ""
    published_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """One post of the feed with all that it can be known by."""

    post: ParsedPost
    fingerprints: tuple[Fingerprint, ...]
    content: str


@dataclass(frozen=True, slots=True)
class Add:
    """A post nobody has seen before. It takes over what `taken` holds: values its feed has used before."""

    seen: Seen
    taken: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Keep:
    """A post we have; `changed` if its content is not what is stored. `published_at` is what is stored."""

    post_id: int
    seen: Seen
    changed: bool
    published_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class _Match:
    """That a post of the feed (by its place there) is one we know."""

    place: int
    known: Known
    strength: int


def decide(feed: Iterable[Seen], known: Mapping[str, Known]) -> list[Add | Keep]:
    """One intent for each article of the feed, however often it stands there.

    The feed's first mention wins, and deciding twice about the same feed decides the same. A post that we
    have goes to the article that is most like it; what else resembles it is another one.
    """
    articles = _without_repeats(feed)
    matches = sorted(
        (match for place, seen in enumerate(articles) for match in _matches(place, seen, known)),
        key=lambda match: (-match.strength, match.place),
    )
    placed: dict[int, Known] = {}
    given: set[int] = set()
    for match in matches:
        post_id = match.known.post_id
        if match.place in placed or post_id in given:
            continue
        placed[match.place] = match.known
        if post_id is not None:
            given.add(post_id)
    return [
        intent
        for place, seen in enumerate(articles)
        if (intent := _intent(seen, placed.get(place), known)) is not None
    ]


def is_news(published_at: dt.datetime | None, *, news_since: dt.datetime, is_first_fetch: bool) -> bool:
    """Whether a post may go into an edition, or was there before its source was added.

    A post without a date is news unless it stood in the feed when we first looked.
    """
    if published_at is None:
        return not is_first_fetch
    return published_at >= news_since


def _intent(seen: Seen, match: Known | None, known: Mapping[str, Known]) -> Add | Keep | None:
    if match is None:
        return Add(seen, tuple(one.value for one in seen.fingerprints if one.value in known))
    if match.post_id is None:
        return None
    changed = match.content != seen.content
    return Keep(match.post_id, seen, changed=changed, published_at=match.published_at)


def _without_repeats(feed: Iterable[Seen]) -> list[Seen]:
    """The articles of a feed. An id alone does not make two of them one: some feeds give all the same."""
    kept: list[Seen] = []
    mentioned: set[str] = set()
    for seen in feed:
        values = {one.kind: one.value for one in seen.fingerprints}
        telling = {value for kind, value in values.items() if kind in _ONE_IN_A_FEED}
        if FingerprintKind.GUID in values and FingerprintKind.TITLE in values:
            telling.add(f"{values[FingerprintKind.GUID]} {values[FingerprintKind.TITLE]}")
        if not values or telling & mentioned:
            continue
        mentioned |= telling
        kept.append(seen)
    return kept


def _matches(place: int, seen: Seen, known: Mapping[str, Known]) -> list[_Match]:
    """The posts that an article of the feed may be, each with how much speaks for it."""
    evidence: dict[int | None, dict[str, int]] = defaultdict(dict)
    posts: dict[int | None, Known] = {}
    is_telling = any(one.kind is FingerprintKind.TITLE_DATE for one in seen.fingerprints)
    for one in seen.fingerprints:
        if (found := known.get(one.value)) is not None:
            thing, strength = _EVIDENCE[one.kind]
            if one.kind is FingerprintKind.TITLE and is_telling and _same_day(seen, found):
                strength = _STRONG  # its feed has dated it otherwise meanwhile
            of_post = evidence[found.post_id]
            of_post[thing] = max(strength, of_post.get(thing, 0))
            posts[found.post_id] = found
    return [
        _Match(place, posts[post_id], _weight(things))
        for post_id, things in evidence.items()
        if _is_same(things, seen, posts[post_id])
    ]


def _weight(things: Mapping[str, int]) -> int:
    """How much speaks for a post. Of strong things the id says least: feeds use them again most often."""
    return sum(3 * strength - (thing == _ID) for thing, strength in things.items())


def _is_same(things: Mapping[str, int], seen: Seen, known: Known) -> bool:
    if len(things) > 1:
        return True
    ((thing, strength),) = things.items()
    return strength == _STRONG and (thing == _WORDS or not _is_another(thing, seen, known))


def _is_another(thing: str, seen: Seen, known: Known) -> bool:
    """Whether an article that shares only its id, or only its address, with a post speaks of something else.

    Of a purged post there is no title or date to compare: its fingerprints would have known them.
    """
    other = _PLACE if thing == _ID else _ID
    has_other = any(_EVIDENCE[one.kind][0] == other for one in seen.fingerprints)
    date = seen.post.published_at
    if not has_other or date is None:
        return False
    if known.post_id is None:
        return True
    # The date we know may be the moment at which we first saw it, a little later than its own.
    was_seen_late = (
        known.published_at is not None and dt.timedelta(0) <= known.published_at - date < _SEEN_LATE
    )
    return not (was_seen_late or _same_day(seen, known)) and fold(known.title) != fold(seen.post.title)


def _same_day(seen: Seen, known: Known) -> bool:
    date = seen.post.published_at
    return date is not None and known.published_at is not None and date.date() == known.published_at.date()

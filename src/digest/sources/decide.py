"""What a fetched feed means for what we have. Pure: the feed's posts and our fingerprints in, intents out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from digest.feeds.fingerprints import Fingerprint
from digest.feeds.types import ParsedPost


@dataclass(frozen=True, slots=True)
class Known:
    """A post we know by a fingerprint. `post_id` is None once it is purged: it never comes back as new."""

    post_id: int | None
    content: str | None


@dataclass(frozen=True, slots=True)
class Seen:
    """One post of the feed with all that it can be known by."""

    post: ParsedPost
    fingerprints: tuple[Fingerprint, ...]
    content: str


@dataclass(frozen=True, slots=True)
class Add:
    """A post nobody has seen before."""

    seen: Seen


@dataclass(frozen=True, slots=True)
class Keep:
    """A post we have; `changed` if its content is not what is stored."""

    post_id: int
    seen: Seen
    changed: bool


def decide(feed: Iterable[Seen], known: Mapping[str, Known]) -> list[Add | Keep]:
    """One intent for each article of the feed, however often it stands there.

    Any one fingerprint that is known makes it the same post: sites change ids, addresses and dates one at a
    time. The feed's first mention wins, and deciding twice about the same feed decides the same.
    """
    intents: list[Add | Keep] = []
    mentioned: set[str] = set()
    kept: set[int] = set()
    for seen in feed:
        values = {fingerprint.value for fingerprint in seen.fingerprints}
        if not values or values & mentioned:
            continue
        mentioned |= values
        match = next((known[value] for value in sorted(values) if value in known), None)
        if match is None:
            intents.append(Add(seen))
        elif match.post_id is not None and match.post_id not in kept:
            kept.add(match.post_id)
            intents.append(Keep(match.post_id, seen, changed=match.content != seen.content))
    return intents


def is_news(published_at: dt.datetime | None, *, news_since: dt.datetime, is_first_fetch: bool) -> bool:
    """Whether a post may go into an edition, or was there before its source was added.

    A post without a date is news unless it stood in the feed when we first looked.
    """
    if published_at is None:
        return not is_first_fetch
    return published_at >= news_since

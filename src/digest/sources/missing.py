"""Posts that a site does not list any more, and what their own pages say about it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from digest.feeds.fingerprints import FingerprintKind, fingerprints
from digest.feeds.types import ParsedPost
from digest.feeds.wordpress_addresses import number_of_guid
from digest.logs import get_logger
from digest.models import Withdrawal
from digest.sources.asking import Asker
from digest.sources.looks import DoubtError, look_at_page

log = get_logger(__name__)

# A title and its day are no proof that a post is still there.
TELLING = (FingerprintKind.GUID, FingerprintKind.ADDRESS)


@dataclass(frozen=True, slots=True)
class Watched:
    """A post that may go out, and its telling fingerprints."""

    post_id: int
    url: str
    published_at: dt.datetime
    known_by: frozenset[str] = frozenset()


def telling(post: ParsedPost, *, feed_url: str) -> set[str]:
    """The fingerprints by which a post is known for sure: its address, and the id that a WordPress gives it.

    Other systems give one id to several posts; what is true of one would be told of the others.
    """
    is_sure = number_of_guid(post.guid, feed_url) is not None
    return {
        one.value
        for one in fingerprints(post, feed_url=feed_url)
        if one.kind is FingerprintKind.ADDRESS or (is_sure and one.kind is FingerprintKind.GUID)
    }


def missing(
    watched: Sequence[Watched], listed: Iterable[ParsedPost], *, feed_url: str, since: dt.datetime | None
) -> list[Watched]:
    """Those watched that should be in a list that is whole since a moment, and are not."""
    if since is None:
        return []
    there = {value for post in listed for value in telling(post, feed_url=feed_url)}
    return [one for one in watched if one.published_at >= since and not one.known_by & there]


def look_for(asker: Asker, urls: Iterable[str]) -> dict[str, Withdrawal]:
    """Why some posts are withdrawn, by their pages; of the others they are there, or nobody can tell now."""
    found = {}
    for url in urls:
        try:
            why = look_at_page(asker, url).withdrawn
        except DoubtError as doubt:
            log.info("cannot tell whether a post is there", code=doubt.code)
            continue
        if why is not None:
            found[url] = why
    return found

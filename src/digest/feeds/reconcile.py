"""One feed out of what a WordPress site's feed says and what its REST interface says of the same posts.

The feed tells what there is, the records what it is: picture, author, categories, tags, standing and edits.
Pure: neither is fetched here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from digest.feeds.fingerprints import canonical_address
from digest.feeds.types import ParsedFeed, ParsedPost
from digest.feeds.wordpress import Record, Standing, is_kept_out
from digest.feeds.wordpress_addresses import Wanted, number_of_guid

_NEVER = dt.datetime.max.replace(tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class Withheld:
    """A post that its site shows, but not to everybody or not for us."""

    post: ParsedPost
    standing: Standing


@dataclass(frozen=True, slots=True)
class Reconciled:
    """The posts to take, the newest first; what is withheld; and what only an old feed may still name.

    `vouched` are the addresses of the posts of which a record says that they are published. `doubtful` are
    posts of the feed that the records should know and do not: they are among the posts as well.
    """

    feed: ParsedFeed
    withheld: tuple[Withheld, ...] = ()
    vouched: frozenset[str] = frozenset()
    doubtful: tuple[ParsedPost, ...] = ()


def by_feed_alone(feed: ParsedFeed, wanted: Wanted) -> Reconciled:
    """A feed without the posts that are marked as not for the digest."""
    kept: list[ParsedPost] = []
    withheld: list[ParsedPost] = []
    for post in feed.posts:
        is_out = is_kept_out((*post.categories, *post.tags), wanted.keep_out)
        (withheld if is_out else kept).append(post)
    out = tuple(Withheld(post, Standing.KEPT_OUT) for post in withheld)
    return Reconciled(replace(feed, posts=tuple(kept)), out)


def reconcile(
    feed: ParsedFeed,
    records: Sequence[Record],
    wanted: Wanted,
    *,
    feed_url: str,
    since: dt.datetime | None,
    is_of_part: bool = True,
) -> Reconciled:
    """The feed's posts with what the records say of them, and the records' posts that the feed lacks.

    `since` is the moment from which on the records are all that there is (None: no such moment).
    `is_of_part`: the feed was asked for the wanted part of the site. It has the posts of categories beneath a
    category as well, which the records have not; where it was not asked, a post without a record is not of
    that part.
    """
    index = _Index(records, feed_url)
    posts: list[ParsedPost] = []
    withheld = [Withheld(one.post, one.standing) for one in records if one.is_withheld]
    doubtful: list[ParsedPost] = []
    told: set[int] = set()
    for post in feed.posts:
        record = index.find(post)
        if record is not None:
            if not record.is_withheld and record.number not in told:
                posts.append(merged(record, post))
            told.add(record.number)
        elif is_kept_out((*post.categories, *post.tags), wanted.keep_out):
            withheld.append(Withheld(post, Standing.KEPT_OUT))
        elif is_of_part or not wanted.is_limited:
            posts.append(post)
            if not wanted.is_limited and not wanted.language and index.should_know(post, since):
                doubtful.append(post)
    posts += [one.post for one in records if one.number not in told and _adds(one, wanted)]
    posts.sort(key=lambda post: post.published_at or _NEVER, reverse=True)
    return Reconciled(
        feed=replace(feed, posts=tuple(posts)),
        withheld=tuple(withheld),
        vouched=frozenset(one.post.url for one in records if not one.is_withheld),
        doubtful=tuple(doubtful),
    )


def merged(record: Record, other: ParsedPost) -> ParsedPost:
    """A record's post; what it does not say, as where a site hides its authors, is taken from elsewhere."""
    post = record.post
    has_labels = record.has_terms or post.categories or post.tags
    return ParsedPost(
        guid=post.guid or other.guid,
        url=post.url,
        title=post.title or other.title,
        author=post.author or other.author,
        categories=post.categories if has_labels else other.categories,
        tags=post.tags if has_labels else other.tags,
        published_at=post.published_at or other.published_at,
        excerpt=post.excerpt or other.excerpt,
        body_html=post.body_html or other.body_html,
        picture=post.picture or other.picture,
        language=post.language or other.language,
        modified_at=post.modified_at or other.modified_at,
    )


def without(feed: ParsedFeed, urls: Iterable[str]) -> ParsedFeed:
    """A feed without the posts at some addresses."""
    left_out = set(urls)
    return replace(feed, posts=tuple(post for post in feed.posts if post.url not in left_out))


def _adds(record: Record, wanted: Wanted) -> bool:
    """Whether a record is enough to take a post that the feed does not have.

    Some translation plugins hear the parameter for the language in the feed only: the records are then of
    all languages.
    """
    if record.is_withheld or not record.post.title:
        return False
    said = (record.post.language or "").partition("-")[0]
    return not wanted.language or said == wanted.language.partition("-")[0]


class _Index:
    """The records by all that a post of the feed may be known by."""

    def __init__(self, records: Sequence[Record], feed_url: str) -> None:
        self._feed_url = feed_url
        self._by_guid = {one.post.guid: one for one in records if one.post.guid}
        self._by_address = {canonical_address(one.post.url): one for one in records}
        self._by_number = {one.number: one for one in records}
        self._newest = max((one.post.published_at for one in records if one.post.published_at), default=None)

    def find(self, post: ParsedPost) -> Record | None:
        number = number_of_guid(post.guid, self._feed_url)
        return (
            self._by_guid.get(post.guid)
            or self._by_address.get(canonical_address(post.url))
            or (self._by_number.get(number) if number is not None else None)
        )

    def should_know(self, post: ParsedPost, since: dt.datetime | None) -> bool:
        """Whether a post that has no record would have one if it were published.

        A list that was kept by the site for a while may be older than the feed: the newest posts are not in
        it yet.
        """
        date = post.published_at
        if number_of_guid(post.guid, self._feed_url) is None or date is None:
            return False
        return since is not None and self._newest is not None and since <= date <= self._newest

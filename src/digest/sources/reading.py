"""Reading a source: what to fetch for it, and the one feed that comes of it. No database, no transaction.

feed (conditional) -> REST records, where the site is a WordPress -> reconciled -> a look at what is missing
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from digest.feeds.links import host_of
from digest.feeds.oddities import Odd, OddCode, is_kept
from digest.feeds.parse import parse_feed
from digest.feeds.reconcile import Reconciled, Withheld, by_feed_alone, reconcile, without
from digest.feeds.types import ParsedFeed, ParsedPost, ParseError
from digest.feeds.wordpress import Record
from digest.feeds.wordpress_addresses import Wanted, feed_address, guessed_api, posts_address, wanted_part
from digest.logs import get_logger
from digest.models import Source, SourceKind, Withdrawal
from digest.net.http import Answer, Fetcher, FetchError
from digest.sources.asking import Asker, is_for_now
from digest.sources.missing import Watched, look_for, missing
from digest.sources.wordpress_rest import Listing, list_posts

log = get_logger(__name__)

# Less than a collection may take, so that what was read is stored.
_SECONDS = 45.0
_DAY = dt.timedelta(days=1)  # sites compare dates in their own zone
_OLDEST = dt.timedelta(days=31)
_PAGES, _PAGES_OF_WHICH, _PAGES_OF_CHANGES = 2, 5, 2
_LOOKS, _LOOKS_WHEN_WHOLE = 5, 20


@dataclass(frozen=True, slots=True)
class Plan:
    """How a source is to be read. `is_whole`: unconditionally, with a look for all posts in `watched`."""

    is_whole: bool = False
    watched: tuple[Watched, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """What a source said. `feed` is None if nothing has changed; `answer` is that of its first request.

    `vouched` are addresses of posts that a record calls published; `withheld` and `gone` are posts not to be
    offered any more. `keeps_known`: it tells less than usual, so what is stored already stays as it is.
    """

    answer: Answer
    feed: ParsedFeed | None = None
    vouched: frozenset[str] = frozenset()
    withheld: tuple[tuple[ParsedPost, Withdrawal], ...] = ()
    gone: Mapping[int, Withdrawal] = field(default_factory=dict)
    is_whole: bool = False
    keeps_known: bool = False


def read_source(source: Source, plan: Plan, fetcher: Fetcher, *, now: dt.datetime) -> Reading:
    """Read a source. Raises FetchError or ParseError if it tells nothing that can be used."""
    asker = Asker(fetcher, _SECONDS)
    wanted = wanted_part(source.query or {})
    if source.kind is SourceKind.WORDPRESS:
        return _WordPress(source, plan, asker, wanted, now).read()
    answer, feed = _read_feed(asker, source, source.url, plan)
    if feed is None:
        return Reading(answer)
    told = by_feed_alone(feed, wanted)
    return Reading(answer, told.feed, withheld=withdrawn(told.withheld), is_whole=plan.is_whole)


def withdrawn(withheld: Iterable[Withheld]) -> tuple[tuple[ParsedPost, Withdrawal], ...]:
    """Withheld posts, each with the reason as it is stored."""
    return tuple((one.post, Withdrawal(one.standing.value)) for one in withheld)


def _read_feed(asker: Asker, source: Source, url: str, plan: Plan) -> tuple[Answer, ParsedFeed | None]:
    etag, last_modified = (None, None) if plan.is_whole else (source.etag, source.last_modified)
    answer = asker.get(url, etag=etag, last_modified=last_modified)
    if answer.body is None:
        return answer, None
    return answer, parse_feed(answer.body, url=answer.final_url, content_type=answer.content_type)


@dataclass(frozen=True, slots=True)
class _Told:
    """What the interface told: the newest posts, with those changed lately; which there are, if asked."""

    records: tuple[Record, ...]
    since: dt.datetime | None
    which: Listing | None = None


@dataclass(frozen=True, slots=True)
class _WordPress:
    """One reading of a WordPress site."""

    source: Source
    plan: Plan
    asker: Asker
    wanted: Wanted
    now: dt.datetime

    def read(self) -> Reading:
        source, wanted = self.source, self.wanted
        feed_error: FetchError | ParseError | None = None
        try:
            answer, feed = _read_feed(self.asker, source, feed_address(source.url, wanted), self.plan)
            if feed is None:
                return Reading(answer)
        except (FetchError, ParseError) as error:
            if not _is_shut(error):
                raise
            # No feed, but perhaps records; what comes next time is asked for without conditions.
            answer, feed = Answer(200, source.url, b""), ParsedFeed(source.title, source.language, ())
            feed, feed_error = _odd(feed, OddCode.FEED_SHUT), error
        try:
            told = self._ask(feed)
        except (FetchError, ParseError) as error:
            if feed_error is not None:
                raise feed_error from error
            if wanted.is_limited and not wanted.fits_in_a_feed:
                raise  # the feed alone brings what nobody wants
            log.info("by the feed alone", source=source.id, code=error.code, detail=error.detail)
            return self._by_feed_alone(answer, feed, error)
        reconciled = reconcile(
            feed,
            told.records,
            wanted,
            feed_url=source.url,
            since=told.since,
            # A service that hands feeds on does not hear what part is wanted.
            is_of_part=wanted.fits_in_a_feed and host_of(source.url) == host_of(self._api),
        )
        return self._looked(answer, reconciled, told)

    def _ask(self, feed: ParsedFeed) -> _Told:
        source = self.source
        # Its address was found by us, not by a person: the site may keep programs from it.
        self.asker.check_rules(posts_address(self._api, self.wanted))
        newest = list_posts(self.asker, self._api, self.wanted, most_pages=_PAGES, after=self._reach_of(feed))
        if not self.plan.is_whole or source.last_good_at is None:
            return _Told(newest.records, newest.since)
        since = max(source.full_check_at or source.last_good_at, self.now - _OLDEST) - _DAY
        changed = list_posts(
            self.asker, self._api, self.wanted, most_pages=_PAGES_OF_CHANGES, modified_after=since
        )
        numbers = {one.number for one in newest.records}
        records = newest.records + tuple(one for one in changed.records if one.number not in numbers)
        return _Told(records, newest.since, self._which())

    def _which(self) -> Listing | None:
        dates = [one.published_at for one in self.plan.watched]
        if not dates:
            return None
        reach = max(min(dates), self.now - _OLDEST) - _DAY
        return list_posts(
            self.asker, self._api, self.wanted, most_pages=_PAGES_OF_WHICH, after=reach, only_which=True
        )

    def _looked(self, answer: Answer, told: Reconciled, asked: _Told) -> Reading:
        """Silence makes no post withdrawn: what the records do not know is looked at on its own page."""
        withheld = list(withdrawn(told.withheld))
        pages = look_for(self.asker, [post.url for post in told.doubtful[:_LOOKS]])
        withheld += [(post, pages[post.url]) for post in told.doubtful if post.url in pages]
        gone: dict[int, Withdrawal] = {}
        if asked.which is not None:
            listed = [one.post for one in (*asked.records, *asked.which.records)]
            gone = self._gone(listed, asked.which.since)
            withheld += withdrawn(
                Withheld(one.post, one.standing) for one in asked.which.records if one.is_withheld
            )
        return Reading(
            answer,
            without(told.feed, pages),
            vouched=told.vouched,
            withheld=tuple(withheld),
            gone=gone,
            is_whole=self.plan.is_whole,
        )

    def _by_feed_alone(self, answer: Answer, feed: ParsedFeed, error: FetchError | ParseError) -> Reading:
        told = by_feed_alone(feed, self.wanted)
        withheld = withdrawn(told.withheld)
        if isinstance(error, FetchError) and error.retry_after:
            wait = max(error.retry_after, answer.retry_after or dt.timedelta(0))
            answer = replace(answer, retry_after=wait)
        if is_for_now(error):
            # So that the next answer is a whole one: a "not modified" would keep us from asking again.
            answer = replace(answer, etag=None, last_modified=None)
            return Reading(answer, _odd(told.feed, OddCode.REST_SILENT), withheld=withheld, keeps_known=True)
        gone: dict[int, Withdrawal] = {}
        if self.plan.is_whole:
            dates = [post.published_at for post in feed.posts if post.published_at]
            gone = self._gone(feed.posts, min(dates, default=None))
        return Reading(
            answer,
            _odd(told.feed, OddCode.REST_SHUT),
            withheld=withheld,
            gone=gone,
            is_whole=self.plan.is_whole,
            # Shut for the first time, perhaps by accident: the feed's poorer texts do not yet replace ours.
            keeps_known=not is_kept(OddCode.REST_SHUT, self.source.oddities),
        )

    def _gone(self, listed: Sequence[ParsedPost], since: dt.datetime | None) -> dict[int, Withdrawal]:
        lost = missing(self.plan.watched, listed, feed_url=self.source.url, since=since)[:_LOOKS_WHEN_WHOLE]
        pages = look_for(self.asker, [one.url for one in lost])
        return {one.post_id: pages[one.url] for one in lost if one.url in pages}

    def _reach_of(self, feed: ParsedFeed) -> dt.datetime:
        """How far back records are asked for: to the feed's oldest post, and to when we last were there."""
        dates = [post.published_at for post in feed.posts if post.published_at]
        last = self.source.last_good_at or self.now
        return max(min([*dates, last, self.now]), self.now - _OLDEST) - _DAY

    @property
    def _api(self) -> str:
        return self.source.api_url or guessed_api(self.source.url)


def _odd(feed: ParsedFeed, code: OddCode) -> ParsedFeed:
    return replace(feed, oddities=(*feed.oddities, Odd(code)))


def _is_shut(error: FetchError | ParseError) -> bool:
    """Whether a site answers, and its feed is not among what it answers with."""
    return isinstance(error, ParseError) or (error.status is not None and not is_for_now(error))

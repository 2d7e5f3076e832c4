"""From any address of a site to what can be collected from it. A flow without a database.

The address is tried as a feed, else read as a page; what the page offers is looked at within a number of
questions, politely (`polite.py`), and the best is suggested with its reason. Nothing is stored.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from digest.feeds.discover import Candidate, Discovery, FoundBy, discover, discover_beside
from digest.feeds.page import is_page
from digest.feeds.parse import parse_feed
from digest.feeds.types import ParseCode, ParsedFeed, ParseError
from digest.models import SourceKind
from digest.net.fetching import Answer, FetchCode, FetchError
from digest.net.http import Fetcher, check_address
from digest.sources.find_parts import query_of
from digest.sources.find_rest import RestSite, look_at_rest
from digest.sources.find_words import FindCode, Why
from digest.sources.found import Found, Option
from digest.sources.polite import Visit

_MOST_QUESTIONS = 24
_SECONDS = 90.0
_MOST_FEEDS = 8  # that are looked at of one page
_ANY_TYPE = (
    "application/rss+xml, application/atom+xml, application/feed+json, text/html;q=0.9, "
    "application/xhtml+xml;q=0.9, application/xml;q=0.8, */*;q=0.5"
)
_TOO_MANY = 429
_ORDER = list(FoundBy)
_WHY = {
    FoundBy.GIVEN: Why.GIVEN,
    FoundBy.LINK: Why.NAMED,
    FoundBy.ANCHOR: Why.LINKED,
    FoundBy.LANGUAGE: Why.GUESSED,
    FoundBy.WELL_KNOWN: Why.GUESSED,
}


@dataclass(slots=True)
class _Trail:
    """What was met on the way through the candidates."""

    options: list[Option] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    challenge: FetchError | None = None
    broken: str = ""


def find(
    address: str,
    fetcher: Fetcher,
    *,
    agent: str,
    most: int = _MOST_QUESTIONS,
    seconds: float = _SECONDS,
    pause: Callable[[float], None] = time.sleep,
) -> Found:
    """What can be collected from an address, with or without `https://`. A fault is part of the answer."""
    visit = Visit(fetcher, agent, most, seconds, pause)
    try:
        url, answer = _open(visit, address.strip())
    except FetchError as error:
        is_busy = error.code is FetchCode.HTTP_STATUS and (error.retry_after or error.status == _TOO_MANY)
        return Found(address, fault=FindCode.BUSY if is_busy else error.code, detail=error.detail)
    body = answer.body or b""
    trail = _Trail()
    try:
        feed = _parsed(answer)
    except ParseError as error:
        if error.code is not ParseCode.NOT_A_FEED:
            return Found(url, fault=error.code, detail=error.detail)
        if not is_page(body, answer.content_type):
            return Found(url, fault=FindCode.NOT_A_PAGE, detail=error.detail)
        discovery = discover(
            body, url=answer.final_url, headers=answer.headers, content_type=answer.content_type
        )
        _follow(visit, discovery.feeds, trail)
    else:
        given = Candidate(answer.permanent_url or url, FoundBy.GIVEN)
        _add_option(trail, given, feed)
        discovery = discover_beside(body, url=answer.final_url, headers=answer.headers)
    site = look_at_rest(visit, discovery)
    return _concluded(url, discovery, site, trail, visit)


def _open(visit: Visit, address: str) -> tuple[str, Answer]:
    """The address with its scheme, and its answer; without a scheme https is tried first."""
    has_scheme = "://" in address
    tried = (address,) if has_scheme else (f"https://{address}", f"http://{address}")
    last: FetchError | None = None
    for url in tried:
        url = str(check_address(url))  # noqa: PLW2901
        try:
            # Each has its own visit's rules: a host that does not speak https may well speak http.
            answer = Visit(visit.fetcher, visit.agent, 1).get(url, is_given=True, accept=_ANY_TYPE)
        except FetchError as error:
            if last is None or error.code is not FetchCode.UNREACHABLE:
                last = error
            if error.code not in {FetchCode.UNREACHABLE, FetchCode.TIMEOUT}:
                break
        else:
            assert answer is not None
            return url, answer
    assert last is not None
    raise last


def _parsed(answer: Answer) -> ParsedFeed:
    return parse_feed(answer.body or b"", url=answer.final_url, content_type=answer.content_type)


def _follow(visit: Visit, candidates: tuple[Candidate, ...], trail: _Trail) -> None:
    """Look at what a page offers; at guesses only where nothing that it names is a feed."""
    for candidate in candidates:
        if len(trail.options) >= _MOST_FEEDS:
            return
        is_guess = candidate.found_by in {FoundBy.ANCHOR, FoundBy.WELL_KNOWN}
        if is_guess and any(option.found_by is not candidate.found_by for option in trail.options):
            continue
        if candidate.found_by is FoundBy.WELL_KNOWN and trail.options:
            return
        _look(visit, candidate, trail)


def _look(visit: Visit, candidate: Candidate, trail: _Trail) -> None:
    try:
        answer = visit.get(candidate.url)
        if answer is not None:
            moved = replace(candidate, url=answer.permanent_url or candidate.url)
            _add_option(trail, moved, _parsed(answer))
    except FetchError as error:
        if error.code is FetchCode.CHALLENGE:
            trail.challenge = trail.challenge or error
        elif candidate.found_by is FoundBy.LINK:
            trail.broken = trail.broken or error.detail
    except ParseError as error:
        if candidate.found_by is FoundBy.LINK:
            trail.broken = trail.broken or error.detail


def _add_option(trail: _Trail, candidate: Candidate, feed: ParsedFeed) -> None:
    if feed.posts and all("#comment" in post.url for post in feed.posts):
        trail.faults[FindCode.COMMENTS] += 1
        return
    same = [option for option in trail.options if option.url == candidate.url or _is_same(option.feed, feed)]
    if same:
        return
    language = candidate.language or feed.language
    why = _WHY[candidate.found_by]
    trail.options.append(
        Option(candidate.url, SourceKind.FEED, candidate.found_by, why, feed, language=language)
    )


def _is_same(one: ParsedFeed, other: ParsedFeed) -> bool:
    """Whether two feeds hold the same stories, as RSS and Atom of one site do."""
    urls = {post.url for post in one.posts}
    return bool(urls) and urls == {post.url for post in other.posts}


def _concluded(url: str, discovery: Discovery, site: RestSite, trail: _Trail, visit: Visit) -> Found:
    options = sorted(trail.options, key=lambda option: _rank(option, url))
    found = Found(
        url,
        _with_wordpress(options, site, discovery, url),
        languages=discovery.languages,
        language_parameter=discovery.language_parameter or ("lang" if site.has_language else None),
        categories=site.categories,
        tags=site.tags,
    )
    if found.options:
        return found
    code, detail = _fault(trail, visit)
    return replace(found, fault=code, detail=detail)


def _with_wordpress(
    options: list[Option], site: RestSite, discovery: Discovery, url: str
) -> tuple[Option, ...]:
    """The options with the site as a WordPress before them, if its interface can tell the same stories."""
    if site.root is None:
        if options and site.is_shut:
            options[0] = replace(options[0], why=Why.REST_SHUT)
        return tuple(options)
    if not options:
        return (_interface_alone(site, discovery, url),) if site.feed and site.feed.posts else ()
    for option in options:
        query = query_of(option, site.root, discovery, has_language=site.has_language)
        if query is not None:
            whole = replace(
                option, kind=SourceKind.WORDPRESS, api_url=site.root, query=query, why=Why.REST_OPEN
            )
            # Where the first feed is of a part that the interface cannot tell, the feed is the better.
            return (whole, *options) if option is options[0] else (*options, whole)
    return tuple(options)


def _interface_alone(site: RestSite, discovery: Discovery, url: str) -> Option:
    assert site.feed is not None
    section = discovery.section
    return Option(
        url=site.feed_url or url,
        kind=SourceKind.WORDPRESS,
        found_by=FoundBy.LINK,
        why=Why.REST_ALONE,
        feed=site.feed,
        language=discovery.language,
        api_url=site.root,
        query={section[0]: [section[1]]} if section else {},
    )


def _rank(option: Option, url: str) -> tuple[bool, bool, int, bool]:
    """Feeds with stories first, then those of the pasted part of the site, then the better named ones."""
    part = urlsplit(url).path
    is_of_part = part not in {"", "/"} and urlsplit(option.url).path.startswith(part)
    has_text = any(post.body_html for post in option.feed.posts)
    return (not option.feed.posts, not is_of_part, _ORDER.index(option.found_by), not has_text)


def _fault(trail: _Trail, visit: Visit) -> tuple[str, str]:
    if trail.challenge is not None:
        return trail.challenge.code, trail.challenge.detail
    if visit.busy:
        return FindCode.BUSY, ""
    if trail.broken:
        return FindCode.BROKEN, trail.broken
    if trail.faults[FindCode.COMMENTS]:
        return FindCode.COMMENTS, ""
    if visit.refused:
        return FindCode.FORBIDDEN, ""
    return FindCode.NO_FEED, ""

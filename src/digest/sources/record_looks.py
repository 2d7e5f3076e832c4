"""What a WordPress says of posts that are looked at once more, by its REST interface.

A list tells of what is published, and nothing of the rest: silence is no proof. And a cache before the site
goes on giving the page of a post that was put in the bin. So a post that the list lacks and whose page is
there is asked for by the number that its page names: only an answer about this one post drops it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from digest.feeds.fingerprints import content_fingerprint
from digest.feeds.reconcile import merged
from digest.feeds.types import ParseError
from digest.feeds.wordpress import Record
from digest.feeds.wordpress_addresses import Wanted, addresses_of_numbers, addresses_of_posts
from digest.logs import get_logger
from digest.models import Withdrawal
from digest.net.fetching import FetchError
from digest.sources.asking import Asker
from digest.sources.chosen import Chosen, Found
from digest.sources.looks import withdrawal_by
from digest.sources.missing import telling
from digest.sources.wordpress_rest import record_of, records_at

log = get_logger(__name__)

# Asked for one by one, of a site; in a usual edition there is none.
_MOST_ASKED = 20
# WordPress's own word for a draft, a private post and one in the bin.
_BY_RECORD = {Withdrawal.FORBIDDEN: Withdrawal.UNPUBLISHED}


@dataclass(frozen=True, slots=True)
class Named:
    """A post, and the number that its page names. `is_own`: the page lay at the post's own address."""

    post: Chosen
    number: int
    is_own: bool


def look_at_records(asker: Asker, api: str, posts: Sequence[Chosen], found: Found) -> list[Chosen]:
    """Ask a WordPress for the records of its posts; those it does not give are left.

    Raises FetchError or ParseError if it does not answer.
    """
    wanted = posts[0].wanted
    addresses = addresses_of_posts(api, wanted, [one.stored.url for one in posts])
    return _judged(asker, addresses, wanted, posts, found)


def look_at_numbers(asker: Asker, api: str, named: Sequence[Named], found: Found) -> None:
    """Ask for posts by the numbers that their pages name: for all at once, then for those that are missing.

    What cannot be told leaves a post as its page has it. Never raises for what a site answers.
    """
    # In all languages: whether it is published is another question than whether it is of the wanted part.
    wanted = replace(named[0].post.wanted, language="")
    addresses = addresses_of_numbers(api, wanted, [one.number for one in named])
    try:
        left = _judged(asker, addresses, wanted, [one.post for one in named], found)
        missing = {post.post_id for post in left}
        asked = [one for one in named if one.is_own and one.post.post_id in missing]
        for one in asked[:_MOST_ASKED]:
            _ask_for_one(asker, api, one, found)
    except (FetchError, ParseError) as error:
        log.info("cannot ask for records by their numbers", api=api, code=error.code)


def _ask_for_one(asker: Asker, api: str, one: Named, found: Found) -> None:
    try:
        record = record_of(asker, api, one.number, one.post.wanted)
    except FetchError as error:
        why = withdrawal_by(error)
        if why is None:
            raise
        _drop(one.post, _BY_RECORD.get(why, why), found)
        return
    if one.post.known_by & telling(record.post, feed_url=one.post.source_url):
        _judge(one.post, record, found)


def _judged(
    asker: Asker, addresses: Iterator[str], wanted: Wanted, posts: Sequence[Chosen], found: Found
) -> list[Chosen]:
    by_value = {
        value: record
        for record in records_at(asker, addresses, wanted)
        for value in telling(record.post, feed_url=posts[0].source_url)
    }
    left = []
    for one in posts:
        record = next((by_value[value] for value in sorted(one.known_by) if value in by_value), None)
        if record is None:
            left.append(one)
        else:
            _judge(one, record, found)
    return left


def _judge(one: Chosen, record: Record, found: Found) -> None:
    if record.is_withheld:
        _drop(one, Withdrawal(record.standing.value), found)
        return
    found.there.add(one.post_id)
    post = merged(record, one.stored)
    if content_fingerprint(post) != one.content:
        found.edits[one.post_id] = post


def _drop(one: Chosen, why: Withdrawal, found: Found) -> None:
    found.there.discard(one.post_id)
    found.pictures.pop(one.post_id, None)
    found.dropped[one.post_id] = why

"""A WordPress site's list of posts, and single ones, asked for politely: one after the other, and few."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from digest.feeds.types import ParseError
from digest.feeds.wordpress import Record, parse_record, parse_records
from digest.feeds.wordpress_addresses import (
    FEW_A_PAGE,
    MOST_A_PAGE,
    Wanted,
    address_of_number,
    posts_address,
)
from digest.net.fetching import Answer, FetchCode, FetchError, Limits
from digest.sources.asking import JSON_TYPES, Asker

_LIMITS = Limits(seconds=20.0)
# Of a site that does not give 100 records at once, or fails when it is asked for so many.
_TOO_MUCH = {400, 413, 414, 422, 500, 502, 504}
_PAST_THE_END = 400


@dataclass(frozen=True, slots=True)
class Listing:
    """Records, and the moment from which on they are all that there is; None if there is no such moment."""

    records: tuple[Record, ...]
    since: dt.datetime | None


def list_posts(
    asker: Asker,
    api: str,
    wanted: Wanted,
    *,
    most_pages: int,
    after: dt.datetime | None = None,
    modified_after: dt.datetime | None = None,
    only_which: bool = False,
) -> Listing:
    """The newest posts, or those changed last, at most `most_pages` pages of 100, or of 10 where 100 fail.

    Raises FetchError or ParseError if not even the first page can be had.
    """
    found: dict[int, Record] = {}
    a_page = MOST_A_PAGE
    page, is_whole = 1, False
    while page <= most_pages:
        address = posts_address(
            api,
            wanted,
            after=after,
            modified_after=modified_after,
            page=page,
            a_page=a_page,
            only_which=only_which,
        )
        try:
            answer, records = _records(asker, address, wanted)
        except (FetchError, ParseError) as error:
            if page == 1 and a_page == MOST_A_PAGE and _is_too_much(error):
                a_page = FEW_A_PAGE
                continue
            if page == 1:
                raise
            # What came before is good; a page that went while we read is the end of the list.
            is_whole = isinstance(error, FetchError) and error.status == _PAST_THE_END
            break
        found |= {one.number: one for one in records if one.number not in found}
        if _is_last(answer, page, len(records), a_page):
            is_whole = True
            break
        page += 1
    records = tuple(found.values())
    return Listing(records, _since(records, after, is_whole=is_whole))


def records_at(asker: Asker, addresses: Iterator[str], wanted: Wanted) -> list[Record]:
    """The records at some addresses of the interface."""
    return [record for address in addresses for record in _records(asker, address, wanted)[1]]


def record_of(asker: Asker, api: str, number: int, wanted: Wanted) -> Record:
    """The record of one post. Raises FetchError where it may not be seen, or is not there."""
    answer = asker.get(address_of_number(api, number), accept=JSON_TYPES, limits=_LIMITS)
    return parse_record(answer.body or b"", url=answer.final_url, keep_out=wanted.keep_out)


def _records(asker: Asker, address: str, wanted: Wanted) -> tuple[Answer, tuple[Record, ...]]:
    answer = asker.get(address, accept=JSON_TYPES, limits=_LIMITS)
    return answer, parse_records(answer.body or b"", url=answer.final_url, keep_out=wanted.keep_out)


def _is_too_much(error: FetchError | ParseError) -> bool:
    if isinstance(error, ParseError):
        return False
    return error.status in _TOO_MUCH or error.code is FetchCode.TOO_LARGE


def _is_last(answer: Answer, page: int, count: int, a_page: int) -> bool:
    said = answer.headers.get("x-wp-totalpages", "")
    if said.isascii() and said.isdigit():
        return page >= int(said[:6])
    return count < a_page


def _since(records: tuple[Record, ...], after: dt.datetime | None, *, is_whole: bool) -> dt.datetime | None:
    if is_whole:
        return after or dt.datetime.min.replace(tzinfo=dt.UTC)
    # A list by date that was cut: all is there down to its last.
    return min((one.post.published_at for one in records if one.post.published_at), default=None)

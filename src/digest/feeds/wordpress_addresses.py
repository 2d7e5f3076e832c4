"""The addresses at which a WordPress site is asked for its posts, by either form of its REST interface.

`https://example.org/wp-json/` and, where a site has no pretty addresses, `https://example.org/?rest_route=/`.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit, urlunsplit

from digest.feeds.links import absolute, host_of, with_parameters
from digest.feeds.wordpress import KEEP_OUT

MOST_A_PAGE = 100
FEW_A_PAGE = 10

_LONGEST = 1800  # letters of an address; the client takes 2000
_MOST_IDS = 50
_FEED_END = re.compile(r"/(?:feed(?:/(?:rss2?|rdf|atom))?|rss2?)/?$", re.IGNORECASE)
# All that is needed to know a post again and whether it is offered.
_WHICH = "id,guid,link,status,date_gmt,modified_gmt,content.protected"
_NAME = re.compile(r"[A-Za-z0-9_-]{1,40}")


@dataclass(frozen=True, slots=True)
class Wanted:
    """The part of a site that a source takes: posts in one of the categories and with one of the tags.

    Both empty: all. A language is asked for by the parameter that the site's translation plugin reads.
    """

    categories: tuple[int, ...] = ()
    tags: tuple[int, ...] = ()
    language: str = ""
    language_parameter: str = "lang"
    keep_out: str = KEEP_OUT

    @property
    def is_limited(self) -> bool:
        return bool(self.categories or self.tags)

    @property
    def fits_in_a_feed(self) -> bool:
        """Whether the site's feed can be limited in the same way: WordPress takes no list of tags there."""
        return len(self.tags) <= 1

    def language_pairs(self) -> list[tuple[str, str]]:
        return [(self.language_parameter, self.language)] if self.language else []


def wanted_part(query: Mapping[str, Any]) -> Wanted:
    """What a source's `query` says, each part of it optional.

    `{"categories": [3], "tags": [7], "lang": "hy", "lang_parameter": "lang", "keep_out": "no-digest"}`
    """
    parameter = query.get("lang_parameter")
    keep_out = query.get("keep_out", KEEP_OUT)
    return Wanted(
        categories=_ids(query.get("categories")),
        tags=_ids(query.get("tags")),
        language=_name(query.get("lang")),
        language_parameter=_name(parameter) or "lang",
        keep_out=keep_out if isinstance(keep_out, str) else KEEP_OUT,
    )


def guessed_api(feed_url: str) -> str:
    """Where the REST interface most often is, by the address of a site's feed."""
    parts = urlsplit(feed_url)
    folder = _FEED_END.sub("", parts.path).rstrip("/")
    return urlunsplit((parts.scheme, parts.netloc, f"{folder}/wp-json/", "", ""))


def feed_address(url: str, wanted: Wanted) -> str:
    """The address of a site's feed with the part of it that is wanted."""
    pairs = [("cat", _joined(wanted.categories))] if wanted.categories else []
    if len(wanted.tags) == 1:
        pairs.append(("tag_id", str(wanted.tags[0])))
    return with_parameters(url, [*pairs, *wanted.language_pairs()])


def posts_address(
    api: str,
    wanted: Wanted,
    *,
    after: dt.datetime | None = None,
    modified_after: dt.datetime | None = None,
    page: int = 1,
    a_page: int = MOST_A_PAGE,
    only_which: bool = False,
) -> str:
    """A page of the list of posts, the newest first, or those that were changed last.

    `only_which`: without their texts, pictures and names. WordPress below 5.7 does not know `modified_after`
    and answers with its newest.
    """
    pairs = [("per_page", str(a_page)), ("page", str(page)), ("order", "desc")]
    pairs.append(("orderby", "date" if modified_after is None else "modified"))
    pairs += [("after", _utc(after))] if after else []
    pairs += [("modified_after", _utc(modified_after))] if modified_after else []
    pairs += [("categories", _joined(wanted.categories))] if wanted.categories else []
    pairs += [("tags", _joined(wanted.tags))] if wanted.tags else []
    pairs += [("_fields", _WHICH)] if only_which else [("_embed", "1")]
    return _route(api, [*pairs, *wanted.language_pairs()])


def addresses_of_posts(api: str, wanted: Wanted, urls: Sequence[str]) -> Iterator[str]:
    """The few addresses that ask for the records of some posts, by what their own say of them."""
    numbers, slugs = set[int](), set[str]()
    for url in urls:
        number, slug = number_or_slug(url)
        if number is not None:
            numbers.add(number)
        elif slug:
            slugs.add(slug)
    yield from addresses_of_numbers(api, wanted, numbers)
    yield from _in_groups(api, wanted, "slug", sorted(slugs))


def addresses_of_numbers(api: str, wanted: Wanted, numbers: Iterable[int]) -> Iterator[str]:
    """The few addresses that ask for the records of posts by their numbers."""
    yield from _in_groups(api, wanted, "include", sorted(map(str, set(numbers))))


def address_of_number(api: str, number: int) -> str:
    """The address of one record, which answers for itself where it may not be seen: 401, or 404."""
    return _route(api, [("_embed", "1")], f"/{number}")


def number_or_slug(url: str) -> tuple[int | None, str]:
    """What the address of a post says of it: its number (`?p=12`, `/archives/12`), or else its slug."""
    parts = urlsplit(url)
    for name, value in parse_qsl(parts.query):
        if name == "p" and value.isascii() and value.isdigit():
            return int(value[:18]), ""
    last = unquote(parts.path.rstrip("/").rpartition("/")[2]).removesuffix(".html")
    if last.isascii() and last.isdigit():
        return int(last[:18]), ""
    return None, last


def number_of_guid(guid: str, feed_url: str) -> int | None:
    """The number of a post by its feed's id, `https://example.org/?p=12`, if it is of this very site.

    Of an event or another kind (`?post_type=event&p=12`) it is no post's: there is no record among posts.
    """
    if host_of(guid) != host_of(feed_url):
        return None
    pairs = parse_qsl(urlsplit(guid).query)
    if len(pairs) != 1 or pairs[0][0] != "p":
        return None
    return int(pairs[0][1]) if re.fullmatch(r"[0-9]{1,18}", pairs[0][1]) else None


def _in_groups(api: str, wanted: Wanted, name: str, values: Sequence[str]) -> Iterator[str]:
    """As many addresses as it takes to name all values in ones that are not too long."""
    group: list[str] = []
    for value in values:
        longer = _some(api, wanted, name, [*group, value])
        if group and (len(group) == MOST_A_PAGE or len(longer) > _LONGEST):
            yield _some(api, wanted, name, group)
            group = []
        group.append(value)
    if group:
        yield _some(api, wanted, name, group)


def _some(api: str, wanted: Wanted, name: str, values: Sequence[str]) -> str:
    pairs = [("per_page", str(len(values))), (name, ",".join(values)), ("_embed", "1")]
    return _route(api, [*pairs, *wanted.language_pairs()])


def _route(api: str, pairs: Sequence[tuple[str, str]], one: str = "") -> str:
    parts = urlsplit(absolute(api) or api)
    given = dict(parse_qsl(parts.query, keep_blank_values=True))
    if "rest_route" in given:
        route = given["rest_route"].rstrip("/") + "/wp/v2/posts" + one
        return with_parameters(urlunsplit(parts), [("rest_route", route), *pairs])
    path = parts.path.rstrip("/") + "/wp/v2/posts" + one
    return with_parameters(urlunsplit((parts.scheme, parts.netloc, path, parts.query, "")), pairs)


def _utc(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _joined(ids: Sequence[int]) -> str:
    return ",".join(map(str, ids))


def _ids(found: object) -> tuple[int, ...]:
    given = found if isinstance(found, list | tuple) else []
    return tuple(sorted({one for one in given if type(one) is int and one > 0}))[:_MOST_IDS]


def _name(found: object) -> str:
    return found if isinstance(found, str) and _NAME.fullmatch(found) else ""

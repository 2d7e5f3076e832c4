"""WordPress's REST interface to posts: the bytes of a list of records in, posts and their standing out.

Does not fetch and does not decide what is new. A record that is not one is left out; an answer without any
record in the right form is no list of posts.
"""

from __future__ import annotations

import datetime as dt
import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from digest.feeds import fields
from digest.feeds.excerpt import excerpt_of, without_tail_of
from digest.feeds.links import absolute
from digest.feeds.pictures import choose_picture
from digest.feeds.sanitise import blocks
from digest.feeds.text import label, shortened
from digest.feeds.types import ParseCode, ParsedPost, ParseError
from digest.feeds.wordpress_media import featured_picture

MOST_RECORDS = 100  # what WordPress gives at most on one page

KEEP_OUT = "no-digest"  # the tag or category by which an editor keeps a post out

_EXCERPT_WORDS = 40
_TITLE_WORDS_FROM_TEXT = 10
_MOST_TERMS = 100
_LARGEST_NUMBER = 2**63 - 1
_YEARS = range(1990, 2100)
_BETWEEN_WORDS = re.compile(r"[\s_-]+")


class Standing(StrEnum):
    """Whether a site offers a post to everybody."""

    PUBLISHED = "published"
    UNPUBLISHED = "unpublished"  # a draft, private, planned for later, or in the bin
    PROTECTED = "protected"  # behind a password
    KEPT_OUT = "kept_out"  # its site marks it as not for the digest


@dataclass(frozen=True, slots=True)
class Record:
    """One post as the REST interface gives it. Of what is not published, `post` only says which it is.

    `has_terms`: it names its categories and tags, so that one without any has none.
    """

    number: int
    standing: Standing
    post: ParsedPost
    has_terms: bool = False

    @property
    def is_withheld(self) -> bool:
        return self.standing is not Standing.PUBLISHED


def parse_records(body: bytes, *, url: str, keep_out: str = KEEP_OUT) -> tuple[Record, ...]:
    """The records of a list of posts, in its order, at most 100.

    `url` is where the body came from. Raises ParseError(NOT_A_FEED) for what is not a list of posts: a web
    page, an error, broken JSON, a list of other things.
    """
    found = _json(body)
    if not isinstance(found, list):
        raise _not_posts("what it answers is not a list")
    records = []
    for item in found[:MOST_RECORDS]:
        record = _record(item, url, keep_out) if isinstance(item, dict) else None
        if record is not None:
            records.append(record)
    if found and not records:
        raise _not_posts("nothing in its list is a post")
    return tuple(records)


def parse_record(body: bytes, *, url: str, keep_out: str = KEEP_OUT) -> Record:
    """The one record at an address of its own. Raises ParseError(NOT_A_FEED) for anything else."""
    found = _json(body)
    record = _record(found, url, keep_out) if isinstance(found, dict) else None
    if record is None:
        raise _not_posts("what it answers is no post")
    return record


def is_kept_out(labels: Iterable[str], keep_out: str) -> bool:
    """Whether one of a post's categories or tags is the one that keeps it out, by its name or its slug."""
    wanted = _folded(keep_out)
    return bool(wanted) and any(_folded(text) == wanted for text in labels)


def _json(body: bytes) -> Any:
    if not body.strip():
        raise ParseError(ParseCode.EMPTY, "its REST interface answers nothing")
    try:
        # Some sites put a byte order mark before it: a file of their own code was saved with one.
        return json.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise _not_posts("what it answers is not JSON") from None


def _not_posts(detail: str) -> ParseError:
    return ParseError(ParseCode.NOT_A_FEED, detail)


def _record(item: Mapping[str, Any], url: str, keep_out: str) -> Record | None:
    number, link = item.get("id"), item.get("link")
    address = absolute(link, url) if isinstance(link, str) else None
    if type(number) is not int or not 0 < number <= _LARGEST_NUMBER or address is None:
        return None
    terms = _terms(item)
    standing = _standing(item, terms or (), keep_out)
    guid = html.unescape(_rendered(item, "guid")[0])
    published_at = _moment(item.get("date_gmt"))
    which = ParsedPost(
        guid=fields.guid_of({"id": guid}),
        url=address,
        title=label(_rendered(item, "title")[0], is_html=True, longest=fields.LONGEST_TITLE),
        published_at=published_at,
        modified_at=_moment(item.get("modified_gmt")),
    )
    if standing is not Standing.PUBLISHED:
        return Record(number, standing, which)
    return Record(number, standing, _whole(item, which, terms or (), url), has_terms=terms is not None)


def _whole(
    item: Mapping[str, Any], which: ParsedPost, terms: tuple[tuple[str, str, str], ...], url: str
) -> ParsedPost:
    body = blocks(_rendered(item, "content")[0], which.url)
    excerpt = excerpt_of(blocks(_rendered(item, "excerpt")[0], which.url), _EXCERPT_WORDS)
    body_html = "".join(without_tail_of(body))
    categories, tags = fields.labels_of(
        {"tags": [{"term": name, "scheme": taxonomy} for taxonomy, name, _ in terms]}
    )
    title = which.title or excerpt_of(body, _TITLE_WORDS_FROM_TEXT)
    return ParsedPost(
        guid=which.guid,
        url=which.url,
        title=shortened(title, fields.LONGEST_TITLE),
        author=fields.authors_of({"authors": list(_authors(item))}),
        categories=categories,
        tags=tags,
        published_at=which.published_at,
        excerpt=excerpt or excerpt_of(body, _EXCERPT_WORDS),
        body_html=body_html,
        picture=featured_picture(item, url) or choose_picture({}, body_html, url),
        language=fields.language_of(item.get("lang") if isinstance(item.get("lang"), str) else None),
        modified_at=which.modified_at,
    )


def _standing(item: Mapping[str, Any], terms: tuple[tuple[str, str, str], ...], keep_out: str) -> Standing:
    # A list without a key for it holds what is published; other states are named.
    if item.get("status", "publish") != "publish":
        return Standing.UNPUBLISHED
    if _rendered(item, "content")[1] or _rendered(item, "excerpt")[1]:
        return Standing.PROTECTED
    labels = (text for _, name, slug in terms for text in (html.unescape(name), slug))
    return Standing.KEPT_OUT if is_kept_out(labels, keep_out) else Standing.PUBLISHED


def _rendered(item: Mapping[str, Any], name: str) -> tuple[str, bool]:
    """The text of a field in the form `{"rendered": ..., "protected": ...}`, and whether it is withheld."""
    found = item.get(name)
    if not isinstance(found, dict):
        return "", False
    text = found.get("rendered")
    return text if isinstance(text, str) else "", found.get("protected") is True


def _moment(text: object) -> dt.datetime | None:
    """A date of the `_gmt` kind: it has no zone and is UTC; zeros where WordPress does not know it."""
    if not isinstance(text, str) or len(text) > 40:
        return None
    try:
        moment = dt.datetime.fromisoformat(text)
        moment = moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None
    return moment if moment.year in _YEARS else None


def _embedded(item: Mapping[str, Any], name: str) -> list[Any]:
    """What a record carries of its relations; a relation that may not be seen is an error among them."""
    relations = item.get("_embedded")
    found = relations.get(name) if isinstance(relations, dict) else None
    return found if isinstance(found, list) else []


def _authors(item: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    for author in _embedded(item, "author")[:_MOST_TERMS]:
        if isinstance(author, dict) and isinstance(author.get("name"), str):
            yield {"name": author["name"]}


def _terms(item: Mapping[str, Any]) -> tuple[tuple[str, str, str], ...] | None:
    """The taxonomy, name and slug of each category and tag; None if the record does not carry them."""
    groups = _embedded(item, "wp:term")
    if not groups:
        return None
    return tuple(
        (term["taxonomy"], term["name"], slug if isinstance(slug := term.get("slug"), str) else "")
        for group in groups[:_MOST_TERMS]
        if isinstance(group, list)
        for term in group[:_MOST_TERMS]
        if isinstance(term, dict)
        and term.get("taxonomy") in {"category", "post_tag"}
        and isinstance(term.get("name"), str)
    )


def _folded(text: str) -> str:
    return _BETWEEN_WORDS.sub("-", text.strip().casefold())

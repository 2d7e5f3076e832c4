"""A last look at chosen posts before they are fixed: whether they are still there, and as we have them.

read what is known -> ask the sites, a thread a host (no transaction) -> store what was seen

Where a site is a WordPress: the records of all its posts -> pages of those that have none -> records by the
numbers that those pages name. A page that is read anyway may name the picture of a post that has none.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.db import Database
from digest.db.dialect import among
from digest.feeds.fingerprints import canonical_address, content_fingerprint
from digest.feeds.links import host_of
from digest.feeds.page import scan
from digest.feeds.page_pictures import page_picture
from digest.feeds.stored_pictures import named_by_page
from digest.feeds.types import ParsedPost, ParseError
from digest.feeds.wordpress_addresses import posts_address
from digest.feeds.wordpress_pages import number_of_page
from digest.logs import get_logger
from digest.models import Post, Withdrawal
from digest.net.http import Answer, Fetcher, FetchError
from digest.sources.asking import Asker, is_for_now
from digest.sources.chosen import Chosen, Found, chosen_posts
from digest.sources.looks import DoubtError, look_at_page
from digest.sources.record_looks import Named, look_at_numbers, look_at_records
from digest.sources.withdrawals import offer_again, withdraw

log = get_logger(__name__)

_SECONDS = 30.0  # for all posts together
_MOST_HOSTS = 4  # that are asked at once
_MOST_COMPARED = 500  # of the latest posts, to know a site's sign


@dataclass(frozen=True, slots=True)
class Rechecked:
    """What a last look found of the posts that were given; of the others nothing has changed.

    `dropped` are withdrawn, each with the reason. `unknown` could not be looked at: they are kept, with the
    code of why (of FetchCode or LookCode; `sources.health` has the sentences). `changed` were edited.
    """

    dropped: dict[int, Withdrawal] = field(default_factory=dict)
    unknown: dict[int, str] = field(default_factory=dict)
    changed: frozenset[int] = frozenset()


def recheck(
    database: Database,
    post_ids: Collection[int],
    fetcher: Fetcher,
    *,
    now: dt.datetime,
    seconds: float = _SECONDS,
) -> Rechecked:
    """Look at some posts once more, all together within `seconds`; store edits and what is withdrawn.

    Withdrawn is only what answers 404, 410 or 401, or what its site says is not published, behind a password
    or not for the digest. A site that does not answer, or answers something else, leaves its posts as they
    are.
    """
    with database.read() as session:
        chosen = chosen_posts(session, post_ids)
    if not chosen:
        return Rechecked()
    by_host = defaultdict(list)
    for one in chosen:
        by_host[host_of(one.stored.url)].append(one)
    asker = Asker(fetcher, seconds)
    with ThreadPoolExecutor(min(_MOST_HOSTS, len(by_host)), thread_name_prefix="recheck") as pool:
        found = list(pool.map(lambda group: _look_at_host(asker, group), by_host.values()))
    with database.write() as session:
        for host in found:
            _note(session, host, {one.post_id: one for one in chosen}, now=now)
    return Rechecked(
        dropped={post_id: why for host in found for post_id, why in host.dropped.items()},
        unknown={post_id: code for host in found for post_id, code in host.unknown.items()},
        changed=frozenset(post_id for host in found for post_id in host.edits),
    )


def _look_at_host(asker: Asker, posts: Sequence[Chosen]) -> Found:
    found = Found()
    groups = defaultdict(list)
    for one in posts:
        groups[one.api].append(one)
    for api, group in groups.items():
        is_open = api is not None
        try:
            if api:
                asker.check_rules(posts_address(api, group[0].wanted))
            left = look_at_records(asker, api, group, found) if api else group
        except (FetchError, ParseError) as error:
            if is_for_now(error):
                found.unknown |= {one.post_id: error.code.value for one in group}
                continue
            left, is_open = group, False  # its interface is shut, its pages need not be
        named = [said for one in left if (said := _look(asker, one, found)) is not None]
        if api and is_open and named:
            look_at_numbers(asker, api, named, found)
    return found


def _look(asker: Asker, one: Chosen, found: Found) -> Named | None:
    """Look at a post's page; the number that it names, if it is there."""
    try:
        look = look_at_page(asker, one.stored.url)
    except DoubtError as doubt:
        found.unknown[one.post_id] = doubt.code
        return None
    if look.withdrawn is not None:
        found.dropped[one.post_id] = look.withdrawn
        return None
    found.there.add(one.post_id)
    return _read(one, look.answer, found) if look.answer is not None else None


def _read(one: Chosen, answer: Answer, found: Found) -> Named | None:
    """What a page says of its picture and its number."""
    url = answer.final_url
    page = scan(answer.body or b"", answer.content_type)
    if not one.picture and (picture := page_picture(page, url)) is not None:
        found.pictures[one.post_id] = picture
    number = number_of_page(page, url, link=answer.headers.get("link", "")) if one.api else None
    if number is None:
        return None
    return Named(one, number, is_own=canonical_address(url) == canonical_address(one.stored.url))


def _note(session: Session, found: Found, posts: Mapping[int, Chosen], *, now: dt.datetime) -> None:
    withdraw(session, found.dropped, now=now)
    offer_again(session, found.there, now=now)
    session.execute(
        sa.update(Post).where(among(session, Post.id, list(found.there))).values(checked_at=now),
        execution_options={"synchronize_session": False},
    )
    for post_id, post in found.edits.items():
        values = {
            "url": post.url,
            "title": post.title,
            "author": post.author,
            "categories": list(post.categories),
            "tags": list(post.tags),
            "excerpt": post.excerpt,
            "body_html": post.body_html,
            "picture": _picture(post, posts[post_id]),
            "modified_at": post.modified_at,
            "content_fingerprint": content_fingerprint(post),
        }
        session.execute(sa.update(Post).where(Post.id == post_id).values(**values, changed_at=now))
    _note_pictures(session, found, posts)
    for post_id, code in found.unknown.items():
        log.warning("a post could not be looked at again", post=post_id, code=code)


def _picture(post: ParsedPost, one: Chosen) -> Mapping[str, Any] | None:
    """The picture of an edited post; one that is as it was keeps our copy."""
    if post.picture == one.stored.picture:
        return one.picture
    return asdict(post.picture) if post.picture else None


def _note_pictures(session: Session, found: Found, posts: Mapping[int, Chosen]) -> None:
    """Store what pages name for posts that have no picture.

    What several pages name, now or before, is the site's sign. The post's content counts as before: its site
    does not tell of this picture when it is collected, and the next collection is no edit.
    """
    if not found.pictures:
        return
    others = sa.select(Post.picture).where(~among(session, Post.id, list(found.pictures)))
    latest = session.scalars(others.order_by(Post.id.desc()).limit(_MOST_COMPARED))
    times = Counter(picture["url"] for picture in latest if picture)
    times.update(picture.url for picture in found.pictures.values())
    for post_id, picture in found.pictures.items():
        if times[picture.url] == 1:
            session.execute(
                sa.update(Post)
                .where(Post.id == post_id, Post.content_fingerprint == posts[post_id].content)
                .values(picture=named_by_page(picture)),
                execution_options={"synchronize_session": False},
            )

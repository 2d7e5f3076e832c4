"""A last look at chosen posts before they are fixed: whether they are still there, and as we have them.

read what is known -> ask the sites, a thread a host (no transaction) -> store what was seen
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.db import Database
from digest.db.dialect import among
from digest.feeds.fingerprints import content_fingerprint
from digest.feeds.links import host_of
from digest.feeds.reconcile import merged
from digest.feeds.types import ParsedPost, ParseError, Picture
from digest.feeds.wordpress import Record
from digest.feeds.wordpress_addresses import Wanted, addresses_of_posts, guessed_api, wanted_part
from digest.logs import get_logger
from digest.models import Post, PostSource, Source, SourceKind, Withdrawal
from digest.net.http import Fetcher, FetchError
from digest.sources.asking import Asker, is_for_now
from digest.sources.looks import DoubtError, look_at_page
from digest.sources.missing import telling
from digest.sources.withdrawals import offer_again, telling_values, withdraw
from digest.sources.wordpress_rest import records_at

log = get_logger(__name__)

_SECONDS = 30.0  # for all posts together
_MOST_HOSTS = 4  # that are asked at once


@dataclass(frozen=True, slots=True)
class Rechecked:
    """What a last look found of the posts that were given; of the others nothing has changed.

    `dropped` are withdrawn, each with the reason. `unknown` could not be looked at: they are kept, with the
    code of why (of FetchCode or LookCode; `sources.health` has the sentences). `changed` were edited.
    """

    dropped: dict[int, Withdrawal] = field(default_factory=dict)
    unknown: dict[int, str] = field(default_factory=dict)
    changed: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class _Chosen:
    """A post to look at; where its site is a WordPress, whom to ask for its record."""

    post_id: int
    stored: ParsedPost
    content: str
    known_by: frozenset[str]
    source_url: str = ""
    api: str | None = None
    wanted: Wanted = field(default_factory=Wanted)


@dataclass(slots=True)
class _Found:
    """What the looks at one host have found."""

    there: set[int] = field(default_factory=set)
    dropped: dict[int, Withdrawal] = field(default_factory=dict)
    unknown: dict[int, str] = field(default_factory=dict)
    edits: dict[int, ParsedPost] = field(default_factory=dict)


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
        chosen = _chosen(session, post_ids)
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
            _note(session, host, now=now)
    return Rechecked(
        dropped={post_id: why for host in found for post_id, why in host.dropped.items()},
        unknown={post_id: code for host in found for post_id, code in host.unknown.items()},
        changed=frozenset(post_id for host in found for post_id in host.edits),
    )


def _look_at_host(asker: Asker, posts: Sequence[_Chosen]) -> _Found:
    found = _Found()
    groups = defaultdict(list)
    for one in posts:
        groups[one.api].append(one)
    for api, group in groups.items():
        try:
            left = _ask_records(asker, api, group, found) if api else group
        except (FetchError, ParseError) as error:
            if is_for_now(error):
                found.unknown |= {one.post_id: error.code.value for one in group}
                continue
            left = group  # its interface is shut, its pages need not be
        for one in left:
            _look(asker, one, found)
    return found


def _ask_records(asker: Asker, api: str, posts: Sequence[_Chosen], found: _Found) -> list[_Chosen]:
    """Ask a WordPress for the records of its posts; those it does not give are left."""
    addresses = addresses_of_posts(api, posts[0].wanted, [one.stored.url for one in posts])
    records = records_at(asker, addresses, posts[0].wanted)
    by_value = {
        value: record for record in records for value in telling(record.post, feed_url=posts[0].source_url)
    }
    left = []
    for one in posts:
        record = next((by_value[value] for value in sorted(one.known_by) if value in by_value), None)
        if record is None:
            left.append(one)
        else:
            _judge(one, record, found)
    return left


def _judge(one: _Chosen, record: Record, found: _Found) -> None:
    if record.is_withheld:
        found.dropped[one.post_id] = Withdrawal(record.standing.value)
        return
    found.there.add(one.post_id)
    post = merged(record, one.stored)
    if content_fingerprint(post) != one.content:
        found.edits[one.post_id] = post


def _look(asker: Asker, one: _Chosen, found: _Found) -> None:
    try:
        why = look_at_page(asker, one.stored.url)
    except DoubtError as doubt:
        found.unknown[one.post_id] = doubt.code
        return
    if why is None:
        found.there.add(one.post_id)
    else:
        found.dropped[one.post_id] = why


def _note(session: Session, found: _Found, *, now: dt.datetime) -> None:
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
            "picture": asdict(post.picture) if post.picture else None,
            "modified_at": post.modified_at,
            "content_fingerprint": content_fingerprint(post),
        }
        session.execute(sa.update(Post).where(Post.id == post_id).values(**values, changed_at=now))
    for post_id, code in found.unknown.items():
        log.warning("a post could not be looked at again", post=post_id, code=code)


def _chosen(session: Session, post_ids: Collection[int]) -> list[_Chosen]:
    posts = session.scalars(sa.select(Post).where(among(session, Post.id, list(post_ids)))).all()
    values = telling_values(session, post_ids)
    sources: dict[int, Source] = {}
    for post_id, source in session.execute(
        sa.select(PostSource.post_id, Source)
        .join(Source, Source.id == PostSource.source_id)
        .where(among(session, PostSource.post_id, list(post_ids)), Source.kind == SourceKind.WORDPRESS)
        .order_by(Source.id)
    ):
        sources.setdefault(post_id, source)
    return [_one(post, values[post.id], sources.get(post.id)) for post in posts]


def _one(post: Post, known_by: frozenset[str], source: Source | None) -> _Chosen:
    stored = ParsedPost(
        guid="",
        url=post.url,
        title=post.title,
        author=post.author,
        categories=tuple(post.categories),
        tags=tuple(post.tags),
        published_at=post.published_at,
        excerpt=post.excerpt,
        body_html=post.body_html,
        picture=Picture(**post.picture) if post.picture else None,
        language=post.language,
        modified_at=post.modified_at,
    )
    if source is None or host_of(source.url) != host_of(post.url):
        return _Chosen(post.id, stored, post.content_fingerprint, known_by)
    return _Chosen(
        post.id,
        stored,
        post.content_fingerprint,
        known_by,
        source_url=source.url,
        api=source.api_url or guessed_api(source.url),
        wanted=wanted_part(source.query or {}),
    )

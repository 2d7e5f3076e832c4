"""Store what a feed brought: new posts, changed ones, and all that each is known by."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.db.bulk import insert_rows, load_rows, take_ids
from digest.db.dialect import among_texts, lock_alone
from digest.feeds.fingerprints import content_fingerprint, fingerprints
from digest.feeds.types import ParsedFeed, ParsedPost
from digest.models import Post, PostFingerprint, PostSource, Source
from digest.sources.decide import Add, Keep, Known, Seen, decide, is_news

_POSTS, _FINGERPRINTS, _POST_SOURCES = (
    cast("sa.Table", model.__table__) for model in (Post, PostFingerprint, PostSource)
)


@dataclass(frozen=True, slots=True)
class Stored:
    """How many posts of a feed were new, changed, or known as they are."""

    new: int = 0
    changed: int = 0
    known: int = 0


def seen_in(feed: ParsedFeed, *, feed_url: str) -> list[Seen]:
    """The posts of a feed with all that they can be known by. Pure, and the longer part of the work."""
    return [
        Seen(post, fingerprints(post, feed_url=feed_url), content_fingerprint(post)) for post in feed.posts
    ]


def store(
    session: Session, source_id: int, seen: Sequence[Seen], *, language: str | None, now: dt.datetime
) -> Stored:
    """Store the posts of a source's feed; `language` is what the feed says of all of them."""
    # Two feeds of a site carry the same new post; collected side by side, both would add it.
    lock_alone(session, "posts")
    source = session.get_one(Source, source_id)
    intents = decide(seen, _known(session, seen))
    placed = _placed(session, intents, language, now)
    _take_over(session, placed)
    insert_rows(
        session,
        _FINGERPRINTS,
        [
            {"value": print_.value, "kind": print_.kind.value, "post_id": post_id}
            for post_id, intent in placed
            for print_ in intent.seen.fingerprints
        ],
        same={"first_seen_at": now},
        if_new=True,
    )
    is_first_fetch = source.last_good_at is None
    insert_rows(
        session,
        _POST_SOURCES,
        [
            {
                "post_id": post_id,
                "is_news": is_news(
                    _date_of(intent), news_since=source.news_since, is_first_fetch=is_first_fetch
                ),
            }
            for post_id, intent in placed
        ],
        same={"source_id": source_id, "seen_at": now},
        if_new=True,
    )
    added = sum(isinstance(intent, Add) for intent in intents)
    changed = sum(isinstance(intent, Keep) and intent.changed for intent in intents)
    if added:
        source.last_new_at = now
    return Stored(new=added, changed=changed, known=len(intents) - added - changed)


def _date_of(intent: Add | Keep) -> dt.datetime | None:
    """When a post came out. Of one that we have, as we know it: another feed may date it to today."""
    if isinstance(intent, Keep) and intent.published_at is not None:
        return intent.published_at
    return intent.seen.post.published_at


def _known(session: Session, seen: Sequence[Seen]) -> dict[str, Known]:
    values = {fingerprint.value for one in seen for fingerprint in one.fingerprints}
    rows = session.execute(
        sa.select(
            PostFingerprint.value,
            PostFingerprint.post_id,
            Post.content_fingerprint,
            Post.title,
            Post.published_at,
        )
        .outerjoin(Post, Post.id == PostFingerprint.post_id)
        .where(among_texts(session, PostFingerprint.value, values))
    )
    return {
        value: Known(post_id, content, title or "", published_at)
        for value, post_id, content, title, published_at in rows
    }


def _placed(
    session: Session, intents: Sequence[Add | Keep], language: str | None, now: dt.datetime
) -> list[tuple[int, Add | Keep]]:
    """Store new and changed posts; each intent with the id of its post."""
    new = [intent for intent in intents if isinstance(intent, Add)]
    new_ids = iter(_add_posts(session, new, language, now))
    placed: list[tuple[int, Add | Keep]] = []
    for intent in intents:
        if isinstance(intent, Add):
            placed.append((next(new_ids), intent))
            continue
        if intent.changed:
            # The date stays what it was: a site that sets dates to now must not make old posts news.
            values = _columns(intent.seen.post, intent.seen.content, language)
            session.execute(
                sa.update(Post).where(Post.id == intent.post_id).values(**values, changed_at=now),
                execution_options={"synchronize_session": False},
            )
        placed.append((intent.post_id, intent))
    return placed


def _add_posts(
    session: Session, intents: Sequence[Add], language: str | None, now: dt.datetime
) -> Sequence[int]:
    """Write new posts; their ids, in the same order."""
    if not intents:
        return []
    ids = take_ids(session, _POSTS, len(intents))
    rows = [
        {
            "id": number,
            **{
                name: _as_text(value)
                for name, value in _columns(one.seen.post, one.seen.content, language).items()
            },
            "published_at": one.seen.post.published_at or now,
        }
        for number, one in zip(ids, intents, strict=True)
    ]
    shared = {"first_seen_at": now, "changed_at": now}
    load_rows(session, _POSTS, list(rows[0]), (tuple(row.values()) for row in rows), same=shared)
    return ids


def _as_text(value: object) -> object:
    """Lists and objects as the JSON text that `load_rows` takes."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value


def _take_over(session: Session, placed: Sequence[tuple[int, Add | Keep]]) -> None:
    """What a feed has used again for another article is that article's from now on."""
    for post_id, intent in placed:
        if isinstance(intent, Add) and intent.taken:
            session.execute(
                sa.update(PostFingerprint)
                .where(PostFingerprint.value.in_(intent.taken))
                .values(post_id=post_id),
                execution_options={"synchronize_session": False},
            )


def _columns(post: ParsedPost, content: str, feed_language: str | None) -> dict[str, object]:
    return {
        "url": post.url,
        "title": post.title,
        "author": post.author,
        "categories": list(post.categories),
        "tags": list(post.tags),
        "language": post.language or feed_language,
        "excerpt": post.excerpt,
        "body_html": post.body_html,
        "picture": asdict(post.picture) if post.picture else None,
        "modified_at": post.modified_at,
        "content_fingerprint": content,
    }

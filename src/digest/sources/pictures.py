"""Our own copies of the pictures of posts, so that a mail does not depend on a site, nor tell it who reads.

claim a post (write) -> fetch and decode (no transaction) -> store the file and what came of it (write)

Never in the way of an edition: without a copy the picture is shown from the site's own address.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import clock
from digest.db import Database
from digest.feeds import stored_pictures
from digest.feeds.picture_file import PictureCode, PictureError, PictureFile, mail_picture
from digest.lists import assets
from digest.lists.kept_pictures import keep_file
from digest.logs import get_logger
from digest.models import Post, PostSource
from digest.net.http import Answer, FetchCode, Fetcher, FetchError, Limits

log = get_logger(__name__)

# Posts that are older are copied only once an edition wants them.
RECENT = dt.timedelta(days=7)
_CLAIM = dt.timedelta(minutes=2)
_MOST = 20  # of one run
_MOST_POSTS = 500  # that are looked through for one
_LIMITS = Limits(max_bytes=10_000_000, seconds=15.0)
_ACCEPT = "image/jpeg, image/png, image/webp;q=0.9, image/gif;q=0.8, */*;q=0.1"
_NO_KIND = {"", "application/octet-stream", "binary/octet-stream"}  # what servers say that were never told


def due_posts(session: Session, source_id: int, *, now: dt.datetime) -> list[int]:
    """The recent news of a source whose pictures want a copy now, the newest first, at most twenty."""
    is_recent = sa.or_(Post.first_seen_at > now - RECENT, Post.changed_at > now - RECENT)
    may_want = sa.or_(Post.picture_asset_id.is_(None), Post.changed_at >= Post.picture_tried_at)
    rows = session.execute(
        sa.select(Post.id, Post.picture, Post.picture_asset_id, Post.picture_tried_at)
        .join(PostSource, PostSource.post_id == Post.id)
        .where(PostSource.source_id == source_id, PostSource.is_news, is_recent, may_want)
        .order_by(Post.published_at.desc(), Post.id.desc())
        .limit(_MOST_POSTS)
    )
    due = []
    for row in rows:
        if row.picture and not (row.picture_asset_id and stored_pictures.copy_of(row.picture)):
            again = stored_pictures.next_try(row.picture, row.picture_tried_at)
            if again is None or again <= now:
                due.append(row.id)
    return due[:_MOST]


def mirror_source(database: Database, source_id: int, fetcher: Fetcher, *, now: dt.datetime) -> bool:
    """Copy the pictures of a source's recent news; whether there are more that want it."""
    with database.read() as session:
        due = due_posts(session, source_id, now=now)
    mirror(database, due, fetcher, now=now)
    with database.read() as session:
        return bool(due_posts(session, source_id, now=now))


def mirror(
    database: Database, post_ids: Sequence[int], fetcher: Fetcher, *, now: dt.datetime, seconds: float = 60.0
) -> int:
    """Copy the pictures of posts that have none of ours, in their order; how many were copied.

    Nothing is begun after so many seconds. What fails is noted at the post and tried again another time; one
    that was tried a moment ago is left alone. Raises nothing for whatever a site answers.
    """
    end, made = clock.monotonic() + seconds, 0
    for post_id in post_ids:
        if clock.monotonic() >= end:
            log.warning("pictures left out: no time", post=post_id)
            break
        with database.write() as session:
            url = _claim(session, post_id, now=now)
        if url is None:
            continue
        found = _fetched(url, fetcher)  # no transaction is open: a site takes its time
        with database.write() as session:
            made += _note(session, post_id, url, found, now=now)
        if isinstance(found, str):
            log.info("picture not copied", post=post_id, fault=found)
    return made


def _claim(session: Session, post_id: int, *, now: dt.datetime) -> str | None:
    """Where a post's picture lies, if it wants a copy and nobody else is at it."""
    post = _locked(session, post_id)
    if post is None or not post.picture:
        return None
    if post.picture_asset_id is not None and stored_pictures.copy_of(post.picture):
        return None
    if post.picture_tried_at is not None and "fault" in post.picture and post.picture_tried_at > now - _CLAIM:
        return None
    post.picture = stored_pictures.begun(post.picture)
    post.picture_tried_at = now
    return str(post.picture["url"])


def _fetched(url: str, fetcher: Fetcher) -> PictureFile | str:
    """The finished file, or the code of what is wrong."""
    try:
        answer = fetcher.get(url, accept=_ACCEPT, limits=_LIMITS)
        return mail_picture(_picture_bytes(answer))
    except FetchError as error:
        is_status = error.code is FetchCode.HTTP_STATUS
        return f"http_{error.status}" if is_status else str(error.code)
    except PictureError as error:
        return str(error.code)
    except Exception:
        # Whatever it is, even the end of a task's time: an edition does not fail for a picture.
        log.exception("picture not copied: something unforeseen")
        return stored_pictures.UNFINISHED


def _picture_bytes(answer: Answer) -> bytes:
    """The body, unless it says itself that it is a page or a drawing."""
    kind = answer.content_type.partition(";")[0].strip().lower()
    is_picture = kind.startswith("image/") and not kind.startswith("image/svg")
    if not is_picture and kind not in _NO_KIND:
        raise PictureError(PictureCode.NOT_A_PICTURE)
    return answer.body or b""


def _note(session: Session, post_id: int, url: str, found: PictureFile | str, *, now: dt.datetime) -> bool:
    """Store the file and what came of it, if the post still has this picture; whether it has a copy now."""
    post = _locked(session, post_id)
    if post is None or not post.picture or post.picture["url"] != url:
        return False
    if isinstance(found, str):
        post.picture = stored_pictures.with_fault(post.picture, found)
        return False
    there, copy = keep_file(session, found, until=now + assets.KEPT_FOR, now=now)
    post.picture_asset_id = there.id
    post.picture = stored_pictures.with_copy(post.picture, found, copy.fingerprint)
    return True


def _locked(session: Session, post_id: int) -> Post | None:
    query = sa.select(Post).where(Post.id == post_id).with_for_update()
    return session.scalars(query, execution_options={"populate_existing": True}).one_or_none()

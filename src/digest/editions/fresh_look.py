"""The last look at the sites before an edition is locked.

    collect its sources once more -> is its news unusual? -> choose -> check the chosen posts once more
    -> choose anew where one was dropped -> mirror their pictures

What a site does not answer keeps no edition from coming out: what we have is used, and the edition says so.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import clock
from digest.db import Database
from digest.editions.candidates import sources_to_collect
from digest.editions.compose import Material
from digest.editions.material import Outcome, material_of
from digest.editions.remarks import Note, remark
from digest.logs import get_logger
from digest.models import Cadence, DigestSource, Edition, Post, PostSource, Source
from digest.net.http import Fetcher
from digest.sources.collect_many import Collector
from digest.sources.pictures import mirror
from digest.sources.recheck import recheck
from digest.sources.record import asks_for_patience

log = get_logger(__name__)

# A source that was fetched this short a time ago is not fetched again.
_FRESH = dt.timedelta(seconds=60)
# For the sources all together: the slot does not wait for slow sites.
COLLECT_SECONDS = 60.0
# Where what was checked is dropped, others come in, which are to be checked as well.
_ROUNDS = 4
_ROUNDS_BEGIN_SECONDS = 30.0
_CHECK_SECONDS = 20.0  # of a round, at most
_MIRROR_SECONDS = 20.0

Remarks = list[dict[str, Any]]


def collect_once_more(
    database: Database, edition_id: int, fetcher: Fetcher, *, interval: dt.timedelta
) -> Remarks:
    """Collect an edition's sources; what is to be said of those that could not be read."""
    with database.read() as session:
        edition = session.get_one(Edition, edition_id)
        now = clock.utc_now()
        due = sources_to_collect(session, edition, before=now - _FRESH)
        wanted = [
            source.id
            for source in session.scalars(sa.select(Source).where(Source.id.in_(due)))
            if not asks_for_patience(source, interval=interval, now=now)
        ]
    collector = Collector(database, fetcher, interval)
    try:
        late = collector.collect_these(wanted, seconds=COLLECT_SECONDS)
    finally:
        collector.close()
    with database.read() as session:
        return [
            remark(
                Note.NOT_READ if source.id in late else Note.SOURCE_DOWN, source=source.title or source.url
            )
            for source in _sources_of(session, edition_id)
            if source.id in late or source.fault_code
        ]


def material_checked(
    database: Database, edition_id: int, fetcher: Fetcher, *, mirrors: bool
) -> tuple[Material | Outcome, Remarks]:
    """What the edition is made of, its posts checked once more, and with their pictures here if wanted."""
    checked: set[int] = set()
    said: Remarks = []
    end = clock.monotonic() + _ROUNDS_BEGIN_SECONDS
    for _ in range(_ROUNDS):
        with database.read() as session:
            material = material_of(session, edition_id, counts_readers=False)
        fresh = [] if isinstance(material, Outcome) else [p for p in material.posts if p.id not in checked]
        if not fresh or clock.monotonic() > end:
            break
        checked |= {post.id for post in fresh}
        said += _check(database, edition_id, fresh, fetcher)
    if mirrors and not isinstance(material, Outcome):
        _mirror(database, [post.id for post in material.posts], fetcher)
    with database.read() as session:
        # Once more: what was checked may have been changed, and pictures have their copies now.
        return material_of(session, edition_id), said


def _check(database: Database, edition_id: int, posts: Sequence[Post], fetcher: Fetcher) -> Remarks:
    """Check posts on their sites; a site that is down is not asked, for it has been said of its source."""
    titles = {post.id: post.title for post in posts}
    with database.read() as session:
        silent = _only_from_faulty(session, edition_id, titles)
    asked = [post_id for post_id in titles if post_id not in silent]
    if not asked:
        return []
    try:
        found = recheck(database, asked, fetcher, now=clock.utc_now(), seconds=_CHECK_SECONDS)
    except Exception:
        # Whatever it is, the edition is made of what is known, and says so.
        log.exception("stories could not be checked once more", edition=edition_id)
        return [remark(Note.UNCHECKED, title=titles[post_id]) for post_id in asked]
    return [
        remark(Note.DROPPED if post_id in found.dropped else Note.UNCHECKED, title=titles[post_id])
        for post_id in asked
        if post_id in found.dropped or post_id in found.unknown
    ]


def _mirror(database: Database, post_ids: Sequence[int], fetcher: Fetcher) -> None:
    try:
        mirror(database, post_ids, fetcher, now=clock.utc_now(), seconds=_MIRROR_SECONDS)
    except Exception:
        # A picture is no reason not to come out: its place stays as the site has it.
        log.exception("pictures could not be mirrored")


def _sources_of(session: Session, edition_id: int) -> Sequence[Source]:
    return session.scalars(
        sa.select(Source)
        .join(DigestSource, DigestSource.source_id == Source.id)
        .join(Cadence, Cadence.digest_id == DigestSource.digest_id)
        .join(Edition, Edition.cadence_id == Cadence.id)
        .where(Edition.id == edition_id)
        .order_by(Source.id)
    ).all()


def _only_from_faulty(session: Session, edition_id: int, posts: Collection[int]) -> set[int]:
    """Of these posts those that no source brings which can be read now."""
    faulty = {source.id: source.fault_code is not None for source in _sources_of(session, edition_id)}
    readable = set(
        session.scalars(
            sa.select(PostSource.post_id).where(
                PostSource.post_id.in_(posts),
                PostSource.source_id.in_([source_id for source_id, is_down in faulty.items() if not is_down]),
            )
        )
    )
    return set(posts) - readable

"""Whether the news of a coming edition is unusual: what came in since the last one, and what is usual."""

from __future__ import annotations

import bisect
import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.models import (
    Cadence,
    ChangeKind,
    Digest,
    DigestSource,
    Edition,
    EditionChange,
    EditionState,
    Fetch,
    Post,
    PostSource,
    Revision,
    SentItem,
    Source,
)
from digest.sources.breaker import Arrival, Oddity, SourceNews, limits_of, oddities

S = EditionState
# What is usual is what the weeks before brought.
_HISTORY = dt.timedelta(days=28)
# After a longer silence everything since is looked at in the same way.
_LONGEST_WINDOW = dt.timedelta(days=31)
_OUT = (S.FROZEN, S.SENDING, S.PAUSED, S.SENT)

_Key = tuple[int, dt.datetime]  # a source, and the moment of one of its collections


def odd_news(session: Session, edition: Edition, *, now: dt.datetime) -> list[Oddity]:
    """What is odd about the news that came in since the cadence's last edition, and was not accepted."""
    cadence = session.get_one(Cadence, edition.cadence_id)
    digest = session.get_one(Digest, cadence.digest_id)
    since = max(_last_edition(session, edition), _accepted_until(session, edition), now - _LONGEST_WINDOW)
    news = _news(session, edition, digest, since=since, now=now)
    return oddities(news, limits_of(digest.rules))


def as_remark(oddity: Oddity) -> dict[str, Any]:
    """An oddity as it is kept with its edition."""
    return {
        "code": oddity.code.value,
        "facts": dict(oddity.facts),
        "source_id": oddity.source_id,
        "arrivals": [moment.isoformat() for moment in oddity.arrivals],
    }


def _last_edition(session: Session, edition: Edition) -> dt.datetime:
    """When the cadence's last edition that came out was made; before the first, when the cadence was."""
    made = session.scalar(
        sa.select(sa.func.max(Revision.created_at))
        .join(Edition, Edition.id == Revision.edition_id)
        .where(
            Edition.cadence_id == edition.cadence_id,
            Edition.id != edition.id,
            Edition.state.in_(_OUT),
            Edition.corrects_id.is_(None),  # no news went out with a correction
        )
    )
    return made or session.get_one(Cadence, edition.cadence_id).created_at


def _accepted_until(session: Session, edition: Edition) -> dt.datetime:
    last = session.scalars(
        sa.select(EditionChange.details)
        .where(
            EditionChange.edition_id == edition.id,
            EditionChange.kind == ChangeKind.ACCEPT,
            EditionChange.undone_at.is_(None),
        )
        .order_by(EditionChange.id.desc())
        .limit(1)
    ).first()
    return dt.datetime.fromisoformat(last["until"]) if last else dt.datetime.min.replace(tzinfo=dt.UTC)


def _news(
    session: Session, edition: Edition, digest: Digest, *, since: dt.datetime, now: dt.datetime
) -> list[SourceNews]:
    sources = session.scalars(
        sa.select(Source)
        .join(DigestSource, DigestSource.source_id == Source.id)
        .where(DigestSource.digest_id == digest.id)
        .order_by(Source.id)
    ).all()
    ids = [source.id for source in sources]
    began = session.execute(
        sa.select(PostSource.source_id, sa.func.min(PostSource.seen_at))
        .where(PostSource.source_id.in_(ids))
        .group_by(PostSource.source_id)
    )
    first: dict[int, dt.datetime] = {row[0]: row[1] for row in began}
    earlier = _earlier(session, ids, first, since=since)
    dates = _dates(session, edition, ids, first, since=since, now=now)
    return [
        SourceNews(
            source_id=source.id,
            name=source.title or source.url,
            since=source.created_at,
            window_days=_days(now - since),
            days=_days(min(_HISTORY, max(since - first.get(source.id, since), dt.timedelta(0)))),
            earlier=earlier[source.id],
            arrivals=_arrivals(session, source, dates),
        )
        for source in sources
    ]


def _earlier(
    session: Session, ids: Sequence[int], first: Mapping[int, dt.datetime], *, since: dt.datetime
) -> dict[int, list[int]]:
    """The sizes of the collections before, without each source's first."""
    found: dict[int, list[int]] = defaultdict(list)
    for source_id, at, count in session.execute(
        sa.select(PostSource.source_id, PostSource.seen_at, sa.func.count())
        .where(
            PostSource.source_id.in_(ids),
            PostSource.is_news,
            PostSource.seen_at > since - _HISTORY,
            PostSource.seen_at <= since,
        )
        .group_by(PostSource.source_id, PostSource.seen_at)
    ):
        if at != first[source_id]:
            found[source_id].append(count)
    return found


def _dates(
    session: Session,
    edition: Edition,
    ids: Sequence[int],
    first: Mapping[int, dt.datetime],
    *,
    since: dt.datetime,
    now: dt.datetime,
) -> dict[_Key, list[dt.datetime]]:
    """The dates of the news in the window, by collection. What was sent in this cadence is odd no more."""
    was_sent = sa.exists().where(
        SentItem.cadence_id == edition.cadence_id, SentItem.post_id == PostSource.post_id
    )
    found: dict[_Key, list[dt.datetime]] = defaultdict(list)
    for source_id, at, date in session.execute(
        sa.select(PostSource.source_id, PostSource.seen_at, Post.published_at)
        .join(Post, Post.id == PostSource.post_id)
        .where(
            PostSource.source_id.in_(ids),
            PostSource.is_news,
            PostSource.seen_at > since,
            PostSource.seen_at <= now,
            ~was_sent,
        )
    ):
        if at != first[source_id]:
            found[source_id, at].append(date)
    return found


def _arrivals(
    session: Session, source: Source, dates: Mapping[_Key, Sequence[dt.datetime]]
) -> tuple[Arrival, ...]:
    mine = {at: each for (source_id, at), each in dates.items() if source_id == source.id}
    if not mine:
        return ()
    good = session.execute(
        sa.select(Fetch.at, Fetch.posts)
        .where(Fetch.source_id == source.id, Fetch.fault_code.is_(None))
        .order_by(Fetch.at)
    ).all()
    held = {row.at: row.posts for row in good}
    moments = [row.at for row in good]

    def before(at: dt.datetime) -> dt.datetime | None:
        place = bisect.bisect_left(moments, at)
        return moments[place - 1] if place else None

    return tuple(Arrival(at, each, held.get(at, 0), before(at)) for at, each in sorted(mine.items()))


def _days(span: dt.timedelta) -> float:
    return span.total_seconds() / 86_400

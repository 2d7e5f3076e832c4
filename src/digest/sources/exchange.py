"""Sources in the form that feed readers exchange: a list taken in, and a list given out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.feeds.opml import Outline
from digest.models import Digest, DigestSource, Source, SourceKind
from digest.models.source import AWAY_UNTIL
from digest.net.fetching import FetchError
from digest.net.http import check_address
from digest.sources.catalogue import add_source


class Taken(StrEnum):
    """What became of a line of a list."""

    ADDED = "added"
    THERE = "there already"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class TakenIn:
    """A line of a list with what became of it; `source` is None if it was refused, `why` then says why."""

    url: str
    title: str
    outcome: Taken
    source: Source | None = None
    why: str = ""


def take_in(
    session: Session,
    feeds: Sequence[Outline],
    *,
    backlog: dt.timedelta,
    draws_again: bool = True,
    actor: str,
    now: dt.datetime,
) -> list[TakenIn]:
    """Add the sources of a list that are not there yet; none is looked at, the first collection does that.

    With `draws_again` those that were taken away come back to the digests that they had.
    """
    there = {source.url: source for source in session.scalars(sa.select(Source))}
    done: list[TakenIn] = []
    for outline in feeds:
        try:
            url = str(check_address(outline.url))
        except FetchError as error:
            done.append(TakenIn(outline.url, outline.title, Taken.REFUSED, why=error.detail))
            continue
        if url in there and not there[url].is_away:
            done.append(TakenIn(url, outline.title, Taken.THERE, there[url]))
            continue
        source = add_source(
            session,
            url,
            kind=SourceKind(outline.kind),
            api_url=outline.api_url,
            query=outline.query,
            backlog=backlog,
            draws_again=draws_again,
            actor=actor,
            now=now,
        )
        if outline.title != url:
            source.title = outline.title
        there[url] = source
        done.append(TakenIn(url, outline.title, Taken.ADDED, source))
    return done


def outlines(
    session: Session, digest_id: int | None = None, *, only: sa.ColumnElement[bool] | None = None
) -> list[Outline]:
    """The sources, those of one digest or all, each in the folder of the digest that draws from it first."""
    drawn = (
        sa.select(DigestSource.source_id, sa.func.min(Digest.name).label("name"))
        .join(Digest, Digest.id == DigestSource.digest_id)
        .where(Digest.id == digest_id if digest_id is not None else sa.true())
        .group_by(DigestSource.source_id)
        .subquery()
    )
    rows = session.execute(
        sa.select(Source, drawn.c.name)
        .join(drawn, drawn.c.source_id == Source.id, isouter=digest_id is None)
        .where(Source.next_fetch_at < AWAY_UNTIL, sa.true() if only is None else only)
        .order_by(Source.id)
    )
    return [
        Outline(
            url=source.url,
            title=source.title,
            language=source.language,
            folder=folder or "",
            kind=source.kind.value,
            api_url=source.api_url,
            query={name: value for name, value in source.query.items() if name != "own"},
        )
        for source, folder in rows
    ]

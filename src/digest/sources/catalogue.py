"""Add, find and list sources."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import audit
from digest.db.dialect import insert_if_new
from digest.errors import InputError, NotFoundError
from digest.i18n import N_
from digest.models import Source, SourceKind
from digest.models.source import AWAY_UNTIL
from digest.net.http import check_address
from digest.queueing.enqueue import enqueue
from digest.queueing.names import TaskName
from digest.sources.keep import restore_source, start_source

_BACKLOG = re.compile(r"(\d{1,4})([hd])")


def parse_backlog(text: str) -> dt.timedelta:
    """How far back news may reach when a source is added: `36h` or `7d`."""
    found = _BACKLOG.fullmatch(text.strip().lower())
    if not found:
        raise InputError(N_("%(text)r is not a span of time; write it like 36h or 7d."), text=text)
    hours = int(found[1]) * (24 if found[2] == "d" else 1)
    return dt.timedelta(hours=hours)


def add_source(
    session: Session,
    url: str,
    *,
    backlog: dt.timedelta,
    actor: str,
    now: dt.datetime,
    kind: SourceKind = SourceKind.FEED,
    api_url: str | None = None,
    query: Mapping[str, Any] | None = None,
    draws_again: bool = True,
) -> Source:
    """Add a source; what its feed holds already is known but not news, save for the backlog asked for.

    `api_url` and `query` are those of a WordPress site: its REST root, and the part of it that is wanted. One
    that was taken away comes back with what it knows, and with `draws_again` to the digests that it had.
    """
    address = str(check_address(url))
    # Feeds date their posts to the second or the minute: what comes out in this very minute is news.
    news_since = (now - backlog).replace(second=0, microsecond=0)
    source_id = insert_if_new(
        session,
        Source,
        {
            "url": address,
            "kind": kind,
            "api_url": api_url,
            "query": dict(query or {}),
            "title": "",
            "news_since": news_since,
            "next_fetch_at": now,
            "created_at": now,
            "fault_detail": "",
            "faults_in_a_row": 0,
            "oddities": [],
        },
    )
    if source_id is None:
        away = session.scalar(
            sa.select(Source).where(Source.url == address, Source.next_fetch_at >= AWAY_UNTIL)
        )
        if away is not None:
            restore_source(session, away, draws_again=draws_again, actor=actor, now=now)
            if away.rests:  # it was paused before: whoever adds it wants it read
                start_source(session, away, actor=actor, now=now)
            return away
        raise InputError(N_("This source is there already."), hint="`digest source list` shows it.")
    source = session.get_one(Source, source_id)
    audit.record(session, "source.add", source, actor=actor, now=now)
    enqueue(session, TaskName.COLLECT, source_id)
    return source


def get_source(session: Session, reference: str) -> Source:
    """A source by its id or its address."""
    by = Source.id == int(reference) if reference.isdigit() else Source.url == reference
    source = session.scalar(sa.select(Source).where(by))
    if source is None:
        raise NotFoundError(
            N_("There is no source %(reference)r."),
            reference=reference,
            hint="`digest source list` shows those there are.",
        )
    return source

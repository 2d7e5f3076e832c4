"""Looking after a source: its name, its address, pausing, taking it away and bringing it back. Steps."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import audit
from digest.errors import InputError, StateError
from digest.i18n import N_
from digest.lists.fields import clean_line
from digest.models import AuditEntry, Cadence, Digest, DigestSource, Edition, EditionState, Source, SourceKind
from digest.models.source import AWAY_UNTIL, RESTS_UNTIL
from digest.net.http import FetchError, check_address
from digest.queueing.enqueue import enqueue
from digest.queueing.names import TaskName

_FORMER: Final = 5
_REMOVED: Final = "source.remove"


@dataclass(frozen=True, slots=True)
class Leaving:
    """What it means to take a source away: the digests that draw from it, and their coming editions."""

    digests: tuple[str, ...]
    editions: int


def rename_source(session: Session, source: Source, title: str, *, actor: str, now: dt.datetime) -> None:
    """Call a source otherwise than its site does; "" lets it go by the site's own name again."""
    name = clean_line(title, what=N_("title"))
    _hold(session, source)
    source.say_own("title", name)
    if name:
        source.title = name
    else:  # the site says its name when it is read the next time, whole
        source.etag = source.last_modified = None
    session.flush()
    audit.record(session, "source.rename", source, actor=actor, now=now, details={"own": bool(name)})


def pause_source(session: Session, source: Source, *, actor: str, now: dt.datetime) -> None:
    """Read it no more until it is started again. What it has brought stays; a fault of it troubles nobody."""
    _check_there(session, source)
    source.next_fetch_at = RESTS_UNTIL
    source.fault_code, source.fault_detail, source.faults_in_a_row = None, "", 0
    session.flush()
    audit.record(session, "source.pause", source, actor=actor, now=now)


def start_source(session: Session, source: Source, *, actor: str, now: dt.datetime) -> None:
    """Read it again, at once."""
    _check_there(session, source)
    _read_soon(session, source, now=now)
    audit.record(session, "source.start", source, actor=actor, now=now)


def change_address(
    session: Session, source: Source, found: Mapping[str, Any], *, actor: str, now: dt.datetime
) -> None:
    """Read a source elsewhere; `found` is what `add_source` takes. The old address is kept beside it.

    It is the same source: what it has brought is known again there. What came out before it was last read
    is no news, for a site that moves brings all of its archive.
    """
    _check_there(session, source)
    address = _checked(str(found["url"]))
    if address == source.url:
        raise InputError(N_("This is its address already."))
    taken = sa.select(Source.id).where(Source.url == address)
    if session.scalar(taken) is not None:
        raise InputError(N_("There is a source with this address already."))
    here = {
        "url": source.url,
        "kind": source.kind.value,
        "api_url": source.api_url,
        "query": _asked_of(source),
    }
    former = [here, *(one for one in source.former if one["url"] not in {source.url, address})][:_FORMER]
    source.news_since = max(source.news_since, source.last_good_at or source.news_since)
    source.url, source.kind = address, SourceKind(found.get("kind", SourceKind.FEED))
    source.api_url = found.get("api_url")
    own_title = source.own_title
    source.query = dict(found.get("query") or {})
    source.say_own("title", own_title)
    source.say_own("was", former)
    source.etag = source.last_modified = source.full_check_at = None
    source.fault_code, source.fault_detail, source.faults_in_a_row = None, "", 0
    if not source.rests:
        _read_soon(session, source, now=now)
    session.flush()
    audit.record(session, "source.address", source, actor=actor, now=now)


def leaving_of(session: Session, source: Source) -> Leaving:
    """What it means to take a source away now: two statements."""
    drawing = sa.select(DigestSource.digest_id).where(DigestSource.source_id == source.id)
    titles = session.scalars(sa.select(Digest.title).where(Digest.id.in_(drawing)).order_by(Digest.title))
    coming = (
        sa.select(sa.func.count())
        .select_from(Edition)
        .join(Cadence, Cadence.id == Edition.cadence_id)
        .where(Cadence.digest_id.in_(drawing), Edition.state == EditionState.UPCOMING)
    )
    return Leaving(tuple(titles), session.scalar(coming) or 0)


def remove_source(session: Session, source: Source, *, actor: str, now: dt.datetime) -> None:
    """Take a source away: no digest draws from it, nobody reads it. What it has brought is kept.

    `restore_source` brings it back as it was.
    """
    _check_there(session, source)
    drawn = sa.delete(DigestSource).where(DigestSource.source_id == source.id)
    digests = sorted(session.scalars(drawn.returning(DigestSource.digest_id)))
    details = {"digests": digests, "paused": source.rests}
    source.next_fetch_at = AWAY_UNTIL
    source.fault_code, source.fault_detail, source.faults_in_a_row = None, "", 0
    session.flush()
    audit.record(session, _REMOVED, source, actor=actor, now=now, details=details)


def restore_source(
    session: Session, source: Source, *, draws_again: bool = True, actor: str, now: dt.datetime
) -> None:
    """Bring a source back as it was, paused or not, to those of its digests that are still there.

    Without `draws_again` no digest draws from it: for whoever may add a source, and not speak for others'.
    """
    _hold(session, source)
    if not source.is_away:
        raise StateError(N_("This source is there."))
    last = (
        sa.select(AuditEntry.details)
        .where(
            AuditEntry.action == _REMOVED,
            AuditEntry.target_kind == Source.__name__,
            AuditEntry.target_id == source.id,
        )
        .order_by(AuditEntry.id.desc())
        .limit(1)
    )
    before = session.scalar(last) or {}
    of_old = sa.select(Digest.id).where(Digest.id.in_(before.get("digests", [])))
    there = session.scalars(of_old).all() if draws_again else ()
    session.add_all(DigestSource(digest_id=digest_id, source_id=source.id) for digest_id in there)
    if before.get("paused"):
        source.next_fetch_at = RESTS_UNTIL
        session.flush()
    else:
        _read_soon(session, source, now=now)
    audit.record(session, "source.restore", source, actor=actor, now=now, details={"digests": list(there)})


def _asked_of(source: Source) -> dict[str, Any]:
    """The part of a site that is wanted, without what the desk says of it."""
    return {name: value for name, value in source.query.items() if name != "own"}


def _read_soon(session: Session, source: Source, *, now: dt.datetime) -> None:
    source.next_fetch_at = now
    session.flush()
    enqueue(session, TaskName.COLLECT, source.id)


def _hold(session: Session, source: Source) -> None:
    """Have its row as it is now, locked: what is pressed twice finds what the first press has done."""
    session.flush()
    session.refresh(source, with_for_update={"key_share": True})


def _check_there(session: Session, source: Source) -> None:
    _hold(session, source)
    if source.is_away:
        raise StateError(N_("This source was taken away; bring it back first."))


def _checked(url: str) -> str:
    try:
        return str(check_address(url))
    except FetchError as error:
        raise InputError(N_("%(text)r is no address of a site."), text=url[:80]) from error

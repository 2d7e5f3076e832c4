"""Take an import back as a whole: end what it began, as far as nobody has changed it since.

Earlier events and the history of deliveries stay as they are. The people may come again by a later import.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.db import Database
from digest.db.dialect import among
from digest.errors import StateError
from digest.i18n import N_
from digest.lists import consent
from digest.lists.import_kept import drop_file
from digest.lists.import_run import import_by_id
from digest.lists.status import Action, Origin
from digest.models import (
    ConsentEvent,
    Import,
    ImportState,
    Subscription,
    SubscriptionStatus,
    Suppression,
)

_ROWS = 1000
_OURS = {Action.IMPORT.value, Action.UNDO_IMPORT.value}


@dataclass(frozen=True, slots=True)
class Undone:
    """What became of the subscriptions of an import, and of the do-not-mail entries it made."""

    ended: int
    changed_since: int  # by the person or by somebody else: these stay
    released: int  # taken off the do-not-mail list
    is_whole: bool = True  # False where it was asked to stop before the end


class _Last(NamedTuple):
    """The last event of a subscription's chain."""

    subscription_id: int
    number: int
    link: str
    action: str


def undo(
    database: Database,
    import_id: int,
    *,
    actor: str,
    now: dt.datetime,
    progress: Callable[[int], None] | None = None,
    source: Origin = Origin.CLI,
    stop: Callable[[], bool] | None = None,
) -> Undone:
    """End the subscriptions that the import made; if it ends half way, undo it again.

    `stop` is asked after each thousand. How far it has come, how many were ended (`taken_back`) and how many
    stayed is noted with the import: whoever goes on with it goes on there.

    Whom the import itself has ended (leavers who were on the list) stay ended: they did leave.
    Raises StateError if it was undone before.
    """
    with database.write() as session:
        row = import_by_id(session, import_id)
        if row.state is ImportState.UNDONE:
            raise StateError(N_("The import %(number)s was undone before."), number=import_id)
        row.undone_at = row.undone_at or now  # from here on nothing more comes in
        ended, kept = row.counts.get("taken_back", 0), row.counts.get("stayed", 0)
        after = int(row.mapping.get("undone_to") or 0)
    while True:
        with database.write() as session:
            found = _page(session, import_id, after)
            ours = [one for one in found if one.action == Action.IMPORT.value]
            _end(session, ours, import_id, source=source, actor=actor, now=now)
            if found:
                after = found[-1].subscription_id
                ended += len(ours)
                kept += sum(one.action not in _OURS for one in found)
                _note(session, import_id, ended, kept, after, now=now)
        if not found:
            break
        if progress:
            progress(ended + kept)
        if stop and stop():
            return Undone(ended, kept, 0, is_whole=False)
    with database.write() as session:
        row = session.get_one(Import, import_id, with_for_update=True)
        if row.state is ImportState.UNDONE:  # somebody did it beside us: it is theirs to tell
            raise StateError(N_("The import %(number)s was undone before."), number=import_id)
        released = _release(session, import_id)
        row.state = ImportState.UNDONE
        row.changed_at = now
        drop_file(session, row.file_fingerprint, import_id=row.id)
    return Undone(ended, kept, released)


def _page(session: Session, import_id: int, after: int) -> list[_Last]:
    """Some subscriptions of an import, locked, each with the last event of its chain."""
    of_import = (
        sa.select(Subscription.id)
        .where(Subscription.import_id == import_id, Subscription.id > after)
        .order_by(Subscription.id)
        .limit(_ROWS)
        .with_for_update()
    )
    ids = list(session.scalars(of_import))
    events = session.execute(
        sa.select(ConsentEvent.subscription_id, ConsentEvent.number, ConsentEvent.link, ConsentEvent.action)
        .where(among(session, ConsentEvent.subscription_id, ids))
        .order_by(ConsentEvent.subscription_id, ConsentEvent.number)
    )
    last = {row.subscription_id: _Last(*row) for row in events}
    return [last[one] for one in ids]


def _note(session: Session, import_id: int, ended: int, kept: int, after: int, *, now: dt.datetime) -> None:
    """How far it has come, in the transaction of the rows."""
    row = import_by_id(session, import_id)
    row.counts = {**row.counts, "taken_back": ended, "stayed": kept}
    row.mapping = {**row.mapping, "undone_to": after}
    row.changed_at = now


def _end(
    session: Session, found: list[_Last], import_id: int, *, source: Origin, actor: str, now: dt.datetime
) -> None:
    """Write the last event of each chain and its status, as `consent.append` does of one."""
    if not found:
        return
    events = [
        consent.make_event(
            one.link,
            subscription_id=one.subscription_id,
            number=one.number + 1,
            at=now,
            action=Action.UNDO_IMPORT,
            status=SubscriptionStatus.ENDED,
            source=source,
            details={"import": str(import_id), "actor": actor},
        )
        for one in found
    ]
    session.execute(sa.insert(ConsentEvent), [consent.as_row(event) for event in events])
    session.execute(
        sa.update(Subscription)
        .where(among(session, Subscription.id, [one.subscription_id for one in found]))
        .values(status=SubscriptionStatus.ENDED, paused_until=None, changed_at=now)
        .execution_options(synchronize_session=False)
    )


def _release(session: Session, import_id: int) -> int:
    """Take off the do-not-mail list what the import put there."""
    result = session.execute(
        sa.delete(Suppression).where(Suppression.source == f"{Origin.IMPORT.value}:{import_id}")
    )
    return int(getattr(result, "rowcount", 0))


def imports(
    session: Session, *, list_id: int | None = None, limit: int = 50, after: int | None = None
) -> list[Import]:
    """The newest imports first; `after` is the number of the last one of the page before."""
    query = sa.select(Import).order_by(Import.id.desc()).limit(limit)
    if after is not None:
        query = query.where(Import.id < after)
    if list_id is not None:
        query = query.where(Import.list_id == list_id)
    return list(session.scalars(query))

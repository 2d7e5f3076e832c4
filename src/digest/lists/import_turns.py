"""Imports in the background: a turn of some seconds, then the rest is left for another one.

So a large file holds up nobody, a process that ends loses a batch at most, and the clock finds what nobody
goes on with. Flows: each batch is a transaction of its own.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import audit, clock
from digest.db import Database
from digest.errors import DigestError, InputError, NotFoundError, StateError
from digest.i18n import N_, translator
from digest.lists import assets
from digest.lists.import_drafts import Draft, DraftState, change_draft, hold_draft, read_draft
from digest.lists.import_order import ImportReport, order_of
from digest.lists.import_run import TakenError, fetched, import_by_id, resume, try_lines
from digest.lists.import_undo import Undone, undo
from digest.lists.status import Origin
from digest.models import Import, ImportState
from digest.queueing.enqueue import enqueue, hint
from digest.queueing.names import TaskName

TURN_SECONDS = 8.0  # the same worker mails as well, where there is only one
_IN_MEMORY = 1 << 22
_FIGURES = ("lines", "added", "known", "left", "suppressed", "repeated", "bad", "ended", "barred")
_MORE_FIGURES = ("unconfirmed", "passed_over", "offices")


def try_draft(
    database: Database, draft_id: int, *, address_key: bytes, now: dt.datetime, seconds: float = TURN_SECONDS
) -> None:
    """Try a draft's file for a turn; nothing but the draft is written."""
    try:
        with database.read() as session:
            draft = read_draft(session, draft_id)
    except NotFoundError:
        return
    if draft.state is not DraftState.TRYING:
        return
    noted = _Noted(database, draft, now)
    try:
        with tempfile.SpooledTemporaryFile(_IN_MEMORY) as spool:
            stream = fetched(database, draft.file_print, spool)
            is_whole = try_lines(
                database,
                stream,
                draft.order("", address_key),
                now=now,
                done=draft.lines,
                note=noted,
                stop=_after(seconds),
            )
    except TakenError:
        return
    except InputError as error:
        noted.end(DraftState.FAILED, translator(draft.language).error(error))
    except Exception as error:
        noted.end(DraftState.FAILED, type(error).__name__)
        raise
    else:
        if is_whole:
            noted.end(DraftState.TRIED)
        else:
            hint(TaskName.TRY_IMPORT, draft_id)


class _Noted:
    """Writes down with the draft how far its trial has come, unless somebody has begun it anew."""

    def __init__(self, database: Database, draft: Draft, now: dt.datetime) -> None:
        self._database, self._draft, self._now = database, draft, now
        self._before: Mapping[str, int] = dict(draft.counts)
        self._lines = draft.lines

    def __call__(self, lines: int, found: ImportReport, report: bytes) -> None:
        new = {name: getattr(found, name) for name in (*_FIGURES, *_MORE_FIGURES)}
        counts = dict(Counter(self._before) + Counter(new))
        with self._database.write() as session:
            held = self._held(session)
            if held.report_id is not None:
                assets.append(session, held.report_id, report)
            moved = clock.utc_now().isoformat()
            change_draft(session, held, lines=lines, counts=counts, moved_at=moved)
        self._lines = lines

    def end(self, state: DraftState, fault: str = "") -> None:
        with contextlib.suppress(TakenError), self._database.write() as session:
            held = self._held(session)
            change_draft(session, held, state=state, fault=fault)

    def _held(self, session: Session) -> Draft:
        try:
            held = hold_draft(session, self._draft.id)
        except NotFoundError:
            raise TakenError("The file was thrown away.") from None
        mine = (self._draft.report_id, self._lines, DraftState.TRYING)
        if (held.report_id, held.lines, held.state) != mine:
            raise TakenError("Somebody else goes on with this trial.")
        return held


def ask_again(draft: Draft, *, now: dt.datetime) -> None:
    """Hint once more at a trial that does not move: the hint may have been lost."""
    moved = dt.datetime.fromisoformat(draft.moved_at) if draft.moved_at else now
    if draft.state is DraftState.TRYING and now - moved > dt.timedelta(seconds=2 * TURN_SECONDS):
        hint(TaskName.TRY_IMPORT, draft.id)


def import_a_turn(
    database: Database, import_id: int, *, address_key: bytes, now: dt.datetime, seconds: float = TURN_SECONDS
) -> None:
    """Go on with an import for a turn. What fails is noted with the import, for a person to look at."""
    with database.read() as session:
        row = session.get(Import, import_id)
        if row is None or row.state is not ImportState.RUNNING or row.undone_at is not None:
            return
    try:
        found = resume(database, import_id, address_key=address_key, now=now, stop=_after(seconds))
    except TakenError:
        return
    except DigestError as error:  # what comes before the first batch is not noted by itself
        _note_fault(database, import_id, order_of(row, address_key).told(error))
        return
    if not found.is_whole:
        hint(TaskName.IMPORT, import_id)
        return
    with database.write() as session:
        row = import_by_id(session, import_id)
        details = {"lines": found.lines, "added": found.added}
        audit.record(session, "list.import", row, actor=row.actor, now=now, details=details)


def go_on(session: Session, row: Import, *, now: dt.datetime) -> None:
    """Have an import that ended half way go on in the background; raises StateError for any other."""
    session.refresh(row, with_for_update=True)  # pressed twice, the first may have brought it to its end
    if row.state is not ImportState.FAILED or row.undone_at is not None:
        raise StateError(N_("There is nothing to go on with."))
    row.state, row.fault, row.changed_at = ImportState.RUNNING, "", now
    row.mapping = {**row.mapping, "by_itself": True}
    session.flush()
    enqueue(session, TaskName.IMPORT, row.id)


def ask_undo(session: Session, row: Import, *, actor: str, now: dt.datetime) -> None:
    """Have an import be taken back in the background; from here on nothing more comes in by it."""
    session.refresh(row, with_for_update=True)
    if row.state is ImportState.UNDONE:
        raise StateError(N_("It was taken back before."))
    row.undone_at = row.undone_at or now
    row.mapping = {**row.mapping, "undone_by": actor}
    row.changed_at = now
    session.flush()
    enqueue(session, TaskName.UNDO_IMPORT, row.id)


def undo_a_turn(
    database: Database, import_id: int, *, now: dt.datetime, seconds: float = TURN_SECONDS
) -> None:
    """Go on with taking an import back for a turn."""
    with database.read() as session:
        row = session.get(Import, import_id)
        if row is None or row.state is ImportState.UNDONE or not row.mapping.get("undone_by"):
            return
        actor = str(row.mapping["undone_by"])
    try:
        found = undo(database, import_id, actor=actor, now=now, source=Origin.DESK, stop=_after(seconds))
    except StateError:  # another worker was quicker
        return
    if not found.is_whole:
        hint(TaskName.UNDO_IMPORT, import_id)
        return
    with database.write() as session:
        _note_undone(session, import_id, found, actor=actor, now=now)


def _note_undone(session: Session, import_id: int, found: Undone, *, actor: str, now: dt.datetime) -> None:
    row = import_by_id(session, import_id)
    row.counts = {**row.counts, "released": found.released}
    details = {"ended": found.ended, "kept": found.changed_since, "released": found.released}
    audit.record(session, "list.import_undo", row, actor=actor, now=now, details=details)


def _note_fault(database: Database, import_id: int, fault: str) -> None:
    with database.write() as session:
        session.execute(
            sa.update(Import)
            .where(Import.id == import_id, Import.state == ImportState.RUNNING)
            .values(state=ImportState.FAILED, fault=fault[:500])
        )


def _after(seconds: float) -> Callable[[], bool]:
    end = clock.monotonic() + seconds
    return lambda: clock.monotonic() >= end
